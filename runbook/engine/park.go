package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"recoverbot/runbook"
)

// decideRun carries out an answer to the run as a whole: abort, defer (park), reopen (resume), done (service is back).
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
			err = e.resumeAll(ctx, run, &d)
		case runbook.MarkDone:
			err = e.endBack(ctx, run, d)
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
	if run.State != runbook.Open {
		return ErrMoved
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

// resumeAll opens a parked run. Where nothing but to-dos is left in it, they are reopened: else it would end at once.
func (e *Engine) resumeAll(ctx context.Context, run runbook.Run, d *runbook.Decision) error {
	e.starts.Lock()
	defer e.starts.Unlock()
	l := e.live(run.ID)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := e.resume(ctx, run, d); err != nil || run.State == runbook.Open || turn(&run) != nil {
		return err
	}
	for _, s := range run.Steps {
		if s.State != runbook.Deferred || s.Note.ID == deferredWith {
			continue
		}
		next := s
		replan(&next, runbook.Msg{})
		if err := e.move(ctx, s, next, nil); err != nil {
			return err
		}
	}
	return nil
}

// resume opens a parked run; e.starts and the run's own lock are held, so that no driver ends it before its steps move.
func (e *Engine) resume(ctx context.Context, run runbook.Run, d *runbook.Decision) error {
	if run.State == runbook.Open {
		return nil
	}
	if run.State != runbook.Parked {
		return ended(run)
	}
	open, err := e.openRun(ctx, run)
	if err != nil {
		return err
	}
	if open != nil {
		return e.otherRun(*open)
	}
	next := run
	next.State, next.Owner = runbook.Open, e.cfg.Owner
	next.Resumed = append(slices.Clone(run.Resumed), runbook.Approval{By: d.By, Choice: d.Choice, Reason: d.Reason, At: e.now()})
	err = e.moveRun(ctx, run, next, d)
	e.kick(run.ID) // it may have been written though its answer was lost
	if err != nil {
		return err
	}
	e.makeWay(ctx, run)
	return nil
}

// reopen plans a skipped or deferred step again, one whose answers are corrected, or a fence that had nothing to do. It
// opens the run where that is parked.
func (e *Engine) reopen(ctx context.Context, l *live, run runbook.Run, s, next runbook.StepRun, d runbook.Decision) error {
	e.starts.Lock()
	defer e.starts.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.aborting != nil {
		return e.decided(s, *l.aborting, e.now())
	}
	if err := e.stillIs(ctx, run); err != nil {
		return err
	}
	if run.State == runbook.Parked {
		rd := runbook.Decision{RunID: run.ID, Choice: runbook.Reopen, Reason: d.Reason, By: d.By}
		if err := e.resume(ctx, run, &rd); err != nil {
			return err
		}
	}
	defer e.kick(run.ID)
	if s.State == runbook.Done && !unfenced(s) {
		now, err := e.cfg.Journal.Run(ctx, run.ID) // as it is while nothing can be begun
		if err != nil {
			return err
		}
		if !correctable(now, *now.Step(s.ID)) {
			return ErrMoved
		}
		if err := e.replanDependents(ctx, now, s); err != nil {
			return err
		}
	}
	replan(&next, runbook.Msg{})
	return e.move(ctx, s, next, &d)
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
