package telegram

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"recoverbot/bot"
)

const (
	maxAnswerWait = 30 * time.Second // for Telegram to take more messages
	answerTries   = 3
	strangerRest  = 24 * time.Hour
)

// origin is where a person is answered: as a reply to a message.
type origin struct {
	Chat    int64  `json:"c,omitempty"`
	Thread  int    `json:"t,omitempty"`
	Message int    `json:"m,omitempty"`
	Name    string `json:"n,omitempty"` // of whoever pressed a button there: the message is not theirs
	Author  string `json:"a,omitempty"` // the name of whoever wrote the message
	open    string // the address of the card that the answer is about, where it stands elsewhere
	paid    bool   // the call that answers there was taken
	leads   bool   // to a card: the answer buries no question
}

func (o origin) String() string {
	body, _ := json.Marshal(o) // strings and numbers can always be encoded
	return string(body)
}

// Answer answers what was kept by an earlier process.
func (t *Telegram) Answer(ctx context.Context, in bot.Inbound, r bot.Reply) error {
	var at origin
	if err := json.Unmarshal([]byte(in.Origin), &at); err != nil {
		return fmt.Errorf("read where to answer: %w", err)
	}
	return t.answer(ctx, in, at, r)
}

// tell is Answer for what was just heard.
func (t *Telegram) tell(ctx context.Context, in bot.Inbound, at origin, r bot.Reply) {
	if err := t.answer(ctx, in, at, r); err != nil && ctx.Err() == nil {
		t.log.Warn("answer could not be given", "id", in.ID, "error", err)
	}
}

// answer says r to the person who said in. What the card shows anyway, and a word to somebody unknown who had it today,
// is not worth one of twenty messages a minute.
func (t *Telegram) answer(ctx context.Context, in bot.Inbound, at origin, r bot.Reply) error {
	lang := t.speaking(t.lang(in.Language))
	if in.Action != "" && !r.Refused && r.Message == nil {
		if _, _, rest := lang.toast(r); len(rest) == 0 {
			return nil
		}
	}
	if r.Noted && at.Chat == t.home() && at.Thread == t.c.Thread { // the cards stand there
		return nil
	}
	if r.Stranger && !t.told.first(strangerTold(in.UserID), strangerRest) {
		return nil
	}
	at, r, err := t.renewed(ctx, in, at, r)
	if err != nil {
		return err
	}
	if at, r = t.lead(at, r); r.Message != nil {
		t.memory.remember(*r.Message, t.buttonID)
	}
	return t.show(ctx, in.UserID, at, lang.private(r))
}

// renewed is r when it may be said: while it waits, the run goes on, and an old card below newer ones misleads.
func (t *Telegram) renewed(ctx context.Context, in bot.Inbound, at origin, r bot.Reply) (origin, bot.Reply, error) {
	if r.Renew == nil || at.Chat != t.home() {
		return at, r, nil
	}
	if err := t.room(ctx, in.UserID); err != nil {
		return at, r, err
	}
	at.paid, r.Message = true, r.Renew(ctx)
	return at, r, nil
}

// lead makes of a reply whose card stands in the chat one that leads there: a copy would go on asking when it is answered.
func (t *Telegram) lead(at origin, r bot.Reply) (origin, bot.Reply) {
	if r.Message == nil || at.Chat != t.home() {
		return at, r
	}
	card := parseRef(r.Message.OfRef)
	if card.chat != at.Chat {
		return at, r
	}
	if at.Thread == t.c.Thread {
		at.Message, at.Name, at.leads = card.message, cmp.Or(at.Name, at.Author), true
	} else { // a reply to the card would stand in its topic, where nobody asked
		at.open = t.link(r.Message.OfRef)
	}
	r.Text, r.Message = strings.TrimSpace(r.Aside()+"\n"+bot.Headline(bot.Cleaned(*r.Message))), nil
	return at, r
}

func strangerTold(id string) string { return "stranger " + id }

// show shows posts to one person, as replies.
func (t *Telegram) show(ctx context.Context, user string, at origin, posts []post) error {
	for _, p := range posts {
		if p.fileName == "" {
			p.html = calling(user, at, p.html) + t.speaking(t.c.Language).opening(at.open)
		}
		if _, err := t.whisper(ctx, spot{chat: at.Chat, thread: at.Thread, reply: at.Message, who: user, paid: at.paid, leads: at.leads}, p); err != nil {
			return err
		}
		at.paid = false
	}
	return nil
}

// calling begins html with the person's name where the message that it replies to is not theirs.
func calling(user string, at origin, html string) string {
	id, err := strconv.ParseInt(user, 10, 64)
	if err != nil || at.Name == "" || private(at.Chat) {
		return html
	}
	with := person(id, at.Name) + ": " + html
	if units(with) > maxMessage {
		return html
	}
	return with
}

// whisper posts p within the budget of the chat, and again where Telegram asks to wait.
func (t *Telegram) whisper(ctx context.Context, at spot, p post) (ref, error) {
	for n := 1; ; n++ {
		if at.chat == t.home() && (n > 1 || !at.paid) {
			if err := t.room(ctx, at.who); err != nil {
				return ref{}, err
			}
		}
		if at.wanted != nil && !at.wanted() {
			return ref{}, errMovedOn
		}
		sent, err := t.send(ctx, at, p)
		if err == nil && at.chat == t.home() && !at.leads {
			t.budget.Posted()
		}
		var later *bot.Later
		if !errors.As(err, &later) || n == answerTries || later.After > maxAnswerWait {
			return sent, err
		}
		select {
		case <-ctx.Done():
			return ref{}, ctx.Err()
		case <-time.After(later.After):
		}
	}
}

// room waits for a call that answers somebody, or asks: then somebody waits for it.
func (t *Telegram) room(ctx context.Context, who string) error {
	if who == "" {
		return t.budget.Wait(ctx, bot.Prompt)
	}
	return t.budget.Answer(ctx, who)
}

func (t *Telegram) lang(lang string) string {
	if lang == "" {
		return t.c.Language
	}
	return lang
}
