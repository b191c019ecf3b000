package engine_test

import (
	"context"
	"sync"
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// TestStepsRunInTurn: fault 21.
func TestStepsRunInTurn(t *testing.T) {
	t.Parallel()
	eachJournal(t, func(t *testing.T, j engine.Journal) {
		w := newWorld()
		w.plans["seen"] = runbook.Plan{Verdict: runbook.Satisfied, Why: runbook.T("test.so"), Values: map[string]string{"v": "1"}}
		b := start(t, j, w)
		id := b.begin(scenario(runbook.Step{ID: "seen"}, runbook.Step{ID: "one"}, runbook.Step{ID: "two", Needs: []string{"one"}}))
		one := b.state(id, "one", runbook.Waiting)
		run := b.until(id, "a preview of two", func(r runbook.Run) bool { return r.Step("two").Plan != nil })
		if s := run.Step("seen"); s.State != runbook.Done || s.Result.Values["v"] != "1" {
			t.Errorf("satisfied step: %+v", s)
		}
		if s := run.Step("two"); s.State != runbook.Pending || s.Plan.Verdict != runbook.Provisional || s.Digest != "" {
			t.Errorf("preview: %s %+v", s.State, s.Plan)
		}
		b.say(one, runbook.Approve, "")
		two := b.state(id, "two", runbook.Waiting)
		b.say(one, runbook.Approve, "") // the second click
		b.say(two, runbook.Approve, "")
		run = b.runState(id, runbook.RunDone)
		if w.count("one") != 1 || w.count("two") != 1 {
			t.Errorf("effects: %v", w.effects)
		}
		if out := run.Step("one").Result.Output; out != "password <redacted>\n" {
			t.Errorf("output: %q", out)
		}
		b.say(two, runbook.Approve, "")
		b.refused(answerTo(one, runbook.Skip, ops2, ""), runbook.Conflicting, "decided")
		if w.count("one") != 1 {
			t.Error("a late click ran something")
		}
	})
}

// TestApproveAgainstSkip: fault 22.
func TestApproveAgainstSkip(t *testing.T) {
	t.Parallel()
	eachJournal(t, func(t *testing.T, j engine.Journal) {
		w := newWorld()
		b := start(t, j, w)
		for range 20 {
			id := b.begin(scenario(runbook.Step{ID: "one"}))
			s := b.state(id, "one", runbook.Waiting)
			before := w.count("one")
			var errs [4]error
			var wg sync.WaitGroup
			for i, c := range []runbook.Choice{runbook.Approve, runbook.Skip, runbook.Approve, runbook.Skip} {
				wg.Go(func() { _, errs[i] = b.Decide(context.Background(), answerTo(s, c, ops1, "")) })
			}
			wg.Wait()
			run := b.runState(id, runbook.RunDone)
			approved := run.Step("one").State == runbook.Done
			for i, err := range errs {
				if won := (i%2 == 0) == approved; won != (err == nil) || (!won && runbook.CodeOf(err) != runbook.Conflicting) {
					t.Fatalf("approved %v, answer %d: %v", approved, i, err)
				}
			}
			if ran := w.count("one") - before; (ran == 1) != approved || ran > 1 {
				t.Fatalf("approved %v, ran %d times", approved, ran)
			}
		}
	})
}

// TestStale: fault 23.
func TestStale(t *testing.T) {
	t.Parallel()
	w := newWorld()
	b := start(t, newMemory(), w)
	id := b.begin(scenario(runbook.Step{ID: "one"}))
	s := b.state(id, "one", runbook.Waiting)
	other := s
	other.Digest = "feed"
	b.refused(answerTo(other, runbook.Approve, ops1, ""), runbook.Conflicting, "stale")
	other = s
	other.Attempt++
	b.refused(answerTo(other, runbook.Approve, ops1, ""), runbook.Conflicting, "stale")
	w.do(func() { w.value["one"] = "changed" })
	b.say(s, runbook.Approve, "")
	again := b.attemptWaits(id, "one", 2)
	if again.Note.ID != "engine.stale_plan" || len(again.Approvals) != 0 || again.Digest == s.Digest || w.count("one") != 0 {
		t.Errorf("after a stale plan: %+v, effects %v", again, w.effects)
	}
	b.refused(answerTo(s, runbook.Approve, ops1, ""), runbook.Conflicting, "stale") // the same click again: it began nothing
	b.say(again, runbook.Approve, "")
	b.runState(id, runbook.RunDone)
	if w.count("one") != 1 {
		t.Errorf("effects: %v", w.effects)
	}
}

func TestApprovals(t *testing.T) {
	t.Parallel()
	w := newWorld()
	b := start(t, newMemory(), w)
	id := b.begin(scenario(runbook.Step{ID: "one", Approvals: 2}, runbook.Step{ID: "two", Approvals: 2}))
	s := b.state(id, "one", runbook.Waiting)
	b.say(s, runbook.Approve, "")
	b.say(s, runbook.Approve, "")
	if s = b.state(id, "one", runbook.Waiting); len(s.Approvals) != 1 {
		t.Errorf("one person counts once: %+v", s.Approvals)
	}
	b.say(s, runbook.Retry, "")
	s = b.attemptWaits(id, "one", 2)
	if len(s.Approvals) != 0 {
		t.Errorf("approvals outlived the plan: %+v", s.Approvals)
	}
	b.say(s, runbook.Approve, "")
	if _, err := b.Decide(context.Background(), answerTo(s, runbook.Approve, ops2, "")); err != nil {
		t.Fatal(err)
	}
	s = b.state(id, "two", runbook.Waiting)
	b.say(s, runbook.Approve, "")
	if _, err := b.Decide(context.Background(), answerTo(s, runbook.Skip, ops2, "")); err != nil {
		t.Fatal(err)
	}
	b.runState(id, runbook.RunDone)
	b.refused(answerTo(s, runbook.Approve, runbook.Actor{Name: "ops3"}, ""), runbook.Conflicting, "decided")
	if w.count("one") != 1 || w.count("two") != 0 {
		t.Errorf("effects: %v", w.effects)
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.plans["found"] = runbook.Plan{Verdict: runbook.Ready, Danger: true}
	b := start(t, newMemory(), w)
	id := b.begin(scenario(runbook.Step{ID: "risky", Danger: true}, runbook.Step{ID: "found"}, runbook.Step{ID: "must", SkipReason: true}))
	for _, x := range []struct {
		step   string
		choice runbook.Choice
	}{{"risky", runbook.Approve}, {"found", runbook.Approve}, {"must", runbook.Skip}} {
		s := b.state(id, x.step, runbook.Waiting)
		b.refused(answerTo(s, x.choice, ops1, " \u202e"), runbook.Invalid, "")
		if now := b.state(id, x.step, runbook.Waiting); now.Version != s.Version {
			t.Errorf("%s: a refused answer changed something", x.step)
		}
		b.say(s, x.choice, "ops checked")
	}
	run := b.runState(id, runbook.RunDone)
	if items := engine.OpenItems(run); len(items) != 1 || items[0].Step != "must" || items[0].Text.Args["reason"] != "ops checked" {
		t.Errorf("open items: %+v", items)
	}
}

// TestForm: fault 32.
func TestForm(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.plans["ask"] = runbook.Plan{Verdict: runbook.Ready, Form: []runbook.Param{
		{Name: "address", Type: "address", Required: true}, {Name: "port", Type: "port", Default: "22"}, {Name: "name", Type: "string"},
		{Name: "r1_ip", Type: "ip", Default: "192.0.2.9", Title: runbook.Text{EN: "Row 1: ip", ZH: "第 1 行：ip"}},
	}}
	b := start(t, newMemory(), w)
	id := b.begin(scenario(runbook.Step{ID: "ask"}))
	s := b.state(id, "ask", runbook.Waiting)
	b.refused(answerTo(s, runbook.Approve, ops1, ""), runbook.Invalid, "")
	for _, c := range []struct {
		fields    map[string]string
		id, field string // of the refusal, by the name that people see
	}{
		{map[string]string{}, "engine.field_required", "address"},
		{map[string]string{"address": "192.0.2.4; rm"}, "engine.field_invalid", "address"},
		{map[string]string{"address": "192.0.2.4", "port": "0"}, "engine.field_invalid", "port"},
		{map[string]string{"address": "192.0.2.4", "x": "y"}, "engine.field_unknown", "x"},
		{map[string]string{"address": "192.0.2.4", "name": "a\nb"}, "engine.field_lines", "name"},
		{map[string]string{"address": "192.0.2.4", "r1_ip": "nginx3"}, "engine.field_invalid", "Row 1: ip"},
		{map[string]string{"address": "192.0.2.4", "r1_ip": "fe80::1%eth0"}, "engine.field_invalid", "Row 1: ip"},
		{map[string]string{"address": "192.0.2.4", "r1_ip": "192.0.2.9\n" + "192.0.2.8"}, "engine.field_lines", "Row 1: ip"},
	} {
		d := answerTo(s, runbook.Input, ops1, "")
		d.Fields = c.fields
		e := b.refused(d, runbook.Invalid, "")
		field := e.Msg.Args["field"]
		if label, ok := field.(runbook.Text); ok {
			field = label.EN
		}
		if e.Msg.ID != c.id || field != c.field {
			t.Errorf("%v: %+v, want %s of %s", c.fields, e.Msg, c.id, c.field)
		}
	}
	if now := b.state(id, "ask", runbook.Waiting); now.Attempt != 1 || len(now.Inputs) != 0 {
		t.Errorf("a refused form changed something: %+v", now)
	}
	d := answerTo(s, runbook.Input, ops1, "")
	d.Fields = map[string]string{"address": " 192.0.2.7 "}
	if _, err := b.Decide(context.Background(), d); err != nil {
		t.Fatal(err)
	}
	s = b.attemptWaits(id, "ask", 2)
	if s.Inputs["address"] != "192.0.2.7" || s.Inputs["port"] != "22" || s.Inputs["r1_ip"] != "192.0.2.9" {
		t.Errorf("inputs: %v", s.Inputs)
	}
	b.say(s, runbook.Approve, "")
	b.runState(id, runbook.RunDone)
}
