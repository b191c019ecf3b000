package engine

import (
	"context"
	"errors"

	"recoverbot/runbook"
)

// look asks the action whether its effect took place. It never fails: what cannot be seen is unclear.
func (e *Engine) look(ctx context.Context, a *attempt) runbook.Evidence {
	ctx, cancel := context.WithTimeoutCause(ctx, e.cfg.LookTimeout, errors.New("looking for evidence took too long"))
	defer cancel()
	l, ok := a.action.(runbook.Looker)
	if !ok {
		return runbook.Evidence{Took: runbook.TookUnclear, Text: runbook.T("engine.no_evidence")}
	}
	ev, err := try(func() (runbook.Evidence, error) { return l.Look(ctx, a.plan, a.job) })
	if err != nil {
		e.log.Warn("look for evidence", "run_id", a.run.ID, "step_id", a.step.ID, "error", e.cfg.Actions.Redact(err.Error()))
		return runbook.Evidence{Took: runbook.TookUnclear, Text: textOf(err, "engine.look_failed")}
	}
	if ev.Took != runbook.TookYes && ev.Took != runbook.TookNo {
		ev.Took = runbook.TookUnclear
	}
	ev.Text = e.redact(ev.Text)
	return ev
}

// evidence looks, and journals what was found beside the unknown outcome. A person chooses what it means.
func (e *Engine) evidence(ctx context.Context, a *attempt) {
	if ctx.Err() != nil && e.ending() {
		return // the next start looks
	}
	ev := e.look(context.WithoutCancel(ctx), a)
	_ = e.record(ctx, a.run.ID, a.step.ID, nil, func(_ *runbook.Run, s *runbook.StepRun) bool {
		if s.State != runbook.Unknown || s.Attempt != a.step.Attempt {
			return false
		}
		s.Evidence = &ev
		return true
	})
}

// answerLook journals that a person asked for evidence, and looks.
func (e *Engine) answerLook(ctx context.Context, l *live, s, next runbook.StepRun, d runbook.Decision) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.aborting != nil {
		return e.decided(s, *l.aborting, e.now())
	}
	if w := l.workers[s.ID]; w != nil && w.kind == workLook {
		return nil // somebody looks already
	}
	if err := e.move(ctx, s, next, &d); err != nil {
		return err
	}
	e.spawn(l, workLook, s.RunID, s.ID, s.Attempt, func(ctx context.Context, w *worker) { e.lookAgain(ctx, w, s, true) })
	return nil
}

// lookAgain looks for evidence on an unknown outcome. Where a person asked, clear evidence decides.
func (e *Engine) lookAgain(ctx context.Context, w *worker, s runbook.StepRun, decide bool) {
	run, step, err := e.read(ctx, s.RunID, s.ID)
	if err != nil || step.State != runbook.Unknown || step.Attempt != s.Attempt {
		return
	}
	ev := runbook.Evidence{Took: runbook.TookUnclear, Text: runbook.T("engine.look_failed")}
	a, err := e.attempt(ctx, w, run, step)
	if err == nil {
		a.out.close()
		ev = e.look(ctx, a)
	}
	if ctx.Err() != nil {
		return
	}
	_ = e.record(ctx, s.RunID, s.ID, nil, func(_ *runbook.Run, s *runbook.StepRun) bool {
		if s.State != runbook.Unknown || s.Attempt != step.Attempt {
			return false
		}
		s.Evidence = &ev
		if !decide || ev.Took == runbook.TookUnclear {
			return true
		}
		r := runbook.Result{}
		if s.Result != nil {
			r = *s.Result
		}
		r.Text = ev.Text
		if ev.Took == runbook.TookNo {
			s.State, r.Outcome = runbook.Failed, runbook.OutcomeFailed
			s.Result = &r
		} else {
			s.State, r.Outcome = runbook.Done, runbook.OutcomeDone
			s.Result = withPlanned(s.Plan, r)
		}
		s.Hold, s.Note = nil, runbook.T("engine.by_evidence")
		return true
	})
}
