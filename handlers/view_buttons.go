package handlers

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// answers adds the buttons and the code of a card: of the group where its members wait together, else of each member
// that needs an answer of its own; there the card's code is that of the first.
func (v viewer) answers(m *bot.Message, r runbook.Run, c card) {
	if c.state() == runbook.Waiting && slices.Contains(engine.RunChoices(r), runbook.MarkDone) {
		b := v.button(press{Run: r.ID, Choice: runbook.MarkDone}, runbook.MarkDone, false, "", deed{})
		b.Label, b.Style = v.say.T("run_choice.done"), "primary"
		m.Buttons = append(m.Buttons, b)
	}
	unplanned := c.group && c.unplanned()
	if c.group {
		if choices := groupChoices(r, c); len(choices) > 0 {
			digest := runbook.GroupDigest(c.members)
			m.Code = groupCode(r, c)
			for _, choice := range choices {
				p := press{Run: r.ID, Group: c.id, Digest: digest, Choice: choice}
				b := v.button(p, choice, groupNeedsReason(r, c, choice), "", v.deed(c, c.def.Danger, c.members...))
				if id := labelIn(runbook.Waiting, choice); id != "" {
					b.Label = v.say.T(id)
				}
				b.Choice = typedAs(runbook.Waiting, choice)
				m.Buttons = append(m.Buttons, b)
				if choice == runbook.Approve && slices.ContainsFunc(c.members, func(s *runbook.StepRun) bool { return v.mayAlone(r, *s) }) {
					m.Buttons = append(m.Buttons, v.aloneButton(p, v.deed(c, true, c.members...), ""))
				}
			}
			return
		}
	}
	aborts := false
	for _, s := range c.members {
		if unplanned && s.State == runbook.Waiting {
			continue // one click answers all of them, when all are planned
		}
		member := ""
		if c.group {
			member = s.Member
		}
		choices := engine.Choices(r, *s)
		if len(choices) > 0 && m.Code == "" {
			m.Code = stepCode(s)
		}
		for _, choice := range choices {
			if c.group && choice == runbook.Abort {
				aborts = true // once: it ends the run, not the member
				continue
			}
			p := press{Run: r.ID, Step: s.ID, Attempt: s.Attempt, Digest: s.Digest, Choice: choice}
			b := v.button(p, choice, engine.NeedsReason(r, *s, choice), member, v.deed(c, s.Dangerous(), s))
			b.WithForm = choice == runbook.Input
			if c.group {
				b.For, b.Code = member, stepCode(s)
			}
			if id := labelIn(s.State, choice); id != "" {
				b.Label = v.named(member, v.say.T(id))
			}
			b.Choice = typedAs(s.State, choice)
			m.Buttons = append(m.Buttons, b)
			if choice == runbook.Approve && v.mayAlone(r, *s) {
				alone := v.aloneButton(p, v.deed(c, true, s), member)
				alone.For, alone.Code = b.For, b.Code
				m.Buttons = append(m.Buttons, alone)
			}
		}
	}
	if aborts {
		p := press{Run: r.ID, Group: c.id, Choice: runbook.Abort}
		b := v.button(p, runbook.Abort, engine.RunNeedsReason(r, runbook.Abort), "", deed{})
		b.Code = r.ID
		m.Buttons = append(m.Buttons, b)
	}
}

// labelIn names a button by what it does in that state, where its usual name would mislead.
func labelIn(s runbook.State, c runbook.Choice) string {
	switch {
	case c == runbook.Retry && s == runbook.Waiting:
		return "choice_button.replan"
	case c == runbook.Retry && s == runbook.Unknown:
		return "choice_button.rerun"
	}
	return ""
}

// typedAs is the word that people type for a button: as it says, planning again is a look.
func typedAs(s runbook.State, c runbook.Choice) string {
	if c == runbook.Retry && s == runbook.Waiting {
		c = runbook.Look
	}
	return string(c)
}

func (v viewer) named(member, label string) string {
	if member == "" {
		return label
	}
	return member + ": " + label
}

// unplanned reports whether a member of the group has no plan that could be answered yet.
func (c card) unplanned() bool {
	return slices.ContainsFunc(c.members, func(s *runbook.StepRun) bool {
		return s.State == runbook.Pending || s.State == runbook.Planning
	})
}

// groupChoices are the answers that one click may give to all waiting members of a group: none while a member is still
// being planned, or needs an answer of its own.
func groupChoices(r runbook.Run, c card) []runbook.Choice {
	for _, s := range c.members {
		if s.State.Asks() && s.State != runbook.Waiting {
			return nil
		}
	}
	if c.unplanned() {
		return nil
	}
	return engine.GroupChoices(r, c.id)
}

