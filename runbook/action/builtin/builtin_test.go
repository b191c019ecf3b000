package builtin_test

import (
	"testing"
	"time"

	"recoverbot/runbook/action"
	"recoverbot/runbook/action/builtin"
	"recoverbot/runbook/scenario"
)

// Every embedded scenario's steps say what their kinds understand.
func TestBuiltinScenariosAreValid(t *testing.T) {
	t.Parallel()
	b, err := action.NewBuilder(nil, builtin.Kinds(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	set, err := scenario.Load("", b)
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Names()) == 0 {
		t.Error("no scenario")
	}
}
