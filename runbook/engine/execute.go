package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"recoverbot/runbook"
	"recoverbot/runbook/failpoint"
)

// attempt is one execution of one step under way.
type attempt struct {
	run    runbook.Run
	step   runbook.StepRun
	action runbook.Action
	plan   runbook.Plan
	job    runbook.Job
	out    *output
	w      *worker

	expired bool // the hold's deadline passed while something else was waited for
}

// execute does what was approved, once: only who moved the step to executing calls it.
func (e *Engine) execute(ctx context.Context, w *worker, runID, stepID string, n int) {
	run, step, err := e.read(ctx, runID, stepID)
	if err != nil || step.State != runbook.Executing || step.Attempt != n || step.Plan == nil {
		return // whatever it is, it is looked at and never run
	}
	a, err := e.attempt(ctx, w, run, step)
	if err != nil {
		e.fail(ctx, a, textOf(err, "engine.not_built"), err)
		return
	}
	defer a.out.close()
	actx, cancel := e.deadline(ctx, step, e.now())
	defer cancel()
	if h, ok := a.action.(runbook.Holder); ok && h.Holds() {
		held, err := effect(a, "hold", func() (runbook.HeldChange, error) { return h.Hold(actx, a.plan, a.job, a.out) })
		if err != nil {
			e.conclude(ctx, actx, a, runbook.Result{}, err, false)
			return
		}
		e.keep(ctx, a, held)
		return
	}
	res, err := effect(a, "apply", func() (runbook.Result, error) { return a.action.Apply(actx, a.plan, a.job, a.out) })
	e.conclude(ctx, actx, a, res, err, true)
}

// effect is try for a call that changes the world: tests may end the process before and after it.
func effect[T any](a *attempt, verb string, fn func() (T, error)) (T, error) {
	return try(func() (T, error) { return failpoint.Around(fn, "effect", verb, a.step.Def.Kind) })
}

func (e *Engine) attempt(ctx context.Context, w *worker, run runbook.Run, step runbook.StepRun) (*attempt, error) {
	a := &attempt{run: run, step: step, w: w, job: runbook.Job{Run: run.ID, Step: step.ID, Attempt: step.Attempt}}
	if step.Plan != nil {
		a.plan = *step.Plan
	}
	var err error
	if a.action, err = e.build(run, step); err != nil {
		return a, err
	}
	a.out = e.newOutput(ctx, run.ID, step.ID, step.Attempt)
	return a, nil
}

// deadline is the step's own timeout, counted from its start.
func (e *Engine) deadline(ctx context.Context, s runbook.StepRun, from time.Time) (context.Context, context.CancelFunc) {
	d := time.Duration(s.Def.Timeout)
	if d <= 0 {
		d = e.cfg.ApplyTimeout
	}
	left := max(d-e.now().Sub(from), time.Second)
	return context.WithTimeoutCause(ctx, left, fmt.Errorf("step %s took over %s", s.ID, d))
}

// conclude journals what came of an execution. resume allows re-attaching to a detached job.
func (e *Engine) conclude(ctx, actx context.Context, a *attempt, res runbook.Result, err error, resume bool) {
	var refusal *runbook.Refusal
	switch {
	case errors.As(err, &refusal) && refusal.Stale:
		e.log.Info("plan is stale", "run_id", a.run.ID, "step_id", a.step.ID, "error", e.cfg.Actions.Redact(refusal.Error()))
		e.settle(ctx, a, func(s *runbook.StepRun) {
			replan(s, runbook.T("engine.stale_plan", "why", e.redact(refusal.Text)))
		})
	case errors.As(err, &refusal):
		e.fail(ctx, a, refusal.Text, err)
	case err != nil:
		e.broken(ctx, actx, a, err, resume)
	case res.Outcome == runbook.OutcomeDone, res.Outcome == runbook.OutcomeUnchanged:
		e.settle(ctx, a, func(s *runbook.StepRun) {
			s.State, s.Note, s.Result = runbook.Verifying, runbook.Msg{}, e.result(a, res)
		})
	case res.Outcome == runbook.OutcomeFailed:
		e.settle(ctx, a, func(s *runbook.StepRun) {
			s.State, s.Note, s.Result = runbook.Failed, runbook.Msg{}, e.result(a, res)
		})
	default:
		e.unknown(ctx, a, e.result(a, res), runbook.T("engine.outcome_unknown"))
	}
}

