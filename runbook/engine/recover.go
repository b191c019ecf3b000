package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"recoverbot/runbook"
)

// takeOver makes the journal's open and parked runs this process's. What was under way in them is found out by the
// driver: planned again, re-attached, looked at; never run again.
func (e *Engine) takeOver(ctx context.Context) error {
	var runs []runbook.Run
	for {
		var err error
		if runs, err = e.cfg.Journal.Active(ctx); err == nil {
			break
		}
		if ctx.Err() != nil {
			return fmt.Errorf("list runs to recover: %w", err)
		}
		e.log.Error("list runs to recover", "error", err)
		if !wait(ctx, e.cfg.Backoff) {
			return fmt.Errorf("list runs to recover: %w", err)
		}
	}
	for _, run := range runs {
		if run.Owner != e.cfg.Owner {
			next := run
			next.Owner = e.cfg.Owner
			if err := e.moveRun(ctx, run, next, nil); err != nil {
				e.log.Warn("take run over", "run_id", run.ID, "error", err)
			}
		}
		e.kick(run.ID)
	}
	return nil
}

// recoverExecuting deals with an execution that nobody attends to: the intent is journaled, the outcome is not.
func (e *Engine) recoverExecuting(ctx context.Context, w *worker, s runbook.StepRun) {
	a, ok := e.recovered(ctx, w, s, runbook.Executing)
	if !ok {
		return
	}
	defer a.out.close()
	from := a.step.StartedAt
	if from.IsZero() || from.After(e.now()) {
		from = e.now()
	}
	actx, cancel := e.deadline(ctx, a.step, from)
	defer cancel()
	if h, ok := a.action.(runbook.Holder); ok && h.Holds() {
		r, ok := a.action.(runbook.Reholder)
		if !ok {
			e.unknown(ctx, a, e.result(a, runbook.Result{Outcome: runbook.OutcomeUnknown}), runbook.T("engine.restarted"))
			return
		}
		held, err := e.rehold(actx, a, r)
		if err == nil {
			e.keep(ctx, a, held)
			return
		}
		e.conclude(ctx, actx, a, runbook.Result{}, err, false)
		return
	}
	if r, ok := a.action.(runbook.Resumer); ok {
		res, err := e.reattach(actx, a, r)
		e.conclude(ctx, actx, a, res, err, actx.Err() != nil && ctx.Err() != nil)
		return
	}
	e.unknown(ctx, a, e.result(a, runbook.Result{Outcome: runbook.OutcomeUnknown}), runbook.T("engine.restarted"))
}

// recoverHeld finds a durable hold again. A volatile one died with its connection: evidence must not contradict.
func (e *Engine) recoverHeld(ctx context.Context, w *worker, s runbook.StepRun) {
	a, ok := e.recovered(ctx, w, s, runbook.Held)
	if !ok {
		return
	}
	defer a.out.close()
	if a.step.Hold != nil && a.step.Hold.Durable {
		r, ok := a.action.(runbook.Reholder)
		err := errors.New("action cannot find a hold again")
		if ok {
			var held runbook.HeldChange
			if held, err = e.rehold(ctx, a, r); err == nil {
				e.keep(ctx, a, held)
				return
			}
		}
		if ctx.Err() != nil {
			return
		}
		e.log.Warn("find hold again", "run_id", a.run.ID, "step_id", a.step.ID, "error", e.cfg.Actions.Redact(err.Error()))
		e.unknown(ctx, a, a.step.Result, runbook.T("engine.hold_not_found"))
		return
	}
	ev := e.look(ctx, a)
	if ctx.Err() != nil {
		return
	}
	e.settle(ctx, a, func(s *runbook.StepRun) {
		if ev.Took == runbook.TookYes {
			s.State, s.Evidence, s.Note = runbook.Unknown, &ev, runbook.T("engine.hold_took")
			return
		}
		s.State, s.Hold, s.Note = runbook.RolledBack, nil, runbook.T("engine.hold_restarted")
	})
}

// recoverCommitting finds out by evidence alone whether a commit took place.
func (e *Engine) recoverCommitting(ctx context.Context, w *worker, s runbook.StepRun) {
	a, ok := e.recovered(ctx, w, s, runbook.Committing)
	if !ok {
		return
	}
	defer a.out.close()
	ev := e.look(ctx, a)
	if ctx.Err() != nil {
		return
	}
	e.settle(ctx, a, func(s *runbook.StepRun) {
		s.Evidence = &ev
		switch ev.Took {
		case runbook.TookYes:
			s.State, s.Note = runbook.Verifying, runbook.T("engine.by_evidence")
			s.Result = withPlanned(s.Plan, *e.result(a, runbook.Result{Outcome: runbook.OutcomeDone, Text: ev.Text}))
		case runbook.TookNo:
			s.State, s.Hold, s.Note = runbook.RolledBack, nil, runbook.T("engine.commit_lost")
		default:
			s.State, s.Note = runbook.Unknown, runbook.T("engine.restarted")
		}
	})
}

// recovered builds the action of an attempt that an earlier process began.
func (e *Engine) recovered(ctx context.Context, w *worker, s runbook.StepRun, in runbook.State) (*attempt, bool) {
	run, step, err := e.read(ctx, s.RunID, s.ID)
	if err != nil || step.State != in || step.Attempt != s.Attempt {
		return nil, false
	}
	a, err := e.attempt(ctx, w, run, step)
	if err != nil {
		e.log.Error("build action", "run_id", run.ID, "step_id", step.ID, "error", e.cfg.Actions.Redact(err.Error()))
		ev := runbook.Evidence{Took: runbook.TookUnclear, Text: textOf(err, "engine.look_failed")}
		e.settle(ctx, a, func(s *runbook.StepRun) {
			s.State, s.Evidence, s.Note = runbook.Unknown, &ev, runbook.T("engine.restarted")
		})
		return nil, false
	}
	return a, true
}

// rehold finds a durable hold, with pauses while its host cannot be reached.
func (e *Engine) rehold(ctx context.Context, a *attempt, r runbook.Reholder) (runbook.HeldChange, error) {
	const tries = 5
	pause := e.cfg.Backoff
	for i := 1; ; i++ {
		held, err := effect(a, "rehold", func() (runbook.HeldChange, error) { return r.Rehold(ctx, a.plan, a.job, a.out) })
		if err == nil || i == tries || runbook.CodeOf(err) != runbook.Unavailable || !wait(ctx, pause) {
			return held, err
		}
		pause = min(2*pause, 15*time.Second)
	}
}
