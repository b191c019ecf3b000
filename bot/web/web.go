package web

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/door"
)

// keep is how many messages a page shows; older ones are found by the history command.
const keep = 500

// Console is the platform "web" and its http.Handler.
type Console struct {
	c     Config
	log   *slog.Logger
	clock func() time.Time
	epoch string // tells a page that the bot was restarted, so that sequence numbers began anew
	pages *pages

	streams door.Streams

	board *bot.Board

	mu    sync.Mutex
	inbox bot.Inbox
	ended chan struct{} // closed when Run ends; nil while it does not run
}

var (
	_ bot.Platform = (*Console)(nil)
	_ bot.Volatile = (*Console)(nil)
)

// New makes the console. Its Handler answers at once; presses are taken while Run runs.
func New(c Config) (*Console, error) {
	if c.Sessions == nil {
		c.Sessions = &memorySessions{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Guesses == nil {
		c.Guesses = door.NewGuesses(c.Log, c.Clock)
	}
	if c.Language != "zh" {
		c.Language = "en"
	}
	p, err := loadPages(c)
	if err != nil {
		return nil, fmt.Errorf("load the console's pages: %w", err)
	}
	return &Console{c: c, log: c.Log, clock: c.Clock, epoch: rand.Text(), pages: p,
		board: bot.NewBoard(keep)}, nil
}

// Name is "web".
func (w *Console) Name() string { return "web" }

// Volatile is true: the cards live in memory and are sent again after a restart.
func (w *Console) Volatile() bool { return true }

// Run takes what people say until ctx ends, then ends all event streams.
func (w *Console) Run(ctx context.Context, in bot.Inbox) error {
	ended := make(chan struct{})
	w.mu.Lock()
	w.inbox, w.ended = in, ended
	w.mu.Unlock()
	<-ctx.Done()
	w.mu.Lock()
	w.inbox, w.ended = nil, nil
	w.mu.Unlock()
	close(ended)
	return nil
}

// Send shows a new card.
func (w *Console) Send(_ context.Context, m bot.Message) (bot.Ref, error) {
	w.board.Put(m)
	return bot.Ref(m.Key), nil
}

// Edit shows the newer version of a card in place.
func (w *Console) Edit(_ context.Context, ref bot.Ref, m bot.Message) error {
	if string(ref) != m.Key {
		return fmt.Errorf("edit message %s at %s: %w", m.Key, ref, bot.ErrGone)
	}
	w.board.Put(m)
	return nil
}

func (w *Console) running() (bot.Inbox, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.inbox, w.ended
}

// Handler serves the page, its events and its answers. Mount it at "/"; it answers 404 to what it does not know.
func (w *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", w.page)
	mux.HandleFunc("GET /static/{file}", w.pages.static)
	mux.HandleFunc("POST /login", w.login)
	mux.HandleFunc("POST /logout", w.logout)
	mux.HandleFunc("GET /console/events", w.events)
	mux.HandleFunc("POST /console/say", w.answer)
	mux.HandleFunc("POST /console/press", w.answer)
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.fail(rw, r, http.StatusForbidden, "ui.cross_origin")
	}))
	return door.Headers(policy(guard.Handler(mux)))
}

// policy forbids everything that the page does not need: nothing inline, nothing from elsewhere, no frame around it.
func policy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		next.ServeHTTP(rw, r)
	})
}
