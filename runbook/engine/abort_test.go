package engine_test

import (
	"context"
	"errors"
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

type person struct{}

// slow is a journal that keeps the driver waiting for one run, and loses the answer to an abort.
type slow struct {
	engine.Journal
	run  string
	goOn chan struct{}
}

func (s slow) Run(ctx context.Context, id string) (runbook.Run, error) {
	if id == s.run && ctx.Value(person{}) == nil {
		<-s.goOn
	}
	return s.Journal.Run(ctx, id)
}

func (s slow) MoveRun(ctx context.Context, from engine.RunState, next runbook.Run, d *runbook.Decision) (runbook.Run, error) {
	r, err := s.Journal.MoveRun(ctx, from, next, d)
	if err == nil && d != nil && next.Aborting != nil {
		err = errDead
	}
	return r, err
}

// An abort that is journaled wins, also before the driver has read it: nothing of a group begins after it (fault 22).
func TestAnAbortWinsBeforeTheDriverKnows(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.gate["apply g.nginx1"] = make(chan error, 1)
	j := slow{Journal: newMemory(), run: "dry", goOn: make(chan struct{})}
	names := []string{"dry", "run"}
	b := start(t, j, w, func(c *engine.Config) {
		c.ID = func() (id string) { id, names = names[len(names)-1], names[:len(names)-1]; return id }
	})
	id := b.begin(scenario(runbook.Step{ID: "g", On: []string{"nginx"}}))
	other := b.state(id, "g.nginx2", runbook.Waiting)
	b.say(b.state(id, "g.nginx1", runbook.Waiting), runbook.Approve, "")
	b.state(id, "g.nginx1", runbook.Executing)
	ctx := context.WithValue(t.Context(), person{}, true)
	if _, _, err := b.Start(ctx, engine.StartRequest{Scenario: scenario(runbook.Step{ID: "x"}), By: ops1, DryRun: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Decide(ctx, runbook.Decision{RunID: id, Choice: runbook.Abort, By: ops1, Reason: "enough"}); !errors.Is(err, errDead) {
		t.Fatalf("the answer came: %v", err)
	}
	_, err := b.Decide(ctx, answerTo(other, runbook.Approve, ops2, ""))
	var late *runbook.Error
	if !errors.As(err, &late) || late.Conflict == nil || late.Conflict.Choice != runbook.Abort {
		t.Errorf("it was answered: %v", err)
	}
	close(j.goOn)
	run := b.runState(id, runbook.Aborted)
	if w.count("g.nginx2") != 0 || run.Step("g.nginx2").State != runbook.Waiting {
		t.Errorf("%s, effects %v", run.Step("g.nginx2").State, w.effects)
	}
}
