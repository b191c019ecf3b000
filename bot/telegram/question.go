package telegram

import "recoverbot/bot"

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

// answers are the buttons below the question for a field: choices, the value that stands there, none, cancel.
func (r renderer) answers(bot.Message, bot.Button, int) []answer { return nil }

// question asks for one field of what b needs, counted from 0; note says what was wrong with the last answer. Either the
// post has buttons, or the client is made to reply.
func (r renderer) question(m bot.Message, b bot.Button, field int, note string) (p post, forceReply bool) {
	return post{html: escape(note + r.asked(m, b)[field].Label)}, true
}
