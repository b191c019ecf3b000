package engine_test

import (
	"context"
	"slices"
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

func TestGroup(t *testing.T) {
	t.Parallel()
	eachJournal(t, func(t *testing.T, j engine.Journal) {
		w := newWorld()
		w.gate["apply out.nginx1"] = make(chan error)
		w.gate["apply out.nginx2"] = make(chan error)
		w.result["out.nginx2"] = runbook.Result{Outcome: runbook.OutcomeFailed, Text: runbook.T("test.refused")}
		b := start(t, j, w)
		id := b.begin(scenario(runbook.Step{ID: "out", On: []string{"nginx"}}, runbook.Step{ID: "after"}))
		run := b.until(id, "both wait", func(r runbook.Run) bool {
			ms := r.Members("out")
			return len(ms) == 2 && ms[0].State == runbook.Waiting && ms[1].State == runbook.Waiting
		})
		if m := run.Members("out"); m[0].ID != "out.nginx1" || m[0].Host != "nginx1" || m[1].Member != "nginx2" {
			t.Errorf("members: %+v %+v", m[0], m[1])
		}
		d := runbook.Decision{RunID: id, Group: "out", Digest: runbook.GroupDigest(run.Members("out")), Choice: runbook.Approve, By: ops1}
		for range 2 { // twice: one click, and one more
			if _, err := b.Decide(context.Background(), d); err != nil {
				t.Fatal(err)
			}
		}
		rival := d
		rival.Choice, rival.By = runbook.Skip, ops2
		b.refused(rival, runbook.Conflicting, "decided")
		w.gate["apply out.nginx1"] <- nil // both are under way at once
		w.gate["apply out.nginx2"] <- nil
		b.state(id, "out.nginx1", runbook.Done)
		failed := b.state(id, "out.nginx2", runbook.Failed)
		if s := b.state(id, "after", runbook.Pending); s.State != runbook.Pending {
			t.Errorf("the next step did not wait: %s", s.State)
		}
		b.say(failed, runbook.Retry, "")
		b.attemptWaits(id, "out.nginx2", 2)
		b.refused(rival, runbook.Conflicting, "")
		if _, err := b.Decide(context.Background(), d); err != nil || w.count("out.nginx2") != 1 {
			t.Errorf("a late click on the old card: %v, effects %v", err, w.effects)
		}
		w.do(func() { delete(w.result, "out.nginx2"); delete(w.gate, "apply out.nginx2") })
		b.say(b.state(id, "out.nginx2", runbook.Waiting), runbook.Approve, "")
		b.say(b.state(id, "after", runbook.Waiting), runbook.Approve, "")
		b.runState(id, runbook.RunDone)
		if w.count("out.nginx1") != 1 || w.count("out.nginx2") != 2 {
			t.Errorf("effects: %v", w.effects)
		}
	})
}

func TestGroupOfServices(t *testing.T) {
	t.Parallel()
	b := start(t, newMemory(), newWorld())
	id := b.begin(scenario(runbook.Step{ID: "svc", Host: "survivor", On: []string{"go-upload", "nginx"}}, runbook.Step{ID: "none", On: []string{"host:"}}))
	run := b.until(id, "members", func(r runbook.Run) bool { return r.Step("svc.nginx") != nil })
	if s := run.Step("svc.nginx"); s.Member != "nginx" || s.Host != "standby" {
		t.Errorf("member: %+v", s)
	}
	if s := run.Step("none"); s.State != runbook.Done || s.Note.ID != "engine.no_members" {
		t.Errorf("group without members: %+v", s)
	}
}

func TestSkippedNeed(t *testing.T) {
	t.Parallel()
	w := newWorld()
	b := start(t, newMemory(), w)
	id := b.begin(scenario(runbook.Step{ID: "one"}, runbook.Step{ID: "two", Needs: []string{"one"}}))
	b.say(b.state(id, "one", runbook.Waiting), runbook.Skip, "")
	s := b.state(id, "two", runbook.Waiting)
	if s.Plan.Verdict != runbook.Blocked || !s.Plan.Override || s.Plan.Why.Args["step"] != "one" {
		t.Errorf("plan: %+v", s.Plan)
	}
	b.refused(answerTo(s, runbook.Approve, ops1, ""), runbook.Invalid, "")
	b.say(s, runbook.Approve, "done by hand")
	b.runState(id, runbook.RunDone)
	if w.count("one") != 0 || w.count("two") != 1 {
		t.Errorf("effects: %v", w.effects)
	}
}

func TestProvisionalIsNotApproved(t *testing.T) {
	t.Parallel()
	b := start(t, newMemory(), newWorld())
	id := b.begin(scenario(runbook.Step{ID: "one", Needs: []string{"param:dump"}}))
	s := b.state(id, "one", runbook.Waiting)
	if s.Plan.Verdict != runbook.Provisional {
		t.Errorf("plan: %+v", s.Plan)
	}
	b.refused(answerTo(s, runbook.Approve, ops1, "because"), runbook.Invalid, "")
}

// TestPlannedWhileANeedIsReopened: a step that was planned while one that it needs was open again is planned anew by itself.
func TestPlannedWhileANeedIsReopened(t *testing.T) {
	t.Parallel()
	b := start(t, newMemory(), newWorld())
	id := b.begin(scenario(runbook.Step{ID: "one"}, runbook.Step{ID: "two", Needs: []string{"one"}}))
	b.say(b.state(id, "one", runbook.Waiting), runbook.Skip, "")
	two := b.state(id, "two", runbook.Waiting)
	one := b.state(id, "one", runbook.Skipped)
	b.say(one, runbook.Reopen, "")
	opened := b.attemptWaits(id, "one", one.Attempt+1)
	b.say(two, runbook.Retry, "")
	two = b.attemptWaits(id, "two", two.Attempt+1)
	if two.Plan.Verdict != runbook.Provisional {
		t.Fatalf("planned beside what it needs: %+v", two.Plan)
	}
	b.say(opened, runbook.Approve, "")
	two = b.attemptWaits(id, "two", two.Attempt+1)
	b.say(two, runbook.Approve, "")
	b.runState(id, runbook.RunDone)
}

func TestDeferParkReopen(t *testing.T) {
	t.Parallel()
	eachJournal(t, func(t *testing.T, j engine.Journal) {
		w := newWorld()
		b := start(t, j, w)
		id := b.begin(scenario(
			runbook.Step{ID: "machine"}, runbook.Step{ID: "config", Needs: []string{"machine"}}, runbook.Step{ID: "last"}))
		s := b.state(id, "machine", runbook.Waiting)
		b.say(s, runbook.Defer, "")
		if s := b.state(id, "config", runbook.Deferred); s.Note.ID != "engine.deferred_with" {
			t.Errorf("note: %v", s.Note)
		}
		last := b.state(id, "last", runbook.Waiting)
		b.refused(answerTo(last, runbook.Commit, ops1, ""), runbook.Invalid, "")
		b.say(last, runbook.Approve, "")
		run := b.runState(id, runbook.Parked)
		if items := engine.OpenItems(run); len(items) != 2 || items[0].Step != "machine" {
			t.Errorf("open items: %+v", items)
		}
		b = b.restart()
		other := b.begin(runbook.Scenario{Name: "nginx", Steps: []runbook.Step{{ID: "x", Kind: "apply"}}})
		s = *run.Step("machine")
		b.refused(answerTo(s, runbook.Reopen, ops1, ""), runbook.Conflicting, "")
		b.say(b.state(other, "x", runbook.Waiting), runbook.Skip, "")
		b.runState(other, runbook.RunDone)
		b.say(s, runbook.Reopen, "")
		b.say(b.attemptWaits(id, "machine", s.Attempt+1), runbook.Approve, "")
		b.say(b.state(id, "config", runbook.Waiting), runbook.Approve, "")
		b.runState(id, runbook.RunDone)
		if w.count("machine") != 1 || w.count("config") != 1 || w.count("last") != 1 {
			t.Errorf("effects: %v", w.effects)
		}
	})
}

func TestResumeReopensToDos(t *testing.T) {
	t.Parallel()
	b := start(t, newMemory(), newWorld())
	id := b.begin(scenario(runbook.Step{ID: "one"}, runbook.Step{ID: "two", Needs: []string{"one"}}))
	b.say(b.state(id, "one", runbook.Waiting), runbook.Defer, "")
	b.runState(id, runbook.Parked)
	for range 2 {
		if run, err := b.Decide(context.Background(), runbook.Decision{RunID: id, Choice: runbook.Reopen, By: ops2}); err != nil || run.State != runbook.Open {
			t.Fatal(run.State, err)
		}
	}
	b.say(b.state(id, "one", runbook.Waiting), runbook.Approve, "")
	b.say(b.state(id, "two", runbook.Waiting), runbook.Approve, "")
	b.runState(id, runbook.RunDone)
}

func TestParkWhileWaiting(t *testing.T) {
	t.Parallel()
	b := start(t, newMemory(), newWorld())
	id := b.begin(scenario(runbook.Step{ID: "one"}))
	s := b.state(id, "one", runbook.Waiting)
	if run, err := b.Decide(context.Background(), runbook.Decision{RunID: id, Choice: runbook.Defer, By: ops1}); err != nil || run.State != runbook.Parked {
		t.Fatal(run.State, err)
	}
	b.refused(answerTo(s, runbook.Approve, ops1, ""), runbook.Conflicting, "")
	if _, err := b.Decide(context.Background(), runbook.Decision{RunID: id, Choice: runbook.Reopen, By: ops1}); err != nil {
		t.Fatal(err)
	}
	b.say(s, runbook.Approve, "")
	b.runState(id, runbook.RunDone)
}

// A guard with a choice holds while all of the ones and any of the others do.
func TestGuardWithAChoice(t *testing.T) {
	t.Parallel()
	w := newWorld()
	b := start(t, newMemory(), w)
	sc := scenario(runbook.Step{ID: "one"})
	sc.Guards = map[string]runbook.Guard{"default": {All: []runbook.Probe{{Name: "all"}}, Any: []runbook.Probe{{Name: "a"}, {Name: "b"}}}}
	id := b.begin(sc)
	one := b.state(id, "one", runbook.Waiting)
	for i, c := range []struct {
		down []string
		want runbook.Verdict
	}{{[]string{"a"}, runbook.Ready}, {[]string{"b"}, runbook.Ready}, {[]string{"a", "b"}, runbook.Blocked}, {[]string{"all"}, runbook.Blocked}, {nil, runbook.Ready}} {
		w.do(func() {
			clear(w.down)
			for _, name := range c.down {
				w.down[name] = true
			}
		})
		b.say(one, runbook.Retry, "")
		if one = b.attemptWaits(id, "one", i+2); one.Plan.Verdict != c.want {
			t.Errorf("with %v down: %s", c.down, one.Plan.Verdict)
		}
	}
	w.do(func() { w.down["a"], w.down["b"] = true, true })
	b.refused(answerTo(one, runbook.Approve, ops1, ""), runbook.Conflicting, "stale")
	if w.count("one") != 0 {
		t.Error("it ran against its guard")
	}
}

func TestWhenAndGuard(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.down["ssh"] = true
	b := start(t, newMemory(), w)
	sc := scenario(
		runbook.Step{ID: "maybe", When: []runbook.Probe{{Name: "ssh"}}}, runbook.Step{ID: "one"}, runbook.Step{ID: "turn", PointOfNoReturn: true},
		runbook.Step{ID: "after"}, runbook.Step{ID: "free", Guard: "none"})
	sc.Guards = map[string]runbook.Guard{"default": {All: []runbook.Probe{{Name: "primary down"}}}}
	id := b.begin(sc)
	one := b.state(id, "one", runbook.Waiting)
	if s := b.state(id, "maybe", runbook.Done); s.Note.ID != "engine.not_needed" || w.count("maybe") != 0 {
		t.Errorf("step that is not needed: %+v", s)
	}
	w.do(func() { w.down["primary down"] = true }) // it is back
	b.refused(answerTo(one, runbook.Approve, ops1, ""), runbook.Conflicting, "stale")
	one = b.attemptWaits(id, "one", 2)
	if one.Plan.Verdict != runbook.Blocked || one.Plan.Hint != runbook.Abort {
		t.Errorf("guard before the point of no return: %+v", one.Plan)
	}
	b.refused(answerTo(one, runbook.Approve, ops1, "because"), runbook.Invalid, "")
	w.do(func() { w.down["primary down"] = false })
	b.say(one, runbook.Retry, "")
	b.say(b.attemptWaits(id, "one", 3), runbook.Approve, "")
	b.say(b.state(id, "turn", runbook.Waiting), runbook.Approve, "")
	after := b.state(id, "after", runbook.Waiting)
	w.do(func() { w.down["primary down"] = true })
	b.refused(answerTo(after, runbook.Approve, ops1, "because"), runbook.Conflicting, "stale")
	after = b.attemptWaits(id, "after", after.Attempt+1)
	if after.Plan.Verdict != runbook.Ready || !after.Plan.Danger || after.Plan.Warnings[0].ID != "engine.guard_fence" {
		t.Errorf("guard after the point of no return: %+v", after.Plan)
	}
	b.refused(answerTo(after, runbook.Approve, ops1, ""), runbook.Invalid, "")
	b.say(after, runbook.Approve, "it is fenced")
	b.say(b.state(id, "free", runbook.Waiting), runbook.Approve, "")
	b.runState(id, runbook.RunDone)
}

func TestStartJoinsOrConflicts(t *testing.T) {
	t.Parallel()
	w := newWorld()
	b := start(t, newMemory(), w)
	ctx := context.Background()
	req := engine.StartRequest{Scenario: scenario(runbook.Step{ID: "one", Kind: "hold"}), Params: map[string]string{"a": "1"}, By: ops1}
	run, joined, err := b.Start(ctx, req)
	if err != nil || joined {
		t.Fatal(run, joined, err)
	}
	if again, joined, err := b.Start(ctx, req); err != nil || !joined || again.ID != run.ID {
		t.Errorf("the same again: %v %v %v", again.ID, joined, err)
	}
	other := req
	other.Params = map[string]string{"a": "2"}
	if open, _, err := b.Start(ctx, other); runbook.CodeOf(err) != runbook.Conflicting || open.ID != run.ID {
		t.Errorf("another one: %v %v", open.ID, err)
	}
	b.say(b.state(run.ID, "one", runbook.Waiting), runbook.Approve, "")
	held := b.state(run.ID, "one", runbook.Held)
	other.Conflict = "park"
	if _, _, err := b.Start(ctx, other); runbook.CodeOf(err) != runbook.Conflicting {
		t.Errorf("parked a held change: %v", err)
	}
	other.Conflict = "supersede"
	second, _, err := b.Start(ctx, other)
	if err != nil {
		t.Fatal(err)
	}
	b.runState(run.ID, runbook.Aborted)
	if s := b.state(run.ID, "one", runbook.RolledBack); s.Attempt != held.Attempt || w.count("one") != 0 {
		t.Errorf("superseded: %+v", s)
	}
	third := req
	third.Conflict = "park"
	if _, _, err := b.Start(ctx, third); err != nil {
		t.Fatal(err)
	}
	b.runState(second.ID, runbook.Parked)
	if _, err := b.Decide(ctx, runbook.Decision{RunID: second.ID, Choice: runbook.Reopen, By: ops1}); runbook.CodeOf(err) != runbook.Conflicting {
		t.Errorf("two open runs: %v", err)
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	w := newWorld()
	b := start(t, newMemory(), w)
	real := b.begin(scenario(runbook.Step{ID: "one"}))
	run, _, err := b.Start(context.Background(), engine.StartRequest{
		Scenario: scenario(runbook.Step{ID: "one"}, runbook.Step{ID: "two", Needs: []string{"one"}}), By: ops1, DryRun: true})
	if err != nil || run.ID == real {
		t.Fatal(run.ID, err)
	}
	run = b.runState(run.ID, runbook.RunDone)
	if one, two := run.Step("one"), run.Step("two"); one.Plan.Verdict != runbook.Ready || two.Plan.Verdict != runbook.Provisional {
		t.Errorf("plans: %+v %+v", one.Plan, two.Plan)
	}
	b.refused(answerTo(*run.Step("one"), runbook.Approve, ops1, ""), runbook.Conflicting, "")
	if len(w.effects) != 0 {
		t.Errorf("effects: %v", w.effects)
	}
	b.state(real, "one", runbook.Waiting)
}

// Where a step of the run itself made the guard fail, the run may end well; where nobody did anything, it may not.
func TestEndWhereServiceIsBack(t *testing.T) {
	t.Parallel()
	eachJournal(t, func(t *testing.T, j engine.Journal) {
		w := newWorld()
		b := start(t, j, w)
		sc := scenario(runbook.Step{ID: "restart"}, runbook.Step{ID: "dump", SkipReason: true}, runbook.Step{ID: "move"})
		sc.Guards = map[string]runbook.Guard{"default": {All: []runbook.Probe{{Name: "primary down"}}}}
		end := func(id string) runbook.Decision {
			return runbook.Decision{RunID: id, Choice: runbook.MarkDone, By: ops2}
		}
		may := func(r runbook.Run) bool { return slices.Contains(engine.RunChoices(r), runbook.MarkDone) }
		id := b.begin(sc)
		restart := b.state(id, "restart", runbook.Waiting)
		w.do(func() { w.down["primary down"] = true })
		b.say(restart, runbook.Retry, "")
		restart = b.attemptWaits(id, "restart", 2)
		if r := b.runState(id, runbook.Open); restart.Plan.Why.ID != "engine.guard_failed" || may(r) {
			t.Errorf("before anything was done: %+v, %v", restart.Plan.Why, engine.RunChoices(r))
		}
		b.refused(end(id), runbook.Conflicting, "stale")
		w.do(func() { w.down["primary down"] = false })
		b.say(restart, runbook.Retry, "")
		restart = b.attemptWaits(id, "restart", 3)
		gate := make(chan error)
		w.do(func() { w.gate["apply restart"] = gate })
		b.say(restart, runbook.Approve, "")
		w.do(func() { w.down["primary down"] = true })
		b.refused(end(id), runbook.Conflicting, "stale") // it is under way
		close(gate)
		dump := b.state(id, "dump", runbook.Waiting)
		r := b.runState(id, runbook.Open)
		if dump.Plan.Why.ID != "engine.guard_back" || dump.Plan.Hint != runbook.Abort || !may(r) || engine.RunNeedsReason(r, runbook.MarkDone) {
			t.Errorf("after the restart: %+v, %v", dump.Plan, engine.RunChoices(r))
		}
		for range 2 { // the same answer again
			if _, err := b.Decide(context.Background(), end(id)); err != nil {
				t.Fatal(err)
			}
		}
		r = b.runState(id, runbook.RunDone)
		if s := r.Step("dump"); s.State != runbook.Skipped || s.Note.ID != "engine.not_needed_any_more" || r.Step("move").State != runbook.Pending {
			t.Errorf("steps: dump %s %s, move %s", s.State, s.Note.ID, r.Step("move").State)
		}
		if r.EndedBy != ops2 || len(engine.OpenItems(r)) != 0 || w.count("dump")+w.count("move") != 0 {
			t.Errorf("ended by %v, open %v, effects %v", r.EndedBy, engine.OpenItems(r), w.effects)
		}
		if given, err := j.Decisions(context.Background(), id, ""); err != nil || len(given) != 1 || given[0].Decision.Choice != runbook.MarkDone {
			t.Errorf("journaled: %+v %v", given, err)
		}
	})
}
