package telegramtest

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// DefaultToken is the token of a Server whose Options name none.
const DefaultToken = "1000000:test-token-of-a-bot_0123456789abcde"

// DefaultChat is the supergroup of a Server whose Options name no chats.
const DefaultChat int64 = -1001000000001

// Options say what this Telegram looks like. Every field has a default.
type Options struct {
	Addr    string // default 127.0.0.1:0
	Token   string // default DefaultToken
	BotID   int64  // default: the digits of Token before the colon
	BotName string // without @, default recover_bot
	// Chats default to DefaultChat, a supergroup "ops". Private chats need not be listed: their id is the person's.
	Chats []Chat
	// Users default to 1001 "ops1" and 1002 "ops2".
	Users []User
	// SeesAll turns the privacy mode off: the bot sees every message of its groups.
	SeesAll bool
	// RateLimits answers 429 as Telegram does: in any second one message or edit to a chat, in any minute 20 to a group.
	RateLimits bool
	// ChatBurst is how many a chat takes at once where RateLimits is set (n in any n seconds); default 1, the strictest.
	ChatBurst int
	// GroupPerMinute is the limit of a group where RateLimits is set; default 20.
	GroupPerMinute int
	// MaxFile is how many bytes a document may have; default 50 MiB.
	MaxFile int64
	// CallbackLife is how long a press can be answered; default 15 s.
	CallbackLife time.Duration
	// WebhookRetries are the pauses before an update is sent to a webhook again, the last one forever; default 1 s, 5 s, 1 min.
	WebhookRetries []time.Duration
	Clock          func() time.Time
}

// Server is one Telegram with one bot. Its methods may be called from any goroutine.
type Server struct {
	opts Options
	mux  *http.ServeMux
	loopback

	mu sync.Mutex
	world
	updates
	calls  []Call
	faults []*Fault
	gone   bool // the token is revoked
	limits map[int64][]time.Time
}

// Start serves a new Telegram until Close.
func Start(o Options) (*Server, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	s := &Server{opts: o, mux: http.NewServeMux(), limits: map[int64][]time.Time{}}
	s.world.fill(o)
	s.updates.fill()
	s.routes()
	if err := s.loopback.start(o.Addr, s.mux); err != nil {
		return nil, err
	}
	return s, nil
}

// URL is the base of the Bot API, without a slash at its end: what the bot takes as TELEGRAM_API_ENDPOINT. Below it are
// /bot<token>/METHOD and /file/bot<token>/PATH.
func (s *Server) URL() string { return "http://" + s.Addr() }

// Close ends every connection and waits for all goroutines of the server. Again, it does nothing.
func (s *Server) Close() { s.loopback.close() }

// Stop is an outage: every connection ends and nothing listens until Resume.
func (s *Server) Stop() { s.loopback.stop() }

// Resume listens again, on the same port. What hung while it stopped has ended.
func (s *Server) Resume() error { return s.loopback.resume(s.mux) }

// Changed is closed at the next change: a message, an edit, a press, a toast, a confirmation, a call.
func (s *Server) Changed() <-chan struct{} { return s.loopback.next() }

// Until looks at ok after every change until it is true, or ctx ends.
func (s *Server) Until(ctx context.Context, ok func() bool) error { return s.loopback.until(ctx, ok) }
