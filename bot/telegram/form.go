package telegram

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"recoverbot/bot"
)

// maxForms is how many people may be asked at once.
const maxForms = 200

// form is a row of questions to one person. A decision is made of it at its end, so nothing of it is kept: after a restart
// the person presses the button again.
type form struct {
	user, chat int64
	m          bot.Message // its Form holds what was answered so far
	b          bot.Button
	lang       string
	until      time.Time

	next     int    // the field that is asked for
	reason   string // the answer to the last question, where a reason is needed
	question int    // the post that asks; 0: it is on its way
}

// forms are those that people fill in now, one a person and chat. What is in a form is changed under mu.
type forms struct {
	mu  sync.Mutex
	all []*form // oldest first
}

// begin asks f from now on, in the place of what that person was asked before.
func (x *forms) begin(f *form, within time.Duration) *form {
	f.until = time.Now().Add(within)
	f.m.Form = slices.Clone(f.m.Form)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.all = slices.DeleteFunc(x.all, func(o *form) bool { return o.user == f.user && o.chat == f.chat || time.Now().After(o.until) })
	if len(x.all) >= maxForms {
		x.all = x.all[1:]
	}
	x.all = append(x.all, f)
	return f
}

// at is the form whose question is that message.
func (x *forms) at(chat int64, question int) (*form, bool) {
	return x.find(func(f *form) bool { return f.chat == chat && f.question == question && question != 0 })
}

// of is the form that a person fills in in a chat, and the post that asks.
func (x *forms) of(user, chat int64) (f *form, question int, ok bool) {
	f, ok = x.find(func(f *form) bool {
		question = f.question
		return f.chat == chat && f.user == user && f.question != 0
	})
	return f, question, ok
}

func (x *forms) find(is func(*form) bool) (*form, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	i := slices.IndexFunc(x.all, func(f *form) bool { return is(f) && time.Now().Before(f.until) })
	if i < 0 {
		return nil, false
	}
	return x.all[i], true
}

// end forgets f.
func (x *forms) end(f *form) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.all = slices.DeleteFunc(x.all, func(o *form) bool { return o == f })
}

// put notes the answer to the question that f asks now.
func (x *forms) put(f *form, value string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if f.b.WithForm && f.next < len(f.m.Form) {
		f.m.Form[f.next].Value = value
	} else {
		f.reason = strings.TrimSpace(value)
	}
	f.next, f.question = f.next+1, 0
}

// ask posts the next question of f, as a reply to what the person said or pressed.
func (t *Telegram) ask(ctx context.Context, to *session, f *form, at origin, q *query, note string) {
	lang := t.speaking(t.lang(f.lang))
	p, force := lang.question(f.m, f.b, f.next, note)
	p.html = calling(idOf(f.user), at, p.html)
	to.beside(func(ctx context.Context) {
		sent, err := t.whisper(ctx, spot{chat: at.Chat, thread: at.Thread, reply: at.Message, force: force}, p)
		if err != nil {
			t.forms.end(f)
			if ctx.Err() == nil {
				t.log.Error("a question could not be asked", "key", f.m.Key, "error", err)
				q.answer(ctx, t.say(f.lang, "telegram.press_again"), true)
			}
			return
		}
		t.forms.mu.Lock()
		f.question = sent.message
		t.forms.mu.Unlock()
		q.answer(ctx, t.say(f.lang, "telegram.answer_below"), false)
	})
	to.beside(q.hurry)
}

// choice is the button with that id below the question that f asks now.
func (t *Telegram) choice(f *form, id string) (answer, bool) {
	answers := t.speaking(t.lang(f.lang)).answers(f.m, f.b, f.next)
	i := slices.IndexFunc(answers, func(a answer) bool { return a.id == id })
	if i < 0 {
		return answer{}, false
	}
	return answers[i], true
}

// picked takes a button below a question.
func (t *Telegram) picked(ctx context.Context, to *session, f *form, q *query, a answer, in bot.Inbound, at origin) (func(context.Context), error) {
	if a.cancel {
		t.forms.end(f)
		return func(ctx context.Context) { q.answer(ctx, t.say(f.lang, "telegram.cancelled"), false) }, nil
	}
	return t.answered(ctx, to, f, q, a.value, in, at)
}

