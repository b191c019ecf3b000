package terminal

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"recoverbot/bot"
)

// answer is what one line means: an answer to a card, a word to the session, else a command for the bot. Enter alone
// means nothing.
func (s *session) answer(ctx context.Context, line string) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return
	}
	if words[0] == "show" && len(words) == 1 {
		s.show("ui.term_no_card")
		return
	}
	card, open := s.t.board.Get(s.last)
	card = s.t.in(s.o.Lang, card)
	open = open && len(card.Buttons) > 0
	if len(words) > 1 {
		if m, b, ok := s.byCode(words[0], words[1]); ok {
			if b.Choice == "approve" && len(words) > 2 && s.alone(words[2]) && s.shown[m.Key].code == m.Code {
				s.command(ctx, line) // whether one person alone may by now, the bot says
				return
			}
			s.press(ctx, m, b, strings.Join(words[2:], " "))
			return
		}
		if open && choice(card, words[0]) != nil && looksLikeCode(words[1]) {
			s.say("ui.term_old_code", "code", bot.CleanLine(words[1]))
			s.show("ui.term_no_card")
			return
		}
		s.command(ctx, line)
		return
	}
	if !open {
		s.command(ctx, line)
		return
	}
	b := choice(card, words[0])
	if b == nil {
		if len(words[0]) <= 2 {
			s.say("ui.term_no_choice", "what", bot.CleanLine(words[0]), "words", bot.PlainAnswers(card))
			return
		}
		s.command(ctx, line)
		return
	}
	if s.shown[card.Key].code != card.Code {
		s.changed(card)
		return
	}
	if b.Confirm == "" && !s.confirm(ctx, card, *b) { // press asks for the others
		return
	}
	s.press(ctx, card, *b, "")
}

// alone tells the word, in either language, that makes an approval one without the others.
func (s *session) alone(word string) bool {
	return slices.ContainsFunc([]string{"en", "zh"}, func(lang string) bool {
		return strings.EqualFold(word, s.t.c.Label(lang, "cmd.alone_word"))
	})
}

// confirm has the person type the answer's code ("yes" where it has none) before b is pressed.
func (s *session) confirm(ctx context.Context, card bot.Message, b bot.Button) bool {
	code := cmp.Or(b.Code, card.Code, "yes")
	typed, ok := s.ask(ctx, s.label("ui.term_confirm", "what", b.Label, "code", code))
	if !ok || !strings.EqualFold(strings.TrimSpace(typed), code) {
		s.say("ui.term_cancelled")
		return false
	}
	return true
}

// byCode finds the open card that word and code answer.
func (s *session) byCode(word, code string) (bot.Message, bot.Button, bool) {
	posts, _ := s.t.board.Since(0)
	for _, p := range slices.Backward(posts) {
		m := s.t.in(s.o.Lang, p.Message)
		of := m
		of.Buttons = slices.DeleteFunc(slices.Clone(m.Buttons), func(b bot.Button) bool {
			return !strings.EqualFold(cmp.Or(b.Code, m.Code), code)
		})
		if b := choice(of, word); b != nil {
			return m, *b, true
		}
	}
	return bot.Message{}, bot.Button{}, false
}

// choice is the button of m that word means: its word, a for approve, or the only one that begins so.
func choice(m bot.Message, word string) *bot.Button {
	word = strings.ToLower(word)
	var found *bot.Button
	for i := range m.Buttons {
		b := &m.Buttons[i]
		if b.Choice == word || (word == "a" && b.Choice == "approve") {
			return b
		}
		if b.Choice != "" && strings.HasPrefix(b.Choice, word) {
			if found != nil {
				return nil
			}
			found = b
		}
	}
	if found == nil && word == "retry" { // of a plan the bot takes either word
		return choice(m, "look")
	}
	return found
}

// looksLikeCode keeps "skip everything" a command and "skip 3f2a" an answer to a card that is gone.
func looksLikeCode(word string) bool {
	return len(word) == 4 && strings.Trim(strings.ToLower(word), "0123456789abcdef") == ""
}

// show prints the open card again, whole.
func (s *session) show(none string) {
	m, ok := s.t.board.Get(s.last)
	if !ok {
		s.say(none)
		return
	}
	m = s.t.in(s.o.Lang, m)
	s.shown[m.Key] = glimpse{state: m.State, code: m.Code, asked: true}
	s.full(m)
}

// changed says that an answer met another card than the one that was read.
func (s *session) changed(m bot.Message) {
	s.say("ui.term_changed")
	s.shown[m.Key] = glimpse{state: m.State, code: m.Code, asked: true}
	s.full(s.cut(m))
}

