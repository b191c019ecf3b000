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

func TestAnAlertStartsARun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const key = "alert/watch-primary-app1"
	if err := w.Alerts(t.Context(), []alert.Alert{downAlert()}); err != nil {
		t.Fatal(err)
	}
	m := w.hub.until(t, key, inState("down"))
	if len(m.Buttons) != 3 || !strings.Contains(strings.Join(m.Lines, "\n"), "since 03:11:40, seen from bot, nginx1") {
		t.Errorf("alert: %+v", m)
	}
	if r := w.press(t, "guest", button(t, m, "start"), ""); !r.Refused {
		t.Errorf("a viewer started: %+v", r)
	}
	if r := w.press(t, "ops2", button(t, m, "start"), ""); r.Refused || r.RunID != "run1" {
		t.Fatalf("start: %+v", r)
	}
	w.hub.until(t, key, func(m bot.Message) bool { return len(m.Buttons) == 0 })
	r, err := w.Journal.Run(t.Context(), "run1")
	if err != nil || !r.DownSince.Equal(downAlert().Since) || r.Alert != "watch-primary-app1" {
		t.Errorf("run: %+v %v", r, err)
	}
	again := downAlert()
	again.Resolved = true
	if err := w.Alerts(t.Context(), []alert.Alert{again}); err != nil {
		t.Fatal(err)
	}
	w.hub.until(t, key, inState("done"))
	if r := w.press(t, "ops2", button(t, m, "start"), ""); !r.Refused {
		t.Errorf("the button of an alert that is over did something: %+v", r)
	}
}

func TestAnAlertDuringItsRunPromptsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(t, "ops1", "/recover primary")
	if err := w.Alerts(t.Context(), []alert.Alert{downAlert()}); err != nil {
		t.Fatal(err)
	}
	m := w.hub.until(t, "alert/watch-primary-app1", inState("down"))
	if len(m.Buttons) != 0 || len(m.Notify) != 0 {
		t.Errorf("the alert of a run that is open prompts: %+v", m)
	}
}

func TestSnooze(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.Alerts(t.Context(), []alert.Alert{downAlert()}); err != nil {
		t.Fatal(err)
	}
	m := w.hub.until(t, "alert/watch-primary-app1", inState("down"))
	if r := w.press(t, "ops1", button(t, m, "snooze"), ""); r.Refused {
		t.Fatalf("snooze: %+v", r)
	}
	if err := w.Alerts(t.Context(), []alert.Alert{downAlert()}); err != nil {
		t.Fatal(err)
	}
	m = w.hub.until(t, "alert/watch-primary-app1", func(m bot.Message) bool { return len(m.Buttons) == 1 })
	if m.Buttons[0].Choice != "start" {
		t.Errorf("a snoozed alert can still be started: %+v", m)
	}
	w.endSnoozes(t.Context())
	if k, _ := w.alerts.get("watch-primary-app1"); k.state != "snoozed" {
		t.Errorf("the snooze ended at once: %s", k.state)
	}
	k, _ := w.alerts.get("watch-primary-app1")
	k.snoozed = time.Now().Add(-time.Second)
	w.alerts.put(k)
	w.endSnoozes(t.Context())
	w.hub.until(t, "alert/watch-primary-app1", func(m bot.Message) bool { return len(m.Buttons) == 3 })
}

// Whoever aborts a run leaves the trouble behind: its alert can be started again, and disturbs nobody for a while.
func TestAnAbortedRunGivesTheAlertBack(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, fleetFile+"policy: {on_call: [ops1]}\n")
	const key = "alert/watch-primary-app1"
	if err := w.Alerts(t.Context(), []alert.Alert{downAlert()}); err != nil {
		t.Fatal(err)
	}
	m := w.hub.until(t, key, func(m bot.Message) bool { return len(m.Buttons) == 3 })
	if len(m.Notify) != 1 {
		t.Errorf("nobody is told: %+v", m)
	}
	w.press(t, "ops2", button(t, m, "start"), "")
	w.hub.until(t, key, func(m bot.Message) bool { return len(m.Buttons) == 0 })
	overview := w.hub.until(t, "run/run1", func(m bot.Message) bool { return len(m.Buttons) > 0 })
	if r := w.press(t, "ops2", button(t, overview, "abort"), ""); r.Refused {
		t.Fatalf("abort: %+v", r)
	}
	if m = w.hub.until(t, key, func(m bot.Message) bool { return len(m.Buttons) == 3 }); len(m.Notify) != 0 {
		t.Errorf("the abort mentions %v", m.Notify)
	}
	other := downAlert()
	other.Fingerprint = "watch-primary-other"
	if err := w.Alerts(t.Context(), []alert.Alert{other}); err != nil {
		t.Fatal(err)
	}
	if m = w.hub.until(t, "alert/watch-primary-other", func(m bot.Message) bool { return len(m.Buttons) == 3 }); len(m.Notify) != 0 {
		t.Errorf("during the cool-down %v are mentioned", m.Notify)
	}
	if r := w.press(t, "ops2", button(t, m, "start"), ""); r.Refused || r.RunID != "run2" {
		t.Errorf("the cool-down blocks a person: %+v", r)
	}
}

func TestARetiredHostIsNoLongerWatched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const key = "alert/watch-primary-app1"
	if err := w.Alerts(t.Context(), []alert.Alert{downAlert()}); err != nil {
		t.Fatal(err)
	}
	w.hub.until(t, key, inState("down"))
	over := downAlert()
	over.Resolved, over.Closed = true, alert.Retired
	if err := w.Alerts(t.Context(), []alert.Alert{over}); err != nil {
		t.Fatal(err)
	}
	m := w.hub.until(t, key, inState("info"))
	if m.Title != "No longer watched: app1 is retired" || len(m.Buttons) > 0 {
		t.Errorf("closed alert: %+v", m)
	}
}

func TestAReturnedHostCanOnlyBeLookedAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	back := alert.Alert{Source: "watch", Fingerprint: "returned-app1", Host: "app1", Level: "returned", Vantage: []string{"bot"},
		Findings: []runbook.Finding{{Host: "app1", Up: true, Text: runbook.T("probe.not_silent", "host", "app1", "port", 3306)}}}
	if err := w.Alerts(t.Context(), []alert.Alert{back}); err != nil {
		t.Fatal(err)
	}
	m := w.hub.until(t, "alert/returned-app1", inState("down"))
	if m.Title != "The retired app1 answers again: two machines may write. Stop it now." || len(m.Buttons) != 1 || m.Buttons[0].Choice != "check" {
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
	if err := w.Alerts(t.Context(), []alert.Alert{back}); err != nil {
		t.Fatal(err)
	}
	w.hub.until(t, "alert/returned-app1", inState("done"))
}
