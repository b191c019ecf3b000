package engine

import (
	"context"
	"errors"
	"time"

	"recoverbot/runbook"
)

// holdRequest is an answer to a held change. The one goroutine that keeps the change takes answers, the deadline and
// its loss one after another: exactly one of them wins.
type holdRequest struct {
	choice   runbook.Choice // Commit or Rollback
	decision *runbook.Decision
	note     runbook.Msg // of a rollback
	reply    chan error  // buffered
}

// keep journals a held change and keeps it until it is committed, rolled back or lost.
func (e *Engine) keep(ctx context.Context, a *attempt, held runbook.HeldChange) {
	info := &runbook.HoldInfo{Before: held.Before(), After: held.After(), Durable: held.Deadline() <= 0}
	if n, ok := held.(runbook.Noter); ok {
		info.Notes = n.Notes()
	}
	hctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var expired <-chan time.Time
	if !info.Durable {
		d := time.Duration(held.Deadline() * float64(time.Second))
		info.Deadline = e.now().Add(d)
		timer := time.NewTimer(d) // monotonic
		defer timer.Stop()
		expired = timer.C
		var stop context.CancelFunc
		hctx, stop = context.WithTimeout(hctx, d)
		defer stop()
	}
	output := a.out.text(e.cfg.Actions.Redact)
	a.out.close()
	if err := e.record(hctx, a.run.ID, a.step.ID, nil, func(_ *runbook.Run, s *runbook.StepRun) bool {
		if s.Attempt != a.step.Attempt || (s.State != runbook.Executing && s.State != runbook.Held) {
			return false
		}
		s.Note = runbook.Msg{}
		if s.State == runbook.Held {
			s.Note = runbook.T("engine.held_again")
		}
		s.State, s.Hold = runbook.Held, info
		s.Result = &runbook.Result{Output: output}
		return true
	}); err != nil {
		if info.Durable && !errors.Is(err, errGone) {
			return // not journaled, and it waits on the host: found again when the journal answers
		}
		e.rollBack(ctx, a, held, nil, runbook.T("engine.hold_unrecorded"))
		return
	}
	if a.w.cancelled.Load() {
		e.rollBack(ctx, a, held, nil, runbook.T("engine.cancelled"))
		return
	}
	e.keepUntil(ctx, a, held, info.Durable, expired)
}

func (e *Engine) keepUntil(ctx context.Context, a *attempt, held runbook.HeldChange, durable bool, expired <-chan time.Time) {
	for {
		if a.expired {
			e.rollBack(ctx, a, held, nil, runbook.T("engine.hold_expired"))
			return
		}
		select {
		case err := <-held.Lost():
			e.lost(ctx, a, err)
			return
		case <-expired:
			e.rollBack(ctx, a, held, nil, runbook.T("engine.hold_expired"))
			return
		case <-ctx.Done():
			if !durable {
				e.rollBack(ctx, a, held, nil, runbook.T("engine.hold_stopped"))
			}
			return
		case req := <-a.w.hold:
			select {
			case err := <-held.Lost():
				e.lost(ctx, a, err)
				req.reply <- ErrMoved
				return
			default:
			}
			if req.choice != runbook.Commit {
				e.rollBack(ctx, a, held, req.decision, req.note)
				req.reply <- nil
				return
			}
			err := e.toCommitting(ctx, a, req.decision)
			req.reply <- err
			if err != nil && (errors.Is(err, errGone) || !e.isCommitting(ctx, a, expired)) {
				continue
			}
			e.commit(ctx, a, held)
			return
		}
	}
}

// toCommitting journals the intent to commit.
func (e *Engine) toCommitting(ctx context.Context, a *attempt, d *runbook.Decision) error {
	return e.update(ctx, a.run.ID, a.step.ID, d, func(_ *runbook.Run, s *runbook.StepRun) bool {
		if s.State != runbook.Held || s.Attempt != a.step.Attempt {
			return false
		}
		s.State, s.Note = runbook.Committing, runbook.Msg{}
		s.DecidedBy = &runbook.Approval{By: d.By, Choice: d.Choice, Reason: d.Reason, At: e.now()}
		return true
	})
}

// isCommitting finds out whether a write that seemed to fail was stored all the same, within the hold's deadline.
func (e *Engine) isCommitting(ctx context.Context, a *attempt, expired <-chan time.Time) bool {
	for {
		run, err := e.cfg.Journal.Run(ctx, a.run.ID)
		if s := run.Step(a.step.ID); err == nil && s != nil {
			return s.State == runbook.Committing && s.Attempt == a.step.Attempt
		}
		pause := time.NewTimer(e.cfg.Backoff)
		select {
		case <-pause.C:
		case <-ctx.Done():
			return false
		case <-expired: // it fires once, and the hold is over: roll back
			pause.Stop()
			a.expired = true
			return false
		}
	}
}

