package runbook

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

// transitions is the one table of allowed moves; docs/states.md draws it.
var transitions = map[State][]State{
	Pending:    {Planning},
	Planning:   {Planning, Waiting, Done, Failed},
	Waiting:    {Planning, Executing, Skipped, Deferred, Done},
	Executing:  {Executing, Verifying, Held, Failed, Unknown, Done},
	Held:       {Held, Committing, RolledBack, Unknown},
	Committing: {Verifying, RolledBack, Unknown, Held, Done},
	Verifying:  {Verifying, Done, Unverified},
	Unverified: {Verifying, Planning, Done, Skipped},
	Unknown:    {Unknown, Done, Failed, Planning, Skipped},
	Failed:     {Planning, Skipped},
	RolledBack: {Planning, Skipped},
	Skipped:    {Planning},
	Deferred:   {Planning},
	Done:       {},
}

// CanMove reports whether the table allows a step to go from one state to the other.
func CanMove(from, to State) bool {
	for _, s := range transitions[from] {
		if s == to {
			return true
		}
	}
	return false
}

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
