package handlers

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"recoverbot/bot"
	"recoverbot/runbook"
)

// waitingWorld is a world whose run waits at its first step, and that step's card.
func waitingWorld(t testing.TB) (*world, bot.Message) {
	t.Helper()
	w := newWorld(t)
	if r := w.Handle(context.Background(), bot.Inbound{Platform: "web", UserID: "ops1", Text: "/recover primary"}); r.Refused {
		t.Fatalf("%+v", r)
	}
	one := w.hub.until(t, "step/run1/one", waiting)
	ids, cancel := w.Journal.Subscribe()
	defer cancel()
	deadline := time.After(10 * time.Second)
	for { // the next one is planned meanwhile
		run, err := w.Journal.Run(context.Background(), "run1")
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(run.Steps, func(s runbook.StepRun) bool { return s.ID != "three" && s.Plan == nil }) {
			return w, one
		}
		select {
		case <-ids:
		case <-deadline:
			t.Fatalf("the steps are not planned: %+v", run.Steps)
		}
	}
}

// still fails where handling in changed a run, or made one. That it was refused may be on record.
func (w *world) still(t *testing.T, in bot.Inbound) bot.Reply {
	t.Helper()
	before := w.known(t)
	r := w.Handle(t.Context(), in)
	if w.known(t) != before || w.applied.Load() != 0 {
		t.Fatalf("%+v changed something: %+v", in, r)
	}
	if !utf8.ValidString(bot.Clean(r.Text)) || len(r.Text) > 16<<10 {
		t.Errorf("%+v is answered with %d bytes", in, len(r.Text))
	}
	return r
}

// known is all that the journal knows of runs.
func (w *world) known(t *testing.T) string {
	t.Helper()
	run, err := w.Journal.Run(t.Context(), "run1")
	if err != nil {
		t.Fatal(err)
	}
	all, err := w.Journal.Runs(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal([]any{run, all})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// FuzzCommand: no text panics; whoever may not changes nothing by any; and whoever may changes nothing by one that holds
// neither the code of a card, nor the name of a run or a scenario, nor the words that park and resume (fault 32).
func FuzzCommand(f *testing.F) {
	w, one := waitingWorld(f)
	for _, s := range []string{"", "/recover", "/recover primary", "/recover primary which=app1", "primary which=1.1.1.1' OR '1'='1", "primary which=$(reboot) --park x", "approve", "approve CODE", "CODE approve",
		"批准 CODE", "approve: CODE because", "@recoverbot CODE 跳过", "approve 0000", "aprove CODE", "report run1", "report ../../etc/passwd", "history", "help", "?", "list", "status", "park", "resume run1",
		"input CODE a=b c=\"d", "input CODE a=1 a=2", "--dry-run primary", "primary —dry-run", "<!channel> @everyone", "\u202e\u200b\x1b[2J", "\xff\xfe", "abort run1 x", "中止恢复 run1", "/ / /", "a=b=c", "skip\u00a0CODE", "approve alone CODE", "代替批准 CODE"} {
		f.Add(s, "guest", false)
		f.Add(s, "", true)
		f.Add(s, "ops1", false)
	}
	may := []string{one.Code, "run1", "primary", "park", "resume"}
	for _, id := range []string{"run_choice.defer", "run_choice.reopen"} {
		for _, lang := range []string{"en", "zh"} {
			may = append(may, strings.ToLower(w.printer(lang).T(id)))
		}
	}
	f.Fuzz(func(t *testing.T, text, who string, casual bool) {
		text = strings.ReplaceAll(text, "CODE", one.Code)
		in := bot.Inbound{Platform: "web", UserID: who, Text: text, Casual: casual, Replied: casual}
		switch {
		case who == "ops1" || who == "ops2":
			for _, word := range may {
				if strings.Contains(strings.ToLower(text), word) {
					return
				}
			}
		case strings.Contains(text, "dry-run"): // plans alone are for everybody
			return
		}
		if r := w.still(t, in); r.Text != "" && !r.Refused && who != "ops1" && who != "ops2" && who != "guest" {
			t.Errorf("%+v is answered: %+v", in, r)
		}
	})
}

// FuzzPress: what no button says decides nothing, and neither does what one says for somebody who may not (fault 36).
func FuzzPress(f *testing.F) {
	w, one := waitingWorld(f)
	for _, b := range one.Buttons {
		f.Add(b.Action, "ops1", "reason", false)
		f.Add(b.Action, "guest", "reason", true)
		f.Add(strings.Replace(b.Action, "run1", "run2", 1), "ops1", "", false)
	}
	for _, p := range []press{{Alert: "x", Choice: "start"}, {Alert: "x", Choice: "snooze"}, {Command: "status"}, {Command: "approve"}, {Run: "run1", Choice: "abort"}, {Run: "run1", Step: "one", Choice: "approve", Attempt: 1},
		{Run: "run1", Step: "three", Choice: "approve"}, {Run: "run1", Group: "two", Choice: "approve"}, {Run: "../run1", Choice: "done"}, {Run: "run1", Step: "one", Attempt: -1, Digest: "'; DROP TABLE runs", Choice: "' OR '1'='1"}} {
		f.Add(p.encode(), "ops1", "why", false)
	}
	for _, s := range []string{"", "null", "[]", "{", `{"r":1}`, `{"c":"approve","c":"skip"}`, "approve", strings.Repeat(`{"r":`, 50)} {
		f.Add(s, "ops1", "", false)
	}
	f.Fuzz(func(t *testing.T, action, who, reason string, old bool) {
		p, err := decodePress(action)
		if err == nil && (who == "ops1" || who == "ops2") {
			if p.Command != "" { // what it types is FuzzCommand's
				return
			}
			for _, b := range one.Buttons {
				real, _ := decodePress(b.Action)
				if p.Run == real.Run && (p.Step == real.Step && p.Attempt == real.Attempt && p.Digest == real.Digest || p.Step+p.Group == "" || p.Choice == "abort") {
					return // a button, or one of the run's
				}
			}
		}
		if err == nil && (strings.Contains(p.Command+reason, "dry-run")) {
			return
		}
		r := w.still(t, bot.Inbound{Platform: "web", UserID: who, Action: action, Reason: reason, Old: old})
		if action != "" && !r.Refused {
			answered, _ := json.Marshal(r)
			if err != nil || p.Command == "" && who != "ops1" && who != "ops2" {
				t.Errorf("%q by %q is answered: %s", action, who, answered)
			}
		}
	})
}
