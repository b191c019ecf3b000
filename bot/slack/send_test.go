package slack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/slack/slacktest"
)

// TestSendIsRefused: fault 26.
func TestSendIsRefused(t *testing.T) {
	t.Parallel()
	post := "chat.postMessage"
	for name, tt := range map[string]struct {
		fault slacktest.Fault
		do    func(w *town) error
		later time.Duration
		text  string
	}{
		"429":                     {fault: slacktest.Fault{Method: post, Status: 429, RetryAfter: 7}, later: 7 * time.Second},
		"429 without Retry-After": {fault: slacktest.Fault{Method: post, Status: 429}, later: brisk.rate},
		"5xx":                     {fault: slacktest.Fault{Method: post, Status: 502}, text: "chat.postMessage: slack server error: 502"},
		"hanging":                 {fault: slacktest.Fault{Method: post, Hang: time.Hour}, text: "chat.postMessage: no answer in time"},
		"a lost scope":            {fault: slacktest.Fault{Method: post, Code: "missing_scope"}, text: "permission"},
		"out of the channel":      {do: func(w *town) error { return w.srv.Kick(home, "recoverbot") }, text: "/invite"},
		"archived":                {do: func(w *town) error { return w.srv.Archive(home) }, text: "archived"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := brisk
			p.call = 300 * time.Millisecond
			w := newTown(t, slacktest.Options{}, p)
			if tt.do != nil {
				if err := tt.do(w); err != nil {
					t.Fatal(err)
				}
			} else {
				w.srv.Fail(tt.fault)
			}
			ref, err := w.s.Send(t.Context(), bottest.Card("k1", 1))
			var later *bot.Later
			if ref != "" || err == nil || errors.As(err, &later) != (tt.later != 0) || later != nil && later.After != tt.later {
				t.Fatalf("sent as %q: %v", ref, err)
			}
			if !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%v does not say %q", err, tt.text)
			}
			if _, posts := w.Seen(t, "k1"); posts != 0 {
				t.Errorf("%d posts", posts)
			}
		})
	}
}

// hub runs a hub over the platform until do has returned.
func (w *town) hub(t *testing.T, store bot.Store, in bot.Handler, do func(h *bot.Hub)) {
	t.Helper()
	h, err := bot.NewHub(bot.Config{Platforms: []bot.Platform{w.s}, Store: store, Log: w.log.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = h.Run(ctx, in) }()
	defer func() { cancel(); <-done }()
	do(h)
}

func settled(t *testing.T, h *bot.Hub) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := h.Settle(ctx); err != nil {
		t.Fatal(err)
	}
}

// TestStoredButTheAnswerWasLost: fault 27.
func TestStoredButTheAnswerWasLost(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"chat.postMessage", "files.completeUploadExternal", "chat.update"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			w, m := newTown(t, slacktest.Options{}, brisk), bottest.Card("k1", 1)
			m.Blocks = []bot.Block{{Kind: "script", Text: strings.Repeat("echo a long plan\n", 6000)}}
			w.srv.Fail(slacktest.Fault{Method: how, StoredButLost: true, Times: 1})
			w.hub(t, &bottest.Memory{}, echo(), func(h *bot.Hub) {
				for v := int64(1); v < 3; v++ {
					m.Version, m.Title = v, fmt.Sprint("version ", v)
					if err := h.Want(t.Context(), m); err != nil {
						t.Fatal(err)
					}
					settled(t, h)
				}
			})
			if text, posts := w.Seen(t, "k1"); posts != 1 || !strings.Contains(text, "version 2") {
				t.Errorf("%d posts:\n%s", posts, text)
			}
			if got, want := len(w.Below(t, "k1")), len(w.s.Divide(m)); got != want || want == 0 {
				t.Errorf("%d posts below the card, not %d", got, want)
			}
		})
	}
}

// TestLongOutage: fault 29.
func TestLongOutage(t *testing.T) {
	t.Parallel()
	w, in := newTown(t, slacktest.Options{}, brisk), echo()
	w.hub(t, &bottest.Memory{}, in, func(h *bot.Hub) {
		want := func(key string, version int64, title string) {
			m := bottest.Card(key, version)
			m.Title = title
			if err := h.Want(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		want("k1", 1, "before")
		settled(t, h)
		w.srv.Stop()
		for v := range 50 {
			want("k1", int64(v+2), fmt.Sprint("meanwhile ", v))
			want(fmt.Sprint("new", v%5), int64(v+1), fmt.Sprint("meanwhile ", v))
		}
		eventually(t, "a failure", func() bool { return strings.Contains(w.log.String(), "could not be delivered") })
		if err := w.srv.Resume(); err != nil {
			t.Fatal(err)
		}
		settled(t, h)
	})
	for key, title := range map[string]string{"k1": "meanwhile 49", "new0": "meanwhile 45", "new4": "meanwhile 49"} {
		if text, posts := w.Seen(t, key); posts != 1 || !strings.Contains(text, title) {
			t.Errorf("%s: %d posts:\n%s", key, posts, text)
		}
	}
}

func TestRemovedCardComesAnew(t *testing.T) {
	t.Parallel()
	w := newTown(t, slacktest.Options{}, brisk)
	ref, err := w.s.Send(t.Context(), bottest.Card("k1", 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.srv.Remove(home, parseRef(ref).ts); err != nil {
		t.Fatal(err)
	}
	if err := w.s.Edit(t.Context(), ref, bottest.Card("k1", 2)); !errors.Is(err, bot.ErrGone) {
		t.Errorf("the edit of a removed card: %v", err)
	}
}

func TestChannelByName(t *testing.T) {
	t.Parallel()
	o := slacktest.Options{Channels: []slacktest.Channel{{ID: "C0OTHER", Name: "other"}, {ID: home, Name: "ops", Private: true}}}
	w := newTown(t, o, brisk)
	w.s.c.Channel = "#ops"
	for key := range 2 {
		if _, err := w.s.Send(t.Context(), bottest.Card(fmt.Sprint("k", key), 1)); err != nil {
			t.Fatal(err)
		}
	}
	if _, posts := w.Seen(t, "k1"); posts != 1 || len(w.srv.Calls("conversations.list")) != 1 {
		t.Errorf("%d posts after %d look-ups", posts, len(w.srv.Calls("conversations.list")))
	}
	w.s.c.Channel, w.s.channel = "#nowhere", ""
	var fault *bot.Fault
	if _, err := w.s.Send(t.Context(), bottest.Card("k2", 1)); !errors.As(err, &fault) || !strings.Contains(fault.Text, "#nowhere") {
		t.Errorf("to an unknown channel: %v", err)
	}
}

// TestRefusedBlocks shows people the text and the code, rather than nothing.
func TestRefusedBlocks(t *testing.T) {
	t.Parallel()
	w := newTown(t, slacktest.Options{}, brisk)
	w.srv.Fail(slacktest.Fault{Method: "chat.postMessage", Code: "invalid_blocks", Times: 1})
	if _, err := w.s.Send(t.Context(), bottest.Card("k1", 1)); err != nil {
		t.Fatal(err)
	}
	if text, posts := w.Seen(t, "k1"); posts != 1 || !strings.Contains(text, "3f2a") {
		t.Errorf("%d posts:\n%s", posts, text)
	}
}
