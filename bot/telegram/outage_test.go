package telegram

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/telegram/telegramtest"
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// TestPressesOfAnOutage: fault 29.
func TestPressesOfAnOutage(t *testing.T) {
	t.Parallel()
	for name, waited := range map[string]time.Duration{"answered in time": 5 * time.Second, "long ago": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := &clock{at: time.Now().Truncate(time.Second)}
			m := asking()
			m.Buttons = append(m.Buttons, bot.Button{Label: "Drop", Choice: "drop", Action: "opaque-drop", Confirm: "Data is lost."})
			w := newTown(t, world{fake: telegramtest.Options{Clock: now.now}, wanted: func() []bot.Message { return []bot.Message{m} }})
			w.t.c.Clock = now.now
			posted := now.now()
			w.post(t, m)
			now.pass(10 * time.Minute)
			for _, choice := range []string{"drop", "drop", "send", "approve"} {
				if err := w.click(t, "ops1", "k1", choice); err != nil {
					t.Fatal(err)
				}
			}
			now.pass(waited)
			in := &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply { return bot.Reply{Text: "refused", Refused: true} }}
			bottest.Runs(t, w.t, in)
			w.until(t, "everything to be confirmed", func() bool { return w.srv.Pending() == 0 && w.srv.Polling() })
			w.until(t, "an answer", func() bool {
				_, messages := w.answers("ops1")
				return strings.Contains(strings.Join(messages, "\n"), "refused")
			})
			said := in.Said()
			if len(said) != 1 || said[0].Action != "opaque-approve" {
				t.Fatalf("handled was %+v", said)
			}
			want, untaken := now.now(), 0
			if waited > time.Minute {
				want, untaken = posted, 1
			}
			const word = "Your press was not taken"
			if untaken > 0 { // for all three of them
				w.until(t, "word of what was not taken", func() bool { _, all := w.answers("ops1"); return strings.Contains(strings.Join(all, "\n"), word) })
			}
			if _, all := w.answers("ops1"); strings.Count(strings.Join(all, "\n"), word) != untaken {
				t.Errorf("told was %q", all)
			}
			if !said[0].At.Equal(want) {
				t.Errorf("it counts as pressed at %v, not %v", said[0].At, want)
			}
		})
	}
}

// While this machine stands still, presses wait as in an outage.
func TestPressesOfAFreeze(t *testing.T) {
	t.Parallel()
	now := &clock{at: time.Now().Truncate(time.Second)}
	w := newTown(t, world{fake: telegramtest.Options{Clock: now.now}})
	w.t.c.Clock = now.now
	posted := now.now()
	w.post(t, bottest.Card("k1", 1))
	in := &bottest.Inbox{}
	to, end := newSession(t.Context(), in, w.log.Logger())
	p := &poller{Telegram: w.t, to: to, last: now.now()}
	for _, frozen := range []time.Duration{2 * time.Second, time.Hour} {
		now.pass(10 * time.Second)
		if err := w.click(t, "ops1", "k1", "approve"); err != nil {
			t.Fatal(err)
		}
		now.pass(frozen)
		if err := p.next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	end()
	said := in.Said()
	if len(said) != 2 || !said[0].At.Equal(posted.Add(12*time.Second)) || !said[1].At.Equal(posted) {
		t.Errorf("handled was %+v", said)
	}
}

// An answer to a question may be as old as a press of a card.
func TestAnswersOfAnOutage(t *testing.T) {
	t.Parallel()
	now := &clock{at: time.Now().Truncate(time.Second)}
	w := newTown(t, world{fake: telegramtest.Options{Clock: now.now}})
	w.t.c.Clock = now.now
	m := asking()
	m.Form = m.Form[1:2]
	w.post(t, m)
	in := &bottest.Inbox{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.t.Run(ctx, in) }()
	w.connected(t)
	if err := w.click(t, "ops1", "k1", "send"); err != nil {
		t.Fatal(err)
	}
	question, asked := w.asked(t, "Keep the old data"), now.now()
	cancel()
	<-ended
	w.button(t, "ops1", question, "No")
	now.pass(10 * time.Minute)
	bottest.Runs(t, w.t, in)
	eventually(t, "the answer", func() bool { return len(in.Said()) == 1 })
	if said := in.Said(); said[0].Action != "opaque-input" || !said[0].At.Equal(asked) {
		t.Errorf("handled was %+v, not at %v", said, asked)
	}
}

// What Telegram does not answer holds no update up, and makes no press of an outage a fresh one.
func TestOldPressWhoseAnswerHangs(t *testing.T) {
	t.Parallel()
	now := &clock{at: time.Now().Truncate(time.Second)}
	w := newTown(t, world{fake: telegramtest.Options{Clock: now.now}, pace: func(p *pace) { p.call, p.toast = time.Minute, 20*time.Millisecond }})
	w.t.c.Clock = now.now
	posted := now.now()
	w.post(t, bottest.Card("k1", 1))
	now.pass(time.Hour)
	if err := w.click(t, "ops1", "k1", "approve"); err != nil {
		t.Fatal(err)
	}
	w.srv.Fail(telegramtest.Fault{Method: "answerCallbackQuery", Hang: time.Hour})
	in := &bottest.Inbox{}
	bottest.Runs(t, w.t, in)
	w.until(t, "a confirmation", func() bool { return w.srv.Pending() == 0 })
	eventually(t, "the press", func() bool { return len(in.Said()) == 1 })
	if said := in.Said(); !said[0].At.Equal(posted) {
		t.Errorf("handled was %+v", said)
	}
}
