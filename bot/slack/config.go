// Package slack is the platform "slack": cards, buttons, forms and threads in one Slack channel, commands from anywhere in
// the workspace, by Socket Mode or by signed HTTP requests. It knows nothing of runbooks, and nothing outside of this
// folder knows Slack.
package slack

import (
	"log/slog"
	"net/http"
	"time"

	"recoverbot/bot"
)

// Config is what New needs. Label, BotToken, Channel and one of AppToken and SigningSecret are required.
type Config struct {
	BotToken      string // xoxb-…
	AppToken      string // xapp-…: Socket Mode
	SigningSecret string // HTTP mode: Handler takes what Slack sends. With both, both are open.
	Channel       string // id (C…, G…) or #name of the channel where cards are posted
	APIURL        string // default https://slack.com/api/
	// Label renders a label ("ui.slack_rest") in lang, with pairs of placeholder and value.
	Label func(lang, id string, pairs ...any) string
	// Render gives the newest message of a key, for the form of a pressed button; false: there is none.
	Render func(lang, key string) (bot.Message, bool)
	// UserID is the Slack id of a person of the fleet by name, "" for one that has none.
	UserID func(name string) string
	// Known tells whether a Slack id is of a person of the fleet; others are refused once a minute. nil: everybody is.
	Known    func(id string) bool
	Language string // of messages to everybody: en or zh
	Client   *http.Client
	Log      *slog.Logger
	Clock    func() time.Time
}
