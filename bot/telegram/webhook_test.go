package telegram

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/telegram/telegramtest"
)

// TestForgedRequests: what does not carry the secret of the webhook, and all of it, is not read (fault 36).
func TestForgedRequests(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{}
	w := newTown(t, world{webhook: true})
	bottest.Runs(t, w.t, in)
	w.connected(t)
	polls := made(t, Config{WebhookSecret: "sesame"}, brisk)
	secret := w.t.c.WebhookSecret
	const body = `{"update_id":7,"message":{"message_id":1,"from":{"id":1001},"chat":{"id":-1001000000001,"type":"supergroup"},"text":"/recover"}}`
	for name, c := range map[string]struct {
		to     *Telegram
		method string
		secret string
		body   string
		want   int
	}{
		"no secret":       {w.t, http.MethodPost, "", body, 403},
		"half a secret":   {w.t, http.MethodPost, secret[:len(secret)/2], body, 403},
		"deep JSON":       {w.t, http.MethodPost, secret, strings.Repeat("[", maxBody/2), 400},
		"another secret":  {w.t, http.MethodPost, secret + "x", body, 403},
		"by GET":          {w.t, http.MethodGet, secret, body, 405},
		"too much":        {w.t, http.MethodPost, secret, strings.Repeat(" ", maxBody) + body, 413},
		"no JSON":         {w.t, http.MethodPost, secret, "x", 400},
		"no update":       {w.t, http.MethodPost, secret, "{}", 400},
		"while it polls":  {polls, http.MethodPost, "sesame", body, 403},
		"before it runs":  {made(t, Config{WebhookURL: "https://bot.example.com/telegram/", WebhookSecret: "sesame"}, brisk), http.MethodPost, "sesame", body, 503},
		"the token alone": {w.t, http.MethodPost, canary, body, 403},
	} {
		r := httptest.NewRequest(c.method, "/telegram/", strings.NewReader(c.body))
		r.Header.Set("X-Telegram-Bot-Api-Secret-Token", c.secret)
		rw := httptest.NewRecorder()
		c.to.Handler().ServeHTTP(rw, r)
		if rw.Code != c.want {
			t.Errorf("%s: %d, not %d", name, rw.Code, c.want)
		}
		lackAll(t, name, rw.Body.String(), append(secrets, secret)...)
	}
	if said := in.Said(); len(said) != 0 {
		t.Errorf("heard was %+v", said)
	}
}

func TestWebhookIsNotTakenBeforeItIsKept(t *testing.T) {
	t.Parallel()
	in := &full{Inbox: &bottest.Inbox{}}
	w := newTown(t, world{webhook: true, fake: telegramtest.Options{WebhookRetries: brief}})
	bottest.Runs(t, w.t, in)
	w.post(t, bottest.Card("k1", 1))
	if got := w.Press(t, "ops1", "k1", "approve"); !strings.Contains(got, "cannot write its journal") {
		t.Errorf("the person was told %q", got)
	}
	eventually(t, "more tries", func() bool { return in.tries.Load() > 1 })
	in.healed.Store(true)
	eventually(t, "the press", func() bool { return len(in.Said()) == 1 })
	w.until(t, "a confirmation", func() bool { return w.srv.Pending() == 0 })
}

var brief = []time.Duration{time.Millisecond}

func TestWebhookThatTelegramRefuses(t *testing.T) {
	t.Parallel()
	w := newTown(t, world{webhook: true})
	w.srv.Fail(telegramtest.Fault{Method: "setWebhook", Code: "Bad Request: bad webhook: An HTTPS URL must be provided for webhook"})
	fault := (*bot.Fault)(nil)
	if err := w.t.Run(t.Context(), &bottest.Inbox{}); !errors.As(err, &fault) || !strings.Contains(fault.Text, "An HTTPS URL must be provided") {
		t.Errorf("Run ends with %v", err)
	}
}

func TestTokenIsLookedAt(t *testing.T) {
	t.Parallel()
	w := newTown(t, world{webhook: true, pace: func(p *pace) { p.self = 1 }})
	ended := make(chan error, 1)
	go func() { ended <- w.t.Run(t.Context(), &bottest.Inbox{}) }()
	w.connected(t)
	w.srv.Revoke()
	fault := (*bot.Fault)(nil)
	if err := <-ended; !errors.As(err, &fault) || !strings.Contains(fault.Text, "TELEGRAM_BOT_TOKEN") {
		t.Errorf("Run ends with %v", err)
	}
}

// What Telegram could not deliver for long is as old as in an outage of polling.
func TestWebhookPressesOfAnOutage(t *testing.T) {
	t.Parallel()
	for name, waited := range map[string]time.Duration{"answered in time": 5 * time.Second, "long ago": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := &clock{at: time.Now().Truncate(time.Second)}
			w := newTown(t, world{webhook: true, fake: telegramtest.Options{Clock: now.now, WebhookRetries: brief}})
			w.t.c.Clock = now.now
			m := bottest.Card("k1", 1)
			m.Buttons = append(m.Buttons, bot.Button{Label: "Drop", Choice: "drop", Action: "opaque-drop", Confirm: "Data is lost."})
			posted := now.now()
			w.post(t, m)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- w.t.Run(ctx, &bottest.Inbox{}) }()
			w.connected(t)
			cancel()
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			now.pass(10 * time.Minute)
			for _, choice := range []string{"drop", "drop", "approve"} {
				if err := w.click(t, "ops1", "k1", choice); err != nil {
					t.Fatal(err)
				}
			}
			now.pass(waited)
			in := &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply { return bot.Reply{Text: "done"} }}
			bottest.Runs(t, w.t, in)
			w.until(t, "everything to be delivered", func() bool { return w.srv.Pending() == 0 })
			want := now.now()
			if waited > time.Minute {
				want = posted
			}
			eventually(t, "the press", func() bool { return len(in.Said()) == 1 })
			if said := in.Said(); said[0].Action != "opaque-approve" || !said[0].At.Equal(want) {
				t.Errorf("handled was %+v, not at %v", said, want)
			}
			w.t.armed.mu.Lock()
			clear(w.t.armed.until)
			w.t.armed.mu.Unlock()
			sure := "sure 1001 " + w.t.buttonID(m.Key, m.Buttons[len(m.Buttons)-1])
			if got := w.Press(t, "ops1", "k1", "drop"); !strings.Contains(got, "Data is lost") {
				t.Errorf("the first press is answered %q", got)
			}
			eventually(t, "the answer to be noted", func() bool { return w.t.armed.has(sure) })
			if got := w.Press(t, "ops1", "k1", "drop"); !strings.Contains(got, "done") {
				t.Errorf("the second press is answered %q", got)
			}
			if said := in.Said(); len(said) != 2 || !said[1].At.Equal(now.now()) {
				t.Errorf("handled was %+v", said)
			}
		})
	}
}