// broken deals with a plain error after the intent: re-attach where there is a job to re-attach to, else find evidence.
func (e *Engine) broken(ctx, actx context.Context, a *attempt, err error, resume bool) {
	e.log.Warn("execution broke off", "run_id", a.run.ID, "step_id", a.step.ID, "error", e.cfg.Actions.Redact(err.Error()))
	r, resumer := a.action.(runbook.Resumer)
	if ctx.Err() != nil && !a.w.cancelled.Load() && e.ending() {
		if _, holds := a.action.(runbook.Reholder); !holds && (!resumer || !resume) {
			e.settle(ctx, a, func(s *runbook.StepRun) {
				s.State, s.Note, s.Result = runbook.Unknown, runbook.T("engine.stopped_meanwhile"), e.result(a, runbook.Result{Outcome: runbook.OutcomeUnknown})
			})
		}
		return // a detached job goes on; the next start finds it again
	}
	if resume && resumer && actx.Err() == nil {
		res, err := e.reattach(actx, a, r)
		e.conclude(ctx, actx, a, res, err, actx.Err() != nil && ctx.Err() != nil)
		return
	}
	note := runbook.T("engine.broke_off")
	switch {
	case a.w.cancelled.Load():
		note = runbook.T("engine.cancelled")
	case actx.Err() != nil && ctx.Err() == nil:
		note = runbook.T("engine.timed_out")
	}
	var known *runbook.Error
	if errors.As(err, &known) {
		note = runbook.T("engine.broke_off_why", "why", e.redact(known.Msg))
	}
	e.unknown(ctx, a, e.result(a, runbook.Result{Outcome: runbook.OutcomeUnknown}), note)
}

// reattach waits for a detached job, with pauses while its host cannot be reached.
func (e *Engine) reattach(ctx context.Context, a *attempt, r runbook.Resumer) (runbook.Result, error) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = e.cfg.Backoff, max(15*time.Second, e.cfg.Backoff)
	for {
		if err := e.record(ctx, a.run.ID, a.step.ID, nil, func(_ *runbook.Run, s *runbook.StepRun) bool {
			if s.State != runbook.Executing || s.Attempt != a.step.Attempt {
				return false
			}
			s.Note = runbook.T("engine.reattaching")
			return true
		}); err != nil {
			return runbook.Result{}, err
		}
		res, err := effect(a, "resume", func() (runbook.Result, error) { return r.Resume(ctx, a.plan, a.job, a.out) })
		if runbook.CodeOf(err) != runbook.Unavailable || ctx.Err() != nil {
			return res, err
		}
		if !wait(ctx, pause.NextBackOff()) {
			return res, err
		}
	}
}

// fail journals that certainly nothing was changed.
func (e *Engine) fail(ctx context.Context, a *attempt, text runbook.Msg, err error) {
	e.log.Warn("step failed", "run_id", a.run.ID, "step_id", a.step.ID, "error", e.cfg.Actions.Redact(err.Error()))
	e.settle(ctx, a, func(s *runbook.StepRun) {
		s.State, s.Note = runbook.Failed, runbook.Msg{}
		s.Result = e.result(a, runbook.Result{Outcome: runbook.OutcomeFailed, Text: text})
	})
}

// unknown journals that the outcome is not known, then looks for evidence. Nothing is repeated.
func (e *Engine) unknown(ctx context.Context, a *attempt, res *runbook.Result, note runbook.Msg) {
	e.settle(ctx, a, func(s *runbook.StepRun) {
		s.State, s.Note, s.Result = runbook.Unknown, note, res
	})
	e.evidence(ctx, a)
}

// settle ends an execution: it edits the step, unless that has moved on.
func (e *Engine) settle(ctx context.Context, a *attempt, change func(*runbook.StepRun)) {
	e.settleBy(ctx, a, nil, change)
}

// settleBy is settle with the decision that ends it.
func (e *Engine) settleBy(ctx context.Context, a *attempt, d *runbook.Decision, change func(*runbook.StepRun)) {
	if a.out != nil {
		a.out.close()
	}
	_ = e.record(ctx, a.run.ID, a.step.ID, d, func(_ *runbook.Run, s *runbook.StepRun) bool {
		if s.Attempt != a.step.Attempt || !underWay(s.State) {
			return false
		}
		change(s)
		if d != nil {
			s.DecidedBy = &runbook.Approval{By: d.By, Choice: d.Choice, Reason: d.Reason, At: e.now()}
		}
		if s.State != runbook.Held {
			s.Progress = nil
		}
		return true
	})
}

// result is res as it is journaled.
func (e *Engine) result(a *attempt, res runbook.Result) *runbook.Result {
	if a.out != nil && res.Output == "" {
		res.Output = a.out.text(e.cfg.Actions.Redact)
	}
	res.Text = e.redact(res.Text)
	return &res
}
