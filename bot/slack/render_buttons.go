package slack

import (
	"fmt"
	"slices"

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
	maxActionID     = 255
	maxWords        = 400
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
		e := slack.NewButtonBlockElement(cut(fmt.Sprintf("b%d:%s", i, b.Choice), maxActionID), b.Action, plain(l.fit(label, maxLabel)))
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
		if b.Confirm != "" || e.Style == slack.StyleDanger {
			e.Confirm = l.r.confirm(b, e)
			w += 2*containerWeight + weight(e.Confirm.Title.Text) + weight(e.Confirm.Text.Text) + weight(e.Confirm.Confirm.Text) + weight(e.Confirm.Deny.Text)
		}
		out = append(out, button{e, w})
	}
	return out
}

// confirm is the dialog before a button counts.
func (r renderer) confirm(b bot.Button, e *slack.ButtonBlockElement) *slack.ConfirmationBlockObject {
	question := b.Confirm
	if question == "" {
		question = r.label("ui.slack_confirm", "what", e.Text.Text)
	}
	c := slack.NewConfirmationBlockObject(plain(cut(e.Text.Text, maxConfirmTitle)), plain(cut(question, maxConfirmText)),
		plain(cut(e.Text.Text, maxConfirmWord)), plain(cut(r.label("ui.cancel"), maxConfirmWord)))
	if e.Style != "" {
		c = c.WithStyle(e.Style)
	}
	return c
}

// buttons adds as many as fit, and says how many do not.
func (l *layout) buttons(list []button) {
	room := l.left - minBody - 3*containerWeight // what is missing is said in words
	var rows []*slack.ActionBlock
	shown := 0
	for _, b := range list {
		if shown%maxButtons == 0 {
			if l.slots < 10 || room < containerWeight+b.weight {
				break
			}
			room -= containerWeight
			l.reserve(containerWeight)
			rows = append(rows, slack.NewActionBlock(""))
		}
		if room < b.weight {
			break
		}
		room -= b.weight
		l.left -= b.weight
		row := rows[len(rows)-1].Elements
		row.ElementSet = append(row.ElementSet, b.element)
		shown++
	}
	for _, row := range rows {
		if len(row.Elements.ElementSet) > 0 {
			l.tail = append(l.tail, row)
		}
	}
	if more := len(l.m.Buttons) - shown; more > 0 {
		l.line(text(l.r.label("ui.slack_more_buttons", "n", more)))
	}
}

// answer is how to answer in text.
func (l *layout) answer() []slack.Block {
	if l.m.Code == "" || len(l.m.Buttons) == 0 {
		return nil
	}
	number := cut(l.m.Code, maxLabel)
	parts := []slack.RichTextSectionElement{text(cut(l.r.label("ui.slack_code", "code", number), maxLine))}
	var words []string
	used := weight(number) + maxLine + 2*containerWeight
	for _, b := range l.m.Buttons {
		w := b.Choice + " " + number
		cost := weight(w) + 2*containerWeight
		if b.Choice == "" || slices.Contains(words, w) || used+cost > maxWords+8*containerWeight+maxLine {
			continue
		}
		used += cost
		words = append(words, w)
		parts = append(parts, text("  "), code(w))
	}
	l.reserve(used)
	return []slack.Block{prose("", parts...)}
}
