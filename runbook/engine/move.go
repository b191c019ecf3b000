package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"recoverbot/runbook"
)

// errGone says that a step is no longer where the caller left it: there is nothing to write.
var errGone = errors.New("step has moved on")

// errTable says that the table of states does not know a move: a mistake in this package, tried only once.
var errTable = errors.New("move is not in the table of states")

// update moves one step: change edits a fresh copy, or reports false to leave it. It is tried again when somebody else
// was faster.
func (e *Engine) update(ctx context.Context, runID, stepID string, d *runbook.Decision, change func(*runbook.Run, *runbook.StepRun) bool) error {
	for {
		run, err := e.cfg.Journal.Run(ctx, runID)
		if err != nil {
			return fmt.Errorf("read run: %w", err)
		}
		cur := run.Step(stepID)
		if cur == nil {
			return errGone
		}
		next := *cur
		if !change(&run, &next) {
			return errGone
		}
		err = e.move(ctx, *cur, next, d)
		if !errors.Is(err, ErrMoved) {
			return err
		}
	}
}

// move is one compare-and-swap; only the table's moves are written.
func (e *Engine) move(ctx context.Context, cur, next runbook.StepRun, d *runbook.Decision) error {
	if !runbook.CanMove(cur.State, next.State) {
		return fmt.Errorf("move step %s from %s to %s: %w", cur.ID, cur.State, next.State, errTable)
	}
	if cur.State != next.State || cur.Attempt != next.Attempt {
		next.ChangedAt = e.now()
	}
	_, err := e.cfg.Journal.MoveStep(ctx, State{State: cur.State, Version: cur.Version}, next, d)
	if err == nil {
		e.changed(ctx, cur.RunID, cur.ID)
	} else if !errors.Is(err, ErrMoved) {
		err = fmt.Errorf("journal step: %w", err)
	}
	return err
}

func (e *Engine) moveRun(ctx context.Context, cur runbook.Run, next runbook.Run, d *runbook.Decision) error {
	_, err := e.cfg.Journal.MoveRun(ctx, RunState{State: cur.State, Version: cur.Version}, next, d)
	if err == nil {
		e.changed(ctx, cur.ID, "")
	} else if !errors.Is(err, ErrMoved) && runbook.CodeOf(err) == runbook.Internal {
		err = fmt.Errorf("journal run: %w", err)
	}
	return err
}

// record is update for work whose outcome must not be lost: it tries until it is written, the step has moved on, or
// ctx ends. Even then it tries once more, so that a stop leaves honest states behind.
func (e *Engine) record(ctx context.Context, runID, stepID string, d *runbook.Decision, change func(*runbook.Run, *runbook.StepRun) bool) error {
	pause := e.cfg.Backoff / 4
	for {
		last := ctx.Err() != nil
		wctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), 10*time.Second, errors.New("write to the journal took over 10 s"))
		err := e.update(wctx, runID, stepID, d, change)
		cancel()
		if err == nil || errors.Is(err, errGone) {
			return err
		}
		e.log.Error("write step to the journal", "run_id", runID, "step_id", stepID, "error", err)
		if last || errors.Is(err, errTable) {
			return err
		}
		wait(ctx, pause)
		pause = min(2*pause, 5*time.Second)
	}
}

// changed tells the notifier, with the run as journaled by now.
func (e *Engine) changed(ctx context.Context, runID, stepID string) {
	e.tell.Lock()
	defer e.tell.Unlock()
	run, err := e.cfg.Journal.Run(context.WithoutCancel(ctx), runID)
	if err != nil {
		e.log.Error("read run for the notifier", "run_id", runID, "error", err)
		return
	}
	e.cfg.Notifier.Changed(run, stepID)
}

// wait pauses for d or until ctx ends, and reports whether ctx still lives.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// replan makes s plan anew: another attempt, for which nothing that was approved or found counts.
func replan(s *runbook.StepRun, note runbook.Msg) {
	s.Alone = slices.Clone(s.Alone)
	for i, a := range s.Alone {
		if a.Attempt == s.Attempt {
			switch r := s.Result; {
			case r != nil && !r.Text.IsZero():
				s.Alone[i].Came = r.Text
			case !s.Note.IsZero():
				s.Alone[i].Came = s.Note
			default:
				s.Alone[i].Came = stateName(s.State)
			}
		}
	}
	s.State = runbook.Planning
	s.Attempt++
	s.Plan, s.Digest, s.Approvals = nil, "", nil
	s.Progress, s.Hold, s.Result, s.Evidence, s.Findings = nil, nil, nil, nil, nil
	s.StartedAt = time.Time{}
	s.Note = note
}
