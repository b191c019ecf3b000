package engine_test

import (
	"context"
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// What runs beside keeps no recovery waiting: it ends when one begins, and does not begin while one is open.
func TestBesideMakesWay(t *testing.T) {
	t.Parallel()
	eachJournal(t, func(t *testing.T, j engine.Journal) {
		ctx := context.Background()
		w := newWorld()
		b := start(t, j, w)
		beside := scenario(runbook.Step{ID: "try", Kind: "detached"})
		beside.Name, beside.Beside = "rehearse", true
		id := b.begin(beside)
		gate := make(chan error)
		w.do(func() { w.gate["apply try"] = gate })
		b.say(b.state(id, "try", runbook.Waiting), runbook.Approve, "")
		b.state(id, "try", runbook.Executing)
		if run, joined, err := b.Start(ctx, engine.StartRequest{Scenario: beside, By: ops2}); err != nil || !joined || run.ID != id {
			t.Errorf("a second rehearsal: %s %v %v", run.ID, joined, err)
		}
		recovery := b.begin(scenario(runbook.Step{ID: "one"}))
		b.state(recovery, "one", runbook.Waiting)
		close(gate)
		if run := b.runState(id, runbook.Aborted); run.EndedBy != ops1 {
			t.Errorf("ended by %+v", run.EndedBy)
		}
		if _, _, err := b.Start(ctx, engine.StartRequest{Scenario: beside, By: ops2}); runbook.CodeOf(err) != runbook.Conflicting {
			t.Errorf("a rehearsal during a recovery: %v", err)
		}
		b.say(b.state(recovery, "one", runbook.Waiting), runbook.Approve, "")
		b.runState(recovery, runbook.RunDone)
		b.begin(beside)
	})
}
