package terminal_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/terminal"
)

// TestContract holds the terminal to what all platforms do; hostile text stays text there (fault 33).
func TestContract(t *testing.T) {
	t.Parallel()
	bottest.Exercise(t, func(t *testing.T) bottest.Harness {
		return &harness{Terminal: newTerminal(t), sent: map[string]bot.Message{}, people: map[string]*person{}}
	})
}

// harness seats people at wide screens and finds a card there by its title.
type harness struct {
	*terminal.Terminal

	mu     sync.Mutex
	sent   map[string]bot.Message
	people map[string]*person
}

type person struct {
	screen
	mu   sync.Mutex
	keys io.Writer
}

func (h *harness) Platform() bot.Platform { return h }

func (h *harness) Send(ctx context.Context, m bot.Message) (bot.Ref, error) {
	h.note(m)
	return h.Terminal.Send(ctx, m)
}

func (h *harness) Edit(ctx context.Context, ref bot.Ref, m bot.Message) error {
	h.note(m)
	return h.Terminal.Edit(ctx, ref, m)
}

func (h *harness) note(m bot.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent[m.Key] = bot.Cleaned(m)
}

// visit seats user, who sits down again whenever the bot was away.
func (h *harness) visit(t *testing.T, user string) *person {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if p, ok := h.people[user]; ok {
		return p
	}
	p := &person{}
	h.people[user] = p
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			r, w := io.Pipe()
			p.mu.Lock()
			p.keys = w
			p.mu.Unlock()
			err := h.ServeSession(ctx, r, p, terminal.SessionOptions{UserID: user, Width: 5000})
			_ = w.Close()
			if !errors.Is(err, terminal.ErrBotStopped) {
				return
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return p
}

func (h *harness) Seen(t *testing.T, key string) (string, int) {
	t.Helper()
	return h.find(h.visit(t, "ops1"), key)
}

func (h *harness) find(p *person, key string) (string, int) {
	h.mu.Lock()
	title := h.sent[key].Title
	h.mu.Unlock()
	cards := strings.Split(p.String(), "\n\n")
	for i := len(cards) - 1; i >= 0; i-- {
		if title != "" && strings.Contains(cards[i], title) {
			return cards[i], 1
		}
	}
	return "", 0
}

func (h *harness) Say(t *testing.T, user, text string) string {
	t.Helper()
	p := h.visit(t, user)
	p.await(t, 0, "recoverbot")
	from := len(p.String())
	p.mu.Lock()
	keys := p.keys
	p.mu.Unlock()
	if _, err := io.WriteString(keys, text+"\n"); err != nil {
		t.Fatal(err)
	}
	return p.await(t, from, "\n")
}

func (h *harness) Press(t *testing.T, user, key, choice string) string {
	t.Helper()
	p := h.visit(t, user)
	deadline := time.Now().Add(10 * time.Second)
	for {
		if _, n := h.find(p, key); n > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s was not shown to %s", key, user)
		}
		<-time.After(3 * time.Millisecond)
	}
	h.mu.Lock()
	code := h.sent[key].Code
	h.mu.Unlock()
	return h.Say(t, user, choice+" "+code)
}

func (h *harness) Private(t *testing.T, user string) string {
	t.Helper()
	return h.visit(t, user).String()
}
