package telegram

import (
	"cmp"
	"context"
	"strconv"
	"sync"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"recoverbot/bot"
)

// untakenRest is how long one word is enough about all presses of a person that waited.
const untakenRest = 10 * time.Minute

// longAgo is when a button was pressed at a message that Telegram does not show any more.
const longAgo = 48 * time.Hour

// query is a press whose spinner turns. It can be answered once, and not for long.
type query struct {
	t    *Telegram
	id   string
	lang string
	mu   sync.Mutex
	done bool
	over chan struct{} // closed when it is answered
	soon string        // what is said where it takes long; "": that it was received
}

// answer ends the spinner with text: a line for a moment, or a box that waits to be read. False: the person does not see it.
func (q *query) answer(ctx context.Context, text string, alert bool) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.done {
		return false
	}
	q.done = true
	close(q.over)
	params := tgbotapi.Params{"callback_query_id": q.id}
	params.AddNonEmpty("text", bot.Cut(bot.Clean(text), maxToast, utf16Units))
	params.AddBool("show_alert", alert && text != "")
	err := q.t.call(ctx, "answerCallbackQuery", q.t.pace.call, params, nil)
	if no := refused(err); err != nil && !says(no, "query is too old") && ctx.Err() == nil {
		q.t.log.Warn("a press could not be answered", "error", err)
	}
	return err == nil
}

// received is answer where it is not known yet, or not here, what came of the press.
func (q *query) received(ctx context.Context) bool {
	return q.answer(ctx, q.t.say(q.lang, cmp.Or(q.soon, "telegram.received")), false)
}

// receivedSoon is received while others wait for what it finds out.
func (q *query) receivedSoon(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, q.t.pace.toast)
	defer cancel()
	return q.received(ctx)
}

// hurry answers q when what it asks for takes long.
func (q *query) hurry(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-q.over:
	case <-time.After(q.t.pace.toast):
		q.received(ctx)
	}
}

// pressed takes a press: a button of a form or of a card. late: nobody knows when it was pressed.
func (t *Telegram) pressed(ctx context.Context, to *session, u incoming, late bool) (func(context.Context), error) {
	p := u.Press
	lang := t.c.Language
	if p.Message != nil {
		lang = t.language(p.Message.Chat.ID, p.From.ID)
	}
	q := &query{t: t, id: p.ID, lang: lang, over: make(chan struct{})}
	box := func(id string, pairs ...any) func(context.Context) {
		return func(ctx context.Context) { q.answer(ctx, t.say(lang, id, pairs...), true) }
	}
	m := p.Message
	if m == nil || m.Chat.ID != t.home() && m.Chat.ID != p.From.ID {
		return box("telegram.old_button"), nil
	}
	if !t.c.Known(p.From.ID) { // what is kept of whom nobody knows would fill the journal
		return box("cmd.stranger", "platform", t.Name(), "id", idOf(p.From.ID)), nil
	}
	at := origin{Chat: m.Chat.ID, Thread: m.topic(), Message: m.ID, Name: p.From.FirstName}
	in := bot.Inbound{Platform: t.Name(), UserID: idOf(p.From.ID), ID: t.updateID(u), Origin: at.String(), Language: lang, At: u.at}
	if f, _, ok := t.forms.of(p.From.ID, m.Chat.ID); ok {
		if a, ok := t.choice(f, p.Data); ok {
			if late {
				if _, err := t.date(ctx, q, &in, m); err != nil {
					return nil, err
				}
			}
			return t.picked(ctx, to, f, q, a, in, at)
		}
		if _, ok := t.forms.asked(f, m.ID); ok {
			t.unbutton(to, "", "", closed{at: ref{chat: m.Chat.ID, message: m.ID}})
			return box("telegram.answered_already"), nil
		}
	}
	if f, ok := t.forms.at(m.Chat.ID, m.ID); ok && f.user != p.From.ID {
		return box("telegram.not_yours"), nil
	}
	found, ok, err := t.button(ctx, p.Data)
	if err != nil {
		return nil, err
	}
	if !ok && t.asks(ctx, m) {
		t.unbutton(to, "telegram.closed_over", "", closed{at: ref{chat: m.Chat.ID, message: m.ID}, html: escape(m.Text), lang: lang})
		return box("telegram.question_over"), nil
	}
	if !ok {
		return box("telegram.old_button"), nil
	}
	stands, err := t.stands(ctx, found.m, found.b.Action)
	if err != nil {
		return nil, err
	}
	if in.Old = !stands; in.Old { // asking costs messages: what decides nothing is answered at once
		found.b = bot.Button{Action: found.b.Action}
	}
	sure := "sure " + in.UserID + " " + p.Data
	question := found.b.Sure(t.speaking(t.lang(lang)).label)
	if question != "" && (late || !t.armed.hadBy(sure, u.came)) { // what came together was not pressed after an answer
		return func(ctx context.Context) {
			if q.answer(ctx, t.confirm(lang, question), true) { // who did not see the question has not answered it
				t.armed.mark(sure, t.pace.sure)
			} else if late {
				t.untaken(to, in, at)
			}
		}, nil
	}
	asks := found.b.Asks()
	if asks {
		q.soon = "telegram.answer_below"
	}
	if late {
		fresh, err := t.date(ctx, q, &in, m)
		if err != nil {
			return nil, err
		}
		if asks && !fresh { // nobody waits for a question any more
			return func(context.Context) { t.untaken(to, in, at) }, nil
		}
	}
	in.Action = found.b.Action
	if asks {
		fields := t.speaking(t.lang(lang)).asked(found.m, found.b)
		return t.begin(to, &form{user: p.From.ID, chat: m.Chat.ID, m: found.m, b: found.b, lang: lang, fields: fields}, at, q), nil
	}
	todo, err := t.act(ctx, to, q, in, at)
	if err == nil {
		t.armed.forget(sure)
		if in.Old {
			t.bare(to, found.m.Key, m)
		}
	}
	return todo, err
}

