package engine_test

import (
	"context"
	"testing"

	"recoverbot/runbook"
)

// atTheClick begins a run whose step "one" has a guard, clicks Approve, and returns while the click asks the guard.
func atTheClick(t *testing.T, w *world, b *bot, before ...runbook.Step) (id string, gate chan error, clicked chan error) {
	t.Helper()
	sc := scenario(append(before, runbook.Step{ID: "one", Guard: "down"})...)
	sc.Guards = map[string]runbook.Guard{"down": {All: []runbook.Probe{{Name: "p"}}}}
	id = b.begin(sc)
	for _, s := range before {
		b.say(b.state(id, s.ID, runbook.Waiting), runbook.Skip, "")
	}
	one := b.state(id, "one", runbook.Waiting)
	gate, clicked = make(chan error), make(chan error, 1)
	w.do(func() { w.gate["probe p"] = gate })
	for len(w.entered) > 0 {
		<-w.entered
	}
	go func() {
		_, err := b.Decide(context.Background(), answerTo(one, runbook.Approve, ops1, ""))
		clicked <- err
	}()
	<-w.entered
	return id, gate, clicked
}

// What happens while a click asks its guard counts: the click then begins nothing.
func TestNothingBeginsInARunThatWasLeftMeanwhile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		choice runbook.Choice
		state  runbook.RunState
	}{{"parked", runbook.Defer, runbook.Parked}, {"aborted", runbook.Abort, runbook.Aborted}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			b := start(t, newMemory(), w)
			id, gate, clicked := atTheClick(t, w, b)
			if _, err := b.Decide(context.Background(), runbook.Decision{RunID: id, Choice: c.choice, By: ops2}); err != nil {
				t.Fatal(err)
			}
			close(gate)
			if err := <-clicked; runbook.CodeOf(err) != runbook.Conflicting {
				t.Errorf("the click was told %v", err)
			}
			run := b.runState(id, c.state)
			if s := run.Step("one"); s.State != runbook.Waiting || w.count("one") != 0 {
				t.Errorf("step is %s, effects %v", s.State, w.effects)
			}
		})
	}
}

func TestNothingBeginsBeforeAReopenedStep(t *testing.T) {
	t.Parallel()
	w := newWorld()
	b := start(t, newMemory(), w)
	id, gate, clicked := atTheClick(t, w, b, runbook.Step{ID: "first"})
	run, err := b.j.Run(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	b.say(*run.Step("first"), runbook.Reopen, "")
	close(gate)
	if err := <-clicked; runbook.CodeOf(err) != runbook.Invalid {
		t.Errorf("the click was told %v", err)
	}
	b.state(id, "first", runbook.Waiting)
	if s := b.state(id, "one", runbook.Waiting); w.count("one") != 0 {
		t.Errorf("step is %s, effects %v", s.State, w.effects)
	}
}
