package handlers

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"recoverbot/bot"
	"recoverbot/locale"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// leftFor is for how long after a run has ended the machine whose place it gave away is still taken for one that must not
// write, where fleet.yaml does not say so.
const leftFor = 24 * time.Hour

// fenceScenario is what stops a machine that was retired and has come back.
const fenceScenario = "fence"

// fenced are the hosts that were the primary when a run started and that the run keeps from writing. Only they can make
// two machines write: no other one holds data that users go on with.
func fenced(r runbook.Run) []string {
	var out []string
	for _, s := range r.Steps {
		if !r.DryRun && s.Def.Fence && slices.Contains(r.Bindings["primary"], s.Host) {
			out = union(out, []string{s.Host})
		}
	}
	return out
}

// leftBy are the primaries whose place another machine has by now, or may have.
func leftBy(r runbook.Run) []string {
	if !engine.PastNoReturn(r) {
		return nil
	}
	return fenced(r)
}

// stopped reports whether a run, or a person in it, did stop a host for good.
func stopped(r runbook.Run, host string) bool {
	return slices.ContainsFunc(r.Steps, func(s runbook.StepRun) bool {
		return s.Host == host && s.State == runbook.Done && s.Result != nil && s.Result.Outcome == runbook.OutcomeDone &&
			(s.Def.Fence || s.Def.Kind == "manual")
	})
}

func active(r runbook.Run) bool { return r.State == runbook.Open || r.State == runbook.Parked }

// leavers remembers the runs of late, of which a machine that comes back may be the reason.
type leavers struct {
	mu   sync.Mutex
	runs map[string]runbook.Run
}

func (l *leavers) note(r runbook.Run) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.DryRun {
		return
	}
	if l.runs == nil {
		l.runs = map[string]runbook.Run{}
	}
	l.runs[r.ID] = r
}

// about are the runs that keep a primary from writing: those that may go on first, then the newest.
func (l *leavers) about(host string, now time.Time) []runbook.Run {
	out := slices.DeleteFunc(l.newest(now), func(r runbook.Run) bool { return !slices.Contains(fenced(r), host) })
	slices.SortStableFunc(out, func(a, b runbook.Run) int {
		switch {
		case active(a) == active(b):
			return 0
		case active(a):
			return -1
		}
		return 1
	})
	return out
}

// newest are the runs of late, the newest first.
func (l *leavers) newest(now time.Time) []runbook.Run {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []runbook.Run
	for id, r := range l.runs {
		if !active(r) && now.Sub(r.EndedAt) > leftFor {
			delete(l.runs, id)
			continue
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b runbook.Run) int { return b.StartedAt.Compare(a.StartedAt) })
	return out
}

// harmless reports whether the host is known to have been no primary when it went out of service.
func (l *leavers) harmless(host string, now time.Time) bool {
	for _, r := range l.newest(now) {
		if slices.Contains(r.Bindings["primary"], host) {
			return false
		}
		for _, role := range []string{"nginx", "standby", "report", "backup"} {
			if slices.Contains(r.Bindings[role], host) {
				return true
			}
		}
	}
	return false
}

// Left names the hosts whose place another machine has taken in a run: the watcher asks whether they write again.
func (h *Handlers) Left(context.Context) []string {
	var out []string
	for _, host := range h.Fleet.Config().Hosts {
		if _, left := h.leftIn(host.Name); left {
			out = append(out, host.Name)
		}
	}
	return out
}

// leftIn is the run in which another machine took the host's place.
func (h *Handlers) leftIn(host string) (runbook.Run, bool) {
	for _, r := range h.leavers.about(host, h.Clock()) {
		if engine.PastNoReturn(r) {
			return r, true
		}
	}
	return runbook.Run{}, false
}

// back are the hosts of a run that answer although another machine has their place.
func (h *Handlers) back(r runbook.Run) []string {
	var out []string
	for _, c := range h.alerts.all() {
		if c.Level != returned || c.State == resolved {
			continue
		}
		for _, host := range c.Hosts {
			if active(r) && slices.Contains(leftBy(r), host) {
				out = append(out, host)
			}
		}
	}
	slices.Sort(out)
	return out
}

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
