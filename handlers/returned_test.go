package handlers

import (
	"slices"
	"strings"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/handlers/alert"
	"recoverbot/runbook"
)

// takeover moves the service from the primary, fences it, and writes down what is where.
func takeover() runbook.Scenario {
	text := func(s string) runbook.Text { return runbook.Text{EN: s, ZH: "步骤" + s} }
	return runbook.Scenario{
		Name: "primary", Title: text("Primary dead"), Bind: map[string]runbook.Binding{"dead": {From: []string{"primary"}}},
		Steps: []runbook.Step{
			{ID: "fence", Title: text("Fence it"), Kind: "ssh", Host: "dead", Danger: true, Fence: true},
			{ID: "move", Title: text("Move"), Kind: "ssh", Host: "standby", PointOfNoReturn: true},
			{ID: "last", Title: text("Last"), Kind: "ssh", Host: "standby"},
		},
	}
}

func newTakeover(t *testing.T) *world {
	t.Helper()
	w := newWorldOf(t, fleetFile+"policy: {on_call: [ops1]}\n")
	w.Scenarios["primary"] = takeover()
	return w
}

// moved is a run that has passed its point of no return without fencing.
func (w *world) moved(t *testing.T) {
	t.Helper()
	w.tell(t, "ops1", "/recover primary")
	w.answer(t, "step/run1/fence", "skip", "")
	w.answer(t, "step/run1/move", "approve", "")
	w.hub.until(t, "step/run1/last", waiting)
}

func (w *world) answer(t *testing.T, key, choice, reason string) {
	t.Helper()
	m := w.hub.until(t, key, func(m bot.Message) bool {
		return waiting(m) && slices.ContainsFunc(m.Buttons, func(b bot.Button) bool { return b.Choice == choice })
	})
	if r := w.press(t, "ops1", button(t, m, choice), reason); r.Refused {
		t.Fatalf("%s on %s: %+v", choice, key, r)
	}
}

func backAlert(host string) alert.Alert {
	return alert.Alert{
		Source: "watch", Fingerprint: "returned-" + host, Host: host, Level: returned, Since: time.Date(2026, 11, 23, 3, 31, 2, 0, time.UTC),
		Vantage: []string{"bot", "nginx1"}, Findings: []runbook.Finding{
			{Probe: runbook.Probe{Kind: "mysql"}, Host: host, Up: true}, {Probe: runbook.Probe{Kind: "service", Service: "go-job"}, Host: host, Up: true},
			{Probe: runbook.Probe{Kind: "service", Service: "mysql"}, Host: host, Up: true}},
	}
}

func over(a alert.Alert) alert.Alert {
	a.Resolved, a.Findings, a.Vantage = true, nil, nil
	return a
}

// dangerCard is the key of the card about a host and a level without a scenario.
func dangerCard(t *testing.T, w *world, level string) string {
	t.Helper()
	for _, c := range w.alerts.all() {
		if c.Level == level {
			return "alert/" + c.ID
		}
	}
	t.Fatalf("no call of level %s", level)
	return ""
}

