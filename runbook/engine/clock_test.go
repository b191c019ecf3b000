package engine_test

import (
	"sync/atomic"
	"testing"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// TestClockJumps sets the machine's clock an hour forward or back while a change is held and while a step runs: what was
// promised in seconds is kept in seconds (fault 39).
func TestClockJumps(t *testing.T) {
	t.Parallel()
	for name, jump := range map[string]time.Duration{"forward": time.Hour, "back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var off atomic.Int64
			w := newWorld()
			w.deadline["two"] = 0.2
			w.gate["apply three"] = make(chan error, 1)
			b := start(t, newMemory(), w, func(c *engine.Config) {
				c.Clock = func() time.Time { return time.Now().Add(time.Duration(off.Load())) }
			})
			id := b.begin(scenario(runbook.Step{ID: "one", Kind: "hold"}, runbook.Step{ID: "two", Kind: "hold"},
				runbook.Step{ID: "three", Timeout: runbook.Duration(time.Minute)}))
			b.say(b.state(id, "one", runbook.Waiting), runbook.Approve, "")
			s := b.state(id, "one", runbook.Held)
			off.Store(int64(jump))
			b.say(s, runbook.Commit, "")
			b.say(b.state(id, "two", runbook.Waiting), runbook.Approve, "")
			held := b.state(id, "two", runbook.Held)
			off.Store(0)
			began := time.Now()
			two := b.state(id, "two", runbook.RolledBack)
			if took := time.Since(began); took > 10*time.Second || two.Note.ID != "engine.hold_expired" {
				t.Errorf("%v after %s, held since %v", two.Note, took, held.Hold)
			}
			b.say(two, runbook.Skip, "")
			b.say(b.state(id, "three", runbook.Waiting), runbook.Approve, "")
			b.state(id, "three", runbook.Executing)
			off.Store(int64(jump))
			w.gate["apply three"] <- nil
			b.runState(id, runbook.RunDone)
			if w.count("one") != 1 || w.count("two") != 0 || w.count("three") != 1 {
				t.Errorf("effects: %v", w.effects)
			}
		})
	}
}

// A clock that was set back makes no plan look older than what it needs: it is planned anew once, not for an hour (fault 39).
func TestAClockSetBackPlansNothingAgainAndAgain(t *testing.T) {
	t.Parallel()
	var off atomic.Int64
	w := newWorld()
	w.plans["two"] = runbook.Plan{Verdict: runbook.Provisional, Needs: []string{"param:host"}}
	b := start(t, newMemory(), w, func(c *engine.Config) {
		c.Clock = func() time.Time { return time.Now().Add(time.Duration(off.Load())) }
	})
	id := b.begin(scenario(runbook.Step{ID: "one"}, runbook.Step{ID: "two", Needs: []string{"one"}}))
	b.say(b.state(id, "one", runbook.Waiting), runbook.Approve, "")
	two := b.state(id, "two", runbook.Waiting)
	off.Store(-int64(time.Hour))
	b.say(two, runbook.Retry, "")
	two = b.attemptWaits(id, "two", two.Attempt+1)
	b = b.restart() // whose driver looks at it once more
	b.say(two, runbook.Skip, "")
	b.runState(id, runbook.RunDone)
}
