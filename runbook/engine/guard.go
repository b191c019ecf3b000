package engine

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"recoverbot/runbook"
)

// guardWarning is the warning of a plan whose guard no longer holds after the point of no return.
const guardWarning = "engine.guard_fence"

// guardFound is what a step's guard answered.
type guardFound struct {
	guard    runbook.Guard
	failed   bool
	findings []runbook.Finding
}

// guardName is the guard that the step names, or "default".
func guardName(s runbook.StepRun) string { return cmp.Or(s.Def.Guard, "default") }

// guard asks the probes of the step's guard, where the scenario defines it.
func (e *Engine) guard(ctx context.Context, run runbook.Run, step runbook.StepRun) guardFound {
	name := guardName(step)
	g, ok := run.Scenario.Guards[name]
	if name == "none" || !ok {
		return guardFound{}
	}
	var all, some []runbook.Finding
	var wg sync.WaitGroup
	if len(g.All) > 0 {
		wg.Go(func() { all = e.probeSparing(ctx, run, step, g.All) })
	}
	if len(g.Any) > 0 {
		some = e.probeSparing(ctx, run, step, g.Any)
	}
	wg.Wait()
	none := len(g.Any) > 0 && !slices.ContainsFunc(some, func(f runbook.Finding) bool { return f.OK })
	return guardFound{guard: g, failed: none || !allOK(all), findings: append(all, some...)}
}

// judge blocks a plan whose guard fails, or warns where there is no way back any more.
func (g guardFound) judge(run runbook.Run, p *runbook.Plan) {
	if !g.failed || p.Verdict == runbook.Satisfied {
		return
	}
	if PastNoReturn(run) {
		p.Danger = true
		p.Warnings = append(p.Warnings, runbook.T(guardWarning, "guard", g.guard.Title))
		return
	}
	p.Hint = runbook.Abort
	p.Override = false
	if p.Verdict != runbook.Provisional {
		p.Verdict = runbook.Blocked
		p.Why = runbook.T("engine.guard_failed", "guard", g.guard.Title)
		if didSomething(run) {
			p.Why.ID = guardBack
		}
	}
}

// agrees reports whether the guard still says what the plan was shown with.
func (g guardFound) agrees(run runbook.Run, p *runbook.Plan) bool {
	if !g.failed {
		return true
	}
	if !PastNoReturn(run) {
		return false
	}
	for _, w := range p.Warnings {
		if w.ID == guardWarning {
			return true
		}
	}
	return false
}

// recheckHeld asks the guard again before a change is committed that may have been held for hours. Where it no longer
// holds, that is journaled with the hold, and committing all the same needs a reason.
func (e *Engine) recheckHeld(ctx context.Context, run runbook.Run, s runbook.StepRun) error {
	if s.Hold == nil || !s.Hold.Durable || !s.Hold.Warning.IsZero() {
		return nil // a volatile hold was approved minutes ago
	}
	pctx, cancel := context.WithTimeout(ctx, e.cfg.ProbeTimeout)
	defer cancel()
	g := e.guard(pctx, run, s)
	if g.agrees(run, s.Plan) {
		return nil
	}
	hold := *s.Hold
	hold.Warning = runbook.T("engine.guard_commit", "guard", g.guard.Title)
	next := s
	next.Hold = &hold
	if err := e.move(ctx, s, next, nil); err != nil {
		return err
	}
	return &runbook.Error{
		Code: runbook.Conflicting, Msg: hold.Warning,
		Conflict: &runbook.Conflict{Kind: "stale", State: s.State, Attempt: s.Attempt, Digest: s.Digest},
	}
}

// PastNoReturn reports whether the point of no return of the run is passed, or may be: a machine that comes back has to
// be fenced then, while before that the run had better be aborted.
func PastNoReturn(run runbook.Run) bool {
	for _, s := range run.Steps {
		if !s.Def.PointOfNoReturn {
			continue
		}
		if s.State.Busy() || s.State == runbook.Unverified || s.State == runbook.Done {
			return true
		}
	}
	return false
}
