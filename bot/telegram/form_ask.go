package telegram

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"recoverbot/bot"
)

// start asks the first question of f; note says why it is asked once more.
func (t *Telegram) start(to *session, f *form, at origin, q *query, note string) func(context.Context) {
	t.unbutton(to, "telegram.closed_other", "", t.forms.begin(f, t.pace.form)...)
	return t.ask(to, f, at, q, note)
}

// sight is how long a question is thought to be in sight.
const sight = time.Minute

// begin is start for a press. Who is asked already is led to that question; one that is out of sight is asked again.
func (t *Telegram) begin(to *session, f *form, at origin, q *query) func(context.Context) {
	now, question, late, ok := t.forms.same(f, sight)
	switch {
	case !ok:
		return t.start(to, f, at, q, "")
	case late:
		t.unbutton(to, "telegram.closed_again", "", t.forms.again(now))
		return t.ask(to, now, at, q, "")
	case question == 0:
		return func(ctx context.Context) { q.answer(ctx, t.say(q.lang, "telegram.question_coming"), true) }
	}
	return func(ctx context.Context) { q.answer(ctx, t.say(q.lang, "telegram.question_open"), true) }
}

// errMovedOn is why a question was not asked.
var errMovedOn = errors.New("something else is asked by now")

// ask posts the question that f asks now, as a reply to what the person said or pressed, unless more was answered meanwhile.
func (t *Telegram) ask(to *session, f *form, at origin, q *query, note string) func(context.Context) {
	lang := t.speaking(t.lang(f.lang))
	t.forms.mu.Lock()
	defer t.forms.mu.Unlock()
	turn, field := f.turn, f.field
	f.since = time.Now()
	p, force := lang.question(f.m, f.b, f.fields, field, note)
	p.html = calling(idOf(f.user), at, p.html)
	post := func(ctx context.Context) {
		wanted := func() bool { return t.forms.still(f, turn) }
		sent, err := ref{}, errMovedOn
		if wanted() {
			sent, err = t.whisper(ctx, spot{chat: at.Chat, thread: at.Thread, reply: at.Message, force: force, wanted: wanted}, p)
		}
		if err != nil {
			if t.forms.still(f, turn) {
				t.forms.end(f)
			}
			if errors.Is(err, errMovedOn) {
				q.answer(ctx, t.say(f.lang, "telegram.closed_other"), false)
			} else if ctx.Err() == nil {
				t.log.Error("a question could not be asked", "key", f.m.Key, "error", err)
				q.answer(ctx, t.say(f.lang, "telegram.press_again"), true)
			}
			return
		}
		t.posted(to, f, asked{sent.message, field}, turn, p)
		q.answer(ctx, t.say(f.lang, "telegram.answer_below"), false)
	}
	return func(context.Context) {
		to.beside(post)
		to.beside(q.hurry)
	}
}

// posted notes a question that stands in the chat. One that is not asked any more loses its buttons.
func (t *Telegram) posted(to *session, f *form, a asked, turn int, p post) {
	var live closed
	if p.keyboard != nil {
		live = closed{at: ref{chat: f.chat, message: a.message}, html: p.html, lang: f.lang}
	}
	t.forms.mu.Lock()
	f.posts = append(f.posts, a)
	now := f.turn == turn
	if now {
		f.question, f.since, f.live = a.message, time.Now(), live
	}
	t.forms.mu.Unlock()
	if !now {
		t.unbutton(to, "telegram.closed_other", "", live)
	}
}

// unbutton takes the buttons off questions that are answered or over, and says in the place of how to answer them what
// became of them, when nothing else wants the call.
func (t *Telegram) unbutton(to *session, id, what string, posts ...closed) {
	for _, c := range posts {
		if c.at.message == 0 {
			continue
		}
		html := ""
		if head := c.html[:max(strings.LastIndexByte(c.html, '\n'), 0)]; head != "" {
			html = head + "\n" + escape(t.closing(c.lang, t.say(c.lang, id, "what", cut(bot.CleanLine(what), maxButton))))
		}
		to.tidy(func(ctx context.Context) { t.strip(ctx, c.at, html) })
	}
}

// closing is the last line of a question that is over.
func (t *Telegram) closing(lang, how string) string {
	return strings.TrimSpace(t.say(lang, "telegram.closed", "how", how))
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

// asks tells whether a post of the bot asked for a field: of a form that is over, or that a restart has ended. What a card
// says may come from outside.
func (t *Telegram) asks(ctx context.Context, m *message) bool {
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(m.Text, "\u200b", "")), "\n")
	last := lines[len(lines)-1]
	for _, lang := range []string{"en", "zh"} {
		how := []string{t.say(lang, "telegram.reply_or_cancel", "cancel", cancelWord), t.say(lang, "telegram.press_or_reply")}
		if slices.Contains(how, last) || strings.HasPrefix(last, t.closing(lang, "")) {
			return !t.isCard(ctx, m)
		}
	}
	return false
}
