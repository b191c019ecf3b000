package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"recoverbot/runbook"
)

// approve counts d for each step; those with enough approvals execute. Their intent is journaled before anything runs.
func (e *Engine) approve(ctx context.Context, l *live, run runbook.Run, steps []*runbook.StepRun, d runbook.Decision) error {
	if err := e.healthy(ctx); err != nil {
		return err
	}
	now := e.now()
	counts := make([]counted, len(steps))
	for i, s := range steps { // a refusal for one is one for all of a group
		c, err := e.count(run, *s, d, now)
		if err != nil {
			return err
		}
		counts[i] = c
	}
	var ready []*runbook.StepRun
	for i, s := range steps {
		switch c := counts[i]; {
		case c.ready:
			ready = append(ready, s)
		case !c.same:
			if err := e.move(ctx, *s, c.next, forStep(d, *s)); err != nil {
				return err
			}
		}
	}
	if len(ready) == 0 {
		return nil
	}
	stale, err := e.recheck(ctx, run, ready, d)
	if err != nil || stale {
		return err
	}
	return e.execution(ctx, l, ready, d, now)
}

// execution moves the steps to executing and starts them.
func (e *Engine) execution(ctx context.Context, l *live, ready []*runbook.StepRun, d runbook.Decision, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	// While guards were asked the run may have been parked or ended, an earlier step reopened, and a person removed.
	run, err := e.cfg.Journal.Run(ctx, ready[0].RunID)
	if err != nil {
		return err
	}
	if l.resumeAbort(&run); l.aborting != nil { // perhaps the driver has not seen yet that it was journaled
		return e.decided(*ready[0], *l.aborting, now)
	}
	counts := make([]counted, len(ready))
	for i, s := range ready {
		if cur := run.Step(s.ID); run.State != runbook.Open || cur == nil || cur.Version != s.Version || !approvable(run, *cur) {
			return ErrMoved
		}
		if counts[i], err = e.count(run, *s, d, now); err != nil {
			return err
		}
		if !counts[i].ready {
			return ErrMoved
		}
	}
	for i, s := range ready {
		next, given := counts[i].next, forStep(d, *s)
		approval := next.Approvals[slices.IndexFunc(next.Approvals, func(a runbook.Approval) bool { return a.By.Name == d.By.Name })]
		given.Alone, given.Missing = approval.Alone, approval.Missing
		next.State, next.Note = runbook.Executing, runbook.Msg{}
		next.DecidedBy = &approval
		next.StartedAt = now
		next.Progress, next.Hold, next.Result, next.Evidence = nil, nil, nil, nil
		if err := e.move(ctx, *s, next, given); err != nil {
			e.kick(s.RunID) // it may have been written all the same: then it is looked at, never run
			return err
		}
		id := next.ID
		e.spawn(l, workExecute, s.RunID, id, next.Attempt, func(ctx context.Context, w *worker) {
			e.execute(ctx, w, next.RunID, id, next.Attempt)
		})
	}
	return nil
}

// recheck asks guard and needs again at the click. Where they say something else than the plan was shown with, the
// steps are planned again and the click does nothing.
func (e *Engine) recheck(ctx context.Context, run runbook.Run, steps []*runbook.StepRun, d runbook.Decision) (stale bool, err error) {
	pctx, cancel := context.WithTimeout(ctx, e.cfg.ProbeTimeout)
	defer cancel()
	guards := map[string]guardFound{}
	for _, s := range steps {
		def := run.Scenario.Guards[guardName(*s)]
		key := fmt.Sprint(ofMember(*s, def.All), ofMember(*s, def.Any))
		g, ok := guards[key]
		if !ok {
			g = e.guard(pctx, run, *s)
			guards[key] = g
		}
		stale = stale || !g.agrees(run, s.Plan) || !needsOf(run, s.Def.Needs).agree(s.Plan)
	}
	if !stale {
		return false, nil
	}
	for _, s := range steps {
		next := *s
		replan(&next, runbook.T("engine.changed_since"))
		if err := e.move(ctx, *s, next, nil); err != nil {
			return true, err
		}
	}
	e.kick(run.ID)
	now, rerr := e.cfg.Journal.Run(ctx, run.ID)
	if rerr != nil {
		return true, rerr
	}
	return true, staleError(*now.Step(steps[0].ID), "engine.changed_since")
}

// agree reports whether the needs still stand as the plan was shown with.
func (n needs) agree(p *runbook.Plan) bool {
	return n.deferred == "" && len(n.missing) == 0 && (n.skipped == "" || p.Override)
}

// withApproval adds a, or only its seat where that person approved already.
func withApproval(list []runbook.Approval, a runbook.Approval) []runbook.Approval {
	list = slices.Clone(list)
	for i, x := range list {
		if x.By.Name == a.By.Name {
			if !noted(x, a.By) {
				list[i].Seats = append(slices.Clone(x.Seats), a.By.Seat)
			}
			return list
		}
	}
	return append(list, a)
}

// noted reports whether a person's approval from where they sit now adds nothing to the one that they gave before.
func noted(x runbook.Approval, by runbook.Actor) bool {
	return x.By.Name == by.Name && (by.Seat == "" || sameSeat(x, runbook.Approval{By: by}))
}

// forStep is the decision as it is journaled with one step.
func forStep(d runbook.Decision, s runbook.StepRun) *runbook.Decision {
	d.Step, d.Attempt = s.ID, s.Attempt
	return &d
}
