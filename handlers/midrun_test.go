package handlers

import (
	"os"
	"strings"
	"testing"

	"recoverbot/runbook"
)

// A run changes fleet.yaml itself: who types the same start again is led to it, and nobody is told to edit the file.
func TestStartingAgainMidRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := testScenario()
	s.Bind["other"] = runbook.Binding{From: []string{"standby"}}
	w.Scenarios["primary"] = s
	both := s
	both.Name, both.Title = "both", runbook.Text{EN: "Both dead", ZH: "都挂"}
	w.Scenarios["both"] = both
	w.tell(t, "ops1", "/recover primary")
	one := w.hub.until(t, "step/run1/one", waiting)
	edit := strings.NewReplacer("roles: [primary]", "roles: [standby]", "roles: [standby, backup]", "roles: [primary, standby, backup]")
	text := edit.Replace(fleetFile)
	for i, name := range []string{"ops1", "ops2", "guest"} {
		text = strings.Replace(text, "TOKEN"+string(rune('1'+i)), hashOf(name), 1)
	}
	if err := os.WriteFile(w.Fleet.Config().Path(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.Fleet.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"/recover primary", "/recover primary --supersede"} {
		r := w.tell(t, "ops2", text)
		if r.Refused || r.RunID != "run1" || r.Text != "This is already running: Primary dead (run run1)." || r.Message == nil || r.Message.Code != one.Code {
			t.Errorf("%s: %+v", text, r)
		}
	}
	for _, text := range []string{"/recover both", "/recover both --supersede", "/recover both --park"} {
		r := w.tell(t, "ops2", text)
		if !r.Refused || !strings.Contains(r.Text, "Run run1 (Primary dead) is open") || !strings.Contains(r.Text, "standby: app1, app2") ||
			!strings.Contains(r.Text, "Do not edit fleet.yaml") || strings.Contains(r.Text, "Leave the role") {
			t.Errorf("%s: %+v", text, r)
		}
	}
	if r := w.tell(t, "ops2", "/recover primary which=nobody"); !r.Refused || !strings.Contains(r.Text, "nobody is no machine in service") {
		t.Errorf("a wrong value: %+v", r)
	}
	if r := w.tell(t, "guest", "/recover primary"); !r.Refused || !strings.Contains(r.Text, "ops1") {
		t.Errorf("a viewer: %+v", r)
	}
	w.unchanged(t, "starting again")
	if _, err := w.Journal.Run(t.Context(), "run2"); runbook.CodeOf(err) != runbook.NotFound {
		t.Errorf("another run: %v", err)
	}
}
