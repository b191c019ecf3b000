package handlers

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// holding is an action whose change is held back until a person commits it.
type holding struct{ counting }

func (holding) Holds() bool { return true }

func (h holding) Hold(context.Context, runbook.Plan, runbook.Job, runbook.Output) (runbook.HeldChange, error) {
	return held{h.applied}, nil
}

type held struct{ applied *atomic.Int64 }

func (held) Before() runbook.Table          { return runbook.Table{} }
func (held) After() runbook.Table           { return runbook.Table{} }
func (held) Deadline() float64              { return 0 }
func (held) Lost() <-chan error             { return nil }
func (held) Rollback(context.Context) error { return nil }
func (h held) Commit(context.Context) (runbook.Result, error) {
	h.applied.Add(1)
	return runbook.Result{Outcome: runbook.OutcomeDone}, nil
}

type holdingActions struct{ countingActions }

func (a holdingActions) New(_ runbook.Run, s runbook.StepRun) (runbook.Action, error) {
	return holding{counting{step: s, applied: a.applied}}, nil
}

// Whoever gives an answer that was given before is told whose it was and what is so now, never that it was noted
// (fault 21).
func TestTheSameAnswerAgain(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, chatFleet, func(applied *atomic.Int64) engine.Actions { return holdingActions{countingActions{applied}} })
	press := func(platform, user, lang string, b bot.Button) bot.Reply {
		return w.chat(t, bot.Inbound{Platform: platform, UserID: user, Language: lang, Action: b.Action})
	}
	check := func(what string, r bot.Reply, noted bool, want ...string) {
		t.Helper()
		for _, s := range want {
			if r.Refused || r.Noted != noted || !strings.Contains(r.Text, s) {
				t.Errorf("%s: %+v, want %q", what, r, s)
			}
		}
	}
	w.chat(t, bot.Inbound{Platform: "slack", UserID: "U0OPS1", Text: "primary"})
	one := w.hub.until(t, "step/run1/one", waiting)
	check("the first", press("slack", "U0OPS1", "", button(t, one, "approve")), true, "Noted: approved.")
	kept := w.hub.until(t, "step/run1/one", inState("held"))
	check("an old card", press("telegram", "42", "en", button(t, one, "approve")), false, "Already approved by ops1 (Slack) ", "; now it waits for commit or rollback.")
	check("in Chinese", press("telegram", "42", "", button(t, one, "approve")), false, "ops1（Slack）已于 ", "批准", "现在等待提交或回滚")
	check("typed", w.chat(t, bot.Inbound{Platform: "telegram", UserID: "42", Language: "en", Text: "approve " + kept.Code}), false, "Already approved by ops1 (Slack) ")
	check("typed after the press", w.chat(t, bot.Inbound{Platform: "slack", UserID: "U0OPS1", Text: "APPROVE " + kept.Code}), false, "Already approved by ops1 (Slack) ")
	check("pressed twice", press("slack", "U0OPS1", "", button(t, one, "approve")), true, "Already approved by ops1 (Slack) ")
	if r := w.hub.until(t, "step/run1/one", inState("held")); w.applied.Load() != 0 || len(r.Buttons) == 0 {
		t.Errorf("%d effects, %+v", w.applied.Load(), r)
	}
	check("commit", press("telegram", "42", "en", button(t, kept, "commit")), true, "Noted: committed.")
	w.hub.until(t, "step/run1/one", inState("done"))
	check("committed", press("slack", "U0OPS1", "", button(t, kept, "commit")), false, "Already committed by ops2 (Telegram) ", "; now it is done.")
	if n := w.applied.Load(); n != 1 {
		t.Errorf("%d effects", n)
	}
	two := w.hub.until(t, "step/run1/two", waiting)
	check("a group", press("slack", "U0OPS1", "", button(t, two, "skip")), true, "Noted: skipped.")
	check("a group again", press("telegram", "42", "en", button(t, two, "skip")), false, "Already skipped by ops1 (Slack) ")
	three := w.hub.until(t, "step/run1/three", waiting)
	check("abort", press("slack", "U0OPS1", "", button(t, three, "abort")), true, "Run run1 is being aborted.")
	check("abort again", press("telegram", "42", "en", button(t, three, "abort")), false, "Already aborted by ops1 (Slack) ")
}
