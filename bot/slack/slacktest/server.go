// Package slacktest is a small faithful Slack: a real HTTP and WebSocket server on loopback that real clients are pointed
// at by their base URL. It keeps Slack's rules, so that what it takes Slack takes too: limits and required fields of
// blocks, membership, scopes, tokens, one-use trigger ids and response URLs, acknowledgement within three seconds and
// redelivery. Tests act as people (Say, Slash, Click, Submit), read what people see (Messages, Thread, Private, Plain) and
// break things (Fail, Drop, Stop, Revoke). It knows nothing of the bot that is tested.
//
// Nothing here waits for a fixed time: a test waits with Until, which looks again after every change.
package slacktest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options say what the workspace looks like. Every field has a default.
type Options struct {
	Addr          string // default 127.0.0.1:0
	BotToken      string // default DefaultBotToken
	AppToken      string // default DefaultAppToken
	SigningSecret string // default DefaultSigningSecret
	Team          string // id, default T0RECOVER
	BotUser       string // id of the bot's user, default U0BOT
	BotName       string // default recoverbot
	App           string // id, default A0RECOVER
	// Channels default to C0OPS, "ops", of which everybody is a member.
	Channels []Channel
	// Users default to U0OPS1 "ops1" and U0OPS2 "ops2"; the bot's user is always added.
	Users []User
	// EventsURL takes events, slash commands and interactions as signed requests. "": they go by Socket Mode.
	EventsURL string
	// Scopes of the bot token default to AllScopes.
	Scopes []string
	// AckWithin is how long the app may take to acknowledge (3 s), TriggerLife how long a trigger_id is good for (3 s),
	// AnswerLife a response_url (30 min), PingEvery the WebSocket pings of the server (10 s).
	AckWithin, TriggerLife, AnswerLife, PingEvery time.Duration
	// Retries are the pauses before the redeliveries of an event that was not acknowledged: 0, 1 min and 5 min by default.
	Retries []time.Duration
	// RateLimits answers 429 as Slack does: one post a second to a channel, and so many calls of a method a minute.
	RateLimits bool
	Clock      func() time.Time
}

// The tokens and the secret of a Server whose Options name none.
const (
	DefaultBotToken      = "xoxb-1-test"
	DefaultAppToken      = "xapp-1-test"
	DefaultSigningSecret = "0123456789abcdef0123456789abcdef"
)

// Server is one workspace with one installed app. Its methods may be called from any goroutine.
type Server struct {
	opts Options
	mux  *http.ServeMux
	addr string
	ctx  context.Context // ends with Close
	end  context.CancelFunc
	work sync.WaitGroup

	mu      sync.Mutex
	changed chan struct{}
	http    *http.Server // nil while stopped
	world
	calls  []Call
	faults []*Fault
	gone   bool // the tokens are revoked
	limits limiter
	wire
}

// Start serves a new workspace until Close.
func Start(o Options) (*Server, error) {
	o.fill()
	ctx, end := context.WithCancel(context.Background())
	s := &Server{opts: o, mux: http.NewServeMux(), ctx: ctx, end: end, changed: make(chan struct{})}
	s.world.fill(o)
	s.wire.fill(o)
	s.routes()
	if err := s.listen(o.Addr); err != nil {
		end()
		return nil, err
	}
	return s, nil
}

func (o *Options) fill() {
	text := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	text(&o.Addr, "127.0.0.1:0")
	text(&o.BotToken, DefaultBotToken)
	text(&o.AppToken, DefaultAppToken)
	text(&o.SigningSecret, DefaultSigningSecret)
	text(&o.Team, "T0RECOVER")
	text(&o.BotUser, "U0BOT")
	text(&o.BotName, "recoverbot")
	text(&o.App, "A0RECOVER")
	span := func(p *time.Duration, v time.Duration) {
		if *p == 0 {
			*p = v
		}
	}
	span(&o.AckWithin, 3*time.Second)
	span(&o.TriggerLife, 3*time.Second)
	span(&o.AnswerLife, 30*time.Minute)
	span(&o.PingEvery, 10*time.Second)
	if o.Retries == nil {
		o.Retries = []time.Duration{0, time.Minute, 5 * time.Minute}
	}
	if o.Scopes == nil {
		o.Scopes = AllScopes()
	}
	if o.Users == nil {
		o.Users = []User{{ID: "U0OPS1", Name: "ops1"}, {ID: "U0OPS2", Name: "ops2"}}
	}
	if o.Channels == nil {
		o.Channels = []Channel{{ID: "C0OPS", Name: "ops"}}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
}

func (s *Server) listen(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen as Slack: %w", err)
	}
	// Without HTTP/2, so that every fault can simply cut a connection.
	h := &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second, TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}}
	s.mu.Lock()
	s.addr, s.http = l.Addr().String(), h
	s.mu.Unlock()
	s.work.Go(func() {
		if err := h.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			panic(err)
		}
	})
	return nil
}

// URL is the base of the Web API, with a slash at its end: what clients take as SLACK_API_URL.
func (s *Server) URL() string { return "http://" + s.Addr() + "/api/" }

// Addr is the host and port that the server listens on. It stays the same across Stop and Resume.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr
}

// Close ends every connection and waits for all goroutines of the server. Again, it does nothing.
func (s *Server) Close() {
	s.mu.Lock()
	s.end()
	s.mu.Unlock()
	s.Stop()
	s.giveUp()
	s.work.Wait()
}

// serve hands a request on; Close waits for it.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		panic(http.ErrAbortHandler)
	}
	defer s.work.Done()
	s.mux.ServeHTTP(w, r)
}

// enter counts a goroutine that Close waits for, unless the server is closed.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return false
	}
	s.work.Add(1)
	return true
}

// Changed is closed at the next change: a message, an answer, a connection, an acknowledgement, a call.
func (s *Server) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// Until looks at ok after every change until it is true, or ctx ends.
func (s *Server) Until(ctx context.Context, ok func() bool) error {
	for {
		c := s.Changed()
		if ok() {
			return nil
		}
		select {
		case <-c:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// change wakes everybody who waits for Changed; s.mu is held.
func (s *Server) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}
