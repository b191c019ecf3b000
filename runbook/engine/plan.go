package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"recoverbot/runbook"
)

// planned is what planning a step came to.
type planned struct {
	plan     runbook.Plan
	findings []runbook.Finding
	deferred string // a needed step that was deferred: this one is deferred with it
	err      error  // looking failed
}

// plan looks at a step whose turn it is, under a new attempt, and asks for an answer where one is needed.
func (e *Engine) plan(ctx context.Context, runID, stepID string) {
	if err := e.record(ctx, runID, stepID, nil, func(_ *runbook.Run, s *runbook.StepRun) bool {
		if s.State == runbook.Pending {
			replan(s, runbook.Msg{})
			return true
		}
		return false
	}); err != nil && !errors.Is(err, errGone) {
		return
	}
	run, step, err := e.read(ctx, runID, stepID)
	if err != nil || step.State != runbook.Planning {
		return
	}
	p := e.makePlan(ctx, run, step)
	if ctx.Err() != nil {
		return // parked, aborted or stopped: planned again when the run goes on
	}
	_ = e.record(ctx, runID, stepID, nil, func(_ *runbook.Run, s *runbook.StepRun) bool {
		if s.State != runbook.Planning || s.Attempt != step.Attempt {
			return false
		}
		e.applyPlan(run, s, p)
		return true
	})
}

// planEarly plans a pending step so that people can read what comes next. The plan is a preview: the step is planned
// again, under another attempt, when its turn comes.
func (e *Engine) planEarly(ctx context.Context, runID, stepID string) {
	run, step, err := e.read(ctx, runID, stepID)
	if err != nil || step.State != runbook.Pending {
		return
	}
	p := e.makePlan(ctx, run, step)
	if p.err != nil || ctx.Err() != nil {
		return
	}
	if p.deferred != "" {
		p.plan = runbook.Plan{Verdict: runbook.Provisional, Needs: []string{p.deferred}, Why: provisional([]string{p.deferred})}
	}
	// One try: a preview that cannot be written is no loss.
	err = e.update(ctx, runID, stepID, nil, func(_ *runbook.Run, s *runbook.StepRun) bool {
		if s.State != runbook.Pending || s.Plan != nil {
			return false
		}
		s.Plan = &p.plan
		return true
	})
	if err != nil && !errors.Is(err, errGone) && ctx.Err() == nil {
		e.log.Warn("write preview", "run_id", runID, "step_id", stepID, "error", err)
	}
}

// applyPlan moves a step that was planning to where the plan leads.
func (e *Engine) applyPlan(run runbook.Run, s *runbook.StepRun, p planned) {
	s.Findings = p.findings
	s.Digest = digest(run, *s, runbook.Effect{})
	switch {
	case p.deferred != "":
		s.State = runbook.Deferred
		s.Note = runbook.T(deferredWith, "step", p.deferred)
	case p.err != nil:
		e.log.Warn("plan step", "run_id", s.RunID, "step_id", s.ID, "error", e.cfg.Actions.Redact(p.err.Error()))
		s.State = runbook.Failed
		s.Note = textOf(p.err, "engine.plan_failed")
	default:
		s.Plan = &p.plan
		s.Digest = digest(run, *s, p.plan.Effect)
		s.State = runbook.Waiting
		if p.plan.Verdict == runbook.Satisfied {
			s.State = runbook.Done
			s.Note = p.plan.Why
			s.Result = &runbook.Result{
				Outcome: runbook.OutcomeUnchanged, Text: p.plan.Why, Values: p.plan.Values, Open: p.plan.Open, Tables: p.plan.Tables,
			}
		}
	}
}

// makePlan looks: needs, when, guard and the action itself. It changes nothing.
func (e *Engine) makePlan(ctx context.Context, run runbook.Run, step runbook.StepRun) planned {
	ctx, cancel := context.WithTimeoutCause(ctx, e.cfg.PlanTimeout, fmt.Errorf("planning step %s took over %s", step.ID, e.cfg.PlanTimeout))
	defer cancel()
	needs := needsOf(run, step.Def.Needs)
	if needs.deferred != "" && !run.DryRun {
		return planned{deferred: needs.deferred}
	}
	if len(step.Def.When) > 0 {
		findings := e.probeSparing(ctx, run, step, step.Def.When)
		if err := ctx.Err(); err != nil {
			return planned{err: context.Cause(ctx)}
		}
		if !allOK(findings) {
			return planned{findings: findings, plan: runbook.Plan{Verdict: runbook.Satisfied, Why: runbook.T("engine.not_needed")}}
		}
	}
	var guard guardFound
	var wg sync.WaitGroup
	wg.Go(func() { guard = e.guard(ctx, run, step) })
	action, err := e.build(run, step)
	var plan runbook.Plan
	if err == nil {
		plan, err = try(func() (runbook.Plan, error) { return action.Plan(ctx) })
	}
	wg.Wait()
	if err != nil {
		if ctx.Err() != nil && runbook.CodeOf(err) == runbook.Internal {
			err = &runbook.Error{Code: runbook.Unavailable, Msg: runbook.T("engine.plan_timeout", "seconds", e.cfg.PlanTimeout.Seconds()), Err: err}
		}
		return planned{err: err, findings: guard.findings}
	}
	found := needsOf(run, append(append([]string(nil), step.Def.Needs...), plan.Needs...))
	if found.deferred != "" && !run.DryRun {
		return planned{deferred: found.deferred}
	}
	found.judge(&plan)
	guard.judge(run, &plan)
	return planned{plan: plan, findings: guard.findings}
}

// read returns a run and one of its steps.
func (e *Engine) read(ctx context.Context, runID, stepID string) (runbook.Run, runbook.StepRun, error) {
	for {
		run, err := e.cfg.Journal.Run(ctx, runID)
		if err == nil {
			if s := run.Step(stepID); s != nil {
				return run, *s, nil
			}
			return run, runbook.StepRun{}, errGone
		}
		e.log.Error("read run", "run_id", runID, "error", err)
		if !wait(ctx, e.cfg.Backoff) {
			return run, runbook.StepRun{}, err
		}
	}
}

// digest is what an approval of s is bound to.
func digest(run runbook.Run, s runbook.StepRun, effect runbook.Effect) string {
	params := maps.Clone(run.Params)
	if params == nil {
		params = map[string]string{}
	}
	for k, v := range s.Inputs {
		params["input."+k] = v
	}
	return runbook.Digest(s.ID, s.Def.Kind, params, effect)
}

// textOf is what people are told of an error: its own safe message, or a general one.
func textOf(err error, general string) runbook.Msg {
	var known *runbook.Error
	if errors.As(err, &known) {
		return known.Msg
	}
	var refusal *runbook.Refusal
	if errors.As(err, &refusal) {
		return refusal.Text
	}
	return runbook.T(general)
}

func allOK(findings []runbook.Finding) bool {
	for _, f := range findings {
		if !f.OK {
			return false
		}
	}
	return true
}