// untaken tells somebody, once, that a press which waited too long to be asked about did nothing.
func (t *Telegram) untaken(to *session, in bot.Inbound, at origin) {
	if t.told.first("untaken "+in.UserID, untakenRest) {
		to.beside(func(ctx context.Context) {
			t.tell(ctx, in, at, bot.Reply{Text: t.say(in.Language, "telegram.untaken"), Refused: true})
		})
	}
}

// date says when a press that waited was made: now where its spinner turns still (fresh), else m is all that tells.
func (t *Telegram) date(ctx context.Context, q *query, in *bot.Inbound, m *message) (fresh bool, err error) {
	if q.receivedSoon(ctx) || ctx.Err() != nil {
		return ctx.Err() == nil, ctx.Err()
	}
	if m.Date == 0 {
		in.At = in.At.Add(-longAgo)
	} else {
		in.At = time.Unix(max(m.Date, m.Edited), 0)
	}
	return false, nil
}

// confirm asks whether the person is sure.
func (t *Telegram) confirm(lang, what string) string {
	again := "\n" + t.say(lang, "telegram.press_twice", "seconds", int(t.pace.sure/time.Second))
	return bot.Cut(bot.Clean(what), maxToast-units(again), utf16Units) + again
}

// act keeps a decision, and handles it.
func (t *Telegram) act(ctx context.Context, to *session, q *query, in bot.Inbound, at origin) (func(context.Context), error) {
	fresh, err := t.keep(ctx, to, in, func(ctx context.Context, r bot.Reply) { q.answer(ctx, r.Text, true) })
	if err != nil {
		return nil, err
	}
	if !fresh {
		return func(ctx context.Context) { q.received(ctx) }, nil
	}
	to.beside(q.hurry)
	return func(ctx context.Context) {
		r := to.in.Handle(ctx, in)
		if ctx.Err() == nil {
			t.settle(ctx, to, q, in, at, r)
		}
	}, nil
}

// settle answers a press: as much as possible in its box, which costs no message.
func (t *Telegram) settle(ctx context.Context, to *session, q *query, in bot.Inbound, at origin, r bot.Reply) {
	at, led := t.lead(at, r)
	text, alert, rest := t.speaking(t.lang(in.Language)).toast(led)
	if !q.answer(ctx, cmp.Or(text, t.say(q.lang, "telegram.received")), alert || in.Old) {
		to.beside(func(ctx context.Context) { t.tell(ctx, in, at, r) })
		return
	}
	if len(rest) == 0 {
		return
	}
	to.beside(func(ctx context.Context) {
		at, r, err := t.renewed(ctx, in, at, r)
		if err == nil {
			if at, r = t.lead(at, r); r.Message != nil {
				t.memory.remember(*r.Message, t.buttonID)
			}
			_, _, rest := t.speaking(t.lang(in.Language)).toast(r) // a card that stands in the chat by now was led to
			err = t.show(ctx, in.UserID, at, rest)
		}
		if err != nil && ctx.Err() == nil {
			t.log.Warn("answer could not be given", "id", in.ID, "error", err)
		}
	})
}

// bareWait is how long the buttons of a copy may wait for a call that nothing else wants.
const bareWait = 5 * time.Minute

// bare takes the buttons from a copy of a card that has moved on: a post whose answer was lost, or what somebody was shown.
// The card itself is edited by the hub.
func (t *Telegram) bare(to *session, key string, m *message) {
	at := ref{chat: m.Chat.ID, message: m.ID}
	is, known := t.memory.isCard(key, at)
	answers := m.ReplyTo != nil && m.ReplyTo.ID != m.topic() // so does what stands in a topic, to its beginning
	if is || !known && !answers || !t.told.first("bare "+string(at.Ref()), time.Hour) {
		return
	}
	to.tidy(func(ctx context.Context) { t.strip(ctx, at, "") })
}

// strip takes the buttons from a post, when nothing else wants the call. html is its new text; "": it keeps the old one.
func (t *Telegram) strip(ctx context.Context, at ref, html string) {
	ctx, cancel := context.WithTimeout(ctx, bareWait)
	defer cancel()
	if at.chat == t.home() && t.budget.Wait(ctx, bot.Ticker) != nil {
		return
	}
	params := tgbotapi.Params{"chat_id": idOf(at.chat), "message_id": strconv.Itoa(at.message)}
	method, err := "editMessageReplyMarkup", error(nil)
	if html != "" {
		method, err = "editMessageText", post{html: html}.fill(params)
	}
	if err == nil {
		err = t.call(ctx, method, t.pace.call, params, nil)
	}
	if err != nil && ctx.Err() == nil && !says(refused(err), "message is not modified") {
		t.log.Info("a post that is over keeps its buttons", "message", at.message, "error", err)
	}
}
