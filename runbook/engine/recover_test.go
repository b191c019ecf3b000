package engine_test

import (
	"context"
	"errors"
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// crash kills a bot whose journal stops answering, and starts another one over what is stored.
func crash(b *bot, j engine.Journal) *bot {
	if d, ok := b.j.(*breaking); ok {
		d.mu.Lock()
		if !d.dead() {
			close(d.died)
		}
		d.mu.Unlock()
	}
	b.stop()
	return start(b.t, j, b.w)
}

// TestCrashWhileExecuting: fault 3.
func TestCrashWhileExecuting(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, kind string
		unseen     bool
		want       runbook.State
		took       string
	}{
		{"effect is seen", "apply", false, runbook.Unknown, runbook.TookYes},
		{"effect cannot be seen", "apply", true, runbook.Unknown, runbook.TookUnclear},
		{"detached job goes on", "detached", false, runbook.Done, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			j, w := newMemory(), newWorld()
			w.unseen["one"] = c.unseen
			w.gate["apply one"] = make(chan error)
			b := start(t, dying(j, 1000, false), w)
			id := b.begin(scenario(runbook.Step{ID: "one", Kind: c.kind}))
			b.say(b.state(id, "one", runbook.Waiting), runbook.Approve, "")
			for what := ""; what != "apply one"; what = <-w.entered {
			}
			b = crash(b, j)
			s := b.state(id, "one", c.want)
			if c.took != "" {
				s = stepOf(b.until(id, "evidence", func(r runbook.Run) bool { return r.Step("one").Evidence != nil }), "one")
				if s.Evidence.Took != c.took {
					t.Errorf("evidence: %+v", s.Evidence)
				}
				b.refused(answerTo(s, runbook.MarkDone, ops1, ""), runbook.Invalid, "")
				b.refused(runbook.Decision{RunID: id, Choice: runbook.Abort, By: ops1}, runbook.Invalid, "")
				b.refused(runbook.Decision{RunID: id, Choice: runbook.Defer, By: ops1}, runbook.Conflicting, "")
				b.say(s, runbook.MarkDone, "seen in the log")
			}
			b.runState(id, runbook.RunDone)
			if w.count("one") != 1 {
				t.Errorf("effects: %v", w.effects)
			}
		})
	}
}

// TestReattachWhileTheHostIsAway: fault 8.
func TestReattachWhileTheHostIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.gate["apply one"], w.gate["resume one"] = make(chan error, 1), make(chan error)
	w.gate["apply one"] <- errors.New("connection reset")
	b := start(t, newMemory(), w)
	id := b.begin(scenario(runbook.Step{ID: "one", Kind: "detached"}))
	b.say(b.state(id, "one", runbook.Waiting), runbook.Approve, "")
	for range 3 {
		w.gate["resume one"] <- runbook.Errorf(runbook.Unavailable, "test.unreachable")
	}
	if s := b.state(id, "one", runbook.Executing); s.Note.ID != "engine.reattaching" {
		t.Errorf("note: %v", s.Note)
	}
	w.gate["resume one"] <- nil
	b.runState(id, runbook.RunDone)
	if w.count("one") != 1 || w.resumes != 4 {
		t.Errorf("effects %v, resumed %d times", w.effects, w.resumes)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.down["health"] = true
	b := start(t, newMemory(), w)
	id := b.begin(scenario(runbook.Step{ID: "one", Verify: []runbook.Probe{{Name: "health"}}}))
	b.say(b.state(id, "one", runbook.Waiting), runbook.Approve, "")
	s := b.state(id, "one", runbook.Unverified)
	w.do(func() { w.down["health"] = false })
	b.say(s, runbook.Look, "")
	b.runState(id, runbook.RunDone)
	if w.count("one") != 1 {
		t.Errorf("effects: %v", w.effects)
	}
}

func TestCancelAndAbort(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"apply", "detached"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.gate["apply one"] = make(chan error)
			b := start(t, newMemory(), w)
			id := b.begin(scenario(runbook.Step{ID: "one", Kind: kind}, runbook.Step{ID: "two"}))
			b.say(b.state(id, "one", runbook.Waiting), runbook.Approve, "")
			s := b.state(id, "one", runbook.Executing)
			b.say(s, runbook.Cancel, "")
			s = b.state(id, "one", runbook.Unknown)
			if s.Note.ID != "engine.cancelled" {
				t.Errorf("note: %v", s.Note)
			}
			d := runbook.Decision{RunID: id, Choice: runbook.Abort, By: ops1, Reason: "going home"}
			for range 2 {
				if _, err := b.Decide(context.Background(), d); err != nil {
					t.Fatal(err)
				}
			}
			run := b.runState(id, runbook.Aborted)
			if run.EndedBy != ops1 || run.Step("two").State != runbook.Pending {
				t.Errorf("run: %+v", run)
			}
			b.refused(answerTo(*run.Step("one"), runbook.Retry, ops1, ""), runbook.Conflicting, "")
		})
	}
}

func TestAbortCancelsWhatRuns(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.gate["apply one"] = make(chan error)
	b := start(t, newMemory(), w)
	id := b.begin(scenario(runbook.Step{ID: "one"}))
	b.say(b.state(id, "one", runbook.Waiting), runbook.Approve, "")
	b.state(id, "one", runbook.Executing)
	if _, err := b.Decide(context.Background(), runbook.Decision{RunID: id, Choice: runbook.Abort, By: ops1}); err != nil {
		t.Fatal(err)
	}
	b.state(id, "one", runbook.Unknown) // which nobody gave a reason to leave
	run := b.until(id, "the abort to stop", func(r runbook.Run) bool { return r.Step("one").Evidence != nil })
	if run.State != runbook.Open {
		t.Errorf("run: %s", run.State)
	}
	if _, err := b.Decide(context.Background(), runbook.Decision{RunID: id, Choice: runbook.Abort, By: ops1, Reason: "left so"}); err != nil {
		t.Fatal(err)
	}
	b.runState(id, runbook.Aborted)
}

// TestDeadJournalBeginsNothing: fault 6.
func TestDeadJournalBeginsNothing(t *testing.T) {
	t.Parallel()
	j, w := newMemory(), newWorld()
	b := start(t, dying(j, 1000, false), w)
	id := b.begin(scenario(runbook.Step{ID: "one"}))
	s := b.state(id, "one", runbook.Waiting)
	close(b.j.(*breaking).died)
	b.refused(answerTo(s, runbook.Approve, ops1, ""), runbook.Unavailable, "")
	if len(w.effects) != 0 {
		t.Errorf("effects: %v", w.effects)
	}
}

func TestPanicIsUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld()
	b := start(t, newMemory(), w)
	id := b.begin(scenario(runbook.Step{ID: "one", Kind: "panics"}, runbook.Step{ID: "two", Kind: "broken"}))
	s := b.state(id, "one", runbook.Failed)
	b.say(s, runbook.Skip, "")
	b.say(b.state(id, "two", runbook.Failed), runbook.Skip, "")
	b.runState(id, runbook.RunDone)
}
