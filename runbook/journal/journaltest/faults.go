package journaltest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"recoverbot/runbook"
)

func testEvents(t *testing.T, b Backend) {
	j := b.Open(t)
	if head, err := j.Head(t.Context(), ""); err != nil || head != "" {
		t.Errorf("head of an empty journal: %q, %v", head, err)
	}
	newest, cancel := j.Subscribe()
	s := create(t, j, NewRun("r1")).Steps[0]
	middle, err := j.Head(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	s = move(t, j, s, runbook.Planning, nil)
	s.Digest, s.Attempt = "d1", 1
	s = move(t, j, s, runbook.Waiting, nil)
	s.Result = &runbook.Result{Outcome: runbook.OutcomeDone, Output: "restarted"}
	move(t, j, s, runbook.Executing, &runbook.Decision{Step: s.ID, Attempt: 1, Digest: "d1", Choice: runbook.Approve, By: ops1})
	es := events(t, j)
	var kinds []string
	for i, e := range es {
		kinds = append(kinds, e.Kind)
		if e.ID != int64(i+1) || e.RunID != "r1" || e.Hash == "" || e.At.IsZero() {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	if diff := cmp.Diff([]string{"run.started", "step.moved", "step.moved", "decision", "step.moved"}, kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
	if d := es[3]; d.By != ops1 || d.Data["digest"] != "d1" || d.Data["choice"] != "approve" {
		t.Errorf("decision event: %+v", d)
	}
	if m := es[4]; m.By != ops1 || m.Data["to"] != "executing" || m.Data["output"] == "" || strings.Contains(m.Data["output"], "restarted") {
		t.Errorf("move event: %+v", m)
	}
	if got := <-newest; got != 5 {
		t.Errorf("subscriber was told %d", got)
	}
	cancel()
	if _, more := <-newest; more {
		t.Error("channel open after cancel")
	}
	if rest, err := j.Events(t.Context(), 3, 1); err != nil || len(rest) != 1 || rest[0].ID != 4 {
		t.Errorf("events after 3: %v, %v", rest, err)
	}
	if head, err := j.Head(t.Context(), "r1"); err != nil || head != "" {
		t.Errorf("head of a run that goes on: %q, %v", head, err)
	}
	for _, head := range []string{"", middle, es[4].Hash} {
		if c, err := j.Verify(t.Context(), head); err != nil || c.Events != 5 || c.Head != es[4].Hash {
			t.Errorf("verify %q: %+v, %v", head, c, err)
		}
	}
	for head, want := range map[string]runbook.Code{
		strings.Repeat("feed", 16): runbook.Conflicting, "feed": runbook.Invalid, middle + "0": runbook.Invalid, "not a hash at all": runbook.Invalid,
	} {
		if _, err := j.Verify(t.Context(), head); runbook.CodeOf(err) != want {
			t.Errorf("verify with head %q: %v, want %s", head, err, want)
		}
	}
	if c, err := j.Verify(t.Context(), " "+strings.ToUpper(middle[:16])); err != nil || c.At != 1 {
		t.Errorf("verify with the beginning of a head: %+v, %v", c, err)
	}
}

func testCrash(t *testing.T, b Backend) {
	j := b.Open(t)
	s := move(t, j, create(t, j, NewRun("r1")).Steps[0], runbook.Planning, nil)
	s = move(t, j, s, runbook.Waiting, nil)
	head, err := j.Head(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	after := b.Crash(t, j)
	if diff := cmp.Diff(get(t, j, "r1"), get(t, after, "r1")); diff != "" {
		t.Errorf("lost by the crash (-before +after):\n%s", diff)
	}
	if c, err := after.Verify(t.Context(), head); err != nil || c.Events != 3 {
		t.Errorf("verify after the crash: %+v, %v", c, err)
	}
	move(t, after, s, runbook.Executing, nil)
}

func testBroken(t *testing.T, b Backend) {
	j := b.Open(t)
	if err := j.Healthy(t.Context()); err != nil {
		t.Errorf("healthy: %v", err)
	}
	s := create(t, j, NewRun("r1")).Steps[0]
	b.Break(t, j)
	unchanged(t, j, s)
	if err := j.Healthy(t.Context()); runbook.CodeOf(err) != runbook.Unavailable {
		t.Errorf("healthy although writes fail: %v", err)
	}
}

func testFull(t *testing.T, b Backend) {
	j := b.Open(t)
	s := create(t, j, NewRun("r1")).Steps[0]
	b.Fill(t, j)
	unchanged(t, j, s)
}

// unchanged tries a large move that must fail and looks that nothing of it is there.
func unchanged(t *testing.T, j Journal, s runbook.StepRun) {
	t.Helper()
	before := events(t, j)
	next := s
	next.State = runbook.Planning
	next.Result = &runbook.Result{Output: strings.Repeat("x", 1<<20)}
	_, err := j.MoveStep(t.Context(), runbook.StepAt{State: s.State, Version: s.Version}, next, &runbook.Decision{Choice: runbook.Retry, By: ops1})
	if runbook.CodeOf(err) != runbook.Unavailable {
		t.Errorf("a write that cannot succeed: %v", err)
	}
	if diff := cmp.Diff(s, get(t, j, "r1").Steps[0]); diff != "" {
		t.Errorf("the step changed:\n%s", diff)
	}
	if diff := cmp.Diff(before, events(t, j)); diff != "" {
		t.Errorf("an event was left:\n%s", diff)
	}
	if ds, err := j.Decisions(t.Context(), s.RunID, s.ID); err != nil || len(ds) != 0 {
		t.Errorf("a decision was left: %v, %v", ds, err)
	}
}