// replied takes a reply to a question; taken: it was one. In a private chat everything but a command is.
func (t *Telegram) replied(ctx context.Context, to *session, m *message, in bot.Inbound, at origin) (todo func(context.Context), taken bool, err error) {
	f, question, ok := t.forms.of(m.From.ID, m.Chat.ID)
	text := strings.TrimSpace(m.Text)
	cmd := slash.FindStringSubmatch(text)
	cancel := cmd != nil && "/"+cmd[1] == cancelWord && t.me(cmd[2]) && text == strings.TrimSpace(cmd[0])
	switch reply := m.ReplyTo != nil && ok && m.ReplyTo.ID == question; {
	case !ok, !reply && !cancel && (!private(m.Chat.ID) || cmd != nil || m.ReplyTo != nil):
		return nil, false, nil
	case cancel:
		t.forms.end(f)
		return func(ctx context.Context) {
			to.beside(func(ctx context.Context) { t.tell(ctx, in, at, bot.Reply{Text: t.say(f.lang, "telegram.cancelled")}) })
		}, true, nil
	case text == "":
		return func(ctx context.Context) { t.ask(ctx, to, f, at, t.noQuery(), t.say(f.lang, "telegram.only_text")) }, true, nil
	}
	todo, err = t.answered(ctx, to, f, t.noQuery(), text, in, at)
	return todo, true, err
}

// noQuery is a query that is answered already: nobody pressed anything.
func (t *Telegram) noQuery() *query {
	q := &query{t: t, done: true, over: make(chan struct{})}
	close(q.over)
	return q
}

// answered takes the answer to one question of f: the next is asked, or what was answered is sent.
func (t *Telegram) answered(ctx context.Context, to *session, f *form, q *query, value string, in bot.Inbound, at origin) (func(context.Context), error) {
	if f.next+1 < len(t.r.asked(f.m, f.b)) {
		t.forms.put(f, value)
		return func(ctx context.Context) { t.ask(ctx, to, f, at, q, "") }, nil
	}
	last := *f
	last.m.Form = slices.Clone(f.m.Form)
	t.forms.put(&last, value) // f itself stays until it is kept
	in.Action, in.Reason = f.b.Action, last.reason
	if f.b.WithForm {
		in.Fields = map[string]string{}
		for _, field := range last.m.Form {
			in.Fields[field.Name] = field.Value
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
	t.forms.end(f)
	if !fresh {
		return func(ctx context.Context) { q.answer(ctx, "", false) }, nil
	}
	to.beside(q.hurry)
	return func(ctx context.Context) {
		r := to.in.Handle(ctx, in)
		if ctx.Err() == nil {
			t.finish(ctx, to, &last, q, in, at, r)
		}
	}, nil
}

// finish says what became of a form. One that was refused is asked again, with what was answered, while its button stands.
func (t *Telegram) finish(ctx context.Context, to *session, f *form, q *query, in bot.Inbound, at origin, r bot.Reply) {
	if r.Refused && f.b.WithForm && r.Message == nil && t.stands(ctx, f) {
		q.answer(ctx, "", false)
		f.next, f.reason = 0, ""
		t.ask(ctx, to, t.forms.begin(f, t.pace.form), at, t.noQuery(), r.Text)
		return
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
		for _, field := range t.speaking(t.lang(f.lang)).asked(f.m, f.b) {
			if field.Name == "" {
				field.Value = f.reason
			}
			said = append(said, bot.PlainField(field))
		}
		text := strings.TrimSpace(r.Aside() + "\n" + strings.Join(said, "\n"))
		if err := t.show(ctx, in.UserID, at, t.speaking(t.lang(f.lang)).private(bot.Reply{Text: text})); err != nil && ctx.Err() == nil {
			t.log.Warn("answer could not be given", "id", in.ID, "error", err)
		}
	})
}

// asks tells whether a post of the bot asked for a field: of a form that is over, or that a restart has ended.
func (t *Telegram) asks(m *message) bool {
	text := strings.ReplaceAll(m.Text, "\u200b", "")
	for _, lang := range []string{"en", "zh"} {
		for _, how := range []string{t.say(lang, "telegram.reply_or_cancel", "cancel", cancelWord), t.say(lang, "telegram.press_or_reply")} {
			if strings.Contains(text, how) {
				return true
			}
		}
	}
	return false
}

// stands tells whether the newest version of the card still has the button of f.
func (t *Telegram) stands(ctx context.Context, f *form) bool {
	wanted, err := t.c.Wanted(ctx)
	if err != nil {
		return false
	}
	for _, m := range wanted {
		if m.Key == f.m.Key {
			return slices.ContainsFunc(m.Buttons, func(b bot.Button) bool { return b.Action == f.b.Action })
		}
	}
	return true
}
