package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"recoverbot/runbook"
)

var allChoices = []runbook.Choice{
	runbook.Approve, runbook.Skip, runbook.Abort, runbook.Retry, runbook.Look, runbook.MarkDone, runbook.Commit,
	runbook.Rollback, runbook.Cancel, runbook.Defer, runbook.Reopen, runbook.Input,
}

// MaxReason is how many bytes of a reason are kept.
const MaxReason = 2000

// Decide carries out what a person answered. The caller has checked who it is and that they may; Decide checks that the
// answer fits what is journaled now. The same answer again is success. Another one, or one to a plan that is gone, is
// a Conflicting error that says who decided, or what is shown now. It returns the run as it stands then.
//
// With Step and Group empty the answer is to the run: abort, defer (park it), reopen (resume it) or done
// (service is back after what it did so far).
func (e *Engine) Decide(ctx context.Context, d runbook.Decision) (runbook.Run, error) {
	if err := e.await(ctx); err != nil {
		return runbook.Run{}, err
	}
	if !slices.Contains(allChoices, d.Choice) {
		return runbook.Run{}, runbook.Errorf(runbook.Invalid, "engine.unknown_choice", "choice", string(d.Choice))
	}
	d.Reason = e.reason(d.Reason)
	d.Alone = d.Alone && d.Choice == runbook.Approve
	var err error
	for range 20 {
		var run runbook.Run
		if run, err = e.cfg.Journal.Run(ctx, d.RunID); err != nil {
			var known *runbook.Error
			if !errors.As(err, &known) {
				err = unavailable(fmt.Errorf("read run: %w", err))
			}
			return run, err
		}
		switch {
		case d.Group != "":
			err = e.decideGroup(ctx, run, d)
		case d.Step != "":
			err = e.decideStep(ctx, run, d)
		default:
			return e.decideRun(ctx, d)
		}
		if !errors.Is(err, ErrMoved) {
			break
		}
	}
	if errors.Is(err, ErrMoved) || errors.Is(err, errGone) {
		err = &runbook.Error{Code: runbook.Conflicting, Msg: runbook.T("engine.changed_meanwhile"), Conflict: &runbook.Conflict{Kind: "stale"}}
	}
	run, rerr := e.cfg.Journal.Run(ctx, d.RunID)
	if rerr != nil && err == nil {
		err = unavailable(fmt.Errorf("read run: %w", rerr))
	}
	var known *runbook.Error
	if err != nil && !errors.As(err, &known) {
		err = unavailable(err)
	}
	return run, err
}

// reason is what a person gave as one, fit to be journaled and shown.
func (e *Engine) reason(text string) string {
	text = e.cfg.Actions.Redact(clean(strings.TrimSpace(text)))
	if len(text) > MaxReason {
		text = strings.ToValidUTF8(text[:MaxReason], "")
	}
	return text
}

func (e *Engine) decideStep(ctx context.Context, run runbook.Run, d runbook.Decision) error {
	s := run.Step(d.Step)
	if s == nil {
		return runbook.Errorf(runbook.NotFound, "engine.no_step", "step", d.Step)
	}
	l := e.live(run.ID)
	if done, err := e.answered(ctx, l, run, *s, d); done || err != nil {
		return err
	}
	if d.Choice == runbook.Abort {
		_, err := e.decideRun(ctx, d)
		return err
	}
	if err := needReason(run, *s, d); err != nil {
		return err
	}
	if d.Choice == runbook.Approve {
		return e.approve(ctx, l, run, []*runbook.StepRun{s}, d)
	}
	return e.answer(ctx, l, run, *s, d)
}

