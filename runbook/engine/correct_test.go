package engine_test

import (
	"context"
	"slices"
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// What was entered in a form can be corrected after the step is done, until something has come of it.
func TestCorrectWhatAFormSaid(t *testing.T) {
	t.Parallel()
	eachJournal(t, func(t *testing.T, j engine.Journal) {
		w := newWorld()
		w.plans["machine"] = runbook.Plan{Form: []runbook.Param{{Name: "name", Type: "string", Default: "wrong"}}, Verdict: runbook.Ready}
		w.result["machine"] = runbook.Result{Outcome: runbook.OutcomeDone, Values: map[string]string{"name": "wrong"}}
		w.plans["seen"] = runbook.Plan{Verdict: runbook.Satisfied}
		w.plans["enrol"] = runbook.Plan{Verdict: runbook.Blocked, Why: runbook.T("test.silent")}
		w.plans["other"] = runbook.Plan{Form: []runbook.Param{{Name: "row", Type: "bool"}}, Verdict: runbook.Ready}
		b := start(t, j, w)
		id := b.begin(scenario(
			runbook.Step{ID: "other"}, runbook.Step{ID: "machine"}, runbook.Step{ID: "seen", Needs: []string{"machine"}},
			runbook.Step{ID: "enrol", Needs: []string{"machine"}},
			runbook.Step{ID: "install", Needs: []string{"enrol"}, On: []string{"nginx"}}, runbook.Step{ID: "free"}))
		may := func(step string) bool {
			r := b.runState(id, runbook.Open)
			return slices.Contains(engine.Choices(r, *r.Step(step)), runbook.Reopen)
		}
		b.say(b.state(id, "other", runbook.Waiting), runbook.Approve, "")
		b.say(b.state(id, "machine", runbook.Waiting), runbook.Approve, "")
		blocked := b.state(id, "enrol", runbook.Waiting)
		machine := b.state(id, "machine", runbook.Done)
		if !may("machine") || may("other") || may("seen") {
			t.Errorf("reopen: machine %v, a form that had an effect %v, without a form %v", may("machine"), may("other"), may("seen"))
		}
		b.say(machine, runbook.Reopen, "")
		b.say(machine, runbook.Reopen, "") // the second click
		again := b.attemptWaits(id, "machine", machine.Attempt+1)
		for _, step := range []string{"seen", "enrol"} {
			s := stepOf(b.until(id, step+" waits for the form", func(r runbook.Run) bool {
				return r.Step(step).State == runbook.Waiting && r.Step(step).Note.ID == "engine.needs_again"
			}), step)
			if s.Plan.Verdict != runbook.Provisional || s.Attempt != 2 {
				t.Errorf("%s: %+v, attempt %d", step, s.Plan, s.Attempt)
			}
		}
		b.refused(answerTo(blocked, runbook.Retry, ops1, ""), runbook.Conflicting, "stale")
		w.do(func() {
			w.plans["enrol"] = runbook.Plan{Verdict: runbook.Ready}
			w.result["machine"] = runbook.Result{Outcome: runbook.OutcomeDone, Values: map[string]string{"name": "right"}}
		})
		d := answerTo(again, runbook.Input, ops1, "")
		d.Fields = map[string]string{"name": "right"}
		if _, err := b.Decide(context.Background(), d); err != nil {
			t.Fatal(err)
		}
		b.say(b.attemptWaits(id, "machine", again.Attempt+1), runbook.Approve, "")
		enrol := b.attemptWaits(id, "enrol", 3)
		if enrol.Plan.Verdict != runbook.Ready || !enrol.Note.IsZero() {
			t.Errorf("planned with what is right: %+v %v", enrol.Plan, enrol.Note)
		}
		b.state(id, "seen", runbook.Done)
		b.say(enrol, runbook.Approve, "")
		b.state(id, "install.nginx1", runbook.Waiting)
		if may("machine") {
			t.Error("the form may be corrected after something came of it")
		}
		e := b.refused(answerTo(b.state(id, "machine", runbook.Done), runbook.Reopen, ops1, ""), runbook.Conflicting, "stale")
		if e.Msg.ID != "engine.state_moved" {
			t.Errorf("answer: %v", e.Msg)
		}
		if w.count("machine") != 2 || w.count("enrol") != 1 {
			t.Errorf("effects: %v", w.effects)
		}
	})
}
