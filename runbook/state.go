package runbook

import "slices"

// State is where a step stands.
type State string

// The states of a step.
const (
	Pending    State = "pending"
	Planning   State = "planning"
	Waiting    State = "waiting" // for a person
	Executing  State = "executing"
	Held       State = "held" // changed, not committed
	Committing State = "committing"
	Verifying  State = "verifying"
	Done       State = "done"
	Unverified State = "unverified" // done, but the check afterwards does not hold
	Failed     State = "failed"
	RolledBack State = "rolled_back"
	Unknown    State = "unknown" // the intent is journaled, the outcome is not known
	Skipped    State = "skipped"
	Deferred   State = "deferred"
)

// transitions is the one table of allowed moves; docs/states.md draws it. A state that leads to itself does something
// again there: planning after a crash, re-attaching to a job, finding a durable hold, asking for evidence.
var transitions = map[State][]State{
	Pending:    {Planning},
	Planning:   {Planning, Waiting, Done, Failed, Deferred}, // deferred: with the step that it needs, without asking
	Waiting:    {Planning, Executing, Skipped, Deferred},
	Executing:  {Executing, Verifying, Held, Failed, Unknown, Planning}, // planning: refused as stale, nothing was done
	Held:       {Held, Committing, RolledBack, Unknown},
	Committing: {Verifying, RolledBack, Unknown},
	Verifying:  {Verifying, Done, Unverified},
	Unverified: {Verifying, Planning, Done, Skipped},
	Unknown:    {Unknown, Done, Failed, Planning, Skipped},
	Failed:     {Planning, Skipped},
	RolledBack: {Planning, Skipped},
	Skipped:    {Planning},
	Deferred:   {Planning},
	Done:       {Planning}, // a form is corrected before anything came of it; a fence had nothing to do
}

// CanMove reports whether a step may go from one state to the other. Staying where it is (progress, one approval of
// several, a preview of a plan) is no move and always allowed.
func CanMove(from, to State) bool { return from == to || slices.Contains(transitions[from], to) }

// Transitions returns a copy of the table, for documentation and tests.
func Transitions() map[State][]State {
	out := make(map[State][]State, len(transitions))
	for from, to := range transitions {
		out[from] = append([]State(nil), to...)
	}
	return out
}

// Asks reports whether a step in s waits for a person's answer.
func (s State) Asks() bool {
	switch s {
	case Waiting, Held, Failed, RolledBack, Unverified, Unknown:
		return true
	}
	return false
}

// Settled reports whether a step in s lets the run go on to the next step.
func (s State) Settled() bool { return s == Done || s == Skipped || s == Deferred }

// Busy reports whether a step in s may have an effect under way, so that its run can be neither parked nor left.
func (s State) Busy() bool {
	switch s {
	case Executing, Held, Committing, Verifying, Unknown:
		return true
	}
	return false
}

// RunState is where a run stands.
type RunState string

// The states of a run.
const (
	Open    RunState = "open"
	Parked  RunState = "parked"
	RunDone RunState = "done"
	Aborted RunState = "aborted"
)

// Choice is what a person decided.
type Choice string

// The choices of a Decision.
const (
	Approve  Choice = "approve"
	Skip     Choice = "skip"
	Abort    Choice = "abort"
	Retry    Choice = "retry" // plan again
	Look     Choice = "look"  // look for evidence, or check again
	MarkDone Choice = "done"
	Commit   Choice = "commit"
	Rollback Choice = "rollback"
	Cancel   Choice = "cancel"
	Defer    Choice = "defer"
	Reopen   Choice = "reopen"
	Input    Choice = "input" // answer a form
)
