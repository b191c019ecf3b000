package restore

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"recoverbot/runbook"
)

// gauge is what a card was told, and when.
type gauge struct {
	t    *testing.T
	from time.Time
	mu   sync.Mutex
	told []string
}

func (g *gauge) Write(p []byte) (int, error) { return len(p), nil }

func (g *gauge) Progress(p runbook.Progress) {
	text := fmt.Sprintf("%s %s", time.Since(g.from), say(g.t, p.Text))
	if !p.Warn.IsZero() {
		text += " !" + say(g.t, p.Warn)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.told = append(g.told, text)
}

// next are what was told since the last call.
func (g *gauge) next() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	told := g.told
	g.told = nil
	return strings.Join(told, "\n")
}

func metered(t *testing.T, do func(m *meter, next func(after time.Duration) string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := &gauge{t: t, from: time.Now()}
		m := newMeter(g)
		defer m.close()
		do(m, func(after time.Duration) string {
			time.Sleep(after)
			synctest.Wait()
			return g.next()
		})
	})
}

func bytesDone(m *meter, done int64) {
	m.tell(runbook.Progress{Done: done, Total: 100e6, Unit: "bytes"}, "restore.phase_load")
}

// A card is told every few seconds how much of a load is done, at what rate of late, and how long it will take; the
// beginning of a phase and the end of its work at once.
func TestMeter(t *testing.T) {
	t.Parallel()
	metered(t, func(m *meter, next func(time.Duration) string) {
		want := func(what, want string, after time.Duration) {
			t.Helper()
			if got := next(after); got != want {
				t.Errorf("%s:\n%s\nwant\n%s", what, got, want)
			}
		}
		bytesDone(m, 0)
		want("a beginning", "0s Loading: 0 B of 100 MB", 0)
		for i := range int64(4) {
			time.Sleep(time.Second)
			bytesDone(m, (1+i)*1e6)
		}
		want("every three seconds", "3s Loading: 3.0 MB of 100 MB, 1.0 MB/s, 1 min 37 s left", 0)
		for i := range int64(30) { // faster now: the rate is that of late
			time.Sleep(time.Second)
			bytesDone(m, 4e6+(1+i)*3e6)
		}
		told := strings.Split(next(0), "\n")
		if last, want := told[len(told)-1], "33s Loading: 91.0 MB of 100 MB, 3.0 MB/s, 3 s left"; len(told) != 10 || last != want {
			t.Errorf("%d times, at last %s, want %s", len(told), last, want)
		}
		bytesDone(m, 100e6)
		want("an end", "34s Loading: 100 MB of 100 MB, 3.3 MB/s, 0 s left", 0)
		m.tell(runbook.Progress{Done: 1, Total: 14, Unit: "keys"}, "restore.phase_keys")
		want("the next phase", "34s Adding keys: 1 of 14", 0)
		m.tell(runbook.Progress{Done: 2, Total: 14, Unit: "keys"}, "restore.phase_keys")
		want("too soon", "", time.Second)
		m.tell(runbook.Progress{}, "restore.uploading", "host", "standby")
		want("not to be counted", "35s Bringing the helper to standby", 0)
	})
}

// What does not move for a minute is a warning, which says each minute how old it is, and ends nothing; it goes when
// something moves.
func TestMeterStalls(t *testing.T) {
	t.Parallel()
	metered(t, func(m *meter, next func(time.Duration) string) {
		bytesDone(m, 5e6)
		next(0)
		for range 11 { // the helper lives, and says so
			time.Sleep(5 * time.Second)
			bytesDone(m, 5e6)
		}
		if got := next(0); strings.Contains(got, "!") {
			t.Errorf("warned too early: %s", got)
		}
		got := next(6 * time.Second)
		if !strings.HasPrefix(got, "1m0s ") || !strings.Contains(got, "!Nothing has moved for 1 min. ") || strings.Contains(got, "\n") {
			t.Errorf("after a minute: %q", got)
		}
		bytesDone(m, 5e6) // no movement: the warning stays, and is not told again for that
		if got := next(0); got != "" {
			t.Errorf("again: %s", got)
		}
		if got := next(2 * time.Minute); strings.Count(got, "!Nothing has moved for ") != 2 || strings.Count(got, "\n") != 1 || !strings.Contains(got, "3 min") {
			t.Errorf("goes on: %q", got)
		}
		bytesDone(m, 6e6)
		if got := next(0); got == "" || strings.Contains(got, "!") {
			t.Errorf("moves again: %q", got)
		}
		if got := next(59 * time.Second); got != "" {
			t.Errorf("warned too early after that: %s", got)
		}
	})
}
