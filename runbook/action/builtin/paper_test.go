package builtin

import (
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
)

// Whatever the bot can do, it can also say how to do by hand.
func TestEveryKindCanBePutOnPaper(t *testing.T) {
	t.Parallel()
	for _, k := range Kinds() {
		a, err := k.New(k.Spec(), action.Env{})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := a.(runbook.Paper); !ok {
			t.Errorf("%s is no runbook.Paper", k.Name)
		}
	}
}
