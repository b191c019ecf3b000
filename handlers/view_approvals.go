package handlers

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// approvals says of a card that waits who has approved it, who may still, and when one person alone may; of any card, what
// one person alone approved.
func (v viewer) approvals(m *bot.Message, r runbook.Run, c card) {
	var said [][]string
	var of, warned []string
	for _, s := range c.members {
		if s.State != runbook.Waiting && len(s.Approvals) > 1 { // the footer names the last one
			t := countOf(v.cfg, r, *s)
			said, of = append(said, []string{v.count(t)}), append(of, s.Member)
			continue
		}
		if !several(r, *s) || s.Plan == nil || !live(r) || r.DryRun {
			continue
		}
		lines, warning := v.approvalsOf(r, *s)
		said, of = append(said, lines), append(of, s.Member)
		warned = union(warned, warning)
	}
	same := !slices.ContainsFunc(said, func(lines []string) bool { return !slices.Equal(lines, said[0]) })
	for i, lines := range said {
		switch {
		case !same:
			for j := range lines {
				lines[j] = of[i] + ": " + lines[j]
			}
		case i > 0:
			continue
		}
		m.Lines = append(m.Lines, lines...)
	}
	m.Warn = append(m.Warn, warned...)
	for _, a := range aloneOf(c) {
		m.Warn = append(m.Warn, v.alone(a))
	}
}

// approvalsOf is what a step that waits for several people says of them.
func (v viewer) approvalsOf(r runbook.Run, s runbook.StepRun) (lines, warned []string) {
	t, may := countOf(v.cfg, r, s), lacking(v.cfg, r, s)
	if t.Need > 1 || len(t.By) > 0 {
		line := v.count(t)
		if len(may) > 0 {
			line += " · " + v.say.T("view.may_still", "who", strings.Join(may, ", "))
		}
		lines = append(lines, line)
	}
	if t.Other {
		line := v.say.T("view.other_person", "name", goingBy(r))
		if len(lines) == 0 && len(may) > 0 {
			line += " · " + v.say.T("view.may_still", "who", strings.Join(may, ", "))
		}
		lines = append(lines, line)
	}
	from := engine.AloneFrom(r, s, t)
	if !from.IsZero() {
		id := "view.alone_from"
		if v.mayAlone(r, s) {
			id = "view.alone_now"
		}
		lines = append(lines, v.say.T(id, "from", from, "by", names(t)))
	}
	if v.cfg != nil && len(may) < t.Short() {
		role := roleApprover
		if s.Dangerous() {
			role = roleDanger
		}
		warned = append(warned, v.say.T("view.too_few", "need", t.Short(), "have", len(may), "role", role, "off", from.IsZero()))
	}
	return lines, warned
}

// count is how many approvals there are, of how many, and whose.
func (v viewer) count(t engine.Tally) string {
	have := len(t.By)
	return v.say.T("view.approvals", "have", have, "need", max(t.Need, have+t.Short()), "by", names(t))
}

// names are the people whose approvals count.
func names(t engine.Tally) string {
	var by []string
	for _, a := range t.By {
		by = append(by, a.By.Name)
	}
	return strings.Join(by, ", ")
}

// mayAlone reports whether one person alone may approve the step by now.
func (v viewer) mayAlone(r runbook.Run, s runbook.StepRun) bool {
	from := v.aloneFrom(r, s)
	return !from.IsZero() && !v.now.Before(from)
}

// aloneFrom is when a first person alone may approve the step; zero: never.
func (v viewer) aloneFrom(r runbook.Run, s runbook.StepRun) time.Time {
	if s.State != runbook.Waiting || r.DryRun || r.State != runbook.Open || r.Aborting != nil {
		return time.Time{}
	}
	return engine.AloneFrom(r, s, countOf(v.cfg, r, s))
}

func (v viewer) aloneButton(p press, d deed, member string) bot.Button {
	p.Alone = true
	return bot.Button{
		Label: v.named(member, v.say.T(aloneLabel)), Choice: aloneWord, Action: p.encode(), Style: "danger", NeedsReason: true,
		Confirm: v.say.T("view.confirm_alone", "title", d.title, "host", d.host, "what", d.what),
	}
}

// aloneOf are the approvals of one person alone that a card has seen, each once.
func aloneOf(c card) []runbook.Approval {
	var out []runbook.Approval
	for _, s := range c.members {
		for _, a := range s.Alone {
			if !slices.ContainsFunc(out, func(x runbook.Approval) bool { return x.By.Name == a.By.Name && x.At.Equal(a.At) }) {
				out = append(out, a)
			}
		}
	}
	return out
}

func (v viewer) alone(a runbook.Approval) string {
	text := v.say.T("view.alone", "name", a.By.Name, "platform", a.By.Platform, "at", a.At, "who", strings.Join(a.Missing, ", "))
	if a.Reason != "" {
		text += " " + v.say.T("view.reason", "reason", a.Reason)
	}
	return text + v.came(a)
}

// came is what became of an attempt that one person alone approved, where another one came after it.
func (v viewer) came(a runbook.Approval) string {
	if a.Came.IsZero() {
		return ""
	}
	return " " + v.say.T("view.alone_came", "attempt", a.Attempt, "came", shorten(v.say.Say(a.Came), 160))
}

// aloneCards tell everybody who may answer, in a message of its own, that one person alone approved something.
func (v viewer) aloneCards(r runbook.Run, c card) []bot.Message {
	var out []bot.Message
	for _, a := range aloneOf(c) {
		m := bot.Message{
			Key: "alone/" + r.ID + "/" + c.id + "/" + strconv.FormatInt(a.At.UnixNano(), 10), RunID: r.ID, Of: "step/" + r.ID + "/" + c.id,
			State: "info", Title: v.say.T("view.alone_title", "name", a.By.Name, "title", v.cardTitle(r, c)), Warn: []string{v.alone(a)},
			Context: strings.Join(v.watermark(r), " · "), Priority: bot.Prompt, At: a.At,
		}
		if v.cfg != nil {
			m.Notify = whoMay(v.cfg, roleApprover, roleDanger)
		}
		out = append(out, m)
	}
	return out
}

// aloneLines are for the end of a run.
func (v viewer) aloneLines(r runbook.Run) []string {
	var out []string
	for _, c := range cards(r) {
		for _, a := range aloneOf(c) {
			out = append(out, v.say.T("view.alone_was", "title", v.cardTitle(r, c), "name", a.By.Name, "platform", a.By.Platform, "at", a.At, "reason", a.Reason)+v.came(a))
		}
	}
	return out
}
