package telegram

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"recoverbot/bot"
)

// picked takes a button below a question.
func (t *Telegram) picked(ctx context.Context, to *session, f *form, q *query, a answer, in bot.Inbound, at origin) (func(context.Context), error) {
	if a.cancel {
		text := t.cancel(to, f, at.Name)
		return func(ctx context.Context) { q.answer(ctx, text, false) }, nil
	}
	return t.answered(ctx, to, f, q, f.field, a.value, in, at)
}

// replied takes a reply to a question of a form that is open: an answer, or the correction of an earlier one; taken: it was
// one. In a private chat everything but a command is an answer.
func (t *Telegram) replied(ctx context.Context, to *session, m *message, in bot.Inbound, at origin) (todo func(context.Context), taken bool, err error) {
	f, question, ok := t.forms.of(m.From.ID, m.Chat.ID)
	if !ok {
		return nil, false, nil
	}
	text := strings.TrimSpace(m.Text)
	cmd := slash.FindStringSubmatch(text)
	cancel := cmd != nil && "/"+cmd[1] == cancelWord && t.me(cmd[2]) && text == strings.TrimSpace(cmd[0])
	field, reply := f.field, false
	if m.ReplyTo != nil {
		if asked, ok := t.forms.asked(f, m.ReplyTo.ID); ok {
			field, reply = asked, true
		}
	}
	switch {
	case !reply && !cancel && (!private(m.Chat.ID) || cmd != nil || m.ReplyTo != nil || question == 0):
		return nil, false, nil
	case cancel:
		text := t.cancel(to, f, at.Author)
		return func(context.Context) {
			to.beside(func(ctx context.Context) { t.tell(ctx, in, at, bot.Reply{Text: text}) })
		}, true, nil
	case text == "":
		t.unbutton(to, "telegram.closed_again", "", t.forms.reopen(f, field))
		return t.ask(to, f, at, t.noQuery(), t.say(f.lang, "telegram.only_text")), true, nil
	}
	for _, a := range t.speaking(t.lang(f.lang)).answers(f.m, f.b, f.fields, field) { // typed, what stands on a button is its value
		if !a.cancel && strings.EqualFold(text, strings.TrimPrefix(a.label, tick)) {
			text = a.value
		}
	}
	todo, err = t.answered(ctx, to, f, t.noQuery(), field, text, in, at)
	return todo, true, err
}

// cancel ends f, and says so to the person of that name.
func (t *Telegram) cancel(to *session, f *form, name string) string {
	t.unbutton(to, "telegram.closed_cancelled", name, t.forms.end(f))
	return t.say(f.lang, "telegram.cancelled", "step", bot.Headline(bot.Cleaned(f.m)))
}

// noQuery is a query that is answered already: nobody pressed anything.
func (t *Telegram) noQuery() *query {
	q := &query{t: t, done: true, over: make(chan struct{})}
	close(q.over)
	return q
}

// answered takes the answer to one question of f. One that does not fit is asked for again; else the next is asked, or what
// was answered is sent.
func (t *Telegram) answered(ctx context.Context, to *session, f *form, q *query, field int, value string, in bot.Inbound, at origin) (func(context.Context), error) {
	value, wrong := t.c.Check(t.lang(f.lang), f.fields[field], value)
	if wrong != "" {
		t.unbutton(to, "telegram.closed_again", "", t.forms.reopen(f, field))
		return t.ask(to, f, at, q, wrong), nil
	}
	if !f.last(field) {
		note := ""
		if f.done[field] {
			now := f.fields[field]
			now.Value = value
			note = t.say(f.lang, "telegram.corrected", "what", bot.PlainField(now))
		}
		t.unbutton(to, "telegram.closed_answered", t.shown(f, field, value), t.forms.put(f, field, value))
		return t.ask(to, f, at, q, note), nil
	}
	fields := slices.Clone(f.fields)
	fields[field].Value = value // f itself stays until it is kept
	in.Action = f.b.Action
	if f.b.NeedsReason {
		in.Reason = strings.TrimSpace(fields[len(fields)-1].Value)
	}
	if f.b.WithForm {
		in.Fields = map[string]string{}
		for _, x := range fields[:len(f.m.Form)] {
			in.Fields[x.Name] = x.Value
		}
	}
	fresh, err := t.keep(ctx, to, in, func(ctx context.Context, r bot.Reply) {
		if !q.answer(ctx, r.Text, true) {
			t.tell(ctx, in, at, r)
		}
	})
	if err != nil {
		return nil, err
	}
	t.unbutton(to, "telegram.closed_answered", t.shown(f, field, value), t.forms.end(f))
	f.fields = fields
	if !fresh {
		return func(ctx context.Context) { q.received(ctx) }, nil
	}
	to.beside(q.hurry)
	return func(ctx context.Context) {
		r := to.in.Handle(ctx, in)
		if ctx.Err() == nil {
			t.finish(ctx, to, f, q, in, at, r)
		}
	}, nil
}

// shown is an answer as people read it.
func (t *Telegram) shown(f *form, field int, value string) string {
	switch {
	case f.fields[field].Type == "bool" && value == "true":
		return t.say(f.lang, "ui.yes")
	case f.fields[field].Type == "bool":
		return t.say(f.lang, "telegram.no")
	}
	return cmp.Or(value, "–")
}

// finish says what became of a form. One that was refused is asked again, with what was answered, while its button stands.
func (t *Telegram) finish(ctx context.Context, to *session, f *form, q *query, in bot.Inbound, at origin, r bot.Reply) {
	if r.Refused && f.b.WithForm && r.Message == nil {
		if stands, err := t.stands(ctx, f.m, f.b.Action); err == nil && stands {
			q.answer(ctx, t.say(f.lang, "telegram.answer_below"), false)
			t.start(to, f, at, t.noQuery(), r.Text)(ctx)
			return
		}
	}
	if r.Refused || r.Message != nil {
		t.settle(ctx, to, q, in, at, r)
		return
	}
	if q.answer(ctx, r.Aside(), false) || r.Noted {
		r.Text = ""
	}
	to.beside(func(ctx context.Context) {
		var said []string
		for _, field := range f.fields {
			said = append(said, bot.PlainField(field))
		}
		text := strings.TrimSpace(r.Aside() + "\n" + strings.Join(said, "\n"))
		if err := t.show(ctx, in.UserID, at, t.speaking(t.lang(f.lang)).private(bot.Reply{Text: text})); err != nil && ctx.Err() == nil {
			t.log.Warn("answer could not be given", "id", in.ID, "error", err)
		}
	})
}
