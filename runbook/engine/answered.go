package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"recoverbot/runbook"
)

// answered tells an answer that counts now (false, nil) from one that was given already (true, nil) and from one that
// comes too late (an error).
func (e *Engine) answered(ctx context.Context, l *live, run runbook.Run, s runbook.StepRun, d runbook.Decision) (bool, error) {
	current := d.Attempt == s.Attempt && d.Digest == s.Digest
	if current && slices.Contains(Choices(run, s), d.Choice) {
		if w := l.abortion(); w != nil && d.Choice != runbook.Abort {
			return true, e.decided(s, *w, e.now())
		}
		if d.Choice == runbook.Approve && !d.Alone && slices.ContainsFunc(s.Approvals, func(a runbook.Approval) bool { return noted(a, d.By) }) {
			return true, nil
		}
		return false, nil
	}
	given, err := e.cfg.Journal.Decisions(ctx, run.ID, s.ID)
	if err != nil {
		return true, unavailable(fmt.Errorf("list decisions: %w", err))
	}
	same := func(r Recorded) bool { return r.Decision.Attempt == d.Attempt && r.Decision.Digest == d.Digest }
	if d.Choice == runbook.Abort {
		if run.State == runbook.Aborted {
			return true, nil
		}
	}
	done, err := e.late(run, s, d, current, slices.DeleteFunc(given, func(r Recorded) bool { return !same(r) }))
	var late *runbook.Error
	if errors.As(err, &late) && run.State != runbook.Open && (late.Conflict == nil || late.Conflict.Kind == "stale") {
		return true, ended(run)
	}
	return done, err
}

// late finds out why an answer does not count any more, by what was recorded on the same card.
func (e *Engine) late(run runbook.Run, s runbook.StepRun, d runbook.Decision, current bool, given []Recorded) (bool, error) {
	on := s // with the approvals of that card; short of enough of them nothing was decided
	on.Approvals = nil
	for _, r := range given {
		if x := r.Decision; x.Choice == runbook.Approve {
			on.Approvals = withApproval(on.Approvals, runbook.Approval{By: x.By})
			if x.Alone {
				on.Approvals = append(on.Approvals, runbook.Approval{By: x.By, Alone: true})
			}
		}
	}
	enough := Count(run, on, nil).Short() == 0
	var rival *Recorded
	for i, r := range given {
		c := r.Decision.Choice
		counted := c != runbook.Approve || enough
		if counted && c == d.Choice && !stands(run, r.Decision) {
			continue // it was taken, and came to nothing
		}
		if counted && c == d.Choice && (c != runbook.Input || maps.Equal(r.Decision.Fields, d.Fields)) {
			return true, nil
		}
		if counted && !(c == runbook.Approve && later(d.Choice)) {
			rival = &given[i]
		}
	}
	if rival != nil {
		at, _ := time.Parse(time.RFC3339, rival.At) // a bad time of the journal's is shown as none
		return true, e.decided(s, rival.Decision, at)
	}
	if !current {
		return true, staleError(s, "engine.stale")
	}
	if s.State == runbook.Waiting && d.Choice == runbook.Approve && s.Plan != nil {
		return true, cannotApproveError(run, s)
	}
	if s.State == runbook.Waiting {
		return true, runbook.Errorf(runbook.Invalid, "engine.not_now", "choice", choiceName(d.Choice), "state", stateName(s.State))
	}
	return true, staleError(s, "engine.state_moved")
}

// stands reports whether a step is where that answer led it, or went on by itself from there.
func stands(run runbook.Run, d runbook.Decision) bool {
	s := run.Step(d.Step)
	if s == nil {
		return true
	}
	in := func(states ...runbook.State) bool { return s.Attempt == d.Attempt && slices.Contains(states, s.State) }
	switch d.Choice {
	case runbook.Approve:
		return in(runbook.Executing, runbook.Held, runbook.Committing, runbook.Verifying, runbook.Unverified, runbook.Unknown, runbook.Done)
	case runbook.Commit:
		return in(runbook.Held, runbook.Committing, runbook.Verifying, runbook.Unverified, runbook.Unknown, runbook.Done)
	case runbook.Skip:
		return in(runbook.Skipped)
	case runbook.Defer:
		return in(runbook.Deferred)
	case runbook.MarkDone:
		return in(runbook.Done)
	}
	return true // it led to another attempt, or to a question anew
}

// later are the answers to what an approval began, which it does not rival.
func later(c runbook.Choice) bool {
	switch c {
	case runbook.Commit, runbook.Rollback, runbook.Cancel, runbook.Look, runbook.MarkDone, runbook.Retry, runbook.Reopen:
		return true
	}
	return false
}

func (e *Engine) groupAnswered(ctx context.Context, run runbook.Run, members []*runbook.StepRun, d runbook.Decision) (bool, error) {
	waiting := slices.DeleteFunc(slices.Clone(members), func(m *runbook.StepRun) bool { return m.State != runbook.Waiting })
	if len(waiting) > 0 && d.Digest == runbook.GroupDigest(members) {
		if w := e.live(run.ID).abortion(); w != nil {
			return true, e.decided(*waiting[0], *w, e.now())
		}
		return false, nil
	}
	var given []Recorded
	for _, m := range members {
		of, err := e.cfg.Journal.Decisions(ctx, run.ID, m.ID)
		if err != nil {
			return true, unavailable(fmt.Errorf("list decisions: %w", err))
		}
		for _, r := range of {
			if r.Decision.Group == d.Group && r.Decision.Digest == d.Digest {
				given = append(given, r)
			}
		}
	}
	shown := *members[0]
	if len(waiting) > 0 {
		shown = *waiting[0]
	}
	shown.Digest = runbook.GroupDigest(members)
	return e.late(run, shown, d, false, given)
}

// decided is the conflict with an answer that came first.
func (e *Engine) decided(s runbook.StepRun, d runbook.Decision, at time.Time) error {
	return &runbook.Error{
		Code: runbook.Conflicting,
		Msg: runbook.T("engine.decided", "by", d.By.Name, "on", d.By.Platform, "choice", runbook.T("choice."+string(d.Choice)),
			"at", at.UTC().Format(time.RFC3339)),
		Conflict: &runbook.Conflict{
			Kind: "decided", By: d.By.Name, On: d.By.Platform, At: at, Choice: d.Choice,
			State: s.State, Attempt: s.Attempt, Digest: s.Digest,
		},
	}
}

// staleError is the conflict with what is shown now.
func staleError(s runbook.StepRun, id string) error {
	return &runbook.Error{
		Code: runbook.Conflicting, Msg: runbook.T(id, "step", s.ID, "state", stateName(s.State)),
		Conflict: &runbook.Conflict{Kind: "stale", State: s.State, Attempt: s.Attempt, Digest: s.Digest},
	}
}
