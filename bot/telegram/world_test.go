package telegram

import (
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/telegram/telegramtest"
	"recoverbot/locale"
	"recoverbot/runbook"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		os.Exit(code)
	}))
}

// brisk is a pace for tests: nobody waits for seconds.
var brisk = pace{
	every: time.Millisecond, call: 5 * time.Second, upload: 5 * time.Second, poll: 50 * time.Second, idle: 10 * time.Millisecond, keep: 2 * time.Second,
	toast: 2500 * time.Millisecond, sure: time.Minute, form: 15 * time.Minute, self: time.Hour, ailing: 50 * time.Millisecond,
	retry: 5 * time.Millisecond, retry9: 50 * time.Millisecond, rate: 10 * time.Millisecond,
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

// checkOf is a rule of fields as the house has one.
func checkOf(lang string, f bot.Field, value string) (spelled, wrong string) {
	both := func(text string) runbook.Text { return runbook.Text{EN: text, ZH: text} }
	p := runbook.Param{Name: f.Name, Title: both(f.Heading()), Type: f.Type, Required: f.Required, Enum: f.Enum, Pattern: f.Pattern, Hint: both(f.Hint)}
	if strings.TrimSpace(value) != "" {
		p.Default = f.Value
	}
	spelled, problem := p.Answer(value)
	return spelled, catalogue().Printer(lang, time.UTC).Say(problem)
}

type logbook = bottest.Logbook

var (
	eventually = bottest.Eventually
	lackAll    = bottest.LacksAll
)

// canary is a token that no text may hold.
const canary = "1000000:canary-canary-canary-canary-canary"

// made is a platform of c, whose empty fields are filled.
func made(t *testing.T, c Config, p pace) *Telegram {
	t.Helper()
	if c.Token == "" {
		c.Token = canary
	}
	if c.Chat == 0 {
		c.Chat = telegramtest.DefaultChat
	}
	if c.Endpoint == "" {
		c.Endpoint = "http://127.0.0.1:1"
	}
	c.Label, c.Check = label, checkOf
	if c.Client == nil {
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		c.Client = &http.Client{Transport: transport}
	}
	s, err := newTelegram(c, p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
