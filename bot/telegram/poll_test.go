package telegram

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/telegram/telegramtest"
)

// posted is a running platform that shows m.
func posted(t *testing.T, o world, in bot.Inbox, m bot.Message) *town {
	t.Helper()
	w := newTown(t, o)
	bottest.Runs(t, w.t, in)
	w.post(t, m)
	w.connected(t)
	return w
}

func (w *town) post(t *testing.T, m bot.Message) bot.Ref {
	t.Helper()
	r, err := w.Platform().Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// hubbed runs a process of the bot with its store until stop.
func (w *town) hubbed(t *testing.T, s bot.Store, to bot.Handler) (stop func()) {
	t.Helper()
	hub, err := bot.NewHub(bot.Config{Platforms: []bot.Platform{w.Platform()}, Store: s})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = hub.Run(ctx, to) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

type handler func(context.Context, bot.Inbound) bot.Reply

func (h handler) Handle(ctx context.Context, in bot.Inbound) bot.Reply { return h(ctx, in) }

// blocking is a store that keeps nothing before its caller gives up.
type blocking struct {
	*bottest.Memory
	reached chan struct{}
}

func (b blocking) SaveInbound(ctx context.Context, _, _ string, _ []byte) (bool, error) {
	b.reached <- struct{}{}
	<-ctx.Done()
	return false, ctx.Err()
}

// TestCrashLosesAndDoublesNoPress: fault 30.
func TestCrashLosesAndDoublesNoPress(t *testing.T) {
	t.Parallel()
	for _, kept := range []bool{true, false} {
		t.Run(map[bool]string{true: "kept, not handled", false: "received, not kept"}[kept], func(t *testing.T) {
			t.Parallel()
			w, store := newTown(t, world{}), &bottest.Memory{}
			card := w.post(t, bottest.Card("k1", 1))
			if card == "" {
				t.Fatal("no card")
			}
			reached := make(chan struct{}, 9)
			stuck := handler(func(ctx context.Context, _ bot.Inbound) bot.Reply {
				reached <- struct{}{}
				<-ctx.Done()
				return bot.Reply{}
			})
			var first bot.Store = store
			if !kept {
				first = blocking{store, reached}
			}
			stop := w.hubbed(t, first, stuck)
			w.connected(t)
			if err := w.click(t, "ops1", "k1", "approve"); err != nil {
				t.Fatal(err)
			}
			<-reached
			stop()
			w.t = made(t, w.t.c, brisk) // another process: only the journal is left
			w.t.c.Wanted = func(context.Context) ([]bot.Message, error) { return []bot.Message{bottest.Card("k1", 1)}, nil }
			in := &bottest.Inbox{}
			for range 2 {
				stop = w.hubbed(t, store, in)
				w.until(t, "everything to be confirmed", func() bool { return w.srv.Pending() == 0 && w.srv.Polling() })
				eventually(t, "the press to be handled", func() bool { return len(in.Said()) > 0 })
				if err := w.srv.Redeliver(); err != nil {
					t.Fatal(err)
				}
				w.until(t, "everything to be confirmed", func() bool { return w.srv.Pending() == 0 })
				stop()
			}
			if said := in.Said(); len(said) != 1 || said[0].Action != "opaque-approve" {
				t.Errorf("one press was handled as %+v", said)
			}
		})
	}
}

// full is an inbox whose journal is full until it is healed.
type full struct {
	*bottest.Inbox
	healed atomic.Bool
	tries  atomic.Int32
}

func (f *full) Keep(ctx context.Context, in bot.Inbound) (bool, error) {
	if f.tries.Add(1); !f.healed.Load() {
		return false, errors.New("disk full")
	}
	return f.Inbox.Keep(ctx, in)
}

func TestNothingIsConfirmedThatIsNotKept(t *testing.T) {
	t.Parallel()
	in := &full{Inbox: &bottest.Inbox{}}
	w := posted(t, world{}, in, bottest.Card("k1", 1))
	if got := w.Press(t, "ops1", "k1", "approve"); !strings.Contains(got, "cannot write its journal") {
		t.Errorf("the person was told %q", got)
	}
	eventually(t, "more tries", func() bool { return in.tries.Load() > 2 })
	if w.srv.Pending() != 1 || len(in.Said()) != 0 {
		t.Errorf("%d updates wait at Telegram, and handled was %+v", w.srv.Pending(), in.Said())
	}
	failed := time.Now()
	in.healed.Store(true)
	eventually(t, "the press", func() bool { return len(in.Said()) == 1 })
	w.until(t, "a confirmation", func() bool { return w.srv.Pending() == 0 })
	if at := in.Said()[0].At; !at.Before(failed) {
		t.Errorf("it counts as received at %v, after %v", at, failed)
	}
	if boxes, messages := w.answers("ops1"); len(boxes)+len(messages) != 1 {
		t.Errorf("the person was told %q, %q", boxes, messages)
	}
	if reports := in.Reports(); !strings.Contains(errors.Join(reports...).Error(), "disk full") || reports[len(reports)-1] != nil {
		t.Errorf("reported was %v", reports)
	}
}

func TestPollingGoesOn(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]telegramtest.Fault{
		"a proxy's page":      {HTML: true},
		"a proxy that limits": {HTML: true, Status: http.StatusTooManyRequests},
		"too many requests":   {RetryAfter: 1},
		"an internal error":   {Status: 500},
		"a broken connection": {StoredButLost: true},
		"a stranger's webhook": {Status: 409,
			Code: "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, in := newTown(t, world{}), &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply { return bot.Reply{Text: "heard"} }}
			f.Method, f.Times = "getUpdates", 1
			w.srv.Fail(f)
			bottest.Runs(t, w.t, in)
			if got := w.Say(t, "ops1", "/recover primary"); got != "heard" {
				t.Errorf("answered was %q", got)
			}
			reports := in.Reports()
			if len(reports) < 2 || reports[0] == nil || reports[len(reports)-1] != nil {
				t.Errorf("reported was %v", reports)
			}
			for _, err := range reports {
				if fault := (*bot.Fault)(nil); errors.As(err, &fault) {
					t.Errorf("a person is to mend %v", err)
				}
				if err != nil {
					lackAll(t, "an error", err.Error(), secrets...)
				}
			}
		})
	}
}

func TestFaultsEndRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		f    telegramtest.Fault
		says string
	}{
		"another poller": {telegramtest.Fault{Method: "getUpdates", Status: 409, Code: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"}, "Another program"},
		"revoked":        {telegramtest.Fault{Method: "getUpdates", Status: 401, Code: "Unauthorized"}, "TELEGRAM_BOT_TOKEN"},
		"at the start":   {telegramtest.Fault{Method: "getMe", Status: 401, Code: "Unauthorized"}, "TELEGRAM_BOT_TOKEN"},
		"no such bot":    {telegramtest.Fault{Method: "getMe", Status: 404, Code: "Not Found"}, "TELEGRAM_BOT_TOKEN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, world{pace: func(p *pace) { p.ailing = 1 }})
			w.srv.Fail(c.f)
			err := w.t.Run(t.Context(), &bottest.Inbox{})
			fault := (*bot.Fault)(nil)
			if !errors.As(err, &fault) || !strings.Contains(fault.Text, c.says) {
				t.Fatalf("Run ends with %v", err)
			}
			lackAll(t, "the error", err.Error(), secrets...)
			w.srv.Heal()
			in := &bottest.Inbox{}
			bottest.Runs(t, w.t, in)
			eventually(t, "a good report", func() bool { r := in.Reports(); return len(r) > 0 && r[len(r)-1] == nil })
		})
	}
}

