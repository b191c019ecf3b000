package engine

import (
	"context"
	"errors"

	"recoverbot/runbook"
)

// cancel stops an execution because a person said so; what it left behind is found out when it has ended.
func (e *Engine) cancel(ctx context.Context, l *live, run runbook.Run, s, next runbook.StepRun, d runbook.Decision) error {
	next.Note = runbook.T("engine.cancelling", "by", d.By.Name)
	if err := e.move(ctx, s, next, &d); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e.stopWork(l, run, next)
	return nil
}

// stopWork asks the action to stop what runs on the host, then ends the goroutine; l.mu is held. Once is enough.
func (e *Engine) stopWork(l *live, run runbook.Run, s runbook.StepRun) {
	w := l.workers[s.ID]
	if w == nil || w.kind != workExecute || w.cancelled.Swap(true) {
		return
	}
	e.side(func(ctx context.Context) {
		cctx, cancel := context.WithTimeoutCause(ctx, e.cfg.CancelTimeout, errors.New("cancelling took too long"))
		defer cancel()
		action, err := e.build(run, s)
		if c, ok := action.(runbook.Canceler); ok && err == nil && s.Plan != nil {
			job := runbook.Job{Run: run.ID, Step: s.ID, Attempt: s.Attempt}
			_, err = effect(&attempt{step: s}, "cancel", func() (struct{}, error) { return struct{}{}, c.Cancel(cctx, *s.Plan, job) })
			if err == nil {
				select { // it ends by itself, and knows best how
				case <-w.done:
				case <-cctx.Done():
				}
			}
		}
		if err != nil {
			e.log.Warn("cancel step", "run_id", run.ID, "step_id", s.ID, "error", e.cfg.Actions.Redact(err.Error()))
		}
		w.cancel(errCancelled)
	})
}
