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
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"recoverbot/bot"
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
		c.Client = &http.Client{Transport: bot.Lively()}
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
	if c.LanguageOf == nil {
		c.LanguageOf = func(int64) string { return "" }
	}
	if c.Check == nil {
		c.Check = func(_ string, _ bot.Field, value string) (string, string) { return value, "" }
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
