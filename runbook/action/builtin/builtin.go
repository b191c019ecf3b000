// Package builtin is the explicit list of the kinds of action. It stands apart from package action because the kinds
// import that one.
package builtin

import (
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/check"
	"recoverbot/runbook/action/manual"
	"recoverbot/runbook/action/ssh"
)

// Kinds lists every kind of action, one line a kind.
func Kinds() []action.Kind {
	return []action.Kind{
		check.Kind(),
		ssh.Kind(),
		manual.Kind(),
	}
}