// commit makes the change last. It is not broken off by a stop of the bot: that would be the worst moment.
func (e *Engine) commit(ctx context.Context, a *attempt, held runbook.HeldChange) {
	cctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), 10*time.Minute, errors.New("commit took over 10 min"))
	defer cancel()
	res, err := effect(a, "commit", func() (runbook.Result, error) { return held.Commit(cctx) })
	var refusal *runbook.Refusal
	switch {
	case errors.As(err, &refusal):
		res = runbook.Result{Outcome: runbook.OutcomeFailed, Text: refusal.Text}
	case err != nil:
		e.log.Warn("commit broke off", "run_id", a.run.ID, "step_id", a.step.ID, "error", e.cfg.Actions.Redact(err.Error()))
		e.unknown(ctx, a, e.result(a, runbook.Result{Outcome: runbook.OutcomeUnknown}), runbook.T("engine.commit_broke_off"))
		return
	}
	switch res.Outcome {
	case runbook.OutcomeDone, runbook.OutcomeUnchanged:
		e.settle(ctx, a, func(s *runbook.StepRun) { s.State, s.Result = runbook.Verifying, e.result(a, res) })
	case runbook.OutcomeFailed:
		e.settle(ctx, a, func(s *runbook.StepRun) {
			s.State, s.Hold, s.Note, s.Result = runbook.RolledBack, nil, runbook.T("engine.commit_failed"), e.result(a, res)
		})
	default:
		e.unknown(ctx, a, e.result(a, res), runbook.T("engine.outcome_unknown"))
	}
}

// rollBack gives the change up. Where that fails, evidence decides what is claimed.
func (e *Engine) rollBack(ctx context.Context, a *attempt, held runbook.HeldChange, d *runbook.Decision, note runbook.Msg) {
	rctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), time.Minute, errors.New("rollback took over 1 min"))
	defer cancel()
	_, err := effect(a, "rollback", func() (struct{}, error) { return struct{}{}, held.Rollback(rctx) })
	if err != nil {
		e.log.Warn("roll back", "run_id", a.run.ID, "step_id", a.step.ID, "error", e.cfg.Actions.Redact(err.Error()))
		ev := e.look(rctx, a)
		if ev.Took != runbook.TookNo {
			e.settleBy(ctx, a, d, func(s *runbook.StepRun) {
				s.State, s.Evidence, s.Note = runbook.Unknown, &ev, runbook.T("engine.rollback_failed")
			})
			return
		}
	}
	e.settleBy(ctx, a, d, func(s *runbook.StepRun) {
		if s.State == runbook.Executing { // the hold itself could not be journaled
			s.State, s.Result = runbook.Failed, &runbook.Result{Outcome: runbook.OutcomeFailed, Text: note}
			return
		}
		s.State, s.Hold, s.Note = runbook.RolledBack, nil, note
	})
}

// lost journals that the server gave the change up.
func (e *Engine) lost(ctx context.Context, a *attempt, err error) {
	if err != nil {
		e.log.Warn("held change is lost", "run_id", a.run.ID, "step_id", a.step.ID, "error", e.cfg.Actions.Redact(err.Error()))
	}
	e.settle(ctx, a, func(s *runbook.StepRun) {
		s.State, s.Hold, s.Note = runbook.RolledBack, nil, runbook.T("engine.hold_lost")
	})
}

// answerHeld hands a commit or rollback to the goroutine that keeps the change, and waits for its word.
func (e *Engine) answerHeld(ctx context.Context, l *live, s runbook.StepRun, d runbook.Decision) error {
	l.mu.Lock()
	aborting, w := l.aborting, l.workers[s.ID]
	l.mu.Unlock()
	if aborting != nil {
		return e.decided(s, *aborting, e.now())
	}
	if w == nil || w.kind != workExecute {
		e.kick(s.RunID)
		return runbook.Errorf(runbook.Unavailable, "engine.hold_not_ready")
	}
	req := holdRequest{choice: d.Choice, decision: &d, note: runbook.T("engine.rolled_back_by", "by", d.By.Name), reply: make(chan error, 1)}
	select {
	case w.hold <- req:
	case <-w.done:
		return ErrMoved
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-req.reply:
		return err
	case <-w.done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select { // it may have answered and ended at once
	case err := <-req.reply:
		return err
	default:
		return ErrMoved
	}
}
