// Package builtin is the explicit list of the kinds of action. It stands apart from package action because the kinds
// import that one.
package builtin

import (
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/check"
	"recoverbot/runbook/action/copy"
	"recoverbot/runbook/action/edit"
	"recoverbot/runbook/action/enrol"
	"recoverbot/runbook/action/manual"
	"recoverbot/runbook/action/nginx"
	"recoverbot/runbook/action/restore"
	"recoverbot/runbook/action/roles"
	"recoverbot/runbook/action/service"
	"recoverbot/runbook/action/sql"
	"recoverbot/runbook/action/ssh"
)

// Kinds lists every kind of action, one line a kind.
func Kinds() []action.Kind {
	return []action.Kind{
		check.Kind(),
		ssh.Kind(),
		sql.Kind(),
		restore.Kind(),
		edit.Kind(),
		nginx.Kind(),
		copy.Kind(),
		manual.Kind(),
		service.Kind(),
		enrol.Kind(),
		roles.Kind(),
	}
}
