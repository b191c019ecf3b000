package handlers

import (
	"strings"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/handlers/alert"
	"recoverbot/runbook"
)

func downAlert() alert.Alert {
	return alert.Alert{
		Source: "watch", Fingerprint: "watch-primary-app1", Scenario: "primary", Host: "app1", Level: "silent",
		Since: time.Date(2026, 11, 23, 3, 11, 40, 0, time.UTC), Vantage: []string{"bot", "nginx1"},
		Findings: []runbook.Finding{{Probe: runbook.Probe{Kind: "ssh"}, Host: "app1", Text: runbook.T("level.silent")}},
	}
}

func tell(t *testing.T, w alert.Sink, batch ...alert.Alert) {
	t.Helper()
	if err := w.Alerts(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

// cardOf is the key of the card of the one call for a scenario.
func cardOf(t *testing.T, w *world, scenario string) string {
	t.Helper()
	for _, c := range w.alerts.all() {
		if c.Scenario == scenario {
			return "alert/" + c.ID
		}
	}
	t.Fatalf("no call for %s", scenario)
	return ""
}

// What cannot start is not offered by an alert either.
func TestAnAlertWhoseScenarioCannotStart(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, strings.NewReplacer("ADDRESS", "127.0.99.98", "PORT", "1").Replace(noStandby))
	s := w.Scenarios["primary"]
	s.Bind = map[string]runbook.Binding{"dead": from("primary"), "survivor": from("standby")}
	w.Scenarios["primary"] = s
	tell(t, w, downAlert())
	m := w.hub.until(t, cardOf(t, w, "primary"), inState("down"))
	if text := strings.Join(m.Lines, "\n"); len(m.Buttons) != 2 || !strings.Contains(text, "needs a machine with the role standby") || !strings.Contains(text, "Check again shows") {
		t.Errorf("alert: %+v", m)
	}
}

func TestAnAlertStartsARun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tell(t, w, downAlert())
	m := w.hub.until(t, cardOf(t, w, "primary"), inState("down"))
	if len(m.Buttons) != 3 || !strings.Contains(strings.Join(m.Lines, "\n"), "since 03:11:40, seen from bot, nginx1") {
		t.Errorf("alert: %+v", m)
	}
	if r := w.press(t, "guest", button(t, m, "start"), ""); !r.Refused {
		t.Errorf("a viewer started: %+v", r)
	}
	if r := w.press(t, "ops2", button(t, m, "start"), ""); r.Refused || r.RunID != "run1" {
		t.Fatalf("start: %+v", r)
	}
	w.hub.until(t, cardOf(t, w, "primary"), func(m bot.Message) bool { return len(m.Buttons) == 0 })
	r, err := w.Journal.Run(t.Context(), "run1")
	if err != nil || !r.DownSince.Equal(downAlert().Since) || r.Alert != strings.TrimPrefix(cardOf(t, w, "primary"), "alert/") {
		t.Errorf("run: %+v %v", r, err)
	}
	again := downAlert()
	again.Resolved = true
	tell(t, w, again)
	w.hub.until(t, cardOf(t, w, "primary"), inState("done"))
	if r := w.press(t, "ops2", button(t, m, "start"), ""); !r.Refused {
		t.Errorf("the button of an alert that is over did something: %+v", r)
	}
}

func TestAnAlertDuringItsRunPromptsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(t, "ops1", "/recover primary")
	tell(t, w, downAlert())
	m := w.hub.until(t, cardOf(t, w, "primary"), inState("down"))
	if len(m.Buttons) != 0 || len(m.Notify) != 0 {
		t.Errorf("the alert of a run that is open prompts: %+v", m)
	}
}

func TestSnooze(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tell(t, w, downAlert())
	m := w.hub.until(t, cardOf(t, w, "primary"), inState("down"))
	if r := w.press(t, "ops1", button(t, m, "snooze"), ""); r.Refused {
		t.Fatalf("snooze: %+v", r)
	}
	tell(t, w, downAlert())
	m = w.hub.until(t, cardOf(t, w, "primary"), func(m bot.Message) bool { return len(m.Buttons) == 1 })
	if m.Buttons[0].Choice != "start" {
		t.Errorf("a snoozed alert can still be started: %+v", m)
	}
}

// Whoever aborts a run leaves the trouble behind: its alert can be started again, and disturbs nobody for a while.
func TestAnAbortedRunGivesTheAlertBack(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, fleetFile+"policy: {on_call: [ops1]}\n")
	tell(t, w, downAlert())
	m := w.hub.until(t, cardOf(t, w, "primary"), func(m bot.Message) bool { return len(m.Buttons) == 3 })
	if len(m.Notify) != 1 {
		t.Errorf("nobody is told: %+v", m)
	}
	w.press(t, "ops2", button(t, m, "start"), "")
	w.hub.until(t, cardOf(t, w, "primary"), func(m bot.Message) bool { return len(m.Buttons) == 0 })
	one := w.hub.until(t, "step/run1/one", waiting)
	if r := w.press(t, "ops2", button(t, one, "abort"), ""); r.Refused {
		t.Fatalf("abort: %+v", r)
	}
	if m = w.hub.until(t, cardOf(t, w, "primary"), func(m bot.Message) bool { return len(m.Buttons) == 3 }); len(m.Notify) != 0 {
		t.Errorf("the abort mentions %v", m.Notify)
	}
	if r := w.press(t, "ops2", button(t, m, "start"), ""); r.Refused || r.RunID != "run2" {
		t.Errorf("the cool-down blocks a person: %+v", r)
	}
}

func TestARetiredHostIsNoLongerWatched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tell(t, w, downAlert())
	w.hub.until(t, cardOf(t, w, "primary"), inState("down"))
	over := downAlert()
	over.Resolved, over.Closed = true, alert.Retired
	tell(t, w, over)
	m := w.hub.until(t, cardOf(t, w, "primary"), inState("info"))
	if m.Title != "No longer watched: app1 is retired" || len(m.Buttons) > 0 {
		t.Errorf("closed alert: %+v", m)
	}
}

func TestAReturnedHostCanOnlyBeLookedAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	back := alert.Alert{Source: "watch", Fingerprint: "returned-app1", Host: "app1", Level: "returned", Vantage: []string{"bot"},
		Findings: []runbook.Finding{{Host: "app1", Up: true, Text: runbook.T("probe.not_silent", "host", "app1", "port", 3306)}}}
	tell(t, w, back)
	m := w.hub.until(t, cardOf(t, w, ""), inState("down"))
	if m.Title != "The retired app1 answers again: two machines may write. Stop it now." || len(m.Buttons) != 2 || m.Buttons[1].Choice != "check" {
		t.Errorf("alert: %+v", m)
	}
	if !strings.Contains(strings.Join(m.Lines, "\n"), "3306") {
		t.Errorf("does not say what answers: %v", m.Lines)
	}
	press, err := decodePress(m.Buttons[0].Action)
	if err != nil {
		t.Fatal(err)
	}
	press.Choice = "start"
	if r := w.press(t, "ops2", bot.Button{Action: press.encode()}, ""); !r.Refused {
		t.Errorf("an alert without a scenario started one: %+v", r)
	}
	back.Resolved, back.Findings = true, nil
	tell(t, w, back)
	w.hub.until(t, cardOf(t, w, ""), inState("done"))
}
