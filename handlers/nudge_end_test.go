package handlers

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/runbook"
)

// The end of a run is told once, to whoever is on call or took part, and never late.
func TestTheEndIsToldOnce(t *testing.T) {
	t.Parallel()
	end := func(r *runbook.Run) {
		for i := range r.Steps {
			r.Steps[i].State, r.Steps[i].ChangedAt = runbook.Done, time.Now()
		}
		r.Step("power-off").DecidedBy = approvedBy("boss", "slack")
		r.Step("new-machine").State = runbook.Deferred
		r.State, r.EndedAt, r.EndedBy = runbook.RunDone, time.Now(), runbook.Actor{Name: "ops1", Platform: "web"}
	}
	atDesk(t, callFleet, func(d *desk) {
		d.hub.forget(everything)
		d.change(end)
		m := d.hub.get("nudge/k3v7/end/0")
		if !m.Nudge || !m.Ends || m.Of != "run/k3v7" || m.Priority != bot.Outcome || m.Emoji != "✅" || m.State != "done" ||
			!slices.Equal(m.Notify, []string{"ops2", "ops1", "guest", "boss"}) ||
			m.Title != "Service is back: 2 min down. 8 steps: 7 done, 1 deferred. Lost 1 h 11 min of data. 1 thing still open." ||
			m.Context != "The primary application server is dead (run k3v7) · Audit 7c1e40d2" {
			t.Errorf("told %+v", m)
		}
		d.change(func(r *runbook.Run) { r.Step("new-machine").State = runbook.Done })
		d.restart(time.Minute)
		d.restart(time.Hour)
		if again := d.hub.get(m.Key); again.Version != m.Version || again.State != "done" {
			t.Errorf("told again: %+v", again)
		}
	})
	for name, change := range map[string]func(r *runbook.Run){
		"dry run":  func(r *runbook.Run) { end(r); r.DryRun = true },
		"long ago": func(r *runbook.Run) { end(r); r.EndedAt = r.EndedAt.Add(-freshEnd - time.Second) },
		"parked":   func(r *runbook.Run) { r.State = runbook.Parked },
	} {
		atDesk(t, callFleet, func(d *desk) {
			d.change(change)
			if m := d.hub.get("nudge/k3v7/end/0"); m.Key != "" {
				t.Errorf("%s: told %+v", name, m)
			}
		})
	}
}

// The card of a long run shows the steps around the one that is done now.
func TestALongRunShowsPartOfItsOutline(t *testing.T) {
	t.Parallel()
	lines := func(n, width int) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = fmt.Sprint(i) + strings.Repeat("一", width)
		}
		return out
	}
	for name, c := range map[string]struct{ n, width, at, from, to int }{
		"short":      {40, 20, 39, 0, 40},
		"none":       {0, 0, -1, 0, 0},
		"begins":     {100, 20, 0, 0, 38},
		"middle":     {100, 20, 50, 38, 76},
		"ends":       {100, 20, 99, 62, 100},
		"long words": {40, 90, 20, 14, 33},
	} {
		all := lines(c.n, c.width)
		from, to := around(all, c.at)
		if from != c.from || to != c.to {
			t.Errorf("%s: %d to %d, not %d to %d", name, from, to, c.from, c.to)
		}
	}
}
