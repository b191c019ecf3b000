// Package terminal is the platform of last resort: the same conversation over lines of text, on a local terminal, a pipe,
// or a unix socket to a running bot. It needs no cursor, no colour and no network. It knows nothing of runbooks.
package terminal

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"recoverbot/bot"
)

// keep is how many messages a session can look back at.
const keep = 200

// Config is what a Terminal needs. Label is required.
type Config struct {
	// Label renders a label ("ui.term_hello") in lang, with pairs of placeholder and value.
	Label func(lang, id string, pairs ...any) string
	// Render, where set, renders the message of key in a language that is not Language; false: as it was sent.
	Render func(lang, key string) (bot.Message, bool)
	// Language is that of the messages that are sent.
	Language string
	Log      *slog.Logger
}

// Terminal is the platform "terminal". Sessions attach to it by ServeSession or over Listen's socket.
type Terminal struct {
	c     Config
	log   *slog.Logger
	board *bot.Board

	mu      sync.Mutex
	inbox   bot.Inbox
	started chan struct{} // closed while Run runs
	ended   chan struct{} // closed when that Run ends
}

var (
	_ bot.Platform = (*Terminal)(nil)
	_ bot.Volatile = (*Terminal)(nil)
)

// New makes the terminal.
func New(c Config) *Terminal {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Language != "zh" {
		c.Language = "en"
	}
	return &Terminal{c: c, log: c.Log, board: bot.NewBoard(keep), started: make(chan struct{})}
}

// Name is "terminal".
func (t *Terminal) Name() string { return "terminal" }

// Volatile is true: what was printed is gone with the process.
func (t *Terminal) Volatile() bool { return true }

// Run takes what people type until ctx ends, which ends the sessions too.
func (t *Terminal) Run(ctx context.Context, in bot.Inbox) error {
	ended := make(chan struct{})
	t.mu.Lock()
	t.inbox, t.ended = in, ended
	close(t.started)
	t.mu.Unlock()
	<-ctx.Done()
	t.mu.Lock()
	t.inbox, t.started = nil, make(chan struct{})
	t.mu.Unlock()
	close(ended)
	return nil
}

// Send prints a new card in every session.
func (t *Terminal) Send(_ context.Context, m bot.Message) (bot.Ref, error) {
	t.board.Put(m)
	return bot.Ref(m.Key), nil
}

// Edit prints the newer version of a card.
func (t *Terminal) Edit(_ context.Context, ref bot.Ref, m bot.Message) error {
	if string(ref) != m.Key {
		return fmt.Errorf("edit message %s at %s: %w", m.Key, ref, bot.ErrGone)
	}
	t.board.Put(m)
	return nil
}

// running waits until Run takes what people say.
func (t *Terminal) running(ctx context.Context) (bot.Inbox, <-chan struct{}, error) {
	for {
		t.mu.Lock()
		in, ended, started := t.inbox, t.ended, t.started
		t.mu.Unlock()
		if in != nil {
			return in, ended, nil
		}
		select {
		case <-started:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// in is m in lang, where it can be had.
func (t *Terminal) in(lang string, m bot.Message) bot.Message {
	if lang == t.c.Language || t.c.Render == nil {
		return m
	}
	if other, ok := t.c.Render(lang, m.Key); ok {
		return bot.Cleaned(other)
	}
	return m
}
