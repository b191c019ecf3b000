package handlers

import (
	"context"
	"strings"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/handlers/alert"
	"recoverbot/runbook"
)

// twoScenarios is a world with a run of primary open that waits, and another scenario to start.
func twoScenarios(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	other := testScenario()
	other.Name, other.Title = "nginx", runbook.Text{EN: "nginx dead", ZH: "nginx 挂"}
	w.Scenarios["nginx"] = other
	w.tell(t, "ops1", "/recover primary")
	w.hub.until(t, "step/run1/one", waiting)
	return w
}

func TestAnotherRunIsOpen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		choice string
		state  runbook.RunState
	}{{"park", runbook.Parked}, {"supersede", runbook.Aborted}} {
		t.Run(c.choice, func(t *testing.T) {
			t.Parallel()
			w := twoScenarios(t)
			r := w.tell(t, "ops2", "/recover nginx which=app1")
			if !r.Refused || r.Message == nil || !strings.Contains(r.Text, "run1") || !strings.Contains(r.Text, "ops1") {
				t.Fatalf("reply: %+v", r)
			}
			if text := bot.Plain(*r.Message, 100); !strings.Contains(text, "/recover nginx which=app1 --"+c.choice) {
				t.Errorf("the words to type are missing:\n%s", text)
			}
			b := button(t, *r.Message, c.choice)
			if r := w.press(t, "guest", b, ""); !r.Refused || r.Message != nil {
				t.Errorf("a viewer: %+v", r)
			}
			if run, err := w.Journal.Run(t.Context(), "run1"); err != nil || run.State != runbook.Open {
				t.Fatalf("run1 is %s (%v) before anybody chose", run.State, err)
			}
			if r := w.press(t, "ops2", b, "no use"); r.Refused || r.RunID != "run2" {
				t.Fatalf("%s: %+v", c.choice, r)
			}
			run, err := w.Journal.Run(t.Context(), "run1")
			if err != nil || run.State != c.state {
				t.Errorf("run1 is %s (%v), want %s", run.State, err, c.state)
			}
			if run, err := w.Journal.Run(t.Context(), "run2"); err != nil || run.State != runbook.Open || run.Params["which"] != "app1" {
				t.Errorf("run2 is %+v (%v)", run, err)
			}
		})
	}
}

func TestParkAndResumeWithoutANumber(t *testing.T) {
	t.Parallel()
	w := twoScenarios(t)
	if r := w.tell(t, "ops1", "/recover resume"); !r.Refused || r.Text != "No run is parked." {
		t.Errorf("resume with nothing parked: %+v", r)
	}
	w.tell(t, "ops1", "/recover nginx --park")
	w.hub.until(t, "step/run2/one", waiting)
	if r := w.tell(t, "ops1", "/recover park"); r.Refused || r.RunID != "run2" {
		t.Errorf("park: %+v", r)
	}
	before := time.Now()
	if r := w.tell(t, "ops1", "/recover resume"); r.Refused || r.RunID != "run2" {
		t.Errorf("resume: %+v", r)
	}
	given, err := w.Journal.Decisions(t.Context(), "run2", "")
	if at := resumedAt(given); err != nil || len(given) != 2 || at.Before(before.Add(-time.Second)) || at.After(time.Now().Add(time.Second)) {
		t.Errorf("resumed at %s of %+v (%v)", at, given, err)
	}
}

func TestAlertThatIsBeingDealtWithIsNotSnoozed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := alert.Alert{Fingerprint: "f", Source: "watch", Scenario: "primary", Host: "app1", Level: "silent", Since: time.Now().Add(-time.Minute)}
	if err := w.Alerts(t.Context(), []alert.Alert{a}); err != nil {
		t.Fatal(err)
	}
	m := w.hub.until(t, cardOf(t, w, "primary"), func(m bot.Message) bool { return len(m.Buttons) == 3 })
	for _, who := range []string{"guest", "stranger"} {
		for _, choice := range []string{"start", "snooze"} {
			if r := w.press(t, who, button(t, m, choice), ""); !r.Refused {
				t.Errorf("%s may %s: %+v", who, choice, r)
			}
		}
	}
	if r := w.press(t, "ops2", button(t, m, "start"), ""); r.Refused || r.RunID != "run1" {
		t.Fatalf("start: %+v", r)
	}
	w.hub.until(t, cardOf(t, w, "primary"), func(m bot.Message) bool { return len(m.Buttons) == 0 })
	if r := w.press(t, "ops2", button(t, m, "snooze"), ""); !r.Refused {
		t.Errorf("snoozed: %+v", r)
	}
	if k := w.alerts.all()[0]; k.State != started {
		t.Errorf("the alert is %s", k.State)
	}
}

// stuck is a journal whose newest message has a version from the future, as after a clock that was set back.
type stuck struct{ Journal }

func (stuck) NewestVersion(context.Context) (int64, error) { return 1000, nil }

// TestVersionsRiseWhereTheClockWasSetBack: fault 39.
func TestVersionsRiseWhereTheClockWasSetBack(t *testing.T) {
	t.Parallel()
	var v versions
	last := int64(1000)
	for _, now := range []int64{10, 5, 2000, 1500, 1500} {
		next := v.next(t.Context(), stuck{}, time.Unix(0, now))
		if next <= last {
			t.Errorf("at %d: version %d after %d", now, next, last)
		}
		last = next
	}
}

// policy.approvals holds for every step, and each approval counts for one person.
func TestPolicyOfTwoApprovals(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, fleetFile+"policy: {approvals: 2}\n")
	w.tell(t, "ops1", "/recover primary")
	one := w.hub.until(t, "step/run1/one", waiting)
	for range 2 {
		if r := w.press(t, "ops1", button(t, one, "approve"), ""); r.Refused {
			t.Fatalf("approve: %+v", r)
		}
	}
	w.hub.until(t, "step/run1/one", func(m bot.Message) bool { return strings.Contains(strings.Join(m.Lines, "\n"), "1 of 2 approvals") })
	if w.applied.Load() != 0 {
		t.Fatal("one person's approval was enough")
	}
	if r := w.press(t, "ops2", button(t, one, "approve"), ""); r.Refused {
		t.Fatalf("approve: %+v", r)
	}
	w.hub.until(t, "step/run1/one", inState("done"))
}

// Of a group only the members that wait are decided on, and only they say who may.
func TestSubjectsOfAGroup(t *testing.T) {
	t.Parallel()
	r := runbook.Run{Steps: []runbook.StepRun{
		{ID: "g.a", Group: "g", State: runbook.Done}, {ID: "g.b", Group: "g", State: runbook.Waiting}, {ID: "x", State: runbook.Waiting},
	}}
	d := runbook.Decision{Group: "g"}
	if got := subjects(r, d); len(got) != 1 || got[0].ID != "g.b" {
		t.Errorf("subjects: %+v", got)
	}
	r.Steps[1].State = runbook.Executing
	if got := subjects(r, d); len(got) != 2 {
		t.Errorf("of a group where none waits: %+v", got)
	}
}
