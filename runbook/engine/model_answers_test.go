package engine_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"pgregory.net/rapid"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// answers draws what a few people answer to what is shown now, and to what was shown before, and gives all of it at the
// same time; some click twice.
func (m *model) answers() {
	run := m.run()
	var out []runbook.Decision
	add := func(d runbook.Decision) {
		d.By, d.Reason = rapid.SampledFrom(people).Draw(m.rt, "by"), "drawn"
		for range rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(m.rt, "clicks") {
			out = append(out, d)
		}
	}
	pick := func(from []runbook.Choice) runbook.Choice {
		from = slices.DeleteFunc(slices.Clone(from), func(c runbook.Choice) bool { return c == runbook.Abort })
		if rapid.IntRange(0, 39).Draw(m.rt, "abort") == 0 || len(from) == 0 {
			return runbook.Abort
		}
		if first := from[0]; rapid.Bool().Draw(m.rt, "likely") {
			return first
		}
		return rapid.SampledFrom(from).Draw(m.rt, "choice")
	}
	for _, s := range run.Steps {
		if choices := engine.Choices(run, s); len(choices) > 0 {
			for range rapid.IntRange(0, 3).Draw(m.rt, "people") {
				add(answerTo(s, pick(choices), runbook.Actor{}, ""))
			}
		}
	}
	for _, group := range []string{"fence", "c"} {
		if choices := engine.GroupChoices(run, group); len(choices) > 0 && rapid.Bool().Draw(m.rt, "group") {
			add(runbook.Decision{RunID: m.id, Group: group, Digest: m.wit.show(run.Members(group)), Choice: pick(choices)})
		}
	}
	for range min(len(m.given), rapid.IntRange(0, 2).Draw(m.rt, "stale")) {
		d := rapid.SampledFrom(m.given).Draw(m.rt, "again")
		out = append(out, d)
	}
	if choices := engine.RunChoices(run); run.State == runbook.Parked || len(choices) > 0 && rapid.IntRange(0, 9).Draw(m.rt, "run") == 0 {
		add(runbook.Decision{RunID: m.id, Choice: pick(choices)})
	}
	m.give(out)
}

// give gives answers at once, and holds what their givers are told against what is stored.
func (m *model) give(answers []runbook.Decision) {
	m.rt.Helper()
	told := m.tell(answers)
	for i, d := range answers {
		m.given = append(m.given, d)
		if m.j.dead() && told[i] != nil {
			m.lost = append(m.lost, d)
			continue
		}
		m.judge(d, told[i])
	}
}

// tell gives answers at once. A connection to a bot that dies breaks.
func (m *model) tell(answers []runbook.Decision) []error {
	ctx, cancel := context.WithTimeout(context.Background(), 45*time.Second)
	defer cancel()
	died := m.j.died
	go func() {
		select {
		case <-died:
			cancel()
		case <-ctx.Done():
		}
	}()
	told := make([]error, len(answers))
	var wg sync.WaitGroup
	for i, d := range answers {
		wg.Go(func() { _, told[i] = m.b.Decide(ctx, d) })
	}
	wg.Wait()
	if ctx.Err() != nil && !m.j.dead() {
		m.rt.Fatalf("an answer took over 45 s: %s", standing(m.run()))
	}
	return told
}

// judge holds what somebody was told against what is stored: success is stored, a conflict names an answer that is.
func (m *model) judge(d runbook.Decision, told error) {
	m.rt.Helper()
	var no *runbook.Error
	switch {
	case told == nil:
		run := m.run()
		moot := d.Choice == runbook.Look || // somebody looked already
			d.Step == "" && d.Group == "" && (d.Choice == runbook.Reopen && run.State == runbook.Open || d.Choice == runbook.Defer && run.State == runbook.Parked)
		if !moot && !m.wit.counts(d) {
			m.rt.Fatalf("%s was told that %s %s%s counts, and it is not stored", d.By.Name, d.Choice, d.Step, d.Group)
		}
	case !errors.As(told, &no) || no.Code == runbook.Internal || strings.Contains(told.Error(), "not in the table"):
		m.rt.Fatalf("%s %s%s: %v", d.Choice, d.Step, d.Group, told)
	case no.Conflict != nil && no.Conflict.Kind == "decided":
		c := no.Conflict
		if c.At.IsZero() || c.By == "" || !m.wit.recorded(d, c.By, c.Choice) {
			m.rt.Fatalf("%s %s%s was refused for what nobody said: %+v", d.Choice, d.Step, d.Group, c)
		}
		if c.Choice == d.Choice {
			m.rt.Fatalf("%s %s%s was refused for the same answer: %+v", d.Choice, d.Step, d.Group, c)
		}
	}
}

