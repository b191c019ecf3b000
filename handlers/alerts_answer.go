package handlers

import (
	"context"
	"slices"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// answerAlert is a press on an alert's card. One on an old card does nothing, and a start is of what its card suggested.
func (h *Handlers) answerAlert(ctx context.Context, c caller, p press, reason string) (bot.Reply, error) {
	k, ok := h.alerts.get(p.Alert)
	if !ok || slices.Contains([]string{resolved, replaced, merged}, k.State) || (k.State == started && p.Choice == "snooze") {
		return bot.Reply{}, runbook.Errorf(runbook.NotFound, "alert.gone")
	}
	if c.old || p.Choice == "start" && p.Digest != k.suggestion() {
		return bot.Reply{}, runbook.Errorf(runbook.Conflicting, "engine.stale")
	}
	if mayStart(c.person) {
		h.view.calls.spoke(k.ID, h.Clock())
	}
	if k.Level == returned {
		return h.answerReturned(ctx, c, k, p.Choice, reason)
	}
	switch p.Choice {
	case "check":
		return h.diagnose(ctx, c)
	case "snooze":
		return h.snooze(ctx, c, p.Alert)
	case "start":
		s, ok := h.Scenarios[k.Scenario]
		if !ok {
			return bot.Reply{}, h.unknown(k.Scenario)
		}
		return h.start(ctx, c, engine.StartRequest{Scenario: s, Params: k.Params, By: c.actor(), Alert: k.ID, DownSince: h.downSince(k)})
	}
	return bot.Reply{}, runbook.Errorf(runbook.Invalid, "cmd.bad_button")
}

func (h *Handlers) snooze(ctx context.Context, c caller, id string) (bot.Reply, error) {
	if !mayStart(c.person) {
		return bot.Reply{}, refusal("cmd.not_approver", "who", allowed(h.Fleet.Now(), roleApprover, roleDanger))
	}
	until := h.Clock().UTC().Add(snooze)
	err := h.change(ctx, c.actor(), func(e *edit) bool {
		for _, k := range e.calls {
			if k.ID == id {
				k.Snoozed = until
			}
		}
		return true
	})
	return bot.Reply{Text: c.say.T("alert.snoozed", "at", until)}, err
}