// press answers card with b: it asks for what the button needs, makes sure that the card is still the one that was read,
// and passes it on.
func (s *session) press(ctx context.Context, card bot.Message, b bot.Button, reason string) {
	if s.shown[card.Key].code != card.Code { // a code read elsewhere; this person has not seen the plan here
		s.changed(card)
		return
	}
	in := bot.Inbound{Action: b.Action, Reason: reason}
	if b.WithForm && len(card.Form) > 0 {
		fields, ok := s.form(ctx, card.Form)
		if !ok {
			s.say("ui.term_cancelled")
			return
		}
		in.Fields = fields
	}
	if b.Confirm != "" {
		s.line(bot.Clean(b.Confirm))
		if !s.confirm(ctx, card, b) {
			return
		}
	}
	for b.NeedsReason && strings.TrimSpace(in.Reason) == "" {
		var ok bool
		if in.Reason, ok = s.ask(ctx, s.label("ui.reason")+": "); !ok || strings.TrimSpace(in.Reason) == "" {
			s.say("ui.term_cancelled")
			return
		}
	}
	now, ok := s.t.board.Get(card.Key)
	now = s.t.in(s.o.Lang, now)
	if !ok || !slices.ContainsFunc(now.Buttons, func(x bot.Button) bool { return x.Action == b.Action }) {
		s.changed(now)
		return
	}
	s.hear(ctx, in)
}

// form asks field by field; Enter takes the default. False: input ended.
func (s *session) form(ctx context.Context, form []bot.Field) (map[string]string, bool) {
	out := map[string]string{}
	for _, f := range form {
		value, ok := s.field(ctx, f)
		if !ok {
			return nil, false
		}
		out[f.Name] = value
	}
	return out, true
}

func (s *session) field(ctx context.Context, f bot.Field) (string, bool) {
	what := f.Label
	if what == "" {
		what = f.Name
	}
	if len(f.Enum) > 0 {
		what += " (" + strings.Join(f.Enum, " | ") + ")"
	}
	if f.Type == "text" {
		return s.text(ctx, what, f.Value)
	}
	for {
		prompt := s.label("ui.term_field", "what", what, "value", f.Value)
		switch {
		case f.Type == "bool":
			yes := "no"
			if f.Value == "true" {
				yes = "yes"
			}
			prompt = s.label("ui.term_field_bool", "what", what, "value", yes)
		case f.Value == "" && f.Required:
			prompt = s.label("ui.term_field_must", "what", what)
		}
		typed, ok := s.ask(ctx, prompt)
		if !ok {
			return "", false
		}
		typed = strings.TrimSpace(typed)
		switch {
		case typed == "" && f.Type == "bool" && f.Value == "":
			return "false", true
		case typed == "" && (f.Value != "" || !f.Required):
			return f.Value, true
		case typed == "":
			continue
		case f.Type == "bool":
			if answer, ok := yesNo[strings.ToLower(typed)]; ok {
				return answer, true
			}
		case len(f.Enum) == 0 || slices.Contains(f.Enum, typed):
			return typed, true
		}
		s.say("ui.term_field_bad", "what", what, "value", bot.CleanLine(typed))
	}
}

var yesNo = map[string]string{"y": "true", "yes": "true", "true": "true", "1": "true", "是": "true", "n": "false", "no": "false", "false": "false", "0": "false", "否": "false"}

// text reads lines up to a single dot; a dot at once keeps the default.
func (s *session) text(ctx context.Context, what, value string) (string, bool) {
	s.say("ui.term_field_text", "what", what)
	if value != "" {
		s.line(bot.Clean(value))
	}
	var lines []string
	for {
		typed, ok := s.ask(ctx, "")
		if !ok {
			return "", false
		}
		if typed == "." {
			if len(lines) == 0 {
				return value, true
			}
			return strings.Join(lines, "\n") + "\n", true
		}
		lines = append(lines, typed)
	}
}

// ask prints prompt and waits for one line. Cards that change meanwhile are printed afterwards.
func (s *session) ask(ctx context.Context, prompt string) (string, bool) {
	s.endBar()
	s.out.WriteString(prompt)
	if !s.o.TTY && prompt != "" {
		s.out.WriteString("\n")
	}
	if s.out.Flush() != nil {
		return "", false
	}
	select {
	case line, ok := <-s.lines:
		return line, ok
	case <-ctx.Done():
	case <-s.ended:
	}
	return "", false
}
