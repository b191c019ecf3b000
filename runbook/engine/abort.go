package engine

import (
	"context"

	"recoverbot/runbook"
)

// abort ends a run. Held changes are rolled back and executions cancelled first; the run ends when they have ended.
func (e *Engine) abort(ctx context.Context, run runbook.Run, d runbook.Decision) error {
	if over, err := overBefore(run); over {
		return err
	}
	if d.Reason == "" && hasUnknown(run) {
		return runbook.Errorf(runbook.Invalid, "engine.abort_needs_reason")
	}
	if err := e.healthy(ctx); err != nil {
		return err
	}
	l := e.live(run.ID)
	l.mu.Lock()
	defer l.mu.Unlock()
	run, err := e.cfg.Journal.Run(ctx, run.ID) // as it is while nothing can be begun
	if err != nil {
		return err
	}
	if over, err := overBefore(run); over { // by somebody who was faster
		return err
	}
	if run.State != runbook.Open || run.DryRun || !anyUnderWay(run) {
		return e.endAborted(ctx, l, run, d.By, &d)
	}
	defer e.kick(run.ID)
	if l.aborting != nil && (l.aborting.Reason != "" || d.Reason == "") {
		return nil // it is being aborted already
	}
	next := run
	next.Aborting = &runbook.Approval{By: d.By, Choice: d.Choice, Reason: d.Reason, At: e.now()}
	if err := e.moveRun(ctx, run, next, &d); err != nil {
		return err
	}
	l.aborting = &d
	return nil
}

// overBefore reports whether a run has ended already, and what that means for who aborts it.
func overBefore(run runbook.Run) (bool, error) {
	switch run.State {
	case runbook.Aborted:
		return true, nil
	case runbook.RunDone:
		return true, ended(run)
	}
	return false, nil
}

// resumeAbort goes on with an abort that a stop of the bot broke off; l.mu is held.
func (l *live) resumeAbort(run *runbook.Run) {
	if a := run.Aborting; a != nil && l.aborting == nil {
		l.aborting = &runbook.Decision{RunID: run.ID, Choice: a.Choice, Reason: a.Reason, By: a.By}
	}
}

// driveAbort does what must come before the end of an aborted run; l.mu is held.
func (e *Engine) driveAbort(ctx context.Context, l *live, run *runbook.Run) {
	d := *l.aborting
	l.cancelLooking()
	for _, s := range run.Steps {
		w := l.workers[s.ID]
		switch s.State {
		case runbook.Executing:
			e.stopWork(l, *run, s)
		case runbook.Held:
			if w == nil || w.kind != workExecute {
				continue
			}
			req := holdRequest{choice: runbook.Rollback, note: runbook.T("engine.rolled_back_abort", "by", d.By.Name), reply: make(chan error, 1)}
			select {
			case w.hold <- req:
			default: // it has answers to work on, and ends with one of them
			}
		case runbook.Verifying:
			if w != nil && w.kind == workVerify {
				w.cancel(errAborted)
			}
		}
	}
	if anyUnderWay(*run) {
		return // each of them kicks when it has ended
	}
	var err error
	if hasUnknown(*run) && d.Reason == "" { // a person must see what was left, and say why to leave it
		next := *run
		next.Aborting = nil
		if err = e.moveRun(ctx, *run, next, nil); err == nil {
			l.aborting = nil
			e.log.Warn("abort stopped at an unknown outcome", "run_id", run.ID)
		}
	} else {
		err = e.endAborted(ctx, l, *run, d.By, nil)
	}
	if err != nil && ctx.Err() == nil {
		e.log.Error("abort run", "run_id", run.ID, "error", err)
		e.kickLater(run.ID)
	}
}

// endAborted journals the end, with the decision where that is not journaled yet; l.mu is held.
func (e *Engine) endAborted(ctx context.Context, l *live, run runbook.Run, by runbook.Actor, d *runbook.Decision) error {
	next := run
	next.State, next.EndedAt, next.EndedBy, next.Aborting = runbook.Aborted, e.now(), by, nil
	if err := e.moveRun(ctx, run, next, d); err != nil {
		return err
	}
	l.aborting = nil
	for _, w := range l.workers {
		if w.kind != workExecute {
			w.cancel(errAborted)
		}
	}
	return nil
}

func anyUnderWay(run runbook.Run) bool {
	for _, s := range run.Steps {
		if underWay(s.State) {
			return true
		}
	}
	return false
}

// abortion returns the decision to abort that is being carried out, or nil.
func (l *live) abortion() *runbook.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.aborting
}

func (l *live) isAborting() bool { return l.abortion() != nil }
