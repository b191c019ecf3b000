package engine

import (
	"context"

	"recoverbot/runbook"
)

// dryRun plans every step in turn, changes nothing, and ends the run. Steps stay where their plan led them: waiting
// means that they would ask.
func (e *Engine) dryRun(ctx context.Context, runID string) {
	run, err := e.cfg.Journal.Run(ctx, runID)
	if err != nil {
		e.log.Error("read dry run", "run_id", runID, "error", err)
		wait(ctx, e.cfg.Backoff)
		return // the driver begins again
	}
	for _, s := range run.Steps {
		if s.State == runbook.Pending || s.State == runbook.Planning {
			e.plan(ctx, runID, s.ID)
		}
		if ctx.Err() != nil {
			return
		}
	}
	l := e.live(runID)
	l.mu.Lock()
	defer l.mu.Unlock()
	run, err = e.cfg.Journal.Run(ctx, runID)
	if err != nil || run.State != runbook.Open {
		return
	}
	next := run
	next.State, next.EndedAt, next.EndedBy = runbook.RunDone, e.now(), run.StartedBy
	if err := e.moveRun(ctx, run, next, nil); err != nil {
		e.log.Error("end dry run", "run_id", runID, "error", err)
		wait(ctx, e.cfg.Backoff)
	}
}
