package engine_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

var people = []runbook.Actor{ops1, ops2, {Name: "ops3", Platform: "web"}}

// TestModel lets several people answer at random and at once, kills and restarts the bot, and changes the world in
// between. Whatever happens, only the table's moves are made (the journal refuses others), each attempt's effect takes
// place at most once, and none without its approval.
func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		mem, w := newMemory(), newWorld()
		b := start(rt, mem, w)
		defer func() { b.stop() }()
		id := b.begin(modelScenario(rt))
		for range rapid.IntRange(5, 25).Draw(rt, "rounds") {
			switch rapid.IntRange(0, 9).Draw(rt, "event") {
			case 0:
				b.stop()
				b = start(rt, mem, w)
			case 1:
				w.do(func() { w.value["b"] += "x" })
			case 2:
				w.do(func() { w.down["health"] = !w.down["health"] })
			default:
				answerAtOnce(rt, b, id)
			}
			quiet(b, id)
		}
		b.stop()
		checkEffects(rt, "in the end", mem, w, id)
		for _, m := range mem.moves {
			if m.from == runbook.Done && !strings.HasPrefix(m.step, "fence.") {
				rt.Errorf("%s moved out of done to %s", m.step, m.to)
			}
		}
	})
}

func modelScenario(rt *rapid.T) runbook.Scenario {
	kinds := rapid.SampledFrom([]string{"apply", "hold", "durable", "detached"})
	return scenario(
		runbook.Step{ID: "fence", Kind: kinds.Draw(rt, "fence"), Fence: true, On: []string{"nginx"}, When: []runbook.Probe{{Name: "health"}}},
		runbook.Step{ID: "a", Kind: kinds.Draw(rt, "a"), Approvals: rapid.IntRange(1, 2).Draw(rt, "approvals")},
		runbook.Step{ID: "b", Kind: kinds.Draw(rt, "b"), Needs: []string{"a"}, Verify: []runbook.Probe{{Name: "health"}}},
		runbook.Step{ID: "c", Kind: kinds.Draw(rt, "c"), On: []string{"nginx"}},
	)
}

// answerAtOnce draws a few answers to what is shown now, and gives all of them at the same time.
func answerAtOnce(rt *rapid.T, b *bot, id string) {
	run, err := b.j.Run(context.Background(), id)
	if err != nil {
		rt.Fatal(err)
	}
	var answers []runbook.Decision
	for _, s := range run.Steps {
		choices := slices.DeleteFunc(engine.Choices(run, s), func(c runbook.Choice) bool { return c == runbook.Abort })
		if len(choices) == 0 {
			continue
		}
		for range rapid.IntRange(0, 3).Draw(rt, "people") {
			by := rapid.SampledFrom(people).Draw(rt, "by")
			answers = append(answers, answerTo(s, rapid.SampledFrom(choices).Draw(rt, "choice"), by, "drawn"))
		}
	}
	if run.State == runbook.Parked {
		answers = append(answers, runbook.Decision{RunID: id, Choice: runbook.Reopen, By: ops1})
	} else if rapid.IntRange(0, 9).Draw(rt, "park") == 0 {
		answers = append(answers, runbook.Decision{RunID: id, Choice: runbook.Defer, By: ops1})
	}
	var wg sync.WaitGroup
	for _, d := range answers {
		wg.Go(func() {
			if _, err := b.Decide(context.Background(), d); runbook.CodeOf(err) == runbook.Internal {
				rt.Errorf("%s %s: %v", d.Choice, d.Step, err)
			}
		})
	}
	wg.Wait()
}

// quiet waits until nothing goes on by itself any more.
func quiet(b *bot, id string) {
	b.until(id, "quiet", func(r runbook.Run) bool {
		if r.State != runbook.Open {
			return true
		}
		asks := false
		for _, s := range r.Steps {
			if s.State == runbook.Planning || s.State == runbook.Executing || s.State == runbook.Committing || s.State == runbook.Verifying {
				return false
			}
			asks = asks || s.State.Asks()
		}
		return asks
	})
}
