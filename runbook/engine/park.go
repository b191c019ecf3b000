package engine

import (
	"context"
	"errors"
	"fmt"

	"recoverbot/runbook"
)

// decideRun carries out an answer to the run as a whole: abort, defer (park), reopen (resume).
func (e *Engine) decideRun(ctx context.Context, d runbook.Decision) (runbook.Run, error) {
	d.Step, d.Group, d.Attempt, d.Digest = "", "", 0, ""
	var err error
	for range 20 {
		var run runbook.Run
		if run, err = e.cfg.Journal.Run(ctx, d.RunID); err != nil {
			return run, err
		}
		switch d.Choice {
		case runbook.Abort:
			err = e.abort(ctx, run, d)
		case runbook.Defer:
			err = e.park(ctx, run, d)
		case runbook.Reopen:
			e.starts.Lock()
			err = e.resume(ctx, run, &d)
			e.starts.Unlock()
		default:
			return run, runbook.Errorf(runbook.Invalid, "engine.not_for_run", "choice", choiceName(d.Choice))
		}
		if !errors.Is(err, ErrMoved) {
			break
		}
	}
	run, rerr := e.cfg.Journal.Run(ctx, d.RunID)
	if err == nil {
		err = rerr
	}
	var known *runbook.Error
	if err != nil && !errors.As(err, &known) {
		err = unavailable(err)
	}
	return run, err
}

// Resume makes a parked run open again, where no other run holds the fleet. A run that is open is left as it is.
func (e *Engine) Resume(ctx context.Context, runID string, by runbook.Actor) (runbook.Run, error) {
	return e.Decide(ctx, runbook.Decision{RunID: runID, Choice: runbook.Reopen, By: by})
}

func (e *Engine) park(ctx context.Context, run runbook.Run, d runbook.Decision) error {
	if run.State == runbook.Parked {
		return nil
	}
	if run.State != runbook.Open || run.DryRun {
		return ended(run)
	}
	l := e.live(run.ID)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.aborting != nil {
		return e.decided(runbook.StepRun{}, *l.aborting, e.now())
	}
	run, err := e.cfg.Journal.Run(ctx, run.ID) // as it is while nothing can be begun
	if err != nil {
		return err
	}
	if s := busy(run); s != nil {
		return runbook.Errorf(runbook.Conflicting, "engine.busy", "step", s.ID, "state", stateName(s.State))
	}
	next := run
	next.State = runbook.Parked
	if err := e.moveRun(ctx, run, next, &d); err != nil {
		return err
	}
	l.cancelLooking()
	return nil
}

// resume opens a parked run; e.starts is held.
func (e *Engine) resume(ctx context.Context, run runbook.Run, d *runbook.Decision) error {
	if run.State == runbook.Open {
		return nil
	}
	if run.State != runbook.Parked {
		return ended(run)
	}
	open, err := e.openRun(ctx, false, run.ID)
	if err != nil {
		return err
	}
	if open != nil {
		return e.otherRun(*open)
	}
	next := run
	next.State, next.Owner = runbook.Open, e.cfg.Owner
	if err := e.moveRun(ctx, run, next, d); err != nil {
		return err
	}
	e.kick(run.ID)
	return nil
}

// reopenRun opens the run of a step that is to be reopened.
func (e *Engine) reopenRun(ctx context.Context, run runbook.Run, d runbook.Decision) error {
	if run.State == runbook.Open {
		return nil
	}
	e.starts.Lock()
	defer e.starts.Unlock()
	d.Step, d.Group, d.Attempt, d.Digest = "", "", 0, ""
	return e.resume(ctx, run, &d)
}

// finish ends a run whose steps are all settled: parked where some are to-dos, done otherwise; l.mu is held.
func (e *Engine) finish(ctx context.Context, l *live, run runbook.Run) {
	next := run
	next.State = runbook.RunDone
	for _, s := range run.Steps {
		if s.State == runbook.Deferred {
			next.State = runbook.Parked
		}
	}
	if next.State == runbook.RunDone {
		next.EndedAt, next.EndedBy = e.now(), lastActor(run)
	}
	if err := e.moveRun(ctx, run, next, nil); err != nil && ctx.Err() == nil {
		e.log.Error("end run", "run_id", run.ID, "error", err)
		e.kickLater(run.ID)
	}
}

// lastActor is who decided last on a step of the run, or who started it.
func lastActor(run runbook.Run) runbook.Actor {
	by, at := run.StartedBy, run.StartedAt
	for _, s := range run.Steps {
		if s.DecidedBy != nil && !s.DecidedBy.At.Before(at) {
			by, at = s.DecidedBy.By, s.DecidedBy.At
		}
	}
	return by
}

func ended(run runbook.Run) error {
	return &runbook.Error{
		Code: runbook.Conflicting,
		Msg:  runbook.T("engine.run_ended", "run", run.ID, "state", runbook.T("engine.run_"+string(run.State)), "by", run.EndedBy.Name),
		Err:  fmt.Errorf("run is %s", run.State),
	}
}
