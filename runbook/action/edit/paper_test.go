package edit

import (
	"strings"
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/fleet"
)

// What is printed changes the file as the bot would, also when it was printed without a plan, and holds no secret.
func TestPaper(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "primary", "standby")
	h, _ := c.Fleet.Config().Host("standby")
	primary, _ := c.Fleet.Config().Host("primary")
	client, err := c.Fleet.SSH(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(config(primary.Address), "\r", "")
	want := strings.ReplaceAll(config("localhost"), "\r", "") + "added: 'yes'\n"
	s := &Spec{Path: configPath, Rehost: []Rehost{{From: "primary", To: "localhost"}}, AddLine: []string{"added: 'yes'"}, Verify: `grep -q localhost "$FILE"`}
	for name, planned := range map[string]bool{"with a plan": true, "without": false} {
		c.WriteFile("standby", configPath, text, 0o640)
		a, _ := build(t, c, s)
		var p runbook.Plan
		if planned {
			p = plan(t, a, runbook.Ready)
		}
		for _, typed := range a.(runbook.Paper).Paper(p).Typed {
			if strings.Contains(typed.Script, "C4nary") {
				t.Fatalf("%s: a secret is on the paper", name)
			}
			if typed.Script == "" {
				continue
			}
			ran, err := client.Run(t.Context(), fleet.Command{Script: typed.Script})
			if err != nil || ran.Exit != 0 || strings.Contains(ran.Stdout, "C4nary") {
				t.Fatalf("%s: %v %+v", name, err, ran)
			}
		}
		if got := c.ReadFile("standby", configPath); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	s.Verify = "false"
	c.WriteFile("standby", configPath, text, 0o640)
	a, _ := build(t, c, s)
	ran, err := client.Run(t.Context(), fleet.Command{Script: a.(runbook.Paper).Paper(runbook.Plan{}).Typed[0].Script})
	if err != nil || ran.Exit == 0 || c.ReadFile("standby", configPath) != text {
		t.Errorf("a refused file stays: %v %+v", err, ran)
	}
}
