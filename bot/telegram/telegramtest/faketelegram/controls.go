package main

import (
	"encoding/json"
	"net/http"

	"recoverbot/bot/telegram/telegramtest"
)

// order is one thing to do.
type order struct {
	User                   string
	Chat                   int64
	Message, Reply, Thread int
	What, Text             string
	Scope, Language        string
	Fault                  telegramtest.Fault
	Topics                 []telegramtest.Topic
	Admin                  bool
}

// controls do over HTTP what people and faults do, and answer with what can be seen then.
func controls(s *telegramtest.Server) http.Handler {
	mux := http.NewServeMux()
	done := func(do func()) (any, error) { do(); return nil, nil }
	for name, do := range map[string]func(order) (any, error){
		"say":       func(o order) (any, error) { return s.Say(o.User, o.Chat, o.Text, o.Reply, o.Thread) },
		"anonymous": func(o order) (any, error) { return s.SayAnonymously(o.Chat, o.Text) },
		"start":     func(o order) (any, error) { return nil, s.StartPrivate(o.User) },
		"press":     func(o order) (any, error) { return s.Press(o.User, o.Chat, o.Message, o.What) },
		"edit":      func(o order) (any, error) { return nil, s.Edit(o.User, o.Chat, o.Message, o.Text) },
		"remove":    func(o order) (any, error) { return nil, s.Remove(o.Chat, o.Message) },
		"block":     func(o order) (any, error) { return nil, s.Block(o.User) },
		"unblock":   func(o order) (any, error) { return nil, s.Unblock(o.User) },
		"kick":      func(o order) (any, error) { return nil, s.Kick(o.Chat) },
		"invite":    func(o order) (any, error) { return nil, s.Invite(o.Chat) },
		"promote":   func(o order) (any, error) { return nil, s.Promote(o.Chat, o.Admin) },
		"arrange":   func(o order) (any, error) { return nil, s.Arrange(o.Chat, o.Topics...) },
		"migrate":   func(o order) (any, error) { return s.Migrate(o.Chat) },
		"messages":  func(o order) (any, error) { return s.Messages(o.Chat), nil },
		"toasts":    func(o order) (any, error) { return s.Toasts(o.User), nil },
		"files":     func(order) (any, error) { return s.Files(), nil },
		"commands":  func(o order) (any, error) { return s.Commands(o.Scope, o.Language), nil },
		"calls":     func(o order) (any, error) { return s.Calls(o.What), nil },
		"pending":   func(order) (any, error) { return s.Pending(), nil },
		"fail":      func(o order) (any, error) { return done(func() { s.Fail(o.Fault) }) },
		"heal":      func(order) (any, error) { return done(s.Heal) },
		"revoke":    func(order) (any, error) { return done(s.Revoke) },
		"stop":      func(order) (any, error) { return done(s.Stop) },
		"resume":    func(order) (any, error) { return nil, s.Resume() },
		"redeliver": func(order) (any, error) { return nil, s.Redeliver() },
	} {
		mux.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) {
			var o order
			if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			seen, err := do(o)
			if err != nil {
				http.Error(w, err.Error(), http.StatusConflict)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(seen) // a client that went away does not matter
		})
	}
	return mux
}
