package engine

import (
	"context"
	"slices"

	"recoverbot/runbook"
)

const (
	// guardBack is why a step is blocked whose guard fails after this run has done something: that may be what healed.
	guardBack = "engine.guard_back"
	// notNeededAnyMore is the note of a step that was skipped since service was back before its turn.
	notNeededAnyMore = "engine.not_needed_any_more"
)

// didSomething reports whether a step of the run had an effect.
func didSomething(run runbook.Run) bool {
	return slices.ContainsFunc(run.Steps, func(s runbook.StepRun) bool {
		return s.State == runbook.Done && s.Result != nil && s.Result.Outcome == runbook.OutcomeDone
	})
}

// back reports whether a person may end the run well: what it was for seems to be healed by what it did so far, and
// nothing is under way.
func back(run runbook.Run) bool {
	if run.State != runbook.Open || run.DryRun || run.Aborting != nil || busy(run) != nil {
		return false
	}
	return slices.ContainsFunc(turn(&run), func(s *runbook.StepRun) bool {
		return s.State == runbook.Waiting && s.Plan != nil && s.Plan.Why.ID == guardBack
	})
}

// endBack ends a run since service is back. Steps that ask are skipped; those that were not begun stay so.
func (e *Engine) endBack(ctx context.Context, run runbook.Run, d runbook.Decision) error {
	l := e.live(run.ID)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.aborting != nil {
		return e.decided(runbook.StepRun{}, *l.aborting, e.now())
	}
	run, err := e.cfg.Journal.Run(ctx, run.ID) // as it is while nothing can be begun
	if err != nil {
		return err
	}
	if run.State == runbook.RunDone {
		given, err := e.cfg.Journal.Decisions(ctx, run.ID, "")
		if err == nil && slices.ContainsFunc(given, func(r Recorded) bool { return r.Decision.Choice == runbook.MarkDone }) {
			return nil
		}
	}
	if run.State != runbook.Open {
		return ended(run)
	}
	if !back(run) {
		return &runbook.Error{Code: runbook.Conflicting, Msg: runbook.T("engine.not_back"), Conflict: &runbook.Conflict{Kind: "stale"}}
	}
	now := e.now()
	for _, s := range run.Steps {
		if s.State == runbook.Pending || s.State == runbook.Planning || s.State.Settled() {
			continue
		}
		next := s
		next.State, next.Note = runbook.Skipped, runbook.T(notNeededAnyMore)
		next.DecidedBy = &runbook.Approval{By: d.By, Choice: d.Choice, Reason: d.Reason, At: now}
		if err := e.move(ctx, s, next, nil); err != nil {
			e.kick(run.ID)
			return err
		}
	}
	next := run
	next.State, next.EndedAt, next.EndedBy = runbook.RunDone, now, d.By
	if err := e.moveRun(ctx, run, next, &d); err != nil {
		e.kick(run.ID) // the next step asks the guard again
		return err
	}
	l.cancelLooking()
	return nil
}