func TestAPrimaryThatComesBackAfterThePointOfNoReturn(t *testing.T) {
	t.Parallel()
	w := newTakeover(t)
	if left := w.Left(t.Context()); len(left) > 0 {
		t.Errorf("left before any run: %v", left)
	}
	tell(t, w, downAlert())
	w.moved(t)
	if left := w.Left(t.Context()); !slices.Equal(left, []string{"app1"}) {
		t.Fatalf("left: %v", left)
	}
	tell(t, w, over(downAlert()), backAlert("app1"))

	again := w.hub.until(t, cardOf(t, w, "primary"), inState("info"))
	if again.Title != "app1 answers again, but another machine has its place: it must not write" {
		t.Errorf("good news of a danger: %+v", again)
	}
	key := dangerCard(t, w, returned)
	m := w.hub.until(t, key, func(m bot.Message) bool { return m.State == "down" && len(m.Buttons) == 2 })
	if m.Title != "app1 is back: two machines may write at once" || !strings.Contains(m.Lines[0], "It answers there: MySQL, go-job") ||
		!slices.Equal(m.Notify, []string{"ops1"}) {
		t.Errorf("danger: %+v", m)
	}
	overview := w.hub.until(t, "run/run1", func(m bot.Message) bool { return len(m.Warn) > 0 })
	if overview.Warn[0] != m.Title {
		t.Errorf("the run's card: %v", overview.Warn)
	}

	if r := w.press(t, "guest", button(t, m, "fence"), ""); !r.Refused {
		t.Errorf("a viewer fenced: %+v", r)
	}
	if r := w.press(t, "ops2", button(t, m, "fence"), ""); r.Refused || r.RunID != "run1" {
		t.Fatalf("fence: %+v", r)
	}
	ask := w.hub.until(t, "step/run1/fence", func(m bot.Message) bool { return m.State == "waiting" && len(m.Buttons) > 0 })
	if r := w.press(t, "ops2", button(t, m, "fence"), ""); r.Refused || !strings.Contains(r.Text, "1 (Fence it)") {
		t.Errorf("the second click: %+v", r)
	}
	if b := button(t, ask, "approve"); !b.NeedsReason {
		t.Errorf("the fence asks for no reason: %+v", b)
	}
	if r := w.press(t, "ops1", button(t, ask, "approve"), "it is back"); r.Refused {
		t.Fatalf("approve: %+v", r)
	}
	w.hub.until(t, "step/run1/fence", inState("done"))
	tell(t, w, over(backAlert("app1")))
	if m := w.hub.until(t, key, inState("done")); len(m.Buttons) > 0 || m.Title != "app1 is silent again: nothing there writes data" {
		t.Errorf("after the fence: %+v", m)
	}
	w.hub.until(t, "run/run1", func(m bot.Message) bool { return len(m.Warn) == 0 })
	w.answer(t, "step/run1/last", "approve", "")
	if m := w.hub.until(t, "run/run1", inState("done")); strings.Contains(strings.Join(m.Lines, "\n"), "fenced") {
		t.Errorf("what was fenced is listed as open: %v", m.Lines)
	}
}

// Nobody can put the danger aside: it can neither be snoozed nor started, and it is there after the click.
func TestADangerCannotBeDismissed(t *testing.T) {
	t.Parallel()
	w := newTakeover(t)
	w.moved(t)
	tell(t, w, backAlert("app1"))
	key := dangerCard(t, w, returned)
	m := w.hub.until(t, key, inState("down"))
	for _, choice := range []string{"snooze", "start", "skip", "done", ""} {
		p, err := decodePress(m.Buttons[0].Action)
		if err != nil {
			t.Fatal(err)
		}
		p.Choice = runbook.Choice(choice)
		if r := w.press(t, "ops1", bot.Button{Action: p.encode()}, "go away"); !r.Refused {
			t.Errorf("%q: %+v", choice, r)
		}
	}
	id := strings.TrimPrefix(key, "alert/")
	now, _ := w.alertMessage(id, w.say)
	if k, _ := w.alerts.get(id); k.State != firing || now.State != "down" || len(now.Buttons) != 2 || w.applied.Load() != 1 {
		t.Errorf("state %s, card %+v, %d effects", k.State, now, w.applied.Load())
	}
}

