package handlers

import (
	"context"
	"slices"
	"sync"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// leftFor is for how long after a run has ended the machine whose place it gave away is still taken for one that must not
// write, where fleet.yaml does not say so.
const leftFor = 24 * time.Hour

// fenced are the hosts that were the primary when a run started and that the run keeps from writing. Only they can make
// two machines write: no other one holds data that users go on with.
func fenced(r runbook.Run) []string {
	var out []string
	for _, s := range r.Steps {
		if !r.DryRun && s.Def.Fence && slices.Contains(r.Bindings["primary"], s.Host) {
			out = union(out, []string{s.Host})
		}
	}
	return out
}

// leftBy are the primaries whose place another machine has by now, or may have.
func leftBy(r runbook.Run) []string {
	if !engine.PastNoReturn(r) {
		return nil
	}
	return fenced(r)
}

// stopped reports whether a run, or a person in it, did stop a host for good.
func stopped(r runbook.Run, host string) bool {
	return slices.ContainsFunc(r.Steps, func(s runbook.StepRun) bool {
		return s.Host == host && s.State == runbook.Done && s.Result != nil && s.Result.Outcome == runbook.OutcomeDone &&
			(s.Def.Fence || s.Def.Kind == "manual")
	})
}

func active(r runbook.Run) bool { return r.State == runbook.Open || r.State == runbook.Parked }

// leavers remembers the runs of late, of which a machine that comes back may be the reason.
type leavers struct {
	mu   sync.Mutex
	runs map[string]runbook.Run
}

func (l *leavers) note(r runbook.Run) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.DryRun {
		return
	}
	if l.runs == nil {
		l.runs = map[string]runbook.Run{}
	}
	l.runs[r.ID] = r
}

// about are the runs that keep a primary from writing: those that may go on first, then the newest.
func (l *leavers) about(host string, now time.Time) []runbook.Run {
	out := slices.DeleteFunc(l.newest(now), func(r runbook.Run) bool { return !slices.Contains(fenced(r), host) })
	slices.SortStableFunc(out, func(a, b runbook.Run) int {
		switch {
		case active(a) == active(b):
			return 0
		case active(a):
			return -1
		}
		return 1
	})
	return out
}

// newest are the runs of late, the newest first.
func (l *leavers) newest(now time.Time) []runbook.Run {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []runbook.Run
	for id, r := range l.runs {
		if !active(r) && now.Sub(r.EndedAt) > leftFor {
			delete(l.runs, id)
			continue
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b runbook.Run) int { return b.StartedAt.Compare(a.StartedAt) })
	return out
}

// harmless reports whether the host is known to have been no primary when it went out of service.
func (l *leavers) harmless(host string, now time.Time) bool {
	for _, r := range l.newest(now) {
		if slices.Contains(r.Bindings["primary"], host) {
			return false
		}
		for _, role := range []string{"nginx", "standby", "report", "backup"} {
			if slices.Contains(r.Bindings[role], host) {
				return true
			}
		}
	}
	return false
}

// Left names the hosts whose place another machine has taken in a run: the watcher asks whether they write again.
func (h *Handlers) Left(context.Context) []string {
	var out []string
	for _, host := range h.Fleet.Config().Hosts {
		if _, left := h.leftIn(host.Name); left {
			out = append(out, host.Name)
		}
	}
	return out
}

// leftIn is the run in which another machine took the host's place.
func (h *Handlers) leftIn(host string) (runbook.Run, bool) {
	for _, r := range h.leavers.about(host, h.Clock()) {
		if engine.PastNoReturn(r) {
			return r, true
		}
	}
	return runbook.Run{}, false
}

// back are the hosts of a run that answer although another machine has their place.
func (h *Handlers) back(r runbook.Run) []string {
	var out []string
	for _, c := range h.alerts.all() {
		if c.Level != returned || c.State == resolved {
			continue
		}
		for _, host := range c.Hosts {
			if active(r) && slices.Contains(leftBy(r), host) {
				out = append(out, host)
			}
		}
	}
	slices.Sort(out)
	return out
}
