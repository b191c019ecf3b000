package journaltest

import (
	"encoding/json"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"recoverbot/runbook"
)

func testRuns(t *testing.T, b Backend) {
	j := b.Open(t)
	if _, err := j.Run(t.Context(), "none"); runbook.CodeOf(err) != runbook.NotFound {
		t.Errorf("a run that is not there: %v", err)
	}
	want := NewRun("r1")
	got := create(t, j, want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("run changed in the journal (-want +got):\n%s", diff)
	}
	dry := NewRun("r0")
	dry.DryRun = true
	create(t, j, dry)
	active, err := j.Active(t.Context())
	if err != nil || len(active) != 2 || len(active[0].Steps) != 2 {
		t.Errorf("active: %v, %v", active, err)
	}
	next := got
	next.State, next.EndedAt, next.EndedBy = runbook.Aborted, start, ops1
	next, err = j.MoveRun(t.Context(), runbook.RunAt{State: got.State, Version: got.Version}, next,
		&runbook.Decision{RunID: "r1", Choice: runbook.Abort, Reason: "machine is back", By: ops1})
	if err != nil {
		t.Fatalf("abort: %v", err)
	}
	if diff := cmp.Diff(next, get(t, j, "r1")); diff != "" {
		t.Errorf("MoveRun returned something else than it stored (-returned +stored):\n%s", diff)
	}
	if ds, err := j.Decisions(t.Context(), "r1", ""); err != nil || len(ds) != 1 || ds[0].Decision.Reason != "machine is back" {
		t.Errorf("decisions on the run: %+v, %v", ds, err)
	}
	if active, err := j.Active(t.Context()); err != nil || len(active) != 1 || active[0].ID != "r0" {
		t.Errorf("active after the abort: %v, %v", active, err)
	}
	list, err := j.Runs(t.Context(), 10)
	if err != nil || len(list) != 2 || list[0].ID != "r1" || list[0].State != runbook.Aborted || list[0].Steps != 2 {
		t.Errorf("runs: %+v, %v", list, err)
	}
	es := events(t, j)
	create(t, j, NewRun("r2"))
	if head, err := j.Head(t.Context(), "r1"); err != nil || head != es[len(es)-1].Hash {
		t.Errorf("head of a run that ended: %q, %v", head, err)
	}
}

func testOneOpen(t *testing.T, b Backend) {
	j := b.Open(t)
	first := create(t, j, NewRun("r1"))
	before := events(t, j)
	if err := j.CreateRun(t.Context(), NewRun("r2")); runbook.CodeOf(err) != runbook.Conflicting {
		t.Errorf("a second open run: %v", err)
	} else if e := new(runbook.Error); !errors.As(err, &e) || e.Msg.Args["run"] != "r1" {
		t.Errorf("the conflict does not name the run: %+v", e)
	}
	if diff := cmp.Diff(before, events(t, j)); diff != "" {
		t.Errorf("a refused run left an event: %s", diff)
	}
	parked := first
	parked.State = runbook.Parked
	parked, err := j.MoveRun(t.Context(), runbook.RunAt{State: runbook.Open}, parked, nil)
	if err != nil {
		t.Fatalf("park: %v", err)
	}
	create(t, j, NewRun("r2"))
	resumed := parked
	resumed.State = runbook.Open
	if _, err := j.MoveRun(t.Context(), runbook.RunAt{State: runbook.Parked, Version: 1}, resumed, nil); runbook.CodeOf(err) != runbook.Conflicting {
		t.Errorf("resume beside an open run: %v", err)
	}
	if got := get(t, j, "r1"); got.State != runbook.Parked || got.Version != 1 {
		t.Errorf("a refused resume changed the run: %s %d", got.State, got.Version)
	}
}

func testMoves(t *testing.T, b Backend) {
	j := b.Open(t)
	s := create(t, j, NewRun("r1")).Steps[0]
	s = move(t, j, s, runbook.Planning, nil)
	// The bytes of an effect are what its digest covers: neither order nor escapes may change.
	s.Plan = &runbook.Plan{Verdict: runbook.Ready, Effect: runbook.Effect{Host: "primary", Data: json.RawMessage(`{"z":"<b>&","a":1.50}`)}}
	s.Attempt, s.Digest = 1, runbook.Digest(s.ID, "ssh", nil, s.Plan.Effect)
	s = move(t, j, s, runbook.Waiting, nil)
	if got := runbook.Digest(s.ID, "ssh", nil, s.Plan.Effect); got != s.Digest {
		t.Errorf("the digest of the stored plan is %s, was %s", got, s.Digest)
	}
	d := runbook.Decision{RunID: "r1", Step: s.ID, Attempt: 1, Digest: s.Digest, Choice: runbook.Approve, By: ops1}
	s = move(t, j, s, runbook.Executing, &d)
	if s.Version != 3 {
		t.Errorf("version %d after 3 moves", s.Version)
	}
	if diff := cmp.Diff(s, *ptr(get(t, j, "r1")).Step(s.ID)); diff != "" {
		t.Errorf("MoveStep returned something else than it stored (-returned +stored):\n%s", diff)
	}
	ds, err := j.Decisions(t.Context(), "r1", s.ID)
	if err != nil || len(ds) != 1 {
		t.Fatalf("decisions: %v, %v", ds, err)
	}
	if diff := cmp.Diff(d, ds[0].Decision); diff != "" {
		t.Errorf("decision (-want +got):\n%s", diff)
	}
}

