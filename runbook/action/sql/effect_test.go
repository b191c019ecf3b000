package sql

import (
	"encoding/json"
	"testing"

	"recoverbot/runbook"
)

func decode(t *testing.T, p runbook.Plan, to any) {
	t.Helper()
	if err := json.Unmarshal(p.Effect.Data, to); err != nil {
		t.Fatal(err)
	}
}

func encode(t *testing.T, p *runbook.Plan, from any) {
	t.Helper()
	b, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	p.Effect.Data = b
}
