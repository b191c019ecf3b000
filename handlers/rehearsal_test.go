package handlers

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

const scheduledFleet = fleetFile + "rehearsal: {at: \"05:00\", approved_by: [ops2]}\n"

// tried is an action whose plan and result the test says.
type tried struct {
	counting
	plan   runbook.Plan
	result runbook.Result
}

func (a tried) Plan(context.Context) (runbook.Plan, error) {
	p := a.plan
	p.Effect.Data, _ = json.Marshal(a.step.ID)
	return p, nil
}

func (a tried) Apply(context.Context, runbook.Plan, runbook.Job, runbook.Output) (runbook.Result, error) {
	a.applied.Add(1)
	return a.result, nil
}

type triedActions struct {
	countingActions
	plan   runbook.Plan
	result runbook.Result
}

func (a triedActions) New(_ runbook.Run, s runbook.StepRun) (runbook.Action, error) {
	return tried{counting{s, a.applied}, a.plan, a.result}, nil
}

func rehearsalWorld(t *testing.T, plan runbook.Plan, result runbook.Result) *world {
	t.Helper()
	w := newWorldWith(t, scheduledFleet, func(n *atomic.Int64) engine.Actions {
		return triedActions{countingActions{n}, plan, result}
	})
	w.Scenarios[rehearsing] = runbook.Scenario{Name: rehearsing, Title: runbook.Text{EN: "Rehearse", ZH: "演练"}, Beside: true,
		Steps: []runbook.Step{{ID: "rehearse", Title: runbook.Text{EN: "Try", ZH: "试"}, Kind: "restore"}}}
	return w
}

// A standing approval is journaled as that of the person who gave it, on the digest of the plan, and carries it out.
func TestScheduledRehearsal(t *testing.T) {
	t.Parallel()
	w := rehearsalWorld(t, runbook.Plan{Verdict: runbook.Ready}, runbook.Result{Outcome: runbook.OutcomeDone})
	w.rehearse(t.Context())
	w.hub.until(t, "run/run1", inState("done"))
	given, err := w.Journal.Decisions(t.Context(), "run1", "rehearse")
	if err != nil || len(given) != 1 {
		t.Fatal(given, err)
	}
	d := given[0].Decision
	if d.By != (runbook.Actor{Name: "ops2", Platform: "fleet.yaml"}) || d.Choice != runbook.Approve || len(d.Digest) != 64 || !strings.Contains(d.Reason, "sha256 ") {
		t.Errorf("%+v", d)
	}
	if n := w.applied.Load(); n != 1 {
		t.Errorf("applied %d times", n)
	}
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	for key := range w.hub.last {
		if strings.HasPrefix(key, "nudge/") {
			t.Errorf("called somebody: %s", key)
		}
	}
}

// What failed calls the people on call, and the next rehearsal takes its place.
func TestFailedRehearsal(t *testing.T) {
	t.Parallel()
	w := rehearsalWorld(t, runbook.Plan{Verdict: runbook.Ready}, runbook.Result{Outcome: runbook.OutcomeFailed, Text: runbook.T("restore.rehearsal_failed", "file", "f", "source", "s", "why", "w")})
	w.rehearse(t.Context())
	w.hub.until(t, "step/run1/rehearse", inState("failed"))
	w.called(t, "run1")
	w.rehearse(t.Context())
	w.hub.until(t, "run/run1", inState("aborted"))
	w.hub.until(t, "step/run2/rehearse", inState("failed"))
	if n := w.applied.Load(); n != 2 {
		t.Errorf("applied %d times", n)
	}
}

// called waits until somebody is called about a run.
func (w *world) called(t *testing.T, run string) {
	t.Helper()
	for {
		w.hub.mu.Lock()
		wake := w.hub.wake
		found := false
		for key := range w.hub.last {
			found = found || strings.HasPrefix(key, "nudge/"+run+"/")
		}
		w.hub.mu.Unlock()
		if found {
			return
		}
		select {
		case <-wake:
		case <-t.Context().Done():
			t.Fatal("nobody was called")
		}
	}
}

// What the standing approval is not for waits for people: a danger, and what cannot be done.
func TestStandingApprovalCoversNoMore(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]runbook.Plan{
		"danger":  {Verdict: runbook.Ready, Danger: true},
		"blocked": {Verdict: runbook.Blocked, Why: runbook.T("restore.no_dump", "database", "speed", "files", 0, "hosts", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := rehearsalWorld(t, p, runbook.Result{Outcome: runbook.OutcomeDone})
			w.rehearse(t.Context())
			w.hub.until(t, "step/run1/rehearse", inState("waiting"))
			w.called(t, "run1")
			if given, err := w.Journal.Decisions(t.Context(), "run1", ""); err != nil || len(given) != 0 || w.applied.Load() != 0 {
				t.Errorf("%v %v, applied %d times", given, err, w.applied.Load())
			}
		})
	}
}

// While a recovery is open no rehearsal begins, and nobody is disturbed by that; where it cannot begin otherwise, people hear of it.
func TestRehearsalThatDoesNotBegin(t *testing.T) {
	t.Parallel()
	w := rehearsalWorld(t, runbook.Plan{Verdict: runbook.Ready}, runbook.Result{Outcome: runbook.OutcomeDone})
	if r := w.tell(t, "ops1", "/recover primary"); r.Refused {
		t.Fatalf("%+v", r)
	}
	w.rehearse(t.Context())
	if runs, err := w.Journal.Runs(t.Context(), 9); err != nil || len(runs) != 1 {
		t.Errorf("%v %v", runs, err)
	}
	rehearse := func(ok func(key string) bool) (out bot.Message) {
		w.hub.mu.Lock()
		defer w.hub.mu.Unlock()
		for key, m := range w.hub.last {
			if ok(key) {
				out = m
			}
		}
		return out
	}
	about := func(key string) bool { return strings.HasPrefix(key, "rehearsal/") }
	if m := rehearse(about); m.Key != "" {
		t.Errorf("told of it: %+v", m)
	}
	delete(w.Scenarios, rehearsing)
	w.rehearse(t.Context())
	if m := rehearse(about); m.State != "failed" || len(m.Notify) == 0 {
		t.Errorf("not told of it: %+v", m)
	}
}
