package engine_test

import (
	"context"
	"slices"
	"sync"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// witness sees what is stored, in its order, whoever stored it: each move is held against the rules when it is made.
type witness struct {
	engine.Journal
	mu        sync.Mutex
	broken    []string // rules that were broken
	decisions []runbook.Decision
	entered   map[question]bool
	last      map[string]runbook.StepRun   // by step
	cards     map[string]map[string]string // by a group's digest as shown: member → its own attempt and digest
	ended     bool
	writes    int
}

// question is one thing that is asked or done once in an attempt.
type question struct {
	step    string
	attempt int
	state   runbook.State
}

func witnessed(j engine.Journal) *witness {
	return &witness{Journal: j, entered: map[question]bool{}, last: map[string]runbook.StepRun{}, cards: map[string]map[string]string{}}
}

func (w *witness) MoveStep(ctx context.Context, from engine.State, next runbook.StepRun, d *runbook.Decision) (runbook.StepRun, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.last[next.ID]
	s, err := w.Journal.MoveStep(ctx, from, next, d)
	if err != nil {
		return s, err
	}
	w.writes++
	if d != nil {
		w.decisions = append(w.decisions, *d)
	}
	w.last[s.ID] = s
	w.judge(before, from.State, s, d)
	return s, nil
}

func (w *witness) MoveRun(ctx context.Context, from engine.RunState, next runbook.Run, d *runbook.Decision) (runbook.Run, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r, err := w.Journal.MoveRun(ctx, from, next, d)
	if err != nil {
		return r, err
	}
	w.writes++
	if d != nil {
		w.decisions = append(w.decisions, *d)
	}
	if w.ended {
		w.breaks("an ended run became " + string(r.State))
	}
	w.ended = r.State == runbook.RunDone || r.State == runbook.Aborted
	return r, nil
}

func (w *witness) breaks(rule string) { w.broken = append(w.broken, rule) }

// judge holds one move of a step against the rules; w.mu is held.
func (w *witness) judge(before runbook.StepRun, from runbook.State, s runbook.StepRun, d *runbook.Decision) {
	say := func(what string) {
		w.breaks(s.ID + ", attempt " + runbook.Job{Run: s.RunID, Step: s.ID, Attempt: s.Attempt}.ID() + ", " + string(from) + " to " + string(s.State) + ": " + what)
	}
	if !runbook.CanMove(from, s.State) {
		say("not in the table")
	}
	if w.ended && s.State != from && s.State.Busy() { // a plan that comes late changes nothing
		say("after the run's end")
	}
	if s.Attempt < before.Attempt {
		say("attempts go backwards")
	}
	if from == runbook.Done && s.State != from && !s.Def.Fence {
		say("left done")
	}
	if from == s.State {
		return
	}
	switch s.State {
	case runbook.Waiting, runbook.Executing, runbook.Held, runbook.Committing:
		q := question{s.ID, s.Attempt, s.State}
		if w.entered[q] {
			say("a second time")
		}
		w.entered[q] = true
	}
	switch s.State {
	case runbook.Executing:
		w.judgeApprovals(s, d, say)
	case runbook.Committing:
		if d == nil || d.Choice != runbook.Commit || d.Attempt != s.Attempt || d.Digest != s.Digest {
			say("nobody said commit")
		}
	case runbook.Skipped:
		if d == nil || d.Choice != runbook.Skip {
			say("nobody said skip")
		}
	}
}

// judgeApprovals sees that enough people approved exactly what is about to be executed.
func (w *witness) judgeApprovals(s runbook.StepRun, d *runbook.Decision, say func(string)) {
	if d == nil || d.Choice != runbook.Approve {
		say("nobody said approve")
		return
	}
	by := map[string]bool{}
	for _, x := range w.decisions {
		if x.Step == s.ID && x.Choice == runbook.Approve && x.Attempt == s.Attempt && w.covers(x, s) {
			by[x.By.Name] = true
		}
	}
	if len(by) < engine.Need(s) {
		say("too few approved this plan")
	}
	for _, a := range s.Approvals {
		if !by[a.By.Name] {
			say("carries an approval that " + a.By.Name + " did not give")
		}
	}
}

// covers reports whether a decision was about exactly this plan: by its own digest, or by that of its group's card.
func (w *witness) covers(d runbook.Decision, s runbook.StepRun) bool {
	if d.Group == "" {
		return d.Digest == s.Digest
	}
	return w.cards[d.Digest][s.ID] == card(s)
}

func card(s runbook.StepRun) string {
	return runbook.Job{Run: s.Digest, Step: string(runbook.Waiting), Attempt: s.Attempt}.ID()
}

// show remembers what a group's card stood for when somebody saw it, and returns its digest.
func (w *witness) show(members []*runbook.StepRun) string {
	digest := runbook.GroupDigest(members)
	stood := map[string]string{}
	for _, m := range members {
		if m.State == runbook.Waiting {
			stood[m.ID] = card(*m)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cards[digest] = stood
	return digest
}

// took sees, at the moment of an effect, that its intent is stored and was approved.
func (w *witness) took(job string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.last {
		if job == (runbook.Job{Run: s.RunID, Step: s.ID, Attempt: s.Attempt}).ID() {
			if s.State != runbook.Executing && s.State != runbook.Committing {
				w.breaks(job + " takes effect while it is " + string(s.State))
			}
			if w.ended {
				w.breaks(job + " takes effect after the run's end")
			}
			return
		}
	}
	w.breaks(job + " takes effect and is no attempt of any step")
}

// recorded reports whether that answer, by whomever, was stored for the same card.
func (w *witness) recorded(d runbook.Decision, by string, choice runbook.Choice) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.decisions, func(x runbook.Decision) bool {
		if x.Choice != choice || by != "" && x.By.Name != by {
			return false
		}
		if choice == runbook.Abort {
			return true
		}
		if d.Group != "" {
			return x.Group == d.Group && x.Digest == d.Digest
		}
		return x.Step == d.Step && x.Attempt == d.Attempt && x.Digest == d.Digest
	})
}

// counts reports whether an answer stands for something that is stored: the same one, or the same person's approval of the
// same plan on the other card, its own or that of its group.
func (w *witness) counts(d runbook.Decision) bool {
	if w.recorded(d, "", d.Choice) {
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	plan := func(x runbook.Decision) string { return card(runbook.StepRun{Digest: x.Digest, Attempt: x.Attempt}) }
	return slices.ContainsFunc(w.decisions, func(x runbook.Decision) bool {
		if x.Choice != runbook.Approve || d.Choice != x.Choice || x.By.Name != d.By.Name {
			return false
		}
		return d.Step == x.Step && w.cards[x.Digest][d.Step] == plan(d) || d.Group != "" && w.cards[d.Digest][x.Step] == plan(x)
	})
}
