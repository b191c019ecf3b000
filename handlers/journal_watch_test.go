package handlers

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"recoverbot/bot"
)

type pulse struct {
	mu     sync.Mutex
	err    error
	failed chan error
}

func (p *pulse) Healthy(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

func (p *pulse) Failed() <-chan error { return p.failed }

func (p *pulse) answers(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

// TestAJournalThatCannotBeWritten is told once, with its cause and to whoever is on call, and once that it is over
// (fault 6).
func TestAJournalThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	atDesk(t, callFleet, func(d *desk) {
		var told []bot.Message
		p := &pulse{failed: make(chan error, 1)}
		ctx, cancel := context.WithCancel(context.Background())
		done := spawn(func() {
			_ = d.WatchJournal(ctx, p, func(_ context.Context, m bot.Message) {
				p.mu.Lock()
				defer p.mu.Unlock()
				told = append(told, m)
			})
		})
		defer func() { cancel(); <-done }()
		wait := func(pass time.Duration, want int) bot.Message {
			t.Helper()
			time.Sleep(pass)
			synctest.Wait()
			p.mu.Lock()
			defer p.mu.Unlock()
			if len(told) != want {
				t.Fatalf("told %d times, want %d: %+v", len(told), want, told)
			}
			if want == 0 {
				return bot.Message{}
			}
			return told[want-1]
		}
		wait(time.Hour, 0)
		p.answers(syscall.EROFS)
		wait(journalEvery, 0) // once is nothing
		p.answers(nil)
		wait(journalEvery, 0)
		p.answers(syscall.EROFS)
		m := wait(2*journalEvery, 1)
		if m.Title != "The journal cannot be written: the file or its disk is read-only" || m.State != "failed" || len(m.Notify) == 0 ||
			!slices.Equal(m.Notify, onCall(d.Fleet.Now())) || m.Priority != bot.Prompt || !strings.Contains(m.Lines[0], "Nothing new begins") {
			t.Errorf("down: %+v", m)
		}
		wait(time.Hour, 1)
		p.answers(nil)
		p.failed <- errors.New("one write that fails is not well")
		wait(journalEvery, 1)
		wait(journalEvery, 1)
		over := wait(time.Minute, 2)
		if over.Key != m.Key || over.Version <= m.Version || over.State != "done" || len(over.Notify) != 0 ||
			!strings.HasPrefix(over.Title, "The journal can be written again; the trouble lasted 1 h") {
			t.Errorf("well: %+v", over)
		}
		p.failed <- syscall.ENOSPC // at once
		if m = wait(0, 3); m.Title != "The journal cannot be written: the disk is full" {
			t.Errorf("at once: %+v", m)
		}
		zh := d.printer("zh")
		if d.say = zh; d.journalDown(syscall.ENOSPC, time.Now()).Title != "日志库无法写入：磁盘已满" {
			t.Errorf("in Chinese: %+v", d.journalDown(syscall.ENOSPC, time.Now()))
		}
	})
}
