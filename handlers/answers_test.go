package handlers

import (
	"strings"
	"testing"

	"recoverbot/bot"
	"recoverbot/runbook"
)

// What a button says can be typed, in both languages.
func TestTypedLabels(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]func(r runbook.Run) bool{
		"Approve":          stepIs(runbook.Done),
		"批准":               stepIs(runbook.Done),
		"later":            stepIs(runbook.Deferred),
		"/recover 稍后再做":    stepIs(runbook.Deferred),
		"SKIP":             stepIs(runbook.Skipped),
		"look again":       planned,
		"/recover 重新查看":    planned,
		"try again":        planned,
		"look":             planned,
		"retry":            planned,
		"abort run":        func(r runbook.Run) bool { return r.Aborting != nil || r.State == runbook.Aborted },
		"@recoverbot 中止恢复": func(r runbook.Run) bool { return r.Aborting != nil || r.State == runbook.Aborted },
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.tell(t, "ops1", "/recover primary")
			one := w.hub.until(t, "step/run1/one", waiting)
			if r := w.tell(t, "ops1", text+" "+one.Code+" as tried"); r.Refused {
				t.Fatalf("%+v", r)
			}
			w.hub.until(t, "step/run1/one", func(bot.Message) bool {
				run, err := w.Journal.Run(t.Context(), "run1")
				return err == nil && want(run)
			})
		})
	}
}

func stepIs(s runbook.State) func(runbook.Run) bool {
	return func(r runbook.Run) bool { return r.Step("one").State == s }
}

func planned(r runbook.Run) bool { return r.Step("one").State == runbook.Waiting }

// The same words may stand for two answers: the one counts that the card shows under them.
func TestLookAgainIsWhatTheCardShows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		text  string
		state runbook.State
		want  runbook.Choice
	}{
		{"look again", runbook.Waiting, runbook.Retry},
		{"look again", runbook.Unknown, runbook.Look},
		{"look again", runbook.Unverified, runbook.Look},
		{"look again", runbook.Executing, runbook.Look},
		{"重新查看", runbook.Unknown, runbook.Look},
		{"重新查看", runbook.Waiting, runbook.Retry},
		{"run again", runbook.Unknown, runbook.Retry},
		{"roll back", runbook.Held, runbook.Rollback},
		{"mark done", runbook.Unknown, runbook.MarkDone},
		{"do it now", runbook.Skipped, runbook.Reopen},
		{"enter values", runbook.Waiting, runbook.Input},
		{"End run", runbook.Waiting, runbook.MarkDone},
		{"end run: service is back", runbook.Waiting, runbook.MarkDone},
		{"结束", runbook.Waiting, runbook.MarkDone},
	} {
		ids, rest := w.label(strings.Fields(c.text + " f654"))
		if len(ids) == 0 || len(rest) != 1 {
			t.Errorf("%s: %v %v", c.text, ids, rest)
			continue
		}
		r := runbook.Run{ID: "r", State: runbook.Open, Steps: []runbook.StepRun{{RunID: "r", ID: "s", State: c.state}}}
		if got := meant(r, runbook.Decision{RunID: "r", Step: "s"}, ids); got != c.want {
			t.Errorf("%s, %s: %s, want %s", c.text, c.state, got, c.want)
		}
	}
}

// A refusal says what to type instead.
func TestARefusalSaysHow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(t, "ops1", "/recover primary")
	one := w.hub.until(t, "step/run1/one", waiting)
	for text, want := range map[string]string{
		"commit CODE": "\"commit\" is not possible while it is waiting for you. Possible now: approve|look|skip|defer|abort CODE",
	} {
		want = strings.ReplaceAll(want, "CODE", one.Code)
		if r := w.tell(t, "ops1", strings.ReplaceAll(text, "CODE", one.Code)); !r.Refused || r.Text != want {
			t.Errorf("%s: %q, want %q", text, r.Text, want)
		}
	}
	w.unchanged(t, "a refusal")
	if r := w.tell(t, "ops1", "look "+one.Code); r.Refused || r.Text != "Noted: looked again." {
		t.Errorf("look: %+v", r)
	}
	w.hub.until(t, "step/run1/one", func(m bot.Message) bool { return waiting(m) && m.Code != one.Code })
	for _, key := range []string{"one", "two"} {
		m := w.hub.until(t, "step/run1/"+key, waiting)
		if r := w.tell(t, "ops1", "skip "+m.Code); r.Refused {
			t.Fatalf("skip: %+v", r)
		}
	}
	three := w.hub.until(t, "step/run1/three", waiting)
	for text, want := range map[string]string{
		"approve": "\"approve\" needs a reason here. Type: approve " + three.Code + " REASON",
		"批准":      "\"approve\" needs a reason here. Type: 批准 " + three.Code + " REASON",
	} {
		if r := w.tell(t, "ops1", text+" "+three.Code); !r.Refused || r.Text != want {
			t.Errorf("%s: %q, want %q", text, r.Text, want)
		}
	}
	if w.applied.Load() != 0 {
		t.Error("something was done")
	}
}

// A wrong word is told as such, and does nothing.
func TestAWrongWordIsNoOldCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(t, "ops1", "/recover primary")
	one := w.hub.until(t, "step/run1/one", waiting)
	for text, want := range map[string]string{
		"look agian CODE":   "I do not know “look agian”. Did you mean look again?",
		"look agian":        "Did you mean look again?",
		"skip because CODE": "I do not know “skip because”. Type what a button says, then the code on the card.",
		"approve it":        "I do not know “approve it”.",
		"try agian CODE":    "I do not know try agian. Did you mean try again?",
		"latre CODE":        "Did you mean later?",
		"aprove CODE":       "Did you mean approve?",
		"重新看看 CODE":         "Did you mean 重新查看?",
		"foo":               "I do not know foo. Scenarios: primary",
		"lok":               "Did you mean look?",
		"approve 000z":      "That code is on no card now.",
		"abort run":         "Add the code on the card.",
	} {
		r := w.tell(t, "ops1", strings.ReplaceAll(text, "CODE", one.Code))
		if !strings.Contains(r.Text, want) || strings.Contains(want, "“") && (r.Message == nil || r.Message.Code != one.Code) {
			t.Errorf("%s: %q, want %q", text, r.Text, want)
		}
	}
	run, err := w.Journal.Run(t.Context(), "run1")
	if err != nil || w.applied.Load() != 0 || run.Step("one").State != runbook.Waiting {
		t.Errorf("something was done: %+v %v", run.Step("one"), err)
	}
}
