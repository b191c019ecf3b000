package telegram

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
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

	taking  sync.Mutex // one update is taken after the other
	mu      sync.Mutex
	chat    int64 // of cards: another than c.Chat once the group has become a supergroup
	self    tgbotapi.User
	session *session // nil while Run does not run
	trouble trouble
	lagging bool // in webhook mode: what is delivered may have waited at Telegram
	failed  int  // when Telegram could not deliver last, by its clock
}

// pace is how long things may take; tests shorten it.
type pace struct {
	every  time.Duration // between two posts or edits: a little more than the second that Telegram counts in
	group  int           // posts and edits in a group in a minute
	call   time.Duration // one call of the Bot API
	upload time.Duration // one with a file
	poll   time.Duration // how long Telegram holds a getUpdates, in whole seconds
	idle   time.Duration // after a poll that ended at once with nothing
	keep   time.Duration // journaling what was received
	toast  time.Duration // handling a press before it is answered: its spinner turns
	sure   time.Duration // within which a dangerous button is to be pressed again
	form   time.Duration // within which a form is to be filled in
	self   time.Duration // between two looks at the webhook and the token
	ailing time.Duration // how long a chat that has moved counts as broken
	retry  time.Duration // the first pause before connecting again
	retry9 time.Duration // the longest
	rate   time.Duration // to wait after a 429 that does not say how long
}

var usual = pace{
	every: 1100 * time.Millisecond, group: 20, call: 10 * time.Second, upload: 18 * time.Second, poll: 50 * time.Second, idle: 200 * time.Millisecond, keep: 1500 * time.Millisecond,
	toast: 2500 * time.Millisecond, sure: time.Minute, form: 15 * time.Minute, self: 5 * time.Minute, ailing: time.Minute,
	retry: time.Second, retry9: 30 * time.Second, rate: 5 * time.Second,
}

var (
	_ bot.Platform  = (*Telegram)(nil)
	_ bot.Budgeter  = (*Telegram)(nil)
	_ bot.Mentioner = (*Telegram)(nil)
	_ bot.Divider   = (*Telegram)(nil)
	_ bot.Answerer  = (*Telegram)(nil)
)

var (
	tokenForm  = regexp.MustCompile(`^[A-Za-z0-9:_-]+$`)
	secretForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
)

// New makes the platform and calls nobody yet. Its errors name the key of the settings that is wrong.
func New(c Config) (*Telegram, error) { return newTelegram(c, usual) }

func newTelegram(c Config, p pace) (*Telegram, error) {
	endpoint, ok := endpointOf(c.Endpoint)
	hook, err := url.Parse(c.WebhookURL)
	switch {
	case c.Token == "":
		return nil, errors.New("TELEGRAM_BOT_TOKEN is empty")
	case !tokenForm.MatchString(c.Token):
		return nil, errors.New("TELEGRAM_BOT_TOKEN is no token of @BotFather")
	case c.Chat == 0:
		return nil, errors.New("TELEGRAM_CHAT_ID is empty")
	case c.Thread < 0:
		return nil, errors.New("TELEGRAM_THREAD_ID is negative")
	case !ok:
		return nil, errors.New("TELEGRAM_API_ENDPOINT is no http or https URL")
	case err != nil || c.WebhookURL != "" && (hook.Host == "" || hook.Scheme != "https" && hook.Scheme != "http"):
		return nil, errors.New("TELEGRAM_WEBHOOK_URL is no https URL")
	case c.WebhookSecret != "" && !secretForm.MatchString(c.WebhookSecret):
		return nil, errors.New("TELEGRAM_WEBHOOK_SECRET may only hold letters, digits, _ and -")
	case c.Label == nil:
		return nil, errors.New("telegram.Config.Label is nil")
	}
	if c.WebhookSecret == "" {
		c.WebhookSecret = opaque([]byte(c.Token), "webhook")
	}
	if c.Thread == 1 {
		c.Thread = 0 // General, which has no id where one posts
	}
	if c.Language != "zh" {
		c.Language = "en"
	}
	if c.Client == nil {
		c.Client = &http.Client{Transport: lively(20*time.Second, 10*time.Second)}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Wanted == nil {
		c.Wanted = func(context.Context) ([]bot.Message, error) { return nil, nil }
	}
	if c.UserID == nil {
		c.UserID = func(string) int64 { return 0 }
	}
	if c.Known == nil {
		c.Known = func(int64) bool { return true }
	}
	silence()
	t := &Telegram{c: c, log: c.Log, endpoint: endpoint, pace: p, chat: c.Chat, secret: []byte(opaque([]byte(c.Token), "buttons"))}
	perMinute := 0
	if c.Chat < 0 {
		perMinute = p.group
	}
	t.budget = bot.NewBudget(p.every, perMinute)
	t.http = &http.Client{Transport: c.Client.Transport, Jar: c.Client.Jar, // each call has its own limit
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }} // it would be told the token
	t.r = t.speaking(c.Language)
	return t, nil
}

// endpointOf is the address of methods, with %s for the token and the method.
func endpointOf(given string) (string, bool) {
	if given == "" {
		return tgbotapi.APIEndpoint, true
	}
	if strings.Count(given, "%s") != 2 {
		given = strings.ReplaceAll(strings.TrimSuffix(given, "/"), "%", "%%") + "/bot%s/%s"
	}
	u, err := url.Parse(fmt.Sprintf(given, "token", "method"))
	return given, err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

// opaque makes a text of which nobody learns or guesses anything without the key. It has 43 letters, digits, _ and -.
func opaque(key []byte, parts ...string) string {
	mac := hmac.New(sha256.New, key)
	for _, p := range parts {
		_, _ = fmt.Fprintf(mac, "%d:%s", len(p), p) // a hash never fails
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// speaking is the renderer for people who read lang.
func (t *Telegram) speaking(lang string) renderer {
	return renderer{
		label:  func(id string, pairs ...any) string { return t.c.Label(lang, id, pairs...) },
		userID: t.c.UserID, link: t.link, id: t.buttonID,
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
	t.knock(ctx)
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
