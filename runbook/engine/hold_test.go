package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// holding brings one step of a kind into a held change.
func holding(t *testing.T, j engine.Journal, w *world, kind string) (*bot, runbook.StepRun) {
	t.Helper()
	b := start(t, j, w)
	id := b.begin(scenario(runbook.Step{ID: "one", Kind: kind}))
	b.say(b.state(id, "one", runbook.Waiting), runbook.Approve, "")
	return b, b.state(id, "one", runbook.Held)
}

// TestHeldIsCommittedOrRolledBack: fault 21.
func TestHeldIsCommittedOrRolledBack(t *testing.T) {
	t.Parallel()
	eachJournal(t, func(t *testing.T, j engine.Journal) {
		w := newWorld()
		b, s := holding(t, j, w, "hold")
		if s.Hold == nil || s.Hold.Durable || time.Until(s.Hold.Deadline) < 30*time.Second {
			t.Errorf("hold: %+v", s.Hold)
		}
		if w.count("one") != 0 {
			t.Error("a held change counts already")
		}
		b.say(s, runbook.Rollback, "")
		s = b.state(s.RunID, "one", runbook.RolledBack)
		b.refused(answerTo(s, runbook.Commit, ops2, ""), runbook.Conflicting, "decided")
		b.say(s, runbook.Retry, "")
		s = b.attemptWaits(s.RunID, "one", 2)
		b.say(s, runbook.Approve, "")
		s = b.state(s.RunID, "one", runbook.Held)
		b.say(s, runbook.Commit, "")
		b.say(s, runbook.Commit, "")
		b.refused(answerTo(s, runbook.Rollback, ops2, ""), runbook.Conflicting, "decided")
		b.runState(s.RunID, runbook.RunDone)
		if w.count("one") != 1 {
			t.Errorf("effects: %v", w.effects)
		}
	})
}

// TestHoldDeadlineAgainstCommit: fault 19.
func TestHoldDeadlineAgainstCommit(t *testing.T) {
	t.Parallel()
	for range 15 {
		w := newWorld()
		w.deadline["one"] = 0.1
		b, s := holding(t, newMemory(), w, "hold")
		time.AfterFunc(time.Until(s.Hold.Deadline)-time.Millisecond, func() {
			_, _ = b.Decide(context.Background(), answerTo(s, runbook.Commit, ops1, ""))
		})
		run := b.until(s.RunID, "an end", func(r runbook.Run) bool {
			st := r.Step("one").State
			return st == runbook.Done || st == runbook.RolledBack
		})
		committed := run.Step("one").State == runbook.Done
		w.do(func() {
			for job, n := range w.rolled {
				if committed == (n > 0) || n > 1 || committed == (w.effects[job] == 0) {
					t.Errorf("committed %v, rolled back %d times, effects %v", committed, n, w.effects)
				}
			}
		})
		b.stop()
	}
}

// TestHoldIsLost: fault 14.
func TestHoldIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld()
	b, s := holding(t, newMemory(), w, "hold")
	w.do(func() {
		for _, h := range w.holds {
			h.lost <- errors.New("gone away")
		}
	})
	s = b.state(s.RunID, "one", runbook.RolledBack)
	if s.Note.ID != "engine.hold_lost" || w.count("one") != 0 {
		t.Errorf("note %v, effects %v", s.Note, w.effects)
	}
	b.refused(answerTo(s, runbook.Commit, ops1, ""), runbook.Conflicting, "stale")
}

func TestStopRollsVolatileHoldsBack(t *testing.T) {
	t.Parallel()
	w := newWorld()
	b, s := holding(t, newMemory(), w, "hold")
	b.stop()
	if s := b.state(s.RunID, "one", runbook.RolledBack); s.Note.ID != "engine.hold_stopped" {
		t.Errorf("note: %v", s.Note)
	}
	if len(w.rolled) != 1 || w.count("one") != 0 {
		t.Errorf("rolled back %v, effects %v", w.rolled, w.effects)
	}
}

func TestDurableHoldSurvivesARestart(t *testing.T) {
	t.Parallel()
	eachJournal(t, func(t *testing.T, j engine.Journal) {
		w := newWorld()
		b, s := holding(t, j, w, "durable")
		if !s.Hold.Durable || !s.Hold.Deadline.IsZero() {
			t.Errorf("hold: %+v", s.Hold)
		}
		b = b.restart()
		s = stepOf(b.until(s.RunID, "held again", func(r runbook.Run) bool { return r.Step("one").Note.ID == "engine.held_again" }), "one")
		b.say(s, runbook.Commit, "")
		b.runState(s.RunID, runbook.RunDone)
		if w.count("one") != 1 || len(w.rolled) != 0 {
			t.Errorf("effects %v, rolled back %v", w.effects, w.rolled)
		}
	})
}

func TestDurableHoldThatIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld()
	b, s := holding(t, newMemory(), w, "durable")
	b.stop()
	w.do(func() { clear(w.holds) })
	b = b.restart()
	s = b.state(s.RunID, "one", runbook.Unknown)
	if s.Note.ID != "engine.hold_not_found" {
		t.Errorf("note: %v", s.Note)
	}
	b.until(s.RunID, "evidence", func(r runbook.Run) bool { return r.Step("one").Evidence != nil })
	s = b.state(s.RunID, "one", runbook.Unknown)
	b.say(s, runbook.Look, "")
	b.state(s.RunID, "one", runbook.Failed)
}

// TestCommitBreaksOff: fault 15.
func TestCommitBreaksOff(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.gate["commit one"] = make(chan error, 1)
	w.gate["commit one"] <- errors.New("connection lost")
	b, s := holding(t, newMemory(), w, "hold")
	b.say(s, runbook.Commit, "")
	s = stepOf(b.until(s.RunID, "evidence", func(r runbook.Run) bool { return r.Step("one").Evidence != nil }), "one")
	if s.State != runbook.Unknown || s.Evidence.Took != runbook.TookYes {
		t.Errorf("%s, evidence %+v", s.State, s.Evidence)
	}
	b.say(s, runbook.Look, "")
	b.runState(s.RunID, runbook.RunDone)
}

// The same answer again is success only while it is what led to where the step is now.
func TestTheSameAnswerAfterItCameToNothing(t *testing.T) {
	t.Parallel()
	eachJournal(t, func(t *testing.T, j engine.Journal) {
		w := newWorld()
		b, s := holding(t, j, w, "hold")
		b.say(s, runbook.Approve, "")
		b = b.restart()
		b.state(s.RunID, "one", runbook.RolledBack)
		e := b.refused(answerTo(s, runbook.Approve, ops1, ""), runbook.Conflicting, "stale")
		if e.Msg.ID != "engine.state_moved" {
			t.Errorf("answer: %v", e.Msg)
		}
		s = b.state(s.RunID, "one", runbook.RolledBack)
		b.say(s, runbook.Retry, "")
		b.say(s, runbook.Retry, "")
		two := b.attemptWaits(s.RunID, "one", s.Attempt+1)
		b.refused(answerTo(s, runbook.Approve, ops1, ""), runbook.Conflicting, "decided") // to retry
		b.say(two, runbook.Approve, "")
		two = b.state(s.RunID, "one", runbook.Held)
		b.say(two, runbook.Rollback, "")
		b.state(s.RunID, "one", runbook.RolledBack)
		b.refused(answerTo(two, runbook.Approve, ops1, ""), runbook.Conflicting, "decided")
		b.say(two, runbook.Rollback, "")
		b.say(b.state(s.RunID, "one", runbook.RolledBack), runbook.Skip, "")
		b.refused(answerTo(two, runbook.Approve, ops1, ""), runbook.Conflicting, "decided")
	})
}

func TestTheSameAnswerToAGroupAfterItFailed(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for _, id := range []string{"out.nginx1", "out.nginx2"} {
		w.result[id] = runbook.Result{Outcome: runbook.OutcomeFailed, Text: runbook.T("test.refused")}
	}
	b := start(t, newMemory(), w)
	id := b.begin(scenario(runbook.Step{ID: "out", On: []string{"nginx"}}))
	b.state(id, "out.nginx2", runbook.Waiting)
	b.state(id, "out.nginx1", runbook.Waiting)
	run := b.runState(id, runbook.Open)
	d := runbook.Decision{RunID: id, Group: "out", Digest: runbook.GroupDigest(run.Members("out")), Choice: runbook.Approve, By: ops1}
	if _, err := b.Decide(context.Background(), d); err != nil {
		t.Fatal(err)
	}
	b.state(id, "out.nginx1", runbook.Failed)
	b.state(id, "out.nginx2", runbook.Failed)
	b.refused(d, runbook.Conflicting, "stale")
}
