package telegram

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"recoverbot/bot"
)

// Telegram is the platform "telegram". It is no bot.Finder, since a bot cannot search a chat: where the answer to a post
// is lost, the card may stand there twice. Both have the same buttons, which are taken once; only the newer is edited.
type Telegram struct {
	c        Config
	log      *slog.Logger
	http     *http.Client
	endpoint string
	secret   []byte // makes the ids of buttons
	r        renderer
	pace     pace
	budget   *bot.Budget // of the chat of cards

	memory memory
	forms  forms
	armed  once // who was asked whether they are sure, of which button
	told   once // what need not be said again
	seen   once // updates that were worked on

	taking    sync.Mutex // one update is taken after the other
	mu        sync.Mutex
	chat      int64 // of cards: another than c.Chat once the group has become a supergroup
	found     bool  // Telegram has said that this is the chat
	self      tgbotapi.User
	session   *session // nil while Run does not run
	presented bool     // the menu of commands is set
	trouble   trouble
	lagging   bool          // in webhook mode: what is delivered may have waited at Telegram
	failed    int           // when Telegram could not deliver last, by its clock
	ahead     time.Duration // of this machine's clock to Telegram's
}

var (
	_ bot.Platform  = (*Telegram)(nil)
	_ bot.Budgeter  = (*Telegram)(nil)
	_ bot.Mentioner = (*Telegram)(nil)
	_ bot.Divider   = (*Telegram)(nil)
	_ bot.Mover     = (*Telegram)(nil)
	_ bot.Flat      = (*Telegram)(nil)
	_ bot.Answerer  = (*Telegram)(nil)
)

// speaking is the renderer for people who read lang.
func (t *Telegram) speaking(lang string) renderer {
	return renderer{
		label:  func(id string, pairs ...any) string { return t.c.Label(lang, id, pairs...) },
		userID: t.c.UserID, link: t.link, id: t.buttonID,
		check: func(f bot.Field, value string) (string, string) { return t.c.Check(lang, f, value) },
	}
}

// buttonID is what a button of the message key sends when it is pressed. It says nothing, and nobody else can make one.
func (t *Telegram) buttonID(key string, b bot.Button) string { return opaque(t.secret, key, b.Action) }

// Name is "telegram".
func (t *Telegram) Name() string { return "telegram" }

// Budget is one call a second, and 20 a minute in a group, of the chat of cards. Answers to people are taken from it too.
func (t *Telegram) Budget() *bot.Budget { return t.budget }

// Mentions is true: an edit buzzes nobody.
func (t *Telegram) Mentions() bool { return true }

// Flat is true: a reply stands below everything else.
func (t *Telegram) Flat() bool { return true }

// Divide returns what of m its card cannot hold, to stand below it.
func (t *Telegram) Divide(m bot.Message) []bot.Message { return t.r.divide(m) }

func (t *Telegram) label(id string, pairs ...any) string {
	return t.c.Label(t.c.Language, id, pairs...)
}

// home is the chat of cards.
func (t *Telegram) home() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.chat
}

// who is the bot itself, once Run has asked.
func (t *Telegram) who() tgbotapi.User {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.self
}

// Run hears people until ctx ends, then waits for what they began. It ends earlier only by a *bot.Fault: a token that
// Telegram refuses, or another program that polls with it.
func (t *Telegram) Run(ctx context.Context, in bot.Inbox) error {
	if err := t.again(ctx, in, func(ctx context.Context) (bool, error) { return false, t.introduce(ctx) }); err != nil || ctx.Err() != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	session, end := newSession(ctx, in, t.log)
	t.mu.Lock()
	t.session, t.lagging = session, true
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		t.session = nil
		t.mu.Unlock()
		cancel()
		end()
	}()
	session.beside(t.present)
	_ = t.knock(ctx) // said already
	if t.c.WebhookURL != "" {
		return t.listen(ctx, in)
	}
	return t.poll(ctx, session)
}

// again repeats f, which connects to Telegram.
func (t *Telegram) again(ctx context.Context, in bot.Inbox, f func(context.Context) (worked bool, err error)) error {
	return bot.Again(ctx, in, t.log, t.pace.retry, t.pace.retry9, f)
}

// introduce asks Telegram who the bot is, which also tells whether the token works.
func (t *Telegram) introduce(ctx context.Context) error {
	var me tgbotapi.User
	if err := t.call(ctx, "getMe", t.pace.call, nil, &me); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.self = me
	return nil
}

// link is the address of a card for people who are in the chat; "" where messages have none: only supergroups have.
func (t *Telegram) link(r bot.Ref) string {
	at := parseRef(r)
	const super = -1000000000000
	if at.message == 0 || at.chat > super {
		return ""
	}
	if t.c.Thread != 0 {
		return fmt.Sprintf("https://t.me/c/%d/%d/%d", super-at.chat, t.c.Thread, at.message)
	}
	return fmt.Sprintf("https://t.me/c/%d/%d", super-at.chat, at.message)
}
