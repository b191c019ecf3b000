// Package web is the console: a chat-like page over HTTP and server-sent events that shows the newest messages and takes
// commands and presses of people who are logged in. It knows nothing of runbooks; what it needs from outside (who a
// token belongs to, where sessions are kept, labels in both languages) is injected.
package web

import (
	"context"
	"log/slog"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/door"
)

// Config is what a Console needs. Authenticate and Label are required.
type Config struct {
	// Authenticate returns whose console token this is. It compares hashes in constant time.
	Authenticate func(token string) (userID string, ok bool)
	// Sessions keeps the log-ins; nil keeps them in memory, so that a restart logs everybody out.
	Sessions SessionStore
	// Guesses slows down wrong tokens, together with those at other doors; nil: alone.
	Guesses *door.Guesses
	// Label renders a label of the page ("ui.send") in lang, with pairs of placeholder and value.
	Label func(lang, id string, pairs ...any) string
	// Render, where set, renders the message of key in a language that is not Language; false: as it was sent.
	Render func(lang, key string) (bot.Message, bool)
	// Language is that of the messages that are sent, and the page's first one: "en" or "zh".
	Language string
	// Watermark, where set, stands in the status bar ("DRILL").
	Watermark string
	Log       *slog.Logger
	Clock     func() time.Time
}

// Session is one log-in. Hash is a hex SHA-256 over its cookies; they themselves are stored nowhere.
type Session struct {
	Hash    string
	UserID  string
	Expires time.Time
}

// SessionStore keeps log-ins. Lookup of an unknown hash, or of a log-in with a token that is not the person's any more, is
// false without an error; a store that itself forgets what has expired may leave Expires zero.
type SessionStore interface {
	Save(ctx context.Context, s Session) error
	Lookup(ctx context.Context, hash string) (Session, bool, error)
	Delete(ctx context.Context, hash string) error
}
