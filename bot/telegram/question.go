package telegram

import (
	"slices"
	"strconv"
	"strings"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"recoverbot/bot"
)

// Limits of questions.
const (
	maxPick     = 50 // values offered as buttons; more, or longer ones, are typed
	maxQuestion = 300
	maxValue    = 1000 // what is shown of the value that stands in a field
)

// cancelWord ends a form where there is no button for it: a post has buttons or makes the client reply, never both.
const cancelWord = "/cancel"

// asked are the fields that b asks for, one question each: the form, then the reason.
func (r renderer) asked(m bot.Message, b bot.Button) []bot.Field {
	var out []bot.Field
	if b.WithForm {
		out = append(out, m.Form...)
	}
	if b.NeedsReason {
		out = append(out, bot.Field{Label: r.label("ui.reason"), Type: "text", Required: true})
	}
	return out
}

// answer is one button below a question.
type answer struct {
	label  string
	value  string // of the field, if it is pressed
	id     string // its callback_data
	cancel bool   // ends the form instead
}

// answers are the buttons below the question for a field: its values, the one that stands there, none, cancel. There are
// none where the answer must be typed.
func (r renderer) answers(m bot.Message, b bot.Button, fields []bot.Field, field int) []answer {
	f := fields[field]
	var out []answer
	id := func(what string) string {
		return r.id(m.Key, bot.Button{Action: b.Action + "\x00" + strconv.Itoa(field) + "\x00" + what})
	}
	add := func(label, value string) {
		out = append(out, answer{label: cut(bot.CleanLine(label), maxButton), value: value, id: id("=" + value)})
	}
	values := pick(f)
	switch {
	case f.Type == "bool":
		add(chosen(r.label("ui.yes"), f.Value == "true"), "true")
		add(chosen(r.label("telegram.no"), f.Value != "true"), "false")
	case len(values) > 0:
		for _, v := range values {
			add(chosen(v, v == f.Value), v)
		}
	case f.Value != "" && r.fits(f):
		add(r.label("telegram.keep", "value", f.Value), f.Value)
	}
	if !f.Required && f.Type != "bool" && !slices.Contains(values, "") {
		add(r.label("telegram.leave_empty"), "")
	}
	if len(out) > 0 {
		out = append(out, answer{label: r.label("ui.cancel"), id: id("cancel"), cancel: true})
	}
	return out
}

// fits tells whether the value that stands in f may stay there.
func (r renderer) fits(f bot.Field) bool {
	_, wrong := r.check(f, f.Value)
	return wrong == ""
}

// tick marks the value that stands in a field.
const tick = "✓ "

func chosen(label string, now bool) string {
	if now {
		return tick + label
	}
	return label
}

// pick are the values of f as buttons, none where people could not tell them from each other.
func pick(f bot.Field) []string {
	var out []string
	for _, v := range f.Enum {
		if weight(v) > maxButton-2 || bot.CleanLine(v) == "" && v != "" || len(out) == maxPick {
			return nil
		}
		if v != "" && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// question asks for one field of what b needs, counted from 0; note says what was wrong with the last answer. Either the
// post has buttons, or the client is made to reply to it.
func (r renderer) question(m bot.Message, b bot.Button, fields []bot.Field, field int, note string) (p post, forceReply bool) {
	f := fields[field]
	inline := maxInline
	var out []string
	add := func(s, tag string, limit int) {
		if s = strings.TrimSpace(cut(strings.TrimSpace(bot.Clean(s)), limit)); s != "" {
			out = append(out, prose(s, tag, &inline))
		}
	}
	add(bot.Headline(bot.Cleaned(m)), "b", maxTitle)
	if note != "" {
		add("⚠ "+note, "b", maxQuestion)
	}
	if b.Confirm != "" && field == len(fields)-1 { // this answer does it
		add("⚠ "+b.Confirm, "b", maxQuestion)
	}
	add(r.label("telegram.question", "n", field+1, "of", len(fields), "what", f.Heading()), "", maxQuestion)
	if len(pick(f)) == 0 {
		add(f.Help(r.label), "i", maxValue)
	}
	typed := f.Type != "bool" && len(pick(f)) == 0
	if now := strings.TrimSpace(bot.Clean(f.Value)); now != "" && typed {
		add(r.label("telegram.now"), "", maxQuestion)
		out = append(out, exact(cut(tabs.Replace(now), maxValue)))
	}
	answers := r.answers(m, b, fields, field)
	if len(answers) == 0 {
		add(r.label("telegram.reply_or_cancel", "cancel", cancelWord), "", maxQuestion)
	} else {
		add(r.label("telegram.press_or_reply"), "", maxQuestion)
	}
	p.html = strings.Join(out, "\n")
	var row []tgbotapi.InlineKeyboardButton
	for _, a := range answers {
		row = append(row, button(a.label, a.id))
	}
	if len(row) > 0 {
		p.keyboard = keyboard(row)
	}
	return p, len(row) == 0
}
