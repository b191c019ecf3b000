package engine

import (
	"slices"

	"recoverbot/runbook"
)

// Choices lists what a person may answer to a step now, the most likely answer first.
func Choices(run runbook.Run, s runbook.StepRun) []runbook.Choice {
	if run.DryRun {
		return nil
	}
	if run.State == runbook.Parked || run.State == runbook.Open {
		switch {
		case s.State == runbook.Deferred && s.Note.ID == deferredWith && needsOf(run, s.Def.Needs).deferred != "":
			return nil // it comes back by itself with the step that it waits for
		case s.State == runbook.Skipped || s.State == runbook.Deferred || unfenced(s):
			return []runbook.Choice{runbook.Reopen}
		}
	}
	if run.State != runbook.Open {
		return nil
	}
	if correctable(run, s) {
		return []runbook.Choice{runbook.Reopen}
	}
	var out []runbook.Choice
	switch s.State {
	case runbook.Waiting:
		if approvable(run, s) {
			out = append(out, runbook.Approve)
		}
		if s.Plan != nil && len(s.Plan.Form) > 0 {
			out = append(out, runbook.Input)
		}
		out = append(out, runbook.Retry, runbook.Skip, runbook.Defer)
	case runbook.Executing:
		out = []runbook.Choice{runbook.Cancel}
	case runbook.Held:
		out = []runbook.Choice{runbook.Commit, runbook.Rollback}
	case runbook.Failed, runbook.RolledBack:
		out = []runbook.Choice{runbook.Retry, runbook.Skip}
	case runbook.Unverified:
		out = []runbook.Choice{runbook.Look, runbook.Retry, runbook.MarkDone, runbook.Skip}
	case runbook.Unknown:
		out = []runbook.Choice{runbook.Look, runbook.MarkDone, runbook.Retry, runbook.Skip}
	default:
		return nil
	}
	return append(out, runbook.Abort)
}

// GroupChoices lists what one answer to a group's card may be: what its waiting members have in common, and approve
// where at least one of them can be approved.
func GroupChoices(run runbook.Run, group string) []runbook.Choice {
	var out []runbook.Choice
	first, approve := true, false
	for _, m := range run.Members(group) {
		if m.State != runbook.Waiting {
			continue
		}
		cs := Choices(run, *m)
		approve = approve || slices.Contains(cs, runbook.Approve)
		if first {
			out, first = cs, false
			continue
		}
		out = slices.DeleteFunc(out, func(c runbook.Choice) bool { return !slices.Contains(cs, c) })
	}
	out = slices.DeleteFunc(out, func(c runbook.Choice) bool { return c == runbook.Approve || c == runbook.Input })
	if approve {
		out = append([]runbook.Choice{runbook.Approve}, out...)
	}
	return out
}

// RunChoices lists what a person may answer to the run as a whole.
func RunChoices(run runbook.Run) []runbook.Choice {
	switch {
	case run.DryRun:
		return nil
	case run.State == runbook.Parked:
		return []runbook.Choice{runbook.Reopen, runbook.Abort}
	case back(run):
		return []runbook.Choice{runbook.MarkDone, runbook.Defer, runbook.Abort}
	case run.State == runbook.Open && busy(run) == nil:
		return []runbook.Choice{runbook.Defer, runbook.Abort}
	case run.State == runbook.Open:
		return []runbook.Choice{runbook.Abort}
	}
	return nil
}

// NeedsReason reports whether that answer must carry a reason.
func NeedsReason(run runbook.Run, s runbook.StepRun, c runbook.Choice) bool {
	switch c {
	case runbook.Approve:
		return s.Def.Danger || (s.Plan != nil && (s.Plan.Danger || s.Plan.Override))
	case runbook.Commit:
		return s.Hold != nil && !s.Hold.Warning.IsZero()
	case runbook.Skip:
		return s.Def.SkipReason
	case runbook.MarkDone:
		return true
	case runbook.Abort:
		return hasUnknown(run)
	}
	return false
}

// RunNeedsReason is NeedsReason for an answer to the run as a whole.
func RunNeedsReason(run runbook.Run, c runbook.Choice) bool {
	return c == runbook.Abort && hasUnknown(run)
}

// Need is how many distinct people must approve a step.
func Need(s runbook.StepRun) int { return max(1, s.Def.Approvals) }

// approvable reports whether s may be approved as planned: ready, or blocked only by a skipped need; its form is
// answered; it is its turn, and nothing else is under way.
func approvable(run runbook.Run, s runbook.StepRun) bool {
	return cannotApprove(run, s).IsZero()
}

// cannotApprove says why a waiting step cannot be approved; zero: it can.
func cannotApprove(run runbook.Run, s runbook.StepRun) runbook.Msg {
	p := s.Plan
	switch {
	case p == nil:
		return runbook.T("engine.no_plan")
	case p.Verdict != runbook.Ready && (p.Verdict != runbook.Blocked || !p.Override):
		if p.Why.IsZero() {
			return runbook.T("engine.no_plan")
		}
		return p.Why
	}
	for _, f := range p.Form {
		if f.Required && f.Default == "" && s.Inputs[f.Name] == "" {
			return runbook.T("engine.form_first", "field", f.Heading())
		}
	}
	if unit := turn(&run); !slices.ContainsFunc(unit, func(u *runbook.StepRun) bool { return u.ID == s.ID }) {
		if len(unit) == 0 {
			return runbook.T("engine.no_plan")
		}
		return runbook.T("engine.not_its_turn", "step", unit[0].ID)
	}
	for _, o := range run.Steps {
		if o.ID != s.ID && (s.Group == "" || o.Group != s.Group) && underWay(o.State) {
			return runbook.T("engine.not_its_turn", "step", o.ID)
		}
	}
	return runbook.Msg{}
}

func cannotApproveError(run runbook.Run, s runbook.StepRun) error {
	return runbook.Errorf(runbook.Invalid, "engine.cannot_approve", "why", cannotApprove(run, s))
}

func underWay(s runbook.State) bool { return s.Busy() && s != runbook.Unknown }

// busy returns the first step that keeps the run from being parked.
func busy(run runbook.Run) *runbook.StepRun {
	for i := range run.Steps {
		if run.Steps[i].State.Busy() {
			return &run.Steps[i]
		}
	}
	return nil
}

func hasUnknown(run runbook.Run) bool {
	return slices.ContainsFunc(run.Steps, func(s runbook.StepRun) bool { return s.State == runbook.Unknown })
}

func choiceName(c runbook.Choice) runbook.Msg { return runbook.T("engine.choice_" + string(c)) }

func stateName(s runbook.State) runbook.Msg { return runbook.T("engine.state_" + string(s)) }