func testRefused(t *testing.T, b Backend) {
	j := b.Open(t)
	s := create(t, j, NewRun("r1")).Steps[0]
	s = move(t, j, s, runbook.Planning, nil)
	before := events(t, j)
	waiting, done, gone := s, s, s
	waiting.State, done.State, gone.State, gone.ID = runbook.Waiting, runbook.Committing, runbook.Waiting, "gone"
	for name, c := range map[string]struct {
		from runbook.StepAt
		next runbook.StepRun
		ok   func(error) bool
	}{
		"old version": {runbook.StepAt{State: runbook.Planning, Version: 0}, waiting, isMoved},
		"other state": {runbook.StepAt{State: runbook.Deferred, Version: 1}, s, isMoved},
		"not allowed": {runbook.StepAt{State: runbook.Planning, Version: 1}, done, isCode(runbook.Internal)},
		"not there":   {runbook.StepAt{State: runbook.Planning, Version: 1}, gone, isCode(runbook.NotFound)},
	} {
		if _, err := j.MoveStep(t.Context(), c.from, c.next, &runbook.Decision{Choice: runbook.Approve, By: ops1}); !c.ok(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if diff := cmp.Diff(s, get(t, j, "r1").Steps[0]); diff != "" {
		t.Errorf("a refused move changed the step:\n%s", diff)
	}
	if diff := cmp.Diff(before, events(t, j)); diff != "" {
		t.Errorf("a refused move left an event:\n%s", diff)
	}
	if ds, err := j.Decisions(t.Context(), "r1", s.ID); err != nil || len(ds) != 0 {
		t.Errorf("a refused move left a decision: %v, %v", ds, err)
	}
}

func testRace(t *testing.T, b Backend) {
	j := b.Open(t)
	s := move(t, j, create(t, j, NewRun("r1")).Steps[0], runbook.Planning, nil)
	s = move(t, j, s, runbook.Waiting, nil)
	won := race(16, func(i int) error {
		next := s
		next.State = []runbook.State{runbook.Executing, runbook.Skipped}[i%2]
		_, err := j.MoveStep(t.Context(), runbook.StepAt{State: s.State, Version: s.Version}, next,
			&runbook.Decision{RunID: "r1", Step: s.ID, Choice: runbook.Approve, By: ops1})
		if err != nil && !isMoved(err) {
			t.Errorf("loser %d: %v", i, err)
		}
		return err
	})
	ds, err := j.Decisions(t.Context(), "r1", s.ID)
	if err != nil || won != 1 || len(ds) != 1 {
		t.Errorf("%d of 16 won, %d decisions recorded, %v", won, len(ds), err)
	}
	if _, err := j.Verify(t.Context(), ""); err != nil {
		t.Errorf("verify: %v", err)
	}
}

func testRaceToStart(t *testing.T, b Backend) {
	j := b.Open(t)
	won := race(16, func(i int) error {
		err := j.CreateRun(t.Context(), NewRun("r"+string(rune('a'+i))))
		if err != nil && runbook.CodeOf(err) != runbook.Conflicting {
			t.Errorf("loser %d: %v", i, err)
		}
		return err
	})
	if active, err := j.Active(t.Context()); err != nil || won != 1 || len(active) != 1 {
		t.Errorf("%d of 16 won, %d open, %v", won, len(active), err)
	}
}

// race calls f n times at once and counts the calls that succeeded.
func race(n int, f func(int) error) (won int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-gate
			if f(i) == nil {
				mu.Lock()
				won++
				mu.Unlock()
			}
		})
	}
	close(gate)
	wg.Wait()
	return won
}

func isMoved(err error) bool { return errors.Is(err, runbook.ErrMoved) }

func isCode(c runbook.Code) func(error) bool {
	return func(err error) bool { return runbook.CodeOf(err) == c }
}

func ptr[T any](v T) *T { return &v }
