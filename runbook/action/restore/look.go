package restore

import (
	"context"

	"recoverbot/runbook"
	"recoverbot/runbook/dump/load"
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
		r.dropEmptied(ctx, h, d, e)
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

// dropEmptied drops the scratch schema of an exchange whose bot died before it could: it is empty, and nobody else would.
func (r *restore) dropEmptied(ctx context.Context, h fleet.Host, d fleet.Database, e effect) {
	s, err := r.session(ctx, h, d)
	if err != nil {
		return
	}
	defer s.close()
	if s.take(ctx, load.LockName(e.Schema, e.Rehearse)) != nil {
		return // somebody is at work there
	}
	if left, err := tablesOf(ctx, s.conn, e.Scratch); err == nil && len(left) == 0 {
		_ = s.exec(ctx, "DROP DATABASE IF EXISTS "+quote(e.Scratch))
	}
}
