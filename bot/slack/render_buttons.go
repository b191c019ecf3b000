package slack

import (
	"fmt"

	"github.com/slack-go/slack"

	"recoverbot/bot"
)

// Limits of buttons.
const (
	maxButtons      = 25 // of one block
	maxAction       = 2000
	maxLabel        = 75
	maxConfirmTitle = 100
	maxConfirmText  = 300
	maxConfirmWord  = 30
	maxWords        = 1800
	minSlots        = 12 // blocks for everything else
	inlineWeight    = 50 // of an element within a line
)

type button struct {
	element *slack.ButtonBlockElement
	weight  int
}

// buttonList are the buttons that Slack can carry, with what each weighs.
func (l *layout) buttonList() []button {
	var out []button
	for i, b := range l.m.Buttons {
		if weight(b.Action) > maxAction {
			continue
		}
		label := b.Label
		if label == "" {
			label = b.Choice
		}
		e := slack.NewButtonBlockElement(keyBlock(fmt.Sprintf("b%d:%s", i, b.Choice)), b.Action, plain(l.fit(label, maxLabel)))
		if label == "" {
			e.Text.Text = "…"
		}
		w := 2*containerWeight + weight(e.Text.Text) + weight(b.Action) + weight(e.ActionID)
		switch b.Style {
		case "primary":
			e.Style = slack.StylePrimary
		case "danger":
			e.Style = slack.StyleDanger
		}
		if question := b.Sure(l.r.label); question != "" {
			e.Confirm = confirm(question, l.r.label("ui.cancel"), e)
			w += 2*containerWeight + weight(e.Confirm.Title.Text) + weight(e.Confirm.Text.Text) + weight(e.Confirm.Confirm.Text) + weight(e.Confirm.Deny.Text)
		}
		out = append(out, button{e, w})
	}
	return out
}

// confirm is the dialog before a button counts.
func confirm(question, cancel string, e *slack.ButtonBlockElement) *slack.ConfirmationBlockObject {
	c := slack.NewConfirmationBlockObject(plain(cut(e.Text.Text, maxConfirmTitle)), plain(cut(question, maxConfirmText)),
		plain(cut(e.Text.Text, maxConfirmWord)), plain(cut(cancel, maxConfirmWord)))
	if e.Style != "" {
		c = c.WithStyle(e.Style)
	}
	return c
}

// buttons are as many as fit beside a tail of this weight, and how many do not.
func (l *layout) buttons(list []button, tail int) []slack.Block {
	room := max(l.left-minBody-tail, min(l.left-minBody, minButtons)) - 3*containerWeight // what is missing is said in words
	var out []slack.Block
	var row *slack.ActionBlock
	shown := 0
	for _, b := range list {
		if w := b.weight + containerWeight; w > room || l.slots < minSlots {
			break
		}
		if shown%maxButtons == 0 {
			row = slack.NewActionBlock("")
			out = append(out, row)
			room -= containerWeight
			l.reserve(containerWeight)
		}
		room, l.left = room-b.weight, l.left-b.weight
		row.Elements.ElementSet = append(row.Elements.ElementSet, b.element)
		shown++
	}
	if more := len(l.m.Buttons) - shown; more > 0 {
		notice := l.r.label("ui.more_buttons", "n", more)
		out = append(out, prose("", text(notice)))
		l.reserve(2*containerWeight + weight(notice))
	}
	return out
}

// answer is how to answer in text, and who is called to.
func (l *layout) answer() []slack.Block {
	var out []slack.Block
	if answers := l.m.Answers(); len(answers) > 0 && l.m.Code != "" {
		number := cut(l.m.Code, maxLabel)
		if answers[0].For != "" { // it stands for the first member alone
			number = ""
		}
		id := "ui.slack_code"
		if l.place == below { // there is no thread
			id = "ui.slack_code_here"
		}
		intro := l.r.label(id, "code", number) + "\n"
		parts, used := []slack.RichTextSectionElement{text(intro)}, 3*containerWeight+weight(intro)
		for i, a := range answers {
			some, cost := answerIn(a, i > 0)
			if used+cost > maxWords {
				parts = append(parts, text("  …"))
				break
			}
			parts, used = append(parts, some...), used+cost
		}
		l.reserve(used)
		out = append(out, prose("", parts...))
	}
	if people := l.r.mentions(l.m); len(people) > 0 {
		out = append(out, prose("", people...))
		l.reserve(2*containerWeight + len(people)*inlineWeight)
	}
	return out
}

// answerIn is a as people type it, and what it weighs.
func answerIn(a bot.Answer, more bool) (parts []slack.RichTextSectionElement, cost int) {
	a.For, a.Code = cut(a.For, maxLabel), cut(a.Code, maxLabel)
	gap := a.Lead(more)
	for _, word := range a.Typed() {
		if gap != "" {
			parts, cost = append(parts, text(gap)), cost+weight(gap)+inlineWeight
		}
		parts, cost, gap = append(parts, code(word)), cost+weight(word)+2*inlineWeight, "  "
	}
	return parts, cost
}