func TestAnotherPollerIsNoticed(t *testing.T) {
	t.Parallel()
	w := newTown(t, world{})
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { ended <- w.t.Run(ctx, &bottest.Inbox{}) }()
	w.until(t, "a poll", w.srv.Polling)
	resp, err := w.t.http.Get(w.srv.URL() + "/bot" + canary + "/getUpdates?timeout=0")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if fault := (*bot.Fault)(nil); !errors.As(<-ended, &fault) || !strings.Contains(fault.Text, "Another program") {
		t.Errorf("Run ends with %v", fault)
	}
}

// Two that poll in turn work in between: that is no health.
func TestAnotherPollerIsNoPassingTrouble(t *testing.T) {
	t.Parallel()
	now := &clock{at: time.Now()}
	w := newTown(t, world{pace: func(p *pace) { p.ailing = time.Minute }})
	w.t.c.Clock = now.now
	w.srv.Fail(telegramtest.Fault{Method: "getUpdates", Status: 409, Code: "Conflict: terminated by other getUpdates request", Times: 1})
	fault := (*bot.Fault)(nil)
	if err := w.t.Run(t.Context(), &bottest.Inbox{}); !errors.As(err, &fault) {
		t.Fatalf("Run ends with %v", err)
	}
	in := &bottest.Inbox{}
	bottest.Runs(t, w.t, in)
	w.until(t, "a poll", w.srv.Polling)
	for _, err := range in.Reports() {
		if !errors.As(err, &fault) {
			t.Errorf("at once it reports %v", err)
		}
	}
	now.pass(2 * time.Minute)
	if _, err := w.srv.Say("ops1", home, "/recover", 0, 0); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of the trouble", func() bool { all := in.Reports(); return all[len(all)-1] == nil })
}

func TestWebhookIsRemoved(t *testing.T) {
	t.Parallel()
	w := newTown(t, world{})
	resp, err := w.t.http.PostForm(w.srv.URL()+"/bot"+canary+"/setWebhook", url.Values{"url": {"http://127.0.0.1:9/canary-path"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	bottest.Runs(t, w.t, &bottest.Inbox{})
	w.until(t, "a poll", w.srv.Polling)
	if got := w.srv.WebhookURL(); got != "" {
		t.Errorf("the webhook is %q still", got)
	}
	if log := w.log.String(); !strings.Contains(log, "sent updates to a webhook") || strings.Contains(log, "canary-path") {
		t.Errorf("logged was %s", log)
	}
}

// A server that knows few methods, and does not wait for updates, is good enough.
func TestPartialServer(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply { return bot.Reply{Text: "heard"} }}
	w := newTown(t, world{})
	back, err := url.Parse(w.srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(back)
	proxy.Transport = w.t.http.Transport
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:] {
		case "getUpdates":
			r, err = http.NewRequestWithContext(r.Context(), http.MethodGet, r.URL.Path+"?timeout=0&offset="+r.FormValue("offset"), nil)
			if err != nil {
				t.Error(err)
			}
		case "getMe", "sendMessage", "editMessageText", "answerCallbackQuery":
		default:
			rw.Header().Set("Content-Type", "application/json; charset=utf-8")
			rw.WriteHeader(http.StatusInternalServerError)
			_, _ = rw.Write([]byte(`{"message":"API method is not supported"}`))
			return
		}
		proxy.ServeHTTP(rw, r)
	}))
	t.Cleanup(front.Close)
	c := w.t.c
	c.Endpoint = front.URL
	w.t = made(t, c, brisk)
	if _, err := w.srv.Say("ops1", home, "/recover", 0, 0); err != nil {
		t.Fatal(err)
	}
	bottest.Runs(t, w.t, in)
	w.until(t, "an answer", func() bool { return strings.Contains(w.Private(t, "ops1"), "heard") })
	if polls := len(w.srv.Calls("getUpdates")); polls > 5000 {
		t.Errorf("asked %d times", polls)
	}
}
