package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"recoverbot/bot"
	"recoverbot/bot/terminal"
	"recoverbot/bot/web"
	"recoverbot/handlers"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/journal"
)

// chat is a platform outside of this machine. Handler, where there is one, takes what is sent to path.
type chat struct {
	platform bot.Platform
	path     string
	handler  http.Handler
}

// chats are all that there are; a chat that the settings do not want is empty. An error is of the settings: that a chat
// does not work keeps nothing from starting.
var chats = []func(*app) (chat, error){newSlack, newTelegram}

func (a *app) label(lang, id string, pairs ...any) string {
	return a.bundle.Printer(lang, a.set.zone).T(id, pairs...)
}

func (a *app) newConsole() (*web.Console, error) {
	c := web.Config{
		Authenticate: func(token string) (string, bool) {
			p, ok := handlers.PersonByToken(a.fleet.Now(), token)
			return p.Name, ok
		},
		Sessions: sessions{a.journal, a.fleet},
		Guesses:  a.guesses,
		Label:    a.label,
		Render:   a.render,
		Language: a.set.Language,
		Log:      a.log,
	}
	if a.fleet.Config().Drill {
		c.Watermark = a.label(a.set.Language, "view.drill")
	}
	return web.New(c)
}

func (a *app) newTerminal() *terminal.Terminal {
	return terminal.New(terminal.Config{Label: a.label, Render: a.render, Language: a.set.Language, Log: a.log})
}

// render gives a message in another language than the company's own.
func (a *app) render(lang, key string) (bot.Message, bool) {
	return a.handlers.Render(context.Background(), lang, key)
}

// sessions keeps the console's log-ins in the journal. A log-in ends when fleet.yaml no longer lists its person, or has
// another token for them.
type sessions struct {
	j     *journal.Journal
	fleet *fleet.Fleet
}

// proof names the token that a person has now; "" for none. It is no secret, and tells no more than fleet.yaml.
func (s sessions) proof(person string) string {
	p, _ := s.fleet.Now().Person(person)
	if p.TokenHash == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(strings.ToLower(p.TokenHash)))
	return hex.EncodeToString(sum[:])
}

func (s sessions) Save(ctx context.Context, x web.Session) error {
	return s.j.SaveSession(ctx, x.Hash, x.UserID, s.proof(x.UserID), x.Expires)
}

func (s sessions) Lookup(ctx context.Context, hash string) (web.Session, bool, error) {
	person, proof, ok, err := s.j.Session(ctx, hash)
	return web.Session{Hash: hash, UserID: person}, ok && proof != "" && proof == s.proof(person), err
}

func (s sessions) Delete(ctx context.Context, hash string) error { return s.j.DeleteSession(ctx, hash) }
