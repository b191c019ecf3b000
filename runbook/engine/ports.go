// Package engine drives runs: it plans steps, binds approvals to plans, commits intent before effects, holds, verifies,
// and recovers after a crash. It knows no kind of action, no chat and no storage: its ports are declared here.
package engine

import (
	"context"

	"recoverbot/runbook"
)

// Journal is where runs live. Every write is one transaction with its event.
type Journal interface {
	// CreateRun stores a new open run with its steps. Another open, not dry, run is a Conflicting error.
	CreateRun(ctx context.Context, r runbook.Run) error
	Run(ctx context.Context, id string) (runbook.Run, error) // NotFound
	// Active lists runs that are open or parked, the oldest first.
	Active(ctx context.Context) ([]runbook.Run, error)
	// MoveStep stores next if the step's state and version are still from's, and gives it version+1; otherwise it
	// changes nothing and returns ErrMoved. decision, where not nil, is recorded in the same transaction.
	MoveStep(ctx context.Context, from State, next runbook.StepRun, decision *runbook.Decision) (runbook.StepRun, error)
	// MoveRun does the same for the run's own row.
	MoveRun(ctx context.Context, from RunState, next runbook.Run, decision *runbook.Decision) (runbook.Run, error)
	// Decisions lists what was decided on a step (or, with step "", on the run), the oldest first.
	Decisions(ctx context.Context, run, step string) ([]Recorded, error)
	// Healthy reports whether writes are possible now; without it no effect is begun.
	Healthy(ctx context.Context) error
}

// The values of the port live in package runbook, so that a journal need not know the engine.
type (
	State    = runbook.StepAt
	RunState = runbook.RunAt
	Recorded = runbook.Recorded
)

// ErrMoved is what a Journal answers when the compare-and-swap finds another state or version.
var ErrMoved = runbook.ErrMoved

// Notifier hears of every change after it is journaled. It must not block.
type Notifier interface {
	Changed(run runbook.Run, stepID string) // stepID "" : the run itself
}

// Actions builds the action of a step, and answers guards and verifications.
type Actions interface {
	New(run runbook.Run, step runbook.StepRun) (runbook.Action, error)
	Probe(ctx context.Context, run runbook.Run, probes []runbook.Probe) []runbook.Finding
	// Redact hides known secrets in text that is about to be journaled.
	Redact(text string) string
}

// People knows who may do what at this moment.
type People interface {
	// May reports whether somebody may approve a step, or commit its change. It is asked at the click, of everybody whose
	// approval is to count.
	May(by runbook.Actor, s runbook.StepRun) bool
}
