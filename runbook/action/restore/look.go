package restore

import (
	"context"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// Look finds out whether the live schema was replaced.
func (r *restore) Look(ctx context.Context, p runbook.Plan, job runbook.Job) (runbook.Evidence, error) {
	e, h, d, err := r.planned(p)
	if err != nil {
		return runbook.Evidence{}, err
	}
	c, err := r.env.Connect(ctx, h, p.Effect.Identity)
	if err != nil {
		return runbook.Evidence{}, err
	}
	at, plan, err := r.settle(ctx, h, d, e, job)
	if err != nil {
		return runbook.Evidence{}, err
	}
	if at == stageSwapped {
		if n := len(plan.Objects); n > 0 {
			return runbook.Evidence{Took: runbook.TookYes, Text: runbook.T("restore.look_swapped_objects", "database", e.Schema, "old", plan.Old, "count", n)}, nil
		}
		return runbook.Evidence{Took: runbook.TookYes, Text: runbook.T("restore.look_swapped", "database", e.Schema, "old", plan.Old)}, nil
	}
	state, err := c.Job(ctx, job.ID())
	if err != nil {
		return runbook.Evidence{}, err
	}
	switch {
	case state.Status == fleet.JobRunning:
		return runbook.Evidence{Took: runbook.TookUnclear, Text: runbook.T("restore.look_running", "host", h.Name)}, nil
	case at == stageLoaded:
		return runbook.Evidence{Took: runbook.TookNo, Text: runbook.T("restore.look_scratch", "database", e.Schema, "scratch", e.Scratch)}, nil
	case plan != nil: // a swap was begun, and the tables are neither here nor there
		return runbook.Evidence{Took: runbook.TookUnclear, Text: runbook.T("restore.look_unclear", "old", plan.Old)}, nil
	}
	return runbook.Evidence{Took: runbook.TookNo, Text: runbook.T("restore.look_untouched", "database", e.Schema)}, nil
}