func groupNeedsReason(r runbook.Run, c card, choice runbook.Choice) bool {
	return slices.ContainsFunc(c.members, func(s *runbook.StepRun) bool {
		return s.State == runbook.Waiting && engine.NeedsReason(r, *s, choice)
	})
}

// live reports whether answers to the run or its steps count now.
func live(r runbook.Run) bool {
	return r.State == runbook.Parked || r.State == runbook.Open && r.Aborting == nil
}

// runButtons are the answers that a person may give to the run itself; of a parked one also one button for each to-do.
func (v viewer) runButtons(r runbook.Run) []bot.Button {
	if !live(r) {
		return nil
	}
	var out []bot.Button
	for _, choice := range engine.RunChoices(r) {
		if choice == runbook.Abort && stepAborts(r) {
			continue
		}
		p := press{Run: r.ID, Choice: choice}
		b := v.button(p, choice, engine.RunNeedsReason(r, choice), "", deed{})
		b.Label = v.say.T("run_choice." + string(choice))
		out = append(out, b)
	}
	if r.State != runbook.Parked {
		return out
	}
	seen := map[string]bool{}
	for _, o := range engine.OpenItems(r) {
		s := r.Step(o.Step)
		if s == nil || seen[s.ID] || !slices.Contains(engine.Choices(r, *s), runbook.Reopen) {
			continue
		}
		seen[s.ID] = true
		p := press{Run: r.ID, Step: s.ID, Attempt: s.Attempt, Digest: s.Digest, Choice: runbook.Reopen}
		b := v.button(p, runbook.Reopen, false, "", deed{})
		b.Label = v.say.T("run_choice.todo", "n", numberOf(r, s), "title", shorten(v.say.Text(s.Def.Title), todoTitle), "member", s.Member)
		out = append(out, b)
	}
	return out
}

// stepAborts reports whether the card of a step has the button already that ends the run: two of them, far from each
// other in a chat, let people wonder which one ends what.
func stepAborts(r runbook.Run) bool {
	return r.State == runbook.Open && slices.ContainsFunc(r.Steps, func(s runbook.StepRun) bool {
		return s.State != runbook.Pending && slices.Contains(engine.Choices(r, s), runbook.Abort)
	})
}

// todoTitle is how much of a step's title is on a button: phones show about 30 characters, and its whole stands above.
const todoTitle = 24

// numberOf is the number of a step's card.
func numberOf(r runbook.Run, s *runbook.StepRun) int {
	for _, c := range cards(r) {
		if slices.ContainsFunc(c.members, func(m *runbook.StepRun) bool { return m.ID == s.ID }) {
			return c.number
		}
	}
	return 0
}

func (v viewer) button(p press, choice runbook.Choice, reason bool, member string, d deed) bot.Button {
	b := bot.Button{
		Label: v.named(member, v.say.T("choice_button."+string(choice))), Choice: string(choice), Action: p.encode(), NeedsReason: reason,
	}
	switch choice {
	case runbook.Approve, runbook.Commit:
		b.Style = "primary"
		if d.danger {
			b.Style = "danger"
			b.Confirm = v.say.T("view.confirm_danger", "title", d.title, "host", d.host, "what", d.what)
		}
	case runbook.Skip:
		b.Confirm = v.say.T("view.confirm_skip", "title", d.title)
	case runbook.Abort:
		b.Style = "danger"
		b.Confirm = v.say.T("view.confirm_abort")
	}
	return b
}

// deed is what a person is asked once more about before a button counts.
type deed struct {
	danger            bool
	title, host, what string
}

// Confirmations are short: a dialog of a chat has about 300 characters.
const (
	deedTitle = 80
	deedWhat  = 140
)

// deed names the members of c that one click answers: the step, where it is done, and what it does.
func (v viewer) deed(c card, danger bool, members ...*runbook.StepRun) deed {
	d := deed{danger: danger, title: shorten(v.say.Text(c.def.Title), deedTitle)}
	var what []string
	for _, s := range members {
		d.host = s.Host
		if s.Plan != nil {
			what = append(what, strings.TrimRight(v.say.Say(s.Plan.Summary), ".。"))
		}
	}
	if len(members) == 1 && c.group {
		d.title += " (" + members[0].Member + ")"
	}
	d.what = shorten(strings.Join(what, "; "), deedWhat)
	if strings.Contains(d.what, d.host) || len(members) > 1 && c.def.Host == "" {
		d.host = ""
	}
	return d
}

// stepCode is the four characters that a person types to answer a step: another one in each run, attempt and plan.
func stepCode(s *runbook.StepRun) string {
	return code(s.RunID, s.ID, strconv.Itoa(s.Attempt), s.Digest)
}

// groupCode is the same for the members of a group that wait together.
func groupCode(r runbook.Run, c card) string { return code(r.ID, c.id, runbook.GroupDigest(c.members)) }

func code(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "/")))
	return hex.EncodeToString(sum[:])[:4]
}
