// Package telegram is the platform "telegram": cards, buttons, guided forms and commands in one Telegram chat (a group, a
// topic of a supergroup, or a private chat), by long polling or by a webhook. It knows nothing of runbooks, and nothing
// outside of this folder knows Telegram.
package telegram

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"recoverbot/bot"
)

// Config is what New needs. Token, Chat and Label are required.
type Config struct {
	Token    string // of @BotFather
	Chat     int64  // id of the chat where cards are posted; negative for groups
	Thread   int    // message_thread_id of the topic there; 0: none
	Endpoint string // default https://api.telegram.org; also with a path, or with %s for token and method
	// WebhookURL switches from long polling to a webhook at that public URL, checked by WebhookSecret.
	WebhookURL, WebhookSecret string
	// Label renders a label ("telegram.rest") in lang, with pairs of placeholder and value.
	Label func(lang, id string, pairs ...any) string
	// Wanted are the newest messages of late, to find what a button pressed after a restart stands for.
	Wanted func(ctx context.Context) ([]bot.Message, error)
	// UserID is the Telegram id of a person of the fleet by name, 0 for one that has none.
	UserID func(name string) int64
	// Known tells whether a Telegram id is of a person of the fleet: nobody else is asked anything.
	Known func(id int64) bool
	// Check holds an answer to a field against the rule that will hold for it: the answer in its one spelling, or what is
	// wanted instead, in lang. Default: whatever is answered fits.
	Check    func(lang string, f bot.Field, value string) (spelled, wrong string)
	Language string // of all that is said in Chat: en or zh
	// LanguageOf is in which a person with that Telegram id is answered in the private chat; "": in Language.
	LanguageOf func(id int64) string
	// Alone is for Check: no serve with this token is known to run, so it may look for a moment whether another program polls.
	Alone  bool
	Client *http.Client
	Log    *slog.Logger
	Clock  func() time.Time
}
