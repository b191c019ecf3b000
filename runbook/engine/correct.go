package engine

import (
	"cmp"
	"context"
	"slices"

	"recoverbot/runbook"
)

// needsAgain is the note of a step that asks in vain, since a step that it needs was reopened: it is planned again when
// that one is settled.
const needsAgain = "engine.needs_again"

// correctable reports whether a step may be reopened though it is done: all that came of it is what people answered in
// its form, and nothing that needs it had an effect yet.
func correctable(run runbook.Run, s runbook.StepRun) bool {
	if s.State != runbook.Done || s.Plan == nil || len(s.Plan.Form) == 0 || s.Result == nil {
		return false
	}
	for _, f := range s.Plan.Form {
		if _, ok := s.Result.Values[f.Name]; !ok {
			return false
		}
	}
	return !slices.ContainsFunc(dependents(run, s), acted)
}

// dependents lists the steps that need s, or need such a step, in order.
func dependents(run runbook.Run, s runbook.StepRun) []runbook.StepRun {
	need := map[string]bool{s.ID: true, cmp.Or(s.Group, s.ID): true}
	var out []runbook.StepRun
	for found := true; found; {
		found = false
		for _, o := range run.Steps {
			if !need[o.ID] && slices.ContainsFunc(o.Def.Needs, func(ref string) bool { return need[ref] }) {
				need[o.ID], need[cmp.Or(o.Group, o.ID)], found = true, true, true
				out = append(out, o)
			}
		}
	}
	return out
}

// acted reports whether a step had an effect in the attempt that counts, or may have had.
func acted(s runbook.StepRun) bool {
	if s.State.Busy() || s.State == runbook.Unverified {
		return true
	}
	return s.Result != nil && (s.Result.Outcome == runbook.OutcomeDone || s.Result.Outcome == runbook.OutcomeUnknown)
}

// replanDependents plans those anew that were planned with what s said; the run's own lock is held.
func (e *Engine) replanDependents(ctx context.Context, run runbook.Run, s runbook.StepRun) error {
	for _, o := range dependents(run, s) {
		switch o.State {
		case runbook.Pending, runbook.Skipped, runbook.Deferred:
			continue
		case runbook.Done:
			if o.Attempt == 0 {
				continue // nothing applies to it: it was never planned
			}
		}
		next := o
		replan(&next, runbook.T(needsAgain, "step", s.ID))
		if err := e.move(ctx, o, next, nil); err != nil {
			return err
		}
	}
	return nil
}
