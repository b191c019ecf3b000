package journal_test

import (
	"recoverbot/runbook/engine"
	"recoverbot/runbook/journal"
)

var _ engine.Journal = (*journal.Journal)(nil)
