package nginx

import (
	"context"
	"encoding/json"
	"fmt"

	"recoverbot/runbook"
)

// Look compares the files with the plan, and when the workers began with when the files were written.
func (a *nginx) Look(ctx context.Context, p runbook.Plan, _ runbook.Job) (runbook.Evidence, error) {
	var ch change
	if err := json.Unmarshal(p.Effect.Data, &ch); err != nil {
		return runbook.Evidence{}, fmt.Errorf("decode effect: %w", err)
	}
	m, err := a.look(ctx)
	if err != nil {
		return runbook.Evidence{}, err
	}
	defer m.close()
	old, done := 0, 0
	for _, f := range ch.Files {
		b, err := m.read(f.Path)
		if err != nil {
			return runbook.Evidence{}, err
		}
		switch hash(b) {
		case f.Before:
			old++
		case f.After:
			done++
		}
	}
	reloaded, err := m.inForce()
	if err != nil {
		return runbook.Evidence{}, err
	}
	say := func(took, id string) (runbook.Evidence, error) {
		return runbook.Evidence{Took: took, Text: runbook.T(id, "host", m.host.Name, "new", done, "of", len(ch.Files))}, nil
	}
	switch {
	case done == len(ch.Files) && reloaded:
		return say(runbook.TookYes, "nginx.look_done")
	case done == len(ch.Files):
		return say(runbook.TookUnclear, "nginx.look_not_reloaded")
	case old == len(ch.Files):
		return say(runbook.TookNo, "nginx.look_old")
	}
	return say(runbook.TookUnclear, "nginx.look_mixed")
}
