// Command fakeslack is a Slack workspace on this machine, to try the bot or any other client against: it prints what to
// set, and people act in it on its page, or by JSON over HTTP on -control (POST /say, /slash, /click, /fail, …).
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"recoverbot/bot/slack/slacktest"
)

func main() {
	var o slacktest.Options
	flag.StringVar(&o.Addr, "addr", "127.0.0.1:3003", "listen `address`")
	flag.StringVar(&o.BotToken, "bot-token", slacktest.DefaultBotToken, "bot token that is taken")
	flag.StringVar(&o.AppToken, "app-token", slacktest.DefaultAppToken, "app token that is taken")
	flag.StringVar(&o.SigningSecret, "signing-secret", slacktest.DefaultSigningSecret, "secret that requests are signed with")
	flag.StringVar(&o.EventsURL, "events-url", "", "send signed requests to this `URL` instead of Socket Mode")
	flag.BoolVar(&o.RateLimits, "rate-limits", false, "answer 429 as Slack does")
	control := flag.String("control", "", "listen for POST /say, /slash, /click, /submit, /fail, … on this `address`")
	channels := flag.String("channels", "C0OPS:ops", "id:name of channels, separated by commas")
	users := flag.String("users", "U0OPS1:ops1,U0OPS2:ops2", "id:name of people, separated by commas")
	flag.Parse()
	for id, name := range pairs(*channels) {
		o.Channels = append(o.Channels, slacktest.Channel{ID: id, Name: name})
	}
	for id, name := range pairs(*users) {
		o.Users = append(o.Users, slacktest.User{ID: id, Name: name})
	}
	if err := run(o, *control); err != nil {
		fmt.Fprintln(os.Stderr, "fakeslack:", err)
		os.Exit(1)
	}
}

func run(o slacktest.Options, control string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := slacktest.Start(o)
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Printf("SLACK_API_URL=%s\nSLACK_BOT_TOKEN=%s\nSLACK_APP_TOKEN=%s\nSLACK_SIGNING_SECRET=%s\nhttp://%s/\n", s.URL(), o.BotToken, o.AppToken, o.SigningSecret, s.Addr())
	if control != "" {
		h := &http.Server{Addr: control, Handler: controls(s)}
		defer func() { _ = h.Close() }()
		go func() {
			if err := h.ListenAndServe(); err != nil && err != http.ErrServerClosed { //nolint:errorlint // never wrapped
				fmt.Fprintln(os.Stderr, "fakeslack: control:", err)
				stop()
			}
		}()
	}
	<-ctx.Done()
	return nil
}

// pairs yields id and name of "id:name,id:name", in order.
func pairs(list string) func(func(string, string) bool) {
	return func(yield func(string, string) bool) {
		for p := range strings.SplitSeq(list, ",") {
			id, name, _ := strings.Cut(strings.TrimSpace(p), ":")
			if id != "" && !yield(id, name) {
				return
			}
		}
	}
}

// order is one thing to do, from a form or JSON.
type order struct {
	User, Channel, TS, What, Thread, Command, Text, Reason string
	Values                                                 map[string]any
	Fault                                                  slacktest.Fault
}

// controls do over HTTP what people and faults do, and answer with what can be seen then.
func controls(s *slacktest.Server) http.Handler {
	mux := http.NewServeMux()
	orders := map[string]func(order) (any, error){
		"say":        func(o order) (any, error) { return s.Say(o.User, o.Channel, o.Thread, o.Text) },
		"slash":      func(o order) (any, error) { return nil, s.Slash(o.User, o.Channel, o.Command, o.Text) },
		"click":      func(o order) (any, error) { return nil, s.Click(o.User, o.Channel, o.TS, o.What) },
		"submit":     func(o order) (any, error) { return s.Submit(o.User, o.Values) },
		"dismiss":    func(o order) (any, error) { return nil, s.Dismiss(o.User) },
		"messages":   func(o order) (any, error) { return s.Messages(o.Channel), nil },
		"thread":     func(o order) (any, error) { return s.Thread(o.Channel, o.TS), nil },
		"private":    func(o order) (any, error) { return s.Private(o.User), nil },
		"calls":      func(o order) (any, error) { return s.Calls(o.What), nil },
		"files":      func(order) (any, error) { return s.Files(), nil },
		"fail":       func(o order) (any, error) { s.Fail(o.Fault); return nil, nil },
		"heal":       func(order) (any, error) { s.Heal(); return nil, nil },
		"disconnect": func(o order) (any, error) { s.Disconnect(o.Reason); return nil, nil },
		"drop":       func(order) (any, error) { s.Drop(); return nil, nil },
		"revoke":     func(order) (any, error) { s.Revoke(); return nil, nil },
		"redeliver":  func(order) (any, error) { return nil, s.Redeliver() },
		"stop":       func(order) (any, error) { s.Stop(); return nil, nil },
		"resume":     func(order) (any, error) { return nil, s.Resume() },
		"kick":       func(o order) (any, error) { return nil, s.Kick(o.Channel, o.User) },
		"invite":     func(o order) (any, error) { return nil, s.Invite(o.Channel, o.User) },
		"archive":    func(o order) (any, error) { return nil, s.Archive(o.Channel) },
		"verify":     func(order) (any, error) { return nil, s.Verify() },
	}
	for name, do := range orders {
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
