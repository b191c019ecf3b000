package telegram

import (
	"context"
	"slices"
	"strings"
)

// start asks the first question of f; note says why it is asked once more.
func (t *Telegram) start(to *session, f *form, at origin, q *query, note string) func(context.Context) {
	t.unbutton(to, t.forms.begin(f, t.pace.form)...)
	return t.ask(to, f, at, q, note)
}

// ask posts the question that f asks now, as a reply to what the person said or pressed, unless more was answered meanwhile.
func (t *Telegram) ask(to *session, f *form, at origin, q *query, note string) func(context.Context) {
	lang := t.speaking(t.lang(f.lang))
	t.forms.mu.Lock()
	defer t.forms.mu.Unlock()
	turn, field := f.turn, f.field
	p, force := lang.question(f.m, f.b, f.fields, field, note)
	p.html = calling(idOf(f.user), at, p.html)
	post := func(ctx context.Context) {
		sent, err := t.whisper(ctx, spot{chat: at.Chat, thread: at.Thread, reply: at.Message, force: force}, p)
		if err != nil {
			if t.forms.still(f, turn) {
				t.forms.end(f)
			}
			if ctx.Err() == nil {
				t.log.Error("a question could not be asked", "key", f.m.Key, "error", err)
				q.answer(ctx, t.say(f.lang, "telegram.press_again"), true)
			}
			return
		}
		t.posted(to, f, asked{sent.message, field}, turn, p.keyboard != nil)
		q.answer(ctx, t.say(f.lang, "telegram.answer_below"), false)
	}
	return func(context.Context) {
		if t.forms.still(f, turn) {
			to.beside(post)
		}
		to.beside(q.hurry)
	}
}

// posted notes a question that stands in the chat. One that is not asked any more loses its buttons.
func (t *Telegram) posted(to *session, f *form, a asked, turn int, buttons bool) {
	t.forms.mu.Lock()
	f.posts = append(f.posts, a)
	now := f.turn == turn
	if now {
		f.question = a.message
	}
	if now && buttons {
		f.live = a.message
	}
	t.forms.mu.Unlock()
	if !now && buttons {
		t.unbutton(to, ref{chat: f.chat, message: a.message})
	}
}

// unbutton takes the buttons off questions that are answered or over, when nothing else wants the call.
func (t *Telegram) unbutton(to *session, posts ...ref) {
	for _, at := range posts {
		if at.message != 0 {
			to.beside(func(ctx context.Context) { t.strip(ctx, at) })
		}
	}
}

// choice is the button with that id below the question that f asks now.
func (t *Telegram) choice(f *form, id string) (answer, bool) {
	t.forms.mu.Lock()
	defer t.forms.mu.Unlock()
	answers := t.speaking(t.lang(f.lang)).answers(f.m, f.b, f.fields, f.field)
	i := slices.IndexFunc(answers, func(a answer) bool { return a.id == id })
	if i < 0 {
		return answer{}, false
	}
	return answers[i], true
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
