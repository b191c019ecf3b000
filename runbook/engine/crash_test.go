package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// everything is a scenario that passes through every kind of execution.
func everything() runbook.Scenario {
	return scenario(
		runbook.Step{ID: "plain", Verify: []runbook.Probe{{Name: "health"}}},
		runbook.Step{ID: "sql", Kind: "hold"},
		runbook.Step{ID: "restore", Kind: "durable"},
		runbook.Step{ID: "job", Kind: "detached", Needs: []string{"restore"}},
		runbook.Step{ID: "pair", On: []string{"nginx"}},
	)
}

// attend answers whatever waits, the way forward, until the run ends or the journal dies. What is unknown is looked at
// until there is evidence; only what certainly did not happen is tried again.
func (b *bot) attend(id string, died <-chan struct{}) (ended bool) {
	for {
		next := b.bell.next()
		run, err := b.j.Run(context.Background(), id)
		if err != nil {
			<-died
			return false
		}
		if run.State != runbook.Open {
			return true
		}
		for _, s := range run.Steps {
			for _, c := range forward(run, s) {
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				_, _ = b.Decide(ctx, answerTo(s, c, ops1, "as the drill says"))
				cancel()
			}
		}
		select {
		case <-next:
		case <-died:
			return false
		}
	}
}

func forward(run runbook.Run, s runbook.StepRun) []runbook.Choice {
	for _, c := range engine.Choices(run, s) {
		switch {
		case c == runbook.Approve, c == runbook.Commit, c == runbook.Look && s.State != runbook.Waiting,
			c == runbook.Retry && (s.State == runbook.Failed || s.State == runbook.RolledBack):
			return []runbook.Choice{c}
		}
	}
	return nil
}

// TestCrashAtEveryWrite kills the bot at its first, second … write, before and after it is stored. Another bot goes on.
// Every approved effect took place at most once, and those of steps that are done exactly once (fault 1, fault 2).
func TestCrashAtEveryWrite(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("after=%v", after), func(t *testing.T) {
			t.Parallel()
			for n := 2; ; n++ { // the first one creates the run
				mem, w := newMemory(), newWorld()
				j := dying(mem, n, after)
				b := start(t, j, w)
				id := b.begin(everything())
				ended := b.attend(id, j.died)
				b.stop()
				if ended {
					if n < 30 {
						t.Errorf("only %d writes", n)
					}
					return
				}
				b = start(t, mem, w)
				if !b.attend(id, nil) {
					t.Fatalf("write %d: the run does not end", n)
				}
				b.stop()
				checkEffects(t, fmt.Sprintf("write %d", n), mem, w, id)
				if t.Failed() {
					return
				}
			}
		})
	}
}

// checkEffects holds effects against what is journaled: each attempt's effect took place at most once, never without
// an approval of exactly that plan, and a step that was executed and is done took effect exactly once.
func checkEffects(t tb, when string, mem *memory, w *world, id string) {
	t.Helper()
	run, err := mem.Run(context.Background(), id)
	if err != nil {
		t.Errorf("%s: %v", when, err)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for job, n := range w.effects {
		if n > 1 {
			t.Errorf("%s: effect of %s took place %d times", when, job, n)
		}
	}
	for _, s := range run.Steps {
		total := 0
		for a := 0; a <= s.Attempt; a++ {
			job := runbook.Job{Run: id, Step: s.ID, Attempt: a}.ID()
			if w.effects[job] > 0 {
				total++
				if !approved(mem, s.ID, a) {
					t.Errorf("%s: %s took effect without an approval", when, job)
				}
			}
		}
		done := s.State == runbook.Done && s.Result != nil && s.Result.Outcome == runbook.OutcomeDone && s.Note.ID != "engine.marked_done"
		if done && w.effects[runbook.Job{Run: id, Step: s.ID, Attempt: s.Attempt}.ID()] != 1 {
			t.Errorf("%s: %s is done without its effect", when, s.ID)
		}
	}
}

// approved reports whether somebody approved the plan under which that attempt began to execute.
func approved(mem *memory, step string, attempt int) bool {
	mem.mu.Lock()
	defer mem.mu.Unlock()
	for _, m := range mem.moves {
		if m.step == step && m.to == runbook.Executing && m.from == runbook.Waiting && m.attempt == attempt {
			d := m.decision
			return d != nil && d.Choice == runbook.Approve && d.Attempt == attempt && d.Digest == m.digest
		}
	}
	return false
}
