package main

import (
	"testing"
	"time"

	"recoverbot/runbook/action"
	"recoverbot/runbook/action/builtin"
	"recoverbot/runbook/scenario"
)

// Every built-in scenario must be valid for the real kinds of action, and every line of scenario 3 of the operators'
// document must have a step.
func TestBuiltInScenarios(t *testing.T) {
	t.Parallel()
	b, err := action.NewBuilder(nil, builtin.Kinds(), time.Now, "")
	if err != nil {
		t.Fatal(err)
	}
	set, err := scenario.Load("", b)
	if err != nil {
		t.Fatalf("load built-in scenarios:\n%v", err)
	}
	lines := map[string]bool{}
	for _, s := range set["primary"].Steps {
		lines[s.DocLine] = true
	}
	for _, l := range []string{"3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "3.7", "3.8", "3.9", "3.10"} {
		if !lines[l] {
			t.Errorf("no step of scenario primary does document line %s", l)
		}
	}
}
