package engine_test

import (
	"context"
	"errors"
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// A step that is settled by a person's word or by evidence gives later steps what its plan promised.
func TestSettledWithoutAResult(t *testing.T) {
	t.Parallel()
	for _, choice := range []runbook.Choice{runbook.MarkDone, runbook.Look} {
		t.Run(string(choice), func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.plans["one"] = runbook.Plan{
				Verdict: runbook.Ready, Values: map[string]string{"host": "spare1"}, Open: []runbook.OpenItem{{Text: runbook.T("test.open")}},
			}
			gate := make(chan error, 1)
			w.gate["apply one"] = gate
			gate <- errors.New("connection lost")
			b := start(t, newMemory(), w)
			id := b.begin(scenario(runbook.Step{ID: "one"}, runbook.Step{ID: "two"}))
			b.say(b.state(id, "one", runbook.Waiting), runbook.Approve, "")
			b.until(id, "evidence", func(r runbook.Run) bool { return r.Step("one").Evidence != nil })
			b.say(b.state(id, "one", runbook.Unknown), choice, "seen on the machine")
			one := b.state(id, "one", runbook.Done)
			if one.Result.Outcome != runbook.OutcomeDone || one.Result.Values["host"] != "spare1" || len(one.Result.Open) != 1 {
				t.Errorf("result: %+v", one.Result)
			}
		})
	}
}

// An abort outlives the bot: what the next process finds again is rolled back, and the run ends.
func TestAbortGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	eachJournal(t, func(t *testing.T, j engine.Journal) {
		w := newWorld()
		b := start(t, j, w)
		id := b.begin(scenario(runbook.Step{ID: "one", Kind: "durable"}, runbook.Step{ID: "two"}))
		b.say(b.state(id, "one", runbook.Waiting), runbook.Approve, "")
		b.state(id, "one", runbook.Held)
		b.stop()
		run, err := j.Run(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		next := run // as a process leaves it that is killed right after the abort was journaled
		next.Aborting = &runbook.Approval{By: ops2, Choice: runbook.Abort}
		if _, err := j.MoveRun(context.Background(), engine.RunState{State: run.State, Version: run.Version}, next, nil); err != nil {
			t.Fatal(err)
		}
		b = start(t, j, w)
		run = b.runState(id, runbook.Aborted)
		if one := run.Step("one"); one.State != runbook.RolledBack || len(w.rolled) != 1 || w.count("one") != 0 {
			t.Errorf("step is %s; rolled back %v, effects %v", one.State, w.rolled, w.effects)
		}
		if run.EndedBy != ops2 || run.Aborting != nil {
			t.Errorf("ended by %+v, aborting %+v", run.EndedBy, run.Aborting)
		}
	})
}

func TestAbortIsJournaledWhileItGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.gate["commit one"] = make(chan error)
	b := start(t, newMemory(), w)
	id := b.begin(scenario(runbook.Step{ID: "one", Kind: "hold"}))
	b.say(b.state(id, "one", runbook.Waiting), runbook.Approve, "")
	b.say(b.state(id, "one", runbook.Held), runbook.Commit, "")
	b.state(id, "one", runbook.Committing)
	for range 2 {
		run, err := b.Decide(context.Background(), runbook.Decision{RunID: id, Choice: runbook.Abort, By: ops2})
		if err != nil || run.State != runbook.Open || run.Aborting == nil || run.Aborting.By != ops2 {
			t.Fatalf("run is %s, aborting %+v (%v)", run.State, run.Aborting, err)
		}
	}
	close(w.gate["commit one"])
	b.runState(id, runbook.Aborted)
	if given, err := b.j.Decisions(context.Background(), id, ""); err != nil || len(given) != 1 {
		t.Errorf("decisions: %+v (%v)", given, err)
	}
}

// Each member of a group is verified by probes of its own.
func TestProbesOfMembers(t *testing.T) {
	t.Parallel()
	w := newWorld()
	b := start(t, newMemory(), w)
	id := b.begin(scenario(runbook.Step{
		ID: "start", Host: "survivor", On: []string{"go-fly", "go-job"}, Verify: []runbook.Probe{{Kind: "service", Service: "member", Host: "member"}},
	}))
	for _, m := range []string{"start.go-fly", "start.go-job"} {
		b.say(b.state(id, m, runbook.Waiting), runbook.Approve, "")
	}
	run := b.runState(id, runbook.RunDone)
	for _, s := range run.Steps {
		if p := s.Findings[0].Probe; p.Service != s.Member || p.Host != "standby" {
			t.Errorf("%s was verified by %+v", s.ID, p)
		}
	}
}

// A change that was held for long is committed only while its guard holds, or for a reason.
func TestGuardAtTheCommit(t *testing.T) {
	t.Parallel()
	w := newWorld()
	b := start(t, newMemory(), w)
	sc := scenario(runbook.Step{ID: "one", Kind: "durable", Guard: "down"})
	sc.Guards = map[string]runbook.Guard{"down": {All: []runbook.Probe{{Name: "p"}}}}
	id := b.begin(sc)
	b.say(b.state(id, "one", runbook.Waiting), runbook.Approve, "")
	one := b.state(id, "one", runbook.Held)
	w.do(func() { w.down["p"] = true })
	b.refused(answerTo(one, runbook.Commit, ops1, ""), runbook.Conflicting, "stale")
	b.refused(answerTo(one, runbook.Commit, ops1, ""), runbook.Invalid, "")
	if one = b.state(id, "one", runbook.Held); one.Hold.Warning.ID != "engine.guard_commit" || w.count("one") != 0 {
		t.Errorf("hold: %+v, effects %v", one.Hold, w.effects)
	}
	b.say(one, runbook.Commit, "it only came back for a moment")
	b.runState(id, runbook.RunDone)
	if w.count("one") != 1 {
		t.Errorf("effects: %v", w.effects)
	}
}
