package engine

import (
	"slices"
	"time"

	"recoverbot/runbook"
)

// Tally is where a waiting step stands with its approvals.
type Tally struct {
	By   []runbook.Approval // those that count
	Need int                // how many distinct people
	// Other says that whoever approved so far also started or resumed the run: somebody else must approve what is dangerous.
	Other bool
}

// Count tells the approvals of a step. Those of people who may not approve it any more count for nothing; may nil: all may.
func Count(run runbook.Run, s runbook.StepRun, may func(runbook.Actor) bool) Tally {
	t := Tally{Need: Need(s)}
	for _, a := range s.Approvals {
		if may == nil || may(a.By) {
			t.By = append(t.By, a)
		}
	}
	t.Other = run.Rules.TwoPerson && s.Dangerous() && !another(run, t.By)
	return t
}

// Short is how many people must still approve; 0: it is enough.
func (t Tally) Short() int {
	if slices.ContainsFunc(t.By, func(a runbook.Approval) bool { return a.Alone }) {
		return 0
	}
	short := max(0, t.Need-len(t.By))
	if t.Other {
		short = max(1, short)
	}
	return short
}

// Has reports whether a person's approval counts.
func (t Tally) Has(name string) bool {
	return slices.ContainsFunc(t.By, func(a runbook.Approval) bool { return a.By.Name == name })
}

// another reports whether whoever set the run going is never alone behind the approvals.
func another(run runbook.Run, given []runbook.Approval) bool {
	going := append([]runbook.Approval{{By: run.StartedBy}}, run.Resumed...)
	return !slices.ContainsFunc(going, func(a runbook.Approval) bool { return onlyBy(runbook.Approval{By: a.By}, given) })
}

// onlyBy reports whether all approvals may be one person's: the same name, or the same seat as one of theirs.
func onlyBy(a runbook.Approval, given []runbook.Approval) bool {
	own, rest := []runbook.Approval{a}, slices.Clone(given)
	for found := true; found; {
		found = false
		for i, x := range rest {
			if slices.ContainsFunc(own, func(o runbook.Approval) bool { return o.By.Name == x.By.Name || sameSeat(o, x) }) {
				own, rest, found = append(own, x), slices.Delete(rest, i, i+1), true
				break
			}
		}
	}
	return len(rest) == 0
}

func sameSeat(a, b runbook.Approval) bool {
	return slices.ContainsFunc(append([]string{a.By.Seat}, a.Seats...), func(seat string) bool {
		return seat != "" && (seat == b.By.Seat || slices.Contains(b.Seats, seat))
	})
}

// AloneFrom is when a first person alone may approve the step, since nobody else has answered for so long; zero: never, or
// it needs nobody else.
func AloneFrom(run runbook.Run, s runbook.StepRun, t Tally) time.Time {
	if run.Rules.BreakGlass <= 0 || t.Short() == 0 || !approvable(run, s) || t.Need == 1 && !t.Other {
		return time.Time{}
	}
	first := aloneFrom(run, s, t, "")
	for _, a := range t.By {
		if at := aloneFrom(run, s, t, a.By.Name); at.Before(first) {
			first = at
		}
	}
	return first
}

// aloneFrom is when that person may: the time counts from when the card began to ask, and from the last approval by another.
func aloneFrom(run runbook.Run, s runbook.StepRun, t Tally, name string) time.Time {
	since := s.ChangedAt
	note := func(at time.Time) {
		if at.After(since) {
			since = at
		}
	}
	for _, o := range run.Steps {
		if s.Group != "" && o.Group == s.Group && o.State == runbook.Waiting {
			note(o.ChangedAt)
		}
	}
	for _, a := range run.Resumed {
		note(a.At)
	}
	for _, a := range t.By {
		if a.By.Name != name {
			note(a.At)
		}
	}
	return since.Add(time.Duration(run.Rules.BreakGlass))
}

// counted is what an approval makes of a step.
type counted struct {
	next  runbook.StepRun
	ready bool // with it there are enough
	same  bool // that person had approved before, from there: nothing changes
}

// may refuses who may not approve s at this moment, nor commit its change.
func (e *Engine) may(s runbook.StepRun, by runbook.Actor) error {
	if e.cfg.People == nil || e.cfg.People.May(by, s) {
		return nil
	}
	return runbook.Errorf(runbook.Forbidden, "engine.may_not")
}

// count finds out what d makes of s, as everything is at this moment; it is refused where it cannot count.
func (e *Engine) count(run runbook.Run, s runbook.StepRun, d runbook.Decision, now time.Time) (counted, error) {
	if err := e.may(s, d.By); err != nil {
		return counted{}, err
	}
	may := func(a runbook.Actor) bool { return e.may(s, a) == nil }
	a := runbook.Approval{By: d.By, Choice: d.Choice, Reason: d.Reason, At: now}
	c, had := counted{next: s}, Count(run, s, may)
	seat := slices.IndexFunc(had.By, func(x runbook.Approval) bool { return x.By.Name != a.By.Name && sameSeat(x, a) })
	c.next.Approvals = withApproval(had.By, a)
	if seat < 0 {
		c.ready = Count(run, c.next, nil).Short() == 0
		c.same = !c.ready && slices.ContainsFunc(had.By, func(x runbook.Approval) bool { return noted(x, a.By) })
	}
	switch {
	case c.ready:
		return c, nil
	case d.Alone:
		at := aloneFrom(run, s, had, a.By.Name)
		if run.Rules.BreakGlass <= 0 {
			return c, runbook.Errorf(runbook.Forbidden, "engine.alone_off")
		}
		if now.Before(at) {
			return c, runbook.Errorf(runbook.Forbidden, "engine.alone_early", "at", at.UTC().Format(time.RFC3339))
		}
		a.Alone, a.Attempt, a.Missing = true, s.Attempt, slices.DeleteFunc(slices.Clone(d.Missing), had.Has)
		others := slices.DeleteFunc(slices.Clone(had.By), func(x runbook.Approval) bool { return x.By.Name == a.By.Name })
		c.next.Approvals, c.next.Alone = append(others, a), append(slices.Clone(s.Alone), a)
		c.ready, c.same = true, false
		return c, nil
	case seat >= 0:
		return c, runbook.Errorf(runbook.Forbidden, "engine.same_seat", "by", had.By[seat].By.Name, "on", d.By.Platform)
	}
	return c, nil
}

// mayCommit keeps who started a run from committing what is dangerous where nobody else approved it; who approved it alone,
// since nobody answered, may commit it, too. Who may at all is asked once more: the guard took its time.
func (e *Engine) mayCommit(run runbook.Run, s runbook.StepRun, d runbook.Decision) error {
	if err := e.may(s, d.By); err != nil {
		return err
	}
	if !run.Rules.TwoPerson || !s.Dangerous() || Count(run, s, nil).Short() == 0 {
		return nil
	}
	if given := append(slices.Clone(s.Approvals), runbook.Approval{By: d.By}); another(run, given) {
		return nil
	}
	return runbook.Errorf(runbook.Forbidden, "engine.commit_other", "by", d.By.Name)
}
