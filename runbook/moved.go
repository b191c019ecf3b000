package runbook

import "errors"

// ErrMoved is what a journal answers when a step or run is no longer in the state and version that was compared.
var ErrMoved = errors.New("moved meanwhile")

// StepAt is a step's state together with its version: what compare-and-swap compares.
type StepAt struct {
	State   State
	Version int
}

// RunAt is the same for a run.
type RunAt struct {
	State   RunState
	Version int
}

// Recorded is a decision as journaled.
type Recorded struct {
	Decision Decision
	At       string // RFC 3339
}
