package engine_test

import (
	"context"
	"slices"
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// A fence that had nothing to do is offered again, since its machine may come back; nothing else moves with it.
func TestReopenAFenceThatHadNothingToDo(t *testing.T) {
	t.Parallel()
	eachJournal(t, func(t *testing.T, j engine.Journal) {
		w := newWorld()
		w.down["answers"] = true
		w.plans["same"] = runbook.Plan{Verdict: runbook.Satisfied}
		b := start(t, j, w)
		answers := []runbook.Probe{{Name: "answers"}}
		id := b.begin(scenario(
			runbook.Step{ID: "fence", Fence: true, On: []string{"nginx"}, When: answers},
			runbook.Step{ID: "cheaper", When: answers}, runbook.Step{ID: "same"},
			runbook.Step{ID: "restart", PointOfNoReturn: true}, runbook.Step{ID: "jobs", Needs: []string{"fence"}}))
		b.say(b.state(id, "restart", runbook.Waiting), runbook.Approve, "")
		jobs := b.state(id, "jobs", runbook.Waiting)
		run := b.runState(id, runbook.Open)
		step, ok := engine.FenceStep(run, "nginx2")
		if !ok || step != "fence.nginx2" || !engine.PastNoReturn(run) {
			t.Fatalf("fence of nginx2: %q %v, past the point of no return %v", step, ok, engine.PastNoReturn(run))
		}
		if other, ok := engine.FenceStep(run, "standby"); ok {
			t.Errorf("a fence of another machine: %q", other)
		}
		for _, other := range []string{"cheaper", "same", "restart"} {
			if slices.Contains(engine.Choices(run, *run.Step(other)), runbook.Reopen) {
				t.Errorf("%s can be reopened", other)
			}
		}
		if engine.Choices(run, *run.Step("fence.nginx1"))[0] != runbook.Reopen {
			t.Error("the other machine's fence cannot be reopened")
		}

		w.do(func() { w.down["answers"] = false })
		b.say(*run.Step(step), runbook.Reopen, "")
		b.say(*run.Step(step), runbook.Reopen, "") // the second click
		back := b.attemptWaits(id, step, 2)
		b.refused(answerTo(jobs, runbook.Approve, ops1, ""), runbook.Invalid, "")
		if _, ok := engine.FenceStep(b.runState(id, runbook.Open), "nginx2"); ok {
			t.Error("a fence that asks is offered again")
		}
		b.say(back, runbook.Approve, "")
		run = b.until(id, "the fence done", func(r runbook.Run) bool { return r.Step(step).State == runbook.Done })
		if now := run.Step("jobs"); now.State != runbook.Waiting || now.Attempt != jobs.Attempt || now.Digest != jobs.Digest {
			t.Errorf("the step that asks was disturbed: %+v", now)
		}
		if _, ok := engine.FenceStep(run, "nginx2"); ok || w.count(step) != 1 || w.count("restart") != 1 {
			t.Errorf("a fence that acted is offered again: %v; effects %v", ok, w.effects)
		}
		b.refused(answerTo(*run.Step(step), runbook.Reopen, ops1, ""), runbook.Conflicting, "stale")

		// Parked, too: that opens the run.
		if _, err := b.Decide(context.Background(), runbook.Decision{RunID: id, Choice: runbook.Defer, By: ops1}); err != nil {
			t.Fatal(err)
		}
		run = b.runState(id, runbook.Parked)
		b.say(*run.Step("fence.nginx1"), runbook.Reopen, "")
		b.say(b.attemptWaits(id, "fence.nginx1", 2), runbook.Skip, "")
		b.say(b.state(id, "jobs", runbook.Waiting), runbook.Defer, "")
		run = b.runState(id, runbook.Parked)
		if step, ok := engine.FenceStep(run, "nginx1"); !ok || run.Step(step).State != runbook.Skipped {
			t.Errorf("a fence that was skipped is not offered: %q %v", step, ok)
		}
	})
}

// A fence whose need for it is gone is not forgotten by what needs it: the click is refused as old.
func TestASkippedFenceCountsForWhatWasPlannedBefore(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.down["answers"] = true
	b := start(t, newMemory(), w)
	id := b.begin(scenario(
		runbook.Step{ID: "fence", Fence: true, When: []runbook.Probe{{Name: "answers"}}}, runbook.Step{ID: "jobs", Needs: []string{"fence"}}))
	jobs := b.state(id, "jobs", runbook.Waiting)
	w.do(func() { w.down["answers"] = false })
	b.say(b.state(id, "fence", runbook.Done), runbook.Reopen, "")
	b.say(b.attemptWaits(id, "fence", 2), runbook.Skip, "")
	b.refused(answerTo(jobs, runbook.Approve, ops1, ""), runbook.Conflicting, "stale")
	again := b.attemptWaits(id, "jobs", jobs.Attempt+1)
	if again.Plan.Verdict != runbook.Blocked || !again.Plan.Override || w.count("jobs") != 0 {
		t.Errorf("planned %+v, done %d times", again.Plan, w.count("jobs"))
	}
}

// A condition of a group is asked of each member.
func TestAMemberThatIsSilentNeedsNoFence(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.down["nginx2"] = true
	b := start(t, newMemory(), w)
	id := b.begin(scenario(runbook.Step{ID: "fence", Fence: true, On: []string{"nginx"}, When: []runbook.Probe{{Kind: "ssh", Host: "member"}}}))
	b.say(b.state(id, "fence.nginx1", runbook.Waiting), runbook.Approve, "")
	run := b.runState(id, runbook.RunDone)
	if run.Step("fence.nginx2").Note.ID != "engine.not_needed" || w.count("fence.nginx1") != 1 || w.count("fence.nginx2") != 0 {
		t.Errorf("note %v, effects %v", run.Step("fence.nginx2").Note, w.effects)
	}
}