// giveLostAgain repeats what a bot was told while it died, as people do whose click was not answered. What had been
// stored and stands is confirmed.
func (m *model) giveLostAgain() {
	m.rt.Helper()
	lost := m.lost
	m.lost = nil
	for _, d := range lost {
		m.quiet()
		run := m.run()
		stands := m.wit.recorded(d, d.By.Name, d.Choice) && m.stands(run, d)
		err := m.tell([]runbook.Decision{d})[0]
		if m.j.dead() {
			return // the next round has its own answers
		}
		m.judge(d, err)
		if stands && err != nil {
			m.rt.Fatalf("%s %s by %s was stored, and is refused when it comes again: %v (%s)", d.Choice, d.Step, d.By.Name, err, standing(run))
		}
	}
}

// stands reports whether a step is where only that answer can have led it.
func (m *model) stands(run runbook.Run, d runbook.Decision) bool {
	s := run.Step(d.Step)
	if s == nil || s.Attempt != d.Attempt || run.State != runbook.Open {
		return false
	}
	switch d.Choice {
	case runbook.Approve:
		return s.State == runbook.Done && s.DecidedBy != nil && s.DecidedBy.Choice != runbook.MarkDone
	case runbook.Skip:
		return s.State == runbook.Skipped
	case runbook.Defer:
		return s.State == runbook.Deferred
	}
	return false
}

// calm is what people do when all is well again: they answer until the run has ended. Nothing may be stuck.
func (m *model) calm() {
	m.rt.Helper()
	m.b.stop()
	m.w.do(func() {
		clear(m.w.gate)
		clear(m.w.result)
		clear(m.w.unseen)
		clear(m.w.down)
	})
	m.j = dying(m.wit, 1<<30, false)
	m.b = start(m.rt, m.j, m.w)
	seen := -1
	for range 300 {
		m.await("something to answer", func(r runbook.Run) bool { return r.State != runbook.Open || m.version(r) != seen })
		run := m.run()
		if run.State == runbook.RunDone || run.State == runbook.Aborted {
			return
		}
		seen = m.version(run)
		if run.State == runbook.Parked {
			m.give([]runbook.Decision{{RunID: m.id, Choice: runbook.Reopen, By: ops1}})
			continue
		}
		busy := slices.ContainsFunc(run.Steps, func(s runbook.StepRun) bool { return s.State.Busy() })
		for _, s := range run.Steps {
			choices := forward(run, s)
			if len(choices) == 0 && s.State == runbook.Waiting && !busy {
				choices = []runbook.Choice{runbook.Retry} // planned while a step that it needs was open again
			}
			for _, c := range choices {
				for _, by := range people {
					m.give([]runbook.Decision{answerTo(s, c, by, "all is well")})
				}
			}
		}
	}
	m.rt.Fatalf("calm people do not bring the run to an end: %s", standing(m.run()))
}

func (m *model) version(r runbook.Run) int {
	n := r.Version
	for _, s := range r.Steps {
		n += s.Version
	}
	return n
}

// end holds the world against what is stored, then gives all answers again: nothing may come of them.
func (m *model) end() {
	m.rt.Helper()
	run := m.run()
	for _, d := range m.given {
		if err := m.tell([]runbook.Decision{d})[0]; runbook.CodeOf(err) == runbook.Internal {
			m.rt.Fatalf("%s %s after the end: %v", d.Choice, d.Step, err)
		}
	}
	m.b.stop()
	if now := m.run(); m.version(now) != m.version(run) {
		m.rt.Fatalf("an answer after the end changed something: %s", standing(now))
	}
	m.honest()
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	for _, s := range run.Steps {
		job := runbook.Job{Run: m.id, Step: s.ID, Attempt: s.Attempt}.ID()
		done := s.State == runbook.Done && s.Result != nil && s.Result.Outcome == runbook.OutcomeDone && s.Note.ID != "engine.marked_done"
		if done && m.w.effects[job] != 1 {
			m.rt.Fatalf("%s is done without its effect", s.ID)
		}
	}
}
