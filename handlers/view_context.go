package handlers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"recoverbot/runbook"
)

// context is what counts, at the head of every card: down since, data lost, step n of m, what comes next.
func (v viewer) context(r runbook.Run, c card) string {
	all := cards(r)
	parts := v.watermark(r)
	if moves(r) && !r.DownSince.IsZero() || r.Alert != "" {
		end := r.EndedAt
		if end.IsZero() {
			end = v.now
		}
		if back := backAt(r); !back.IsZero() {
			end = back
		}
		id := "view.down"
		if !moves(r) {
			id = "view.degraded"
		}
		parts = append(parts, v.say.T(id, "clock", stopwatch(end.Sub(r.DownSince))))
	}
	if loss, lost, ok := lossSeconds(r); ok {
		id := "view.loss"
		if lost {
			id = "view.loss_done"
		}
		parts = append(parts, v.say.T(id, "seconds", loss))
	}
	if c.number > 0 {
		parts = append(parts, v.say.T("view.step_of", "n", c.number, "all", len(all)))
		if c.number < len(all) && !c.settled() {
			parts = append(parts, v.say.T("view.next", "title", v.say.Text(all[c.number].def.Title)))
		}
	}
	return strings.Join(parts, " · ")
}

// watermark says that a run is not in earnest.
func (v viewer) watermark(r runbook.Run) []string {
	var out []string
	if r.DryRun {
		out = append(out, v.say.T("view.dry_run"))
	}
	if v.drill {
		out = append(out, v.say.T("view.drill"))
	}
	return out
}

// stopwatch shows a running time as platforms that tick it do: 04:02, 1:04:02.
func stopwatch(d time.Duration) string {
	s := max(0, int(d.Seconds()))
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}

// moves reports whether a run moves the service to another machine, since it is down where it was. Other runs mend what
// users hardly notice: no data is lost by them.
func moves(r runbook.Run) bool {
	return slices.ContainsFunc(r.Steps, func(s runbook.StepRun) bool { return s.Def.PointOfNoReturn })
}

// downSince is since when the time without service, or with less of it, grows; zero where it has stopped.
func downSince(r runbook.Run) time.Time {
	if !r.EndedAt.IsZero() || !backAt(r).IsZero() || !moves(r) && r.Alert == "" {
		return time.Time{}
	}
	return r.DownSince
}

// backAt is when service was seen to be back: the first check after the point of no return that passed.
func backAt(r runbook.Run) time.Time {
	passed := false
	for _, s := range r.Steps {
		if s.Def.PointOfNoReturn && s.State == runbook.Done {
			passed = true
			continue
		}
		if passed && s.Def.Kind == "check" && s.State == runbook.Done {
			return s.ChangedAt
		}
	}
	return time.Time{}
}