// Before the point of no return the way out is to abort; other machines that come back are good news.
func TestWhatAnswersAgainMeans(t *testing.T) {
	t.Parallel()
	w := newTakeover(t)
	tell(t, w, downAlert())
	w.tell(t, "ops1", "/recover primary")
	w.hub.until(t, "step/run1/fence", waiting)
	tell(t, w, over(downAlert()))
	m := w.hub.until(t, cardOf(t, w, "primary"), inState("done"))
	if !strings.Contains(strings.Join(m.Lines, "\n"), "Primary dead (run run1) is under way, before its point of no return: aborting it is the safe way") {
		t.Errorf("answers again: %+v", m)
	}
	if left := w.Left(t.Context()); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	disk := outside("alertmanager", "disk", "", "app1")
	disk.Level = ""
	tell(t, w, disk)
	if m := w.hub.until(t, dangerCard(t, w, ""), inState("waiting")); m.Title != "app1: an alert" || m.Emoji != "🟡" {
		t.Errorf("an alert that calls for nothing: %+v", m)
	}
	tell(t, w, ended(disk))
	if m := w.hub.until(t, dangerCard(t, w, ""), inState("done")); m.Title != "Over: app1: an alert" || len(m.Lines) > 0 {
		t.Errorf("what monitoring took back: %+v", m)
	}
	standby := downAlert()
	standby.Fingerprint, standby.Scenario, standby.Host = "watch-standby-app2", "standby", "app2"
	tell(t, w, standby)
	tell(t, w, over(standby))
	if m := w.hub.until(t, cardOf(t, w, "standby"), inState("done")); len(m.Lines) > 0 {
		t.Errorf("the standby answers again: %+v", m)
	}
}

// What was never fenced is on the closing message, with the way to do it.
func TestTheClosingMessageNamesWhatWasNotFenced(t *testing.T) {
	t.Parallel()
	w := newTakeover(t)
	w.moved(t)
	if r := w.tell(t, "ops1", "/recover park"); r.Refused {
		t.Fatalf("park: %+v", r)
	}
	m := w.hub.until(t, "run/run1", inState("parked"))
	if !strings.Contains(strings.Join(m.Lines, "\n"), "app1 was never fenced") {
		t.Errorf("parked: %v", m.Lines)
	}
	if r := w.press(t, "ops1", button(t, m, "fence"), ""); r.Refused {
		t.Fatalf("fence: %+v", r)
	}
	w.answer(t, "step/run1/fence", "skip", "")
	w.answer(t, "step/run1/last", "approve", "")
	m = w.hub.until(t, "run/run1", inState("done"))
	if !strings.Contains(strings.Join(m.Lines, "\n"), "app1 was never fenced: it writes again when it boots") {
		t.Errorf("closing: %v", m.Lines)
	}
	if left := w.Left(t.Context()); !slices.Equal(left, []string{"app1"}) { // fleet.yaml still calls it the primary
		t.Errorf("left: %v", left)
	}
	tell(t, w, backAlert("app1"))
	m = w.hub.until(t, dangerCard(t, w, returned), inState("down"))
	if r := w.press(t, "ops1", button(t, m, "fence"), ""); !r.Refused || !strings.Contains(r.Text, "by hand") {
		t.Errorf("fence without a way: %+v", r)
	}
}

const retiredFile = `
hosts:
  - {name: app2, address: 127.0.10.22, roles: [primary]}
  - {name: app1, address: 127.0.10.21, retired: true}
databases:
  - {name: speed}
people:
  - {name: ops1, roles: [approver, danger], token_hash: "sha256:TOKEN1"}
`

// A machine that was retired is fenced by a scenario of its own.
func TestARetiredMachineIsFencedByItsScenario(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, retiredFile)
	text := runbook.Text{EN: "Fence a machine", ZH: "隔离机器"}
	w.Scenarios["fence"] = runbook.Scenario{Name: "fence", Title: text,
		Params: []runbook.Param{{Name: "which", Type: "host", Required: true, Role: "retired"}},
		Bind:   map[string]runbook.Binding{"old": {From: []string{"$param.which"}}},
		Steps:  []runbook.Step{{ID: "stop", Title: text, Kind: "ssh", Host: "old", Danger: true}}}
	tell(t, w, backAlert("app1"))
	m := w.hub.until(t, dangerCard(t, w, returned), inState("down"))
	if r := w.press(t, "ops1", button(t, m, "fence"), ""); r.Refused || r.RunID != "run1" {
		t.Fatalf("fence: %+v", r)
	}
	w.answer(t, "step/run1/stop", "approve", "it is back")
	m = w.hub.until(t, "run/run1", inState("done"))
	if m.Context != "" || strings.Contains(strings.Join(m.Lines, "\n"), "back") {
		t.Errorf("closing message of a fence: %+v", m)
	}
}
