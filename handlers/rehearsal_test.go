package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
	"recoverbot/runbook/fleet"
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
	w.standFor(t.Context(), w.rehearse)
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
	w.standFor(t.Context(), w.rehearse)
	w.hub.until(t, "step/run1/rehearse", inState("failed"))
	w.called(t, "run1")
	w.standFor(t.Context(), w.rehearse)
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
			w.standFor(t.Context(), w.rehearse)
			w.hub.until(t, "step/run1/rehearse", inState("waiting"))
			w.called(t, "run1")
			if given, err := w.Journal.Decisions(t.Context(), "run1", "rehearse"); err != nil || len(given) != 0 || w.applied.Load() != 0 {
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
	w.standFor(t.Context(), w.rehearse)
	if runs, err := w.Journal.Runs(t.Context(), 9); err != nil || len(runs) != 1 {
		t.Errorf("%v %v", runs, err)
	}
	if m, told := w.toldNotRehearsed(); told {
		t.Errorf("told of it: %+v", m)
	}
	delete(w.Scenarios, rehearsing)
	w.standFor(t.Context(), w.rehearse)
	if m, _ := w.toldNotRehearsed(); m.State != "failed" || len(m.Notify) == 0 {
		t.Errorf("not told of it: %+v", m)
	}
}

// toldNotRehearsed is the card that says that backups were not tried.
func (w *world) toldNotRehearsed() (out bot.Message, told bool) {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	for key, m := range w.hub.last {
		if strings.HasPrefix(key, "rehearsal/") {
			return m, true
		}
	}
	return out, false
}

