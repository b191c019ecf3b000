package slack

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"recoverbot/bot"
	"recoverbot/locale"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		os.Exit(code)
	}))
}

// brisk is a pace for tests: nobody waits for seconds.
var brisk = pace{
	every: time.Millisecond, call: 5 * time.Second, keep: 2 * time.Second, ack: time.Second, submit: 2300 * time.Millisecond, modal: 2500 * time.Millisecond,
	ping: 30 * time.Second, auth: time.Hour, retry: 5 * time.Millisecond, longest: 50 * time.Millisecond, rate: 10 * time.Millisecond,
}

var catalogue = sync.OnceValue(func() *locale.Bundle {
	b, err := locale.Load()
	if err != nil {
		panic(err)
	}
	return b
})

func label(lang, id string, pairs ...any) string {
	return catalogue().Printer(lang, time.UTC).T(id, pairs...)
}

// logbook is a log that a test reads.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logbook) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// made is a platform of c, whose empty fields are filled.
func made(t *testing.T, c Config, p pace) *Slack {
	t.Helper()
	if c.BotToken == "" {
		c.BotToken = "xoxb-canary-bot"
	}
	if c.Channel == "" {
		c.Channel = "C0OPS"
	}
	if c.AppToken == "" && c.SigningSecret == "" {
		c.AppToken = "xapp-canary-app"
	}
	if c.APIURL == "" {
		c.APIURL = "http://127.0.0.1:1/"
	}
	c.Label = label
	if c.Client == nil {
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		c.Client = &http.Client{Transport: transport}
	}
	s, err := newSlack(c, p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// runs runs s until the test ends.
func runs(t *testing.T, s *Slack, in bot.Inbox) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx, in) }()
	stop = func() {
		cancel()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Error("Run did not end with its context")
		}
	}
	t.Cleanup(stop)
	return stop
}

// eventually waits for ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("in vain waited for: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

func lackAll(t *testing.T, where, text string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("%s holds the secret %q:\n%s", where, secret, text)
		}
	}
}
