package slack

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/slack/slacktest"
)

func heardBy(in *bottest.Inbox, user string) (n int) {
	for _, s := range in.Said() {
		if s.UserID == people[user] {
			n++
		}
	}
	return n
}

func echo() *bottest.Inbox {
	return &bottest.Inbox{Answer: func(in bot.Inbound) bot.Reply { return bot.Reply{Text: "heard " + in.Text + in.Action} }}
}

func TestConnectionSurvives(t *testing.T) {
	t.Parallel()
	open := slacktest.Fault{Method: openMethod, Status: 503, Times: 10}
	for name, breakIt := range map[string]func(t *testing.T, w *town){
		"a warning":         func(_ *testing.T, w *town) { w.srv.Disconnect("warning") },
		"refresh_requested": func(_ *testing.T, w *town) { w.srv.Disconnect("refresh_requested") },
		"a cut":             func(_ *testing.T, w *town) { w.srv.Drop() },
		"5xx for a while":   func(_ *testing.T, w *town) { w.srv.Fail(open); w.srv.Drop() },
		"404 for a while":   func(_ *testing.T, w *town) { f := open; f.Status = 404; w.srv.Fail(f); w.srv.Drop() },
		"429 for a while":   func(_ *testing.T, w *town) { f := open; f.Status = 429; w.srv.Fail(f); w.srv.Drop() },
		"internal errors": func(_ *testing.T, w *town) {
			w.srv.Fail(slacktest.Fault{Method: openMethod, Code: "internal_error", Times: 10})
			w.srv.Drop()
		},
		"an outage": func(t *testing.T, w *town) {
			w.srv.Stop()
			eventually(t, "word of the outage", func() bool { return strings.Contains(w.log.String(), "no connection") })
			if err := w.srv.Resume(); err != nil {
				t.Fatal(err)
			}
		},
		"a server that hangs": func(t *testing.T, w *town) {
			w.srv.Fail(slacktest.Fault{Method: openMethod, Hang: time.Hour})
			w.srv.Drop()
			eventually(t, "word of the silence", func() bool { return strings.Contains(w.log.String(), "no answer in time") })
			w.srv.Heal()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := brisk
			p.call = 300 * time.Millisecond
			w, in := newTown(t, slacktest.Options{}, p), echo()
			runs(t, w.s, in)
			w.Say(t, "ops1", "/recover before")
			before := len(w.srv.Calls(openMethod))
			breakIt(t, w)
			w.until(t, "another connection", func() bool { return len(w.srv.Calls(openMethod)) > before })
			if got := w.Say(t, "ops2", "/recover after"); !strings.Contains(got, "heard /recover after") {
				t.Errorf("answered %q", got)
			}
			if heardBy(in, "ops1") != 1 || heardBy(in, "ops2") != 1 {
				t.Errorf("handled %+v", in.Said())
			}
			reports := in.Reports()
			if len(reports) == 0 || reports[len(reports)-1] != nil {
				t.Errorf("the last report: %v", reports)
			}
		})
	}
}

// TestSilentServer never pings: each connection counts as dead, and that is said.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	p := brisk
	p.ping = 30 * time.Millisecond
	w, in := newTown(t, slacktest.Options{PingEvery: time.Hour}, p), echo()
	runs(t, w.s, in)
	eventually(t, "a report", func() bool {
		for _, err := range in.Reports() {
			if err != nil && strings.Contains(err.Error(), "again and again") {
				return true
			}
		}
		return false
	})
}

func TestRefusedTokens(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault slacktest.Fault
		want  string
	}{
		"the app's":        {slacktest.Fault{Method: openMethod, Code: "invalid_auth"}, "SLACK_APP_TOKEN"},
		"the app's, later": {slacktest.Fault{Method: openMethod, Code: "token_revoked"}, "SLACK_APP_TOKEN"},
		"the bot's":        {slacktest.Fault{Method: "auth.test", Code: "account_inactive"}, "SLACK_BOT_TOKEN"},
		"of another kind":  {slacktest.Fault{Method: openMethod, Code: "not_allowed_token_type"}, "SLACK_APP_TOKEN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, slacktest.Options{}, brisk)
			ended := make(chan error, 1)
			if !strings.Contains(name, "later") {
				w.srv.Fail(tt.fault)
			}
			go func() { ended <- w.s.Run(t.Context(), &bottest.Inbox{}) }()
			if strings.Contains(name, "later") {
				w.connected(t)
				w.srv.Fail(tt.fault)
				w.srv.Drop()
			}
			select {
			case err := <-ended:
				var fault *bot.Fault
				if !errors.As(err, &fault) || !strings.Contains(fault.Text, tt.want) {
					t.Errorf("Run ended by %v", err)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("Run goes on")
			}
		})
	}
	t.Run("uninstalled", func(t *testing.T) {
		t.Parallel()
		w := newTown(t, slacktest.Options{}, brisk)
		ended := make(chan error, 1)
		go func() { ended <- w.s.Run(t.Context(), &bottest.Inbox{}) }()
		w.connected(t)
		w.srv.Revoke()
		var fault *bot.Fault
		if err := <-ended; !errors.As(err, &fault) {
			t.Errorf("Run ended by %v", err)
		}
	})
}

// slowInbox holds up what it keeps until it is let go.
type slowInbox struct {
	*bottest.Inbox
	entered, leave chan struct{}
	once           sync.Once
}

func (b *slowInbox) Keep(ctx context.Context, in bot.Inbound) (bool, error) {
	b.once.Do(func() { close(b.entered); <-b.leave })
	return b.Inbox.Keep(ctx, in)
}

// TestDisconnectInMidClick cuts the connection between a press and its confirmation (fault 30).
func TestDisconnectInMidClick(t *testing.T) {
	t.Parallel()
	w := newTown(t, slacktest.Options{Retries: []time.Duration{0, 0, 0}}, brisk)
	in := &slowInbox{Inbox: echo(), entered: make(chan struct{}), leave: make(chan struct{})}
	runs(t, w.s, in)
	if _, err := w.s.Send(t.Context(), bottest.Card("k1", 1)); err != nil {
		t.Fatal(err)
	}
	w.connected(t)
	if err := w.click("ops1", "k1", "approve"); err != nil {
		t.Fatal(err)
	}
	<-in.entered
	opened := len(w.srv.Calls(openMethod))
	w.srv.Drop()
	w.until(t, "another connection", func() bool { return len(w.srv.Calls(openMethod)) > opened && w.srv.Connections() > 0 })
	close(in.leave)
	w.until(t, "an answer", func() bool { return strings.Contains(w.text(w.srv.Private("ops1")), "heard opaque-approve") })
	if err := w.srv.Redeliver(); err != nil {
		t.Fatal(err)
	}
	w.until(t, "peace", w.srv.Idle)
	if n := heardBy(in.Inbox, "ops1"); n != 1 {
		t.Errorf("one press was handled %d times", n)
	}
}
