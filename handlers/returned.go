package handlers

import (
	"context"
	"slices"
	"strings"

	"recoverbot/bot"
	"recoverbot/locale"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// fenceScenario is what stops a machine that was retired and has come back.
const fenceScenario = "fence"

// returnedCard is the card of a machine that must not write and answers again. It asks until nothing there writes any
// more: it can be put aside only where acceptable, with a reason. left is the run in which another machine took its place; harmless says that it never was
// the primary.
func (c callCard) returnedCard(left *runbook.Run, harmless, acceptable bool) bot.Message {
	m := c.message()
	if c.State == resolved {
		return m
	}
	host := strings.Join(c.Hosts, ", ")
	m.State, m.Emoji, m.Priority = "down", "🔴", bot.Prompt
	m.Lines = []string{c.say.T("watch.returned_since", "at", c.Since, "from", strings.Join(c.vantage(), ", "), "what", strings.Join(c.writers(), ", "))}
	switch {
	case left != nil:
		m.Title = c.say.T("watch.is_back", "host", host)
		m.Lines = append(m.Lines, c.say.T("watch.left_in", "host", host, "title", c.say.Text(left.Scenario.Title), "run", left.ID))
	case harmless:
		m.Title, m.State, m.Emoji = c.say.T("watch.returned_other", "host", host), "info", ""
	}
	choices := []string{"fence", "check"}
	if a := c.Accepted; c.State == accepted {
		m.Title, m.State, m.Emoji, m.Priority = c.say.T("watch.accepted", "host", host), "info", "", bot.Outcome
		m.Lines = append(m.Lines, c.say.T("watch.accepted_by", "name", a.By, "at", a.At, "reason", a.Reason))
	} else if acceptable {
		choices = append(choices, "accept")
	}
	m.Buttons = nil
	for _, choice := range choices {
		b := bot.Button{Label: c.say.T("watch."+choice, "host", host), Choice: choice, Action: press{Alert: c.ID, Choice: runbook.Choice(choice)}.encode()}
		switch choice {
		case "fence":
			b.Style = "danger"
		case "accept":
			b.NeedsReason, b.Confirm = true, c.say.T("watch.confirm_accept", "host", host)
		}
		m.Buttons = append(m.Buttons, b)
	}
	return m
}

// writers names what answers there.
func (c callCard) writers() []string {
	var out []string
	add := func(name string) {
		if !slices.ContainsFunc(out, func(o string) bool { return strings.EqualFold(o, name) }) {
			out = append(out, name)
		}
	}
	var ports []string
	for _, m := range c.Members {
		for _, f := range m.Findings {
			switch {
			case f.Probe.Kind == "mysql":
				add("MySQL")
			case f.Probe.Kind == "redis":
				add("redis")
			case f.Probe.Service != "":
				add(f.Probe.Service)
			default:
				ports = append(ports, c.say.Say(f.Text))
			}
		}
	}
	if len(out) == 0 && len(ports) > 0 {
		out = ports[:1]
	}
	return out
}

func (c callCard) vantage() []string {
	var out []string
	for _, m := range c.Members {
		out = union(out, m.Vantage)
	}
	return out
}

// answersAgain says on the card of an alert that is over what that means while the machine's place is, or may be, given
// away by a run.
func (c callCard) answersAgain(m *bot.Message, host string, r runbook.Run) {
	title := c.say.Text(r.Scenario.Title)
	switch {
	case engine.PastNoReturn(r):
		m.State, m.Emoji = "info", ""
		m.Title = c.say.T("watch.back_left", "host", host)
		m.Lines = append(m.Lines, c.say.T("watch.left_in", "host", host, "title", title, "run", r.ID))
	case active(r):
		m.Lines = append(m.Lines, c.say.T("watch.back_before", "title", title, "run", r.ID))
	}
}

// amend makes the card of a call tell what its hosts are in the runs of late.
func (h *Handlers) amend(c callCard, m bot.Message) bot.Message {
	now := h.Clock()
	switch {
	case c.Level == returned:
		host := strings.Join(c.Hosts, ", ")
		if r, ok := h.leftIn(host); ok {
			_, acceptable := h.acceptable(host)
			return c.returnedCard(&r, false, acceptable)
		}
		return c.returnedCard(nil, h.leavers.harmless(host, now), false)
	case c.State == resolved && c.Closed == "" && c.Seen: // what monitoring systems take back need not answer
		for _, host := range c.Over {
			if runs := h.leavers.about(host, now); len(runs) > 0 && c.Ended.After(runs[0].StartedAt) {
				c.answersAgain(&m, host, runs[0])
				return m
			}
		}
	}
	return m
}

// answerReturned is a press on such a card.
func (h *Handlers) answerReturned(ctx context.Context, c caller, k *call, choice runbook.Choice, reason string) (bot.Reply, error) {
	switch choice {
	case "check":
		return h.diagnose(ctx, c)
	case "fence":
		return h.fence(ctx, c, strings.Join(k.Hosts, ", "))
	case "accept":
		return h.accept(ctx, c, k, reason)
	}
	return bot.Reply{}, runbook.Errorf(runbook.Invalid, "cmd.bad_button")
}

// fence lets the run's own step ask that keeps the host from writing, or starts the scenario that does so.
func (h *Handlers) fence(ctx context.Context, c caller, host string) (bot.Reply, error) {
	for _, r := range h.leavers.about(host, h.Clock()) {
		if id, ok := engine.FenceStep(r, host); ok && active(r) {
			s := r.Step(id)
			return h.decide(ctx, c, runbook.Decision{RunID: r.ID, Step: id, Attempt: s.Attempt, Digest: s.Digest, Choice: runbook.Reopen})
		}
		if asks := slices.IndexFunc(r.Steps, func(s runbook.StepRun) bool { return s.Def.Fence && s.Host == host && !s.State.Settled() }); asks >= 0 && r.State == runbook.Open {
			return bot.Reply{Text: c.say.T("watch.fence_asks", "step", stepNames(c.say, r, r.Steps[asks].ID)), RunID: r.ID}, nil
		}
	}
	if command := h.fenceCommand(host); command != "" {
		return h.command(ctx, c, command)
	}
	return bot.Reply{}, runbook.Errorf(runbook.NotFound, "watch.fence_by_hand", "host", host)
}

// fenceCommand is what starts the scenario for a host; "" where it cannot.
func (h *Handlers) fenceCommand(host string) string {
	for _, p := range h.Scenarios[fenceScenario].Params {
		if p.Type == "host" && p.Required && paramFits(h.Fleet.Config(), p, host) {
			return commandOf(fenceScenario, map[string]string{p.Name: host})
		}
	}
	return ""
}

// unstopped lists the machines that a run left behind without anybody having stopped them.
func (v viewer) unstopped(r runbook.Run) []string {
	return slices.DeleteFunc(leftBy(r), func(host string) bool { return stopped(r, host) })
}

// fenceButtons stop the machines that a run left behind.
func (v viewer) fenceButtons(r runbook.Run) []bot.Button {
	var out []bot.Button
	for _, host := range v.unstopped(r) {
		p := press{Command: v.fence[host]}
		if id, ok := engine.FenceStep(r, host); ok {
			s := r.Step(id)
			p = press{Run: r.ID, Step: id, Attempt: s.Attempt, Digest: s.Digest, Choice: runbook.Reopen}
		}
		if p == (press{}) {
			continue
		}
		out = append(out, fenceButton(v.say, host, p))
	}
	return out
}

func fenceButton(say *locale.Printer, host string, p press) bot.Button {
	return bot.Button{Label: say.T("watch.fence", "host", host), Choice: "fence", Action: p.encode(), Style: "danger"}
}

// noteReturned lets the runs be shown anew whose machines have come back, or are silent again.
func (h *Handlers) noteReturned(before []string) []string {
	var now []string
	for _, c := range h.alerts.all() {
		if c.Level == returned && c.State != resolved {
			now = union(now, c.Hosts)
		}
	}
	slices.Sort(now)
	for _, host := range union(now, before) {
		if slices.Contains(now, host) == slices.Contains(before, host) {
			continue
		}
		for _, r := range h.leavers.about(host, h.Clock()) {
			h.view.changed(r)
		}
	}
	return now
}

// notStopped says that a machine was never fenced.
func notStopped(say *locale.Printer, host string) string {
	return say.T("view.open", "text", say.T("watch.not_fenced", "host", host))
}
