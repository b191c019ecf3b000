// Package journaltest is the contract that every journal passes, whatever it is stored in. It knows no dialect: how to
// open, crash and break a journal is given by the caller.
package journaltest

import (
	"context"
	"testing"
	"time"

	"recoverbot/runbook"
)

// Journal is what is exercised: the engine's port with the events beside it.
type Journal interface {
	CreateRun(ctx context.Context, r runbook.Run) error
	Run(ctx context.Context, id string) (runbook.Run, error)
	Active(ctx context.Context) ([]runbook.Run, error)
	MoveStep(ctx context.Context, from runbook.StepAt, next runbook.StepRun, d *runbook.Decision) (runbook.StepRun, error)
	MoveRun(ctx context.Context, from runbook.RunAt, next runbook.Run, d *runbook.Decision) (runbook.Run, error)
	Decisions(ctx context.Context, run, step string) ([]runbook.Recorded, error)
	Healthy(ctx context.Context) error
	Events(ctx context.Context, after int64, limit int) ([]runbook.Event, error)
	Subscribe() (newest <-chan int64, cancel func())
	Runs(ctx context.Context, limit int) ([]runbook.RunSummary, error)
	Head(ctx context.Context, run string) (string, error)
	Verify(ctx context.Context, head string) (runbook.Chain, error)
	SaveInbound(ctx context.Context, platform, id string, body []byte) (fresh bool, err error)
	SettleInbound(ctx context.Context, platform, id string) error
	OpenInbound(ctx context.Context, platform string) ([][]byte, error)
}

// Backend is one implementation. Each function registers its own clean-up on t.
type Backend struct {
	// Open opens an empty journal.
	Open func(t *testing.T) Journal
	// OpenAt opens one that asks now for the time.
	OpenAt func(t *testing.T, now func() time.Time) Journal
	// Crash returns what a new process would find if the journal's process were killed now.
	Crash func(t *testing.T, j Journal) Journal
	// Break makes every further write fail, Fill every one that needs room.
	Break, Fill func(t *testing.T, j Journal)
}

// Exercise runs the contract.
func Exercise(t *testing.T, b Backend) {
	t.Helper()
	for name, f := range map[string]func(*testing.T, Backend){
		"runs":          testRuns,
		"one open run":  testOneOpen,
		"moves":         testMoves,
		"refused moves": testRefused,
		"race":          testRace,
		"race to start": testRaceToStart,
		"events":        testEvents,
		"crash":         testCrash,
		"broken":        testBroken,
		"full":          testFull,
		"inbound":       testInbound,
		"old inbound":   testOldInbound,
		"lost inbound":  testLostInbound,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, b)
		})
	}
}

var (
	start = time.Date(2026, 11, 23, 3, 11, 40, 0, time.UTC)
	ops1  = runbook.Actor{Name: "ops1", Platform: "web"}
)

// NewRun returns a run of two pending steps.
func NewRun(id string) runbook.Run {
	r := runbook.Run{ID: id, Scenario: runbook.Scenario{Name: "primary"}, State: runbook.Open, StartedBy: ops1, StartedAt: start,
		Params: map[string]string{"reason": "drill"}, Bindings: map[string][]string{"primary": {"primary"}}}
	for i, step := range []string{"fence", "restore"} {
		r.Steps = append(r.Steps, runbook.StepRun{RunID: id, ID: step, Index: i, State: runbook.Pending, ChangedAt: start})
	}
	return r
}

func create(t *testing.T, j Journal, r runbook.Run) runbook.Run {
	t.Helper()
	if err := j.CreateRun(t.Context(), r); err != nil {
		t.Fatalf("create run: %v", err)
	}
	return get(t, j, r.ID)
}

func get(t *testing.T, j Journal, id string) runbook.Run {
	t.Helper()
	r, err := j.Run(t.Context(), id)
	if err != nil {
		t.Fatalf("read run %s: %v", id, err)
	}
	return r
}

// move brings a step into a state and fails the test where that is refused.
func move(t *testing.T, j Journal, s runbook.StepRun, to runbook.State, d *runbook.Decision) runbook.StepRun {
	t.Helper()
	from := runbook.StepAt{State: s.State, Version: s.Version}
	s.State = to
	moved, err := j.MoveStep(t.Context(), from, s, d)
	if err != nil {
		t.Fatalf("move %s from %s to %s: %v", s.ID, from.State, to, err)
	}
	return moved
}

func events(t *testing.T, j Journal) []runbook.Event {
	t.Helper()
	es, err := j.Events(t.Context(), 0, 1000)
	if err != nil {
		t.Fatalf("read events: %v", err)
	}
	return es
}
