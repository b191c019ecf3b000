package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"recoverbot/runbook"
)

// deferredWith is the note of a step that was deferred because a step that it needs was.
const deferredWith = "engine.deferred_with"

// needs is how the things that a step needs stand.
type needs struct {
	deferred string   // a needed step that was deferred
	skipped  string   // a needed step that was skipped
	missing  []string // steps that are not done yet, parameters that are not given
}

// needsOf looks up ids of steps and groups, and names of parameters ("param:NAME" or bare).
func needsOf(run runbook.Run, refs []string) needs {
	var n needs
	for _, ref := range refs {
		steps := stepsNamed(&run, ref)
		if len(steps) == 0 {
			if name := strings.TrimPrefix(ref, "param:"); run.Params[name] == "" {
				n.missing = appendNew(n.missing, ref)
			}
			continue
		}
		for _, s := range steps {
			switch s.State {
			case runbook.Done:
			case runbook.Skipped:
				n.skipped = s.ID
			case runbook.Deferred:
				n.deferred = s.ID
			default:
				n.missing = appendNew(n.missing, ref)
			}
		}
	}
	return n
}

// stepsNamed returns the step with that id, or the members of the group.
func stepsNamed(run *runbook.Run, id string) []*runbook.StepRun {
	if s := run.Step(id); s != nil {
		return []*runbook.StepRun{s}
	}
	if id == "" {
		return nil
	}
	return run.Members(id)
}

// judge turns a plan that needs what is not there into a blocked or provisional one.
func (n needs) judge(p *runbook.Plan) {
	if p.Verdict == runbook.Satisfied && len(n.missing) == 0 {
		return
	}
	switch {
	case n.skipped != "":
		if p.Verdict == runbook.Blocked {
			return
		}
		p.Override = p.Verdict == runbook.Ready && len(n.missing) == 0
		p.Danger = p.Danger || p.Override
		p.Verdict = runbook.Blocked
		p.Why = runbook.T("engine.need_skipped", "step", n.skipped)
	case len(n.missing) > 0:
		if p.Verdict != runbook.Provisional || p.Why.IsZero() {
			if p.Verdict != runbook.Blocked {
				p.Why = provisional(n.missing)
			}
		}
		p.Verdict, p.Needs = runbook.Provisional, n.missing
	}
}

func provisional(missing []string) runbook.Msg {
	return runbook.T("engine.provisional", "needs", strings.Join(missing, ", "))
}

// wakeDeferred plans the steps again that were deferred only with another one, when that one is done, and those that wait
// for answers that were corrected, or for a step that was reopened and is done by now.
func (e *Engine) wakeDeferred(ctx context.Context, run *runbook.Run) bool {
	woken := false
	for i := range run.Steps {
		s := &run.Steps[i]
		if s.State == runbook.Waiting && (s.Note.ID == needsAgain || plannedWithout(run, s, e.now())) {
			if len(needsOf(*run, s.Def.Needs).missing) > 0 {
				continue
			}
		} else if s.State != runbook.Deferred || s.Note.ID != deferredWith || stillDeferred(*run, *s) {
			continue
		}
		next := *s
		replan(&next, runbook.Msg{})
		if err := e.move(ctx, *s, next, nil); err == nil {
			woken = true
		}
	}
	if woken {
		e.kick(run.ID)
	}
	return woken
}

// plannedWithout reports whether a step has a provisional plan that is older than something that the step needs. What is
// still to come, since the clock was set back, is not newer: no plan could ever be.
func plannedWithout(run *runbook.Run, s *runbook.StepRun, now time.Time) bool {
	return s.Plan != nil && s.Plan.Verdict == runbook.Provisional && slices.ContainsFunc(s.Def.Needs, func(ref string) bool {
		return slices.ContainsFunc(stepsNamed(run, ref), func(need *runbook.StepRun) bool {
			return need.ChangedAt.After(s.ChangedAt) && !need.ChangedAt.After(now)
		})
	})
}

// stillDeferred reports whether a step that was deferred with another one has to stay so.
func stillDeferred(run runbook.Run, s runbook.StepRun) bool {
	name, _ := s.Note.Args["step"].(string)
	if need := run.Step(name); need != nil && need.State == runbook.Deferred {
		return true
	}
	n := needsOf(run, s.Def.Needs)
	return n.deferred != "" || len(n.missing) > 0
}

func appendNew(list []string, v string) []string {
	for _, x := range list {
		if x == v {
			return list
		}
	}
	return append(list, v)
}
