// Package bottest is the contract that every platform passes (Exercise), and the store and inbox that tests of
// platforms and of the hub use. It knows no platform.
package bottest

import (
	"context"
	"strings"
	"testing"
	"time"

	"recoverbot/bot"
)

// Exercise runs the contract. start makes a platform with its client side; what it starts it ends by t.Cleanup.
func Exercise(t *testing.T, start func(t *testing.T) Harness) {
	t.Run("send, then edit in place", func(t *testing.T) {
		h, _ := run(t, start, nil)
		ref := send(t, h, Card("k1", 1))
		send(t, h, bot.Message{Key: "k2", Version: 1, State: "info", Title: "another card"})
		expect(t, h, "k1", "192.0.2.21", "down 04:02", "update speed.t_app_dns set status=2", "img.example.com", "3f2a")
		done := bot.Message{Key: "k1", Version: 2, State: "done", Emoji: "✅", Title: "5/12 Taken off", Footer: "ops1 approved"}
		if err := h.Platform().Edit(t.Context(), ref, done); err != nil {
			t.Fatal("edit:", err)
		}
		text := expect(t, h, "k1", "Taken off", "ops1 approved")
		if strings.Contains(text, "update speed.t_app_dns") {
			t.Errorf("the old version still shows:\n%s", text)
		}
		if _, posts := h.Seen(t, "k1"); posts != 1 {
			t.Errorf("the edit made %d posts of one key", posts)
		}
		expect(t, h, "k2", "another card")
	})
	t.Run("through the hub the newest wins and a second start posts nothing twice", func(t *testing.T) {
		h := start(t)
		hub, err := bot.NewHub(bot.Config{Platforms: []bot.Platform{h.Platform()}, Store: &Memory{}})
		if err != nil {
			t.Fatal(err)
		}
		for v := int64(1); v <= 5; v++ {
			if err := hub.Want(t.Context(), Card("k1", v)); err != nil {
				t.Fatal(err)
			}
		}
		last := Card("k1", 9)
		last.Title = "the newest title"
		for _, m := range []bot.Message{last, Card("k1", 6)} {
			if err := hub.Want(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			background(t, func(ctx context.Context) { _ = hub.Run(ctx, &Inbox{}) }, func() {
				if err := hub.Settle(timeout(t)); err != nil {
					t.Fatal(err)
				}
				expect(t, h, "k1", "the newest title")
				if _, posts := h.Seen(t, "k1"); posts != 1 {
					t.Errorf("%d posts of one key", posts)
				}
			})
		}
	})
	t.Run("hostile text stays text", func(t *testing.T) {
		h, _ := run(t, start, nil)
		m := Card("k1", 1)
		m.Title = `<script>alert(1)</script> *bold* _x_ <!channel> <@U1> &amp; \x1b[2J` + "\x1b[2J\u202egnp.exe"
		m.Lines = []string{"</pre></script><img src=x onerror=alert(1)>", "```", "nul\x00byte \xff"}
		m.Blocks = []bot.Block{{Kind: "script", Text: strings.Repeat("echo '一 long plan' # <b>&\n", 100<<10/26)}}
		ref := send(t, h, m)
		text := expect(t, h, "k1", "<script>alert(1)</script>")
		if strings.ContainsAny(text, "\x1b\x00\u202e") {
			t.Error("control or bidirectional characters came through")
		}
		m.Version, m.Output = 2, strings.Repeat("output \x07 line\n", 8<<10)
		if err := h.Platform().Edit(t.Context(), ref, m); err != nil {
			t.Error("edit with a long output:", err)
		}
	})
	t.Run("words and presses reach the inbox, answers that person alone", func(t *testing.T) {
		h, in := run(t, start, func(in bot.Inbound) bot.Reply {
			return bot.Reply{Text: "secret answer for " + in.UserID, Refused: true}
		})
		told := "secret answer for " + account(h, "ops1")
		send(t, h, Card("k1", 1))
		expect(t, h, "k1", "3f2a")
		if got := h.Press(t, "ops1", "k1", "approve"); !strings.Contains(got, told) {
			t.Errorf("a refused press was answered %q", got)
		}
		if got := h.Say(t, "ops1", "/recover primary dry=一"); !strings.Contains(got, told) {
			t.Errorf("a refused command was answered %q", got)
		}
		if got := h.Private(t, "ops2"); strings.Contains(got, told) {
			t.Errorf("another person was told: %q", got)
		}
		text, _ := h.Seen(t, "k1")
		if strings.Contains(text, "secret answer") {
			t.Error("the refusal is on the card")
		}
		var pressed, said bool
		for _, s := range in.Said() {
			if s.Platform != h.Platform().Name() || s.UserID != account(h, "ops1") || s.ID == "" {
				t.Errorf("bad origin: %+v", s)
			}
			pressed = pressed || s.Action == "opaque-approve"
			said = said || s.Text == "/recover primary dry=一"
		}
		if !pressed || !said {
			t.Errorf("the inbox got %+v", in.Said())
		}
	})
	t.Run("a reply's card is seen by that person alone", func(t *testing.T) { exercisePrivateCard(t, start) })
	t.Run("a redelivered event is handled once", func(t *testing.T) { exerciseRedelivery(t, start) })
	t.Run("what one post cannot hold stands below the card, once", func(t *testing.T) { exerciseParts(t, start) })
	t.Run("a nudge buzzes its people and leads to its card", func(t *testing.T) { exerciseNudge(t, start) })
	t.Run("what stands in an old chat has strayed", func(t *testing.T) { exerciseMove(t, start) })
	t.Run("Run stops with its context and can run again", func(t *testing.T) {
		h := start(t)
		for range 2 {
			background(t, func(ctx context.Context) { _ = h.Platform().Run(ctx, &Inbox{}) }, func() {})
		}
	})
}

// run starts the platform with an inbox for the duration of the test.
func run(t *testing.T, start func(t *testing.T) Harness, answer func(bot.Inbound) bot.Reply) (Harness, *Inbox) {
	t.Helper()
	h, in := start(t), &Inbox{Answer: answer}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = h.Platform().Run(ctx, in) }()
	t.Cleanup(func() { cancel(); wait(t, done) })
	return h, in
}

// background runs f while do works, then ends f and insists that it ends.
func background(t *testing.T, f func(context.Context), do func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); f(ctx) }()
	defer wait(t, done)
	defer cancel()
	do()
}

func wait(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("Run did not end with its context")
	}
}

func timeout(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func send(t *testing.T, h Harness, m bot.Message) bot.Ref {
	t.Helper()
	ref, err := h.Platform().Send(timeout(t), m)
	if err != nil {
		t.Fatalf("send %s: %v", m.Key, err)
	}
	if ref == "" {
		t.Fatalf("send %s: empty ref", m.Key)
	}
	return ref
}

// expect polls until the card shows all parts.
func expect(t *testing.T, h Harness, key string, parts ...string) string {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		text, posts := h.Seen(t, key)
		missing := lacks(text, parts...)
		if posts > 0 && missing == "" {
			return text
		}
		if time.Now().After(deadline) {
			t.Fatalf("card %s (%d posts) lacks %q:\n%.2000s", key, posts, missing, text)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// lacks is the first of parts that text does not contain.
func lacks(text string, parts ...string) string {
	for _, p := range parts {
		if !strings.Contains(text, p) {
			return p
		}
	}
	return ""
}