// What is taken out of fleet.yaml is no approval any more, though the bot was not started again.
func TestStandingApprovalTakenOut(t *testing.T) {
	t.Parallel()
	w := rehearsalWorld(t, runbook.Plan{Verdict: runbook.Ready}, runbook.Result{Outcome: runbook.OutcomeDone})
	with, err := os.ReadFile(w.Fleet.Config().Path())
	if err != nil {
		t.Fatal(err)
	}
	without, _, _ := bytes.Cut(with, []byte("rehearsal:"))
	write := func(text []byte) {
		if err := os.WriteFile(w.Fleet.Config().Path(), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(without)
	w.standFor(t.Context(), w.rehearse)
	if runs, err := w.Journal.Runs(t.Context(), 9); err != nil || len(runs) != 0 {
		t.Errorf("%v %v", runs, err)
	}
	write(with)
	id := w.rehearse(t.Context())
	write(without)
	w.standFor(t.Context(), func(context.Context) string { return id })
	w.hub.until(t, "step/"+id+"/rehearse", inState("waiting"))
	w.called(t, id)
	if given, err := w.Journal.Decisions(t.Context(), id, "rehearse"); err != nil || len(given) != 0 || w.applied.Load() != 0 {
		t.Errorf("%v %v, applied %d times", given, err, w.applied.Load())
	}
}

// deaf is an engine that records no approval.
type deaf struct{ Engine }

func (e deaf) Decide(ctx context.Context, d runbook.Decision) (runbook.Run, error) {
	if d.Choice == runbook.Approve {
		return runbook.Run{}, errors.New("disk full")
	}
	return e.Engine.Decide(ctx, d)
}

// Where the standing approval cannot be given, people hear of it, and the card asks them.
func TestStandingApprovalThatFails(t *testing.T) {
	t.Parallel()
	w := rehearsalWorld(t, runbook.Plan{Verdict: runbook.Ready}, runbook.Result{Outcome: runbook.OutcomeDone})
	w.SetEngine(deaf{w.Engine})
	w.standFor(t.Context(), w.rehearse)
	if m, _ := w.toldNotRehearsed(); m.Title != w.say.T("rehearsal.not_approved") || len(m.Notify) == 0 {
		t.Errorf("not told of it: %+v", m)
	}
	w.hub.until(t, "step/run1/rehearse", inState("waiting"))
	w.called(t, "run1")
	if given, err := w.Journal.Decisions(t.Context(), "run1", "rehearse"); err != nil || len(given) != 0 || w.applied.Load() != 0 {
		t.Errorf("%v %v, applied %d times", given, err, w.applied.Load())
	}
}

// The standing approval is for the rehearsal that fleet.yaml says as it is now, and for nothing else.
func TestCovered(t *testing.T) {
	t.Parallel()
	param := []runbook.Param{{Name: "database", Type: "string", Default: "speed"}}
	for name, change := range map[string]func(c *fleet.Config, r *runbook.Run, s *runbook.StepRun){
		"":                     func(*fleet.Config, *runbook.Run, *runbook.StepRun) {},
		"by a person":          func(_ *fleet.Config, r *runbook.Run, _ *runbook.StepRun) { r.StartedBy.Platform = "web" },
		"another scenario":     func(_ *fleet.Config, r *runbook.Run, _ *runbook.StepRun) { r.Scenario.Name = "own" },
		"not beside":           func(_ *fleet.Config, r *runbook.Run, _ *runbook.StepRun) { r.Scenario.Beside = false },
		"withdrawn":            func(c *fleet.Config, _ *runbook.Run, _ *runbook.StepRun) { c.Rehearsal = fleet.Rehearsal{} },
		"another database":     func(_ *fleet.Config, r *runbook.Run, _ *runbook.StepRun) { r.Params["database"] = "other" },
		"for another database": func(c *fleet.Config, _ *runbook.Run, _ *runbook.StepRun) { c.Rehearsal.Database = "other" },
		"another parameter":    func(_ *fleet.Config, r *runbook.Run, _ *runbook.StepRun) { r.Params["dump"] = "x" },
		"danger":               func(_ *fleet.Config, _ *runbook.Run, s *runbook.StepRun) { s.Plan.Danger = true },
		"blocked":              func(_ *fleet.Config, _ *runbook.Run, s *runbook.StepRun) { s.Plan.Verdict = runbook.Blocked },
		"done":                 func(_ *fleet.Config, _ *runbook.Run, s *runbook.StepRun) { s.State = runbook.Done },
	} {
		c := &fleet.Config{Rehearsal: fleet.Rehearsal{At: "05:00", ApprovedBy: []string{"ops2"}}}
		r := runbook.Run{
			StartedBy: runbook.Actor{Name: "ops2", Platform: standing}, Params: map[string]string{"database": "speed"},
			Scenario: runbook.Scenario{Name: rehearsing, Beside: true, Params: param},
		}
		s := runbook.StepRun{State: runbook.Waiting, Plan: &runbook.Plan{Verdict: runbook.Ready}}
		change(c, &r, &s)
		if got := covered(c, r, s); got != (name == "") {
			t.Errorf("%q: %v", name, got)
		}
	}
}

// A rehearsal begins when its time comes, once, whatever becomes of fleet.yaml and the clock.
func TestTimetable(t *testing.T) {
	t.Parallel()
	at := func(clock string) time.Time {
		out, err := time.Parse("2006-01-02 15:04:05", "2026-11-23 "+clock)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	times := timetable{asked: at("04:00:00")}
	for _, x := range []struct {
		at, now string
		want    bool
	}{
		{"05:00", "04:59:50", false},
		{"05:00", "05:00:10", true},
		{"05:00", "05:00:30", false},
		{"03:00", "05:00:50", false}, // edited to a time that is over
		{"05:00", "05:01:10", false}, // and back
		{"05:00", "04:01:30", false}, // the clock goes back
		{"05:00", "05:00:05", false},
		{"05:30", "05:29:59", false},
		{"05:30", "05:30:19", true},
		{"", "06:00:00", false},
		{"05:59", "06:00:20", false}, // set when it was over
	} {
		if got := times.isDue(fleet.Rehearsal{At: x.at}, at(x.now)); got != x.want {
			t.Errorf("%s at %s: %v", x.at, x.now, got)
		}
	}
}

// Where a step needs more people than stand for it, the others are asked.
func TestStandingApprovalOfTooFew(t *testing.T) {
	t.Parallel()
	w := rehearsalWorld(t, runbook.Plan{Verdict: runbook.Ready}, runbook.Result{Outcome: runbook.OutcomeDone})
	w.Scenarios[rehearsing].Steps[0].Approvals = 2
	w.standFor(t.Context(), w.rehearse)
	w.called(t, "run1")
	if given, err := w.Journal.Decisions(t.Context(), "run1", "rehearse"); err != nil || len(given) != 1 || given[0].Decision.Alone || w.applied.Load() != 0 {
		t.Errorf("%v %v, applied %d times", given, err, w.applied.Load())
	}
}

// What goes on by itself calls nobody while the bot sees to it, and only then.
func TestSettling(t *testing.T) {
	t.Parallel()
	s := runbook.StepRun{ID: "rehearse", State: runbook.Waiting, Plan: &runbook.Plan{Verdict: runbook.Blocked, Why: runbook.T("restore.reading")}}
	r := runbook.Run{ID: "k3v7", StartedBy: runbook.Actor{Name: "ops2", Platform: standing},
		Scenario: runbook.Scenario{Name: rehearsing, Beside: true}, Steps: []runbook.StepRun{s}}
	h := &Handlers{Config: Config{Journal: deskJournal{d: &desk{run: r}}}}
	if h.settling(t.Context(), r, s) {
		t.Error("nobody sees to it")
	}
	old := s
	old.Version--
	if !h.settling(t.Context(), r, old) {
		t.Error("calls people to what was answered meanwhile")
	}
	h.approving.Store(true)
	if !h.settling(t.Context(), r, s) {
		t.Error("calls people to a dump that is being read")
	}
	if r.StartedBy.Platform = "web"; h.settling(t.Context(), r, s) {
		t.Error("a person's own rehearsal calls nobody")
	}
}
