package telegram

import (
	"context"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/telegram/telegramtest"
)

// What is said at once counts as said now, whatever Telegram's clock says; what has waited is as old as it is.
func TestClocksThatDiffer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ahead   time.Duration
		webhook bool
	}{
		"fast": {time.Hour, false}, "slow": {-time.Hour, false}, "fast, by a webhook": {time.Hour, true}, "slow, by a webhook": {-time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			theirs := &clock{at: time.Now().Truncate(time.Second)}
			ours := func() time.Time { return theirs.now().Add(c.ahead) }
			w := newTown(t, world{webhook: c.webhook, fake: telegramtest.Options{Clock: theirs.now, WebhookRetries: brief}})
			w.t.c.Clock = ours
			in := &bottest.Inbox{}
			run := func() (stop func()) {
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- w.t.Run(ctx, in) }()
				return func() { cancel(); <-ended }
			}
			say := func(text string) time.Time {
				t.Helper()
				if _, err := w.srv.Say("ops1", home, text, 0, 0); err != nil {
					t.Fatal(err)
				}
				return ours()
			}
			heard := func(n int, at time.Time) {
				t.Helper()
				eventually(t, "what was said", func() bool { return len(in.Said()) == n })
				if got := in.Said()[n-1].At; !got.Equal(at) {
					t.Errorf("%s counts as said at %v, not %v", in.Said()[n-1].Text, got, at)
				}
			}
			stop := run()
			w.connected(t)
			if c.webhook { // it does not lag
				eventually(t, "a look at the webhook", func() bool { w.t.mu.Lock(); defer w.t.mu.Unlock(); return !w.t.lagging })
			}
			heard(1, say("/status"))
			stop()
			then := say("/recover")
			theirs.pass(10 * time.Minute)
			stop = run()
			defer stop()
			heard(2, then)
			w.until(t, "a quiet chat", func() bool { return w.srv.Pending() == 0 })
			if !c.webhook {
				w.connected(t)
			}
		})
	}
}

// Two bots, or two servers, count their updates each for itself.
func TestUpdatesOfAnotherBot(t *testing.T) {
	t.Parallel()
	one, two := made(t, Config{}, brisk), made(t, Config{}, brisk)
	one.self.ID, two.self.ID = 11, 1
	if a, b := one.updateID(incoming{ID: 1}), two.updateID(incoming{ID: 11}); a == b || a != "u11-1" {
		t.Errorf("they are %s and %s", a, b)
	}
}

// However often unknown buttons are pressed, the newest messages are read once.
func TestUnknownButtonsReadOnce(t *testing.T) {
	t.Parallel()
	reads := 0
	p := made(t, Config{Wanted: func(context.Context) ([]bot.Message, error) {
		reads++
		return []bot.Message{bottest.Card("k1", 1)}, nil
	}}, brisk)
	for _, id := range []string{"", "x", "y", "x"} {
		if found, ok, err := p.button(t.Context(), id); ok || err != nil {
			t.Errorf("%q is %+v, %v", id, found, err)
		}
	}
	m := bottest.Card("k1", 1)
	if found, ok, err := p.button(t.Context(), p.buttonID(m.Key, m.Buttons[0])); !ok || err != nil || found.b.Action != m.Buttons[0].Action || reads != 1 {
		t.Errorf("found is %+v, %v, after %d readings", found, err, reads)
	}
}