// answer carries out every choice but approve and abort.
func (e *Engine) answer(ctx context.Context, l *live, run runbook.Run, s runbook.StepRun, d runbook.Decision) error {
	next := s
	next.DecidedBy = &runbook.Approval{By: d.By, Choice: d.Choice, Reason: d.Reason, At: e.now()}
	switch d.Choice {
	case runbook.Commit, runbook.Rollback:
		if d.Choice == runbook.Commit {
			if err := e.recheckHeld(ctx, run, s); err != nil {
				return err
			}
			if err := e.mayCommit(run, s, d); err != nil {
				return err
			}
		}
		return e.answerHeld(ctx, l, s, d)
	case runbook.Cancel:
		return e.cancel(ctx, l, run, s, next, d)
	case runbook.Reopen:
		return e.reopen(ctx, l, run, s, next, d)
	case runbook.Skip:
		next.State, next.Note = runbook.Skipped, runbook.Msg{}
	case runbook.Defer:
		next.State, next.Note = runbook.Deferred, runbook.Msg{}
	case runbook.Input:
		inputs, err := fill(s.Plan.Form, d.Fields)
		if err != nil {
			return err
		}
		next.Inputs = inputs
		replan(&next, runbook.Msg{})
	case runbook.MarkDone:
		markDone(&next, d)
	case runbook.Look:
		switch s.State {
		case runbook.Unknown:
			return e.answerLook(ctx, l, s, next, d)
		case runbook.Unverified:
			next.State, next.Note = runbook.Verifying, runbook.Msg{}
		default:
			replan(&next, runbook.Msg{})
		}
	case runbook.Retry:
		replan(&next, runbook.Msg{})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.aborting != nil {
		return e.decided(s, *l.aborting, e.now())
	}
	if err := e.stillIs(ctx, run); err != nil {
		return err
	}
	defer e.kick(run.ID)
	return e.move(ctx, s, next, &d)
}

// stillIs is ErrMoved where the run was parked, resumed or ended since it was read; the run's own lock is held.
func (e *Engine) stillIs(ctx context.Context, run runbook.Run) error {
	now, err := e.cfg.Journal.Run(ctx, run.ID)
	if err == nil && now.State != run.State {
		err = ErrMoved
	}
	return err
}

func markDone(s *runbook.StepRun, d runbook.Decision) {
	s.State = runbook.Done
	s.Note = runbook.T("engine.marked_done", "by", d.By.Name, "reason", d.Reason)
	if s.Result == nil || s.Result.Outcome != runbook.OutcomeDone {
		r := runbook.Result{}
		if s.Result != nil {
			r = *s.Result
		}
		r.Outcome, r.Text = runbook.OutcomeDone, s.Note
		s.Result = withPlanned(s.Plan, r)
	}
}

// withPlanned gives a result that no action reported what the plan promised: later steps need it all the same.
func withPlanned(p *runbook.Plan, r runbook.Result) *runbook.Result {
	if p != nil && len(r.Values) == 0 {
		r.Values = p.Values
	}
	if p != nil && len(r.Open) == 0 {
		r.Open = p.Open
	}
	return &r
}

func needReason(run runbook.Run, s runbook.StepRun, d runbook.Decision) error {
	if d.Reason == "" && (d.Alone || NeedsReason(run, s, d.Choice)) {
		return runbook.Errorf(runbook.Invalid, "engine.reason_needed", "choice", choiceName(d.Choice))
	}
	return nil
}

// decideGroup applies one answer to all members that wait.
func (e *Engine) decideGroup(ctx context.Context, run runbook.Run, d runbook.Decision) error {
	members := run.Members(d.Group)
	if len(members) == 0 {
		return runbook.Errorf(runbook.NotFound, "engine.no_step", "step", d.Group)
	}
	if d.Choice == runbook.Abort {
		d.Step = ""
		_, err := e.decideRun(ctx, d)
		return err
	}
	l := e.live(run.ID)
	if done, err := e.groupAnswered(ctx, run, members, d); done || err != nil {
		return err
	}
	var fit []*runbook.StepRun
	for _, m := range members {
		if m.State == runbook.Waiting && d.Choice != runbook.Input && slices.Contains(Choices(run, *m), d.Choice) {
			fit = append(fit, m)
			if err := needReason(run, *m, d); err != nil {
				return err
			}
		}
	}
	if len(fit) == 0 {
		for _, m := range members {
			if m.State == runbook.Waiting && d.Choice == runbook.Approve {
				return cannotApproveError(run, *m)
			}
		}
		return runbook.Errorf(runbook.Invalid, "engine.not_now", "choice", choiceName(d.Choice), "state", stateName(runbook.Waiting))
	}
	if d.Choice == runbook.Approve {
		return e.approve(ctx, l, run, fit, d)
	}
	for _, m := range fit {
		md := d
		md.Step, md.Attempt = m.ID, m.Attempt
		if err := e.answer(ctx, l, run, *m, md); err != nil {
			return err
		}
	}
	return nil
}
