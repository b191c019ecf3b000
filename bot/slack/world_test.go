package slack

import (
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
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

type logbook = bottest.Logbook

var (
	eventually = bottest.Eventually
	lackAll    = bottest.LacksAll
)

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

func runs(t *testing.T, s *Slack, in bot.Inbox) (stop func()) { return bottest.Runs(t, s, in) }
