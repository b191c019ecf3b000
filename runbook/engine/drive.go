package engine

import (
	"context"
	"time"

	"recoverbot/runbook"
)

// drive looks at a run as journaled and starts the work that its states call for and nobody does yet.
func (e *Engine) drive(ctx context.Context, runID string) {
	l := e.live(runID)
	l.mu.Lock()
	defer l.mu.Unlock()
	run, err := e.cfg.Journal.Run(ctx, runID)
	if err != nil {
		if ctx.Err() == nil && runbook.CodeOf(err) != runbook.NotFound {
			e.log.Error("read run", "run_id", runID, "error", err)
			e.kickLater(runID)
		}
		return
	}
	if run.State != runbook.Open {
		l.cancelLooking()
		return
	}
	if run.DryRun {
		if l.workers[""] == nil {
			e.spawn(l, workDryRun, runID, "", 0, func(ctx context.Context, _ *worker) { e.dryRun(ctx, runID) })
		}
		return
	}
	l.resumeAbort(&run)
	e.adopt(l, &run)
	if l.aborting != nil {
		e.driveAbort(ctx, l, &run)
		return
	}
	if e.wakeDeferred(ctx, &run) {
		return // it has kicked
	}
	unit := turn(&run)
	if len(unit) == 0 {
		e.finish(ctx, l, run)
		return
	}
	settledPlans := true
	for _, s := range unit {
		if s.State == runbook.Pending {
			if w := l.workers[s.ID]; w != nil {
				if w.kind != workPreview {
					continue
				}
				w.cancel(nil)
			}
			e.spawnPlan(l, s)
		}
		settledPlans = settledPlans && s.State != runbook.Pending && s.State != runbook.Planning
	}
	if settledPlans {
		e.preview(l, &run, unit[len(unit)-1].Index)
	}
}

// adopt starts the work that a state demands where no goroutine does it: after a restart, and after each move.
func (e *Engine) adopt(l *live, run *runbook.Run) {
	for i := range run.Steps {
		s := run.Steps[i]
		if l.workers[s.ID] != nil {
			continue
		}
		switch s.State {
		case runbook.Planning:
			e.spawnPlan(l, &s)
		case runbook.Executing:
			e.spawn(l, workExecute, run.ID, s.ID, s.Attempt, func(ctx context.Context, w *worker) { e.recoverExecuting(ctx, w, s) })
		case runbook.Held:
			e.spawn(l, workExecute, run.ID, s.ID, s.Attempt, func(ctx context.Context, w *worker) { e.recoverHeld(ctx, w, s) })
		case runbook.Committing:
			e.spawn(l, workExecute, run.ID, s.ID, s.Attempt, func(ctx context.Context, w *worker) { e.recoverCommitting(ctx, w, s) })
		case runbook.Unknown:
			if s.Evidence == nil {
				e.spawn(l, workLook, run.ID, s.ID, s.Attempt, func(ctx context.Context, w *worker) { e.lookAgain(ctx, w, s, false) })
			}
		case runbook.Verifying:
			e.spawn(l, workVerify, run.ID, s.ID, s.Attempt, func(ctx context.Context, _ *worker) { e.verify(ctx, s) })
		}
	}
}

func (e *Engine) spawnPlan(l *live, s *runbook.StepRun) {
	runID, id := s.RunID, s.ID
	e.spawn(l, workPlan, runID, id, s.Attempt, func(ctx context.Context, _ *worker) { e.plan(ctx, runID, id) })
}

// preview plans the steps after the one at index early, so that they can be read; they stay pending.
func (e *Engine) preview(l *live, run *runbook.Run, index int) {
	var next *runbook.StepRun
	for i := range run.Steps {
		s := &run.Steps[i]
		if s.Index <= index || s.State.Settled() {
			continue
		}
		if next == nil {
			next = s
		}
		if s.ID != next.ID && (s.Group == "" || s.Group != next.Group) {
			return
		}
		if s.State == runbook.Pending && s.Plan == nil && l.workers[s.ID] == nil {
			runID, id := run.ID, s.ID
			e.spawn(l, workPreview, runID, id, s.Attempt, func(ctx context.Context, _ *worker) { e.planEarly(ctx, runID, id) })
		}
	}
}

// kickLater looks at a run again when the journal may answer again.
func (e *Engine) kickLater(runID string) {
	time.AfterFunc(e.cfg.Backoff, func() { e.kick(runID) })
}

// cancelLooking ends work that changes nothing.
func (l *live) cancelLooking() {
	for _, w := range l.workers {
		if w.kind == workPlan || w.kind == workPreview {
			w.cancel(nil)
		}
	}
}

// turn returns the step, or the members of the group, whose turn it is: the first that is not settled.
func turn(run *runbook.Run) []*runbook.StepRun {
	for i := range run.Steps {
		s := &run.Steps[i]
		if s.State.Settled() {
			continue
		}
		if s.Group == "" {
			return []*runbook.StepRun{s}
		}
		return run.Members(s.Group)
	}
	return nil
}
