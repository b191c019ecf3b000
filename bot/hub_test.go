package bot_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a platform whose calls a test answers by hand.
type fake struct {
	name  string
	every time.Duration
	deaf  bool                    // an edit of it is seen: it takes no nudges
	fail  func(call string) error // nil: all well
	runs  func(ctx context.Context, in bot.Inbox) error

	mu    sync.Mutex
	calls []string
	posts map[bot.Ref]bot.Message
	n     int
}

func (f *fake) Name() string         { return f.name }
func (f *fake) Every() time.Duration { return f.every }
func (f *fake) Mentions() bool       { return !f.deaf }

func (f *fake) Run(ctx context.Context, in bot.Inbox) error {
	if f.runs != nil {
		return f.runs(ctx, in)
	}
	<-ctx.Done()
	return nil
}

func (f *fake) Send(_ context.Context, m bot.Message) (bot.Ref, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	call := fmt.Sprintf("send %s v%d", m.Key, m.Version)
	if m.Of != "" {
		call += fmt.Sprintf(" of %q", m.OfRef)
	}
	f.calls = append(f.calls, call)
	f.n++
	ref := bot.Ref(fmt.Sprint("ref", f.n))
	if f.fail != nil {
		if err := f.fail(call); err != nil {
			if errors.Is(err, errStored) {
				f.post(ref, m)
			}
			return "", err
		}
	}
	f.post(ref, m)
	return ref, nil
}

func (f *fake) post(ref bot.Ref, m bot.Message) {
	if f.posts == nil {
		f.posts = map[bot.Ref]bot.Message{}
	}
	f.posts[ref] = m
}

func (f *fake) Edit(_ context.Context, ref bot.Ref, m bot.Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	call := fmt.Sprintf("edit %s v%d at %s", m.Key, m.Version, ref)
	f.calls = append(f.calls, call)
	if f.fail != nil {
		if err := f.fail(call); err != nil {
			return err
		}
	}
	f.post(ref, m)
	return nil
}

// ref is where the newest post of key stands.
func (f *fake) ref(key string) (ref bot.Ref) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for r, m := range f.posts {
		if m.Key == key {
			ref = max(ref, r)
		}
	}
	return ref
}

// broken lets every call fail from now on, or none.
func (f *fake) broken(is bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = nil
	if is {
		f.fail = func(string) error { return errRefused }
	}
}

func (f *fake) log() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// finding is a fake that can look for its own posts.
type finding struct{ *fake }

func (f finding) Find(_ context.Context, key string, _ time.Time) (bot.Ref, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for ref, m := range f.posts {
		if m.Key == key {
			return ref, true, nil
		}
	}
	return "", false, nil
}

var errStored = errors.New("stored, but the answer was lost")

func card(key string, version int64, p bot.Priority) bot.Message {
	return bot.Message{Key: key, Version: version, Title: key, Lines: []string{fmt.Sprint("version ", version)}, Priority: p}
}

// started runs a hub inside a synctest bubble and stops it at the end of do.
func started(t *testing.T, s bot.Store, do func(h *bot.Hub), ps ...bot.Platform) {
	t.Helper()
	configured(t, bot.Config{Platforms: ps, Store: s}, &bottest.Inbox{}, do)
}

func configured(t *testing.T, c bot.Config, to bot.Handler, do func(h *bot.Hub)) {
	t.Helper()
	h, err := bot.NewHub(c)
	if err != nil {
		t.Fatal(err)
	}
	run(t, h, to, func() { do(h) })
}

func run(t *testing.T, h *bot.Hub, to bot.Handler, do func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx, to) }()
	do()
	cancel()
	if err := <-done; err != nil {
		t.Fatal("run:", err)
	}
}

func want(t *testing.T, h *bot.Hub, ms ...bot.Message) {
	t.Helper()
	for _, m := range ms {
		if err := h.Want(t.Context(), m); err != nil {
			t.Fatal("want:", err)
		}
	}
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("calls:\n got %q\nwant %q", got, want)
	}
}

func TestCoalescesAndOrdersByPriority(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{name: "a", every: time.Second}
		started(t, &bottest.Memory{}, func(h *bot.Hub) {
			want(t, h, card("first", 1, bot.Outcome))
			synctest.Wait()
			want(t, h, card("tick", 1, bot.Ticker), card("tick", 2, bot.Ticker), card("end", 1, bot.Outcome), card("ask", 1, bot.Prompt),
				card("tick", 3, bot.Ticker), card("tick", 2, bot.Ticker))
			if err := h.Settle(t.Context()); err != nil {
				t.Error(err)
			}
			want(t, h, card("tick", 3, bot.Ticker), card("tick", 4, bot.Ticker))
			if err := h.Settle(t.Context()); err != nil {
				t.Error(err)
			}
		}, f)
		same(t, f.log(), "send first v1", "send ask v1", "send end v1", "send tick v3", "edit tick v4 at ref4")
	})
}

func TestRestartGoesOnEditing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, s := &fake{name: "a"}, &bottest.Memory{}
		for v := range int64(3) {
			started(t, s, func(h *bot.Hub) {
				want(t, h, card("k", v+1, bot.Prompt))
				_ = h.Settle(t.Context())
				synctest.Wait()
			}, f)
		}
		started(t, s, func(*bot.Hub) { time.Sleep(time.Hour) }, f)
		same(t, f.log(), "send k v1", "edit k v2 at ref1", "edit k v3 at ref1")
	})
}

// TestObeysRetryAfter: fault 26.
func TestObeysRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		f := &fake{name: "a"}
		f.fail = func(string) error {
			if time.Since(start) < 30*time.Second {
				return &bot.Later{After: 30 * time.Second, Err: errors.New("429")}
			}
			return nil
		}
		started(t, &bottest.Memory{}, func(h *bot.Hub) {
			want(t, h, card("k", 1, bot.Prompt))
			time.Sleep(29 * time.Second)
			want(t, h, card("k", 2, bot.Prompt), card("l", 1, bot.Prompt))
			_ = h.Settle(t.Context())
		}, f)
		same(t, f.log(), "send k v1", "send k v2", "send l v1")
	})
}

func TestFailingMessageAndPlatformStopNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs int
		bad := &fake{name: "bad", runs: func(context.Context, bot.Inbox) error { runs++; panic("no token") }, fail: func(string) error { panic("also here") }}
		f := &fake{name: "good"}
		tries := 0
		f.fail = func(call string) error {
			if call == "send poison v1" {
				tries++
				if tries < 5 {
					return errors.New("400")
				}
			}
			return nil
		}
		started(t, &bottest.Memory{}, func(h *bot.Hub) {
			want(t, h, card("poison", 1, bot.Prompt), card("k", 1, bot.Ticker))
			time.Sleep(3 * time.Minute)
		}, bad, f)
		calls := f.log()
		if !slices.Contains(calls, "send k v1") || len(f.posts) != 2 {
			t.Errorf("calls %q, posts %v", calls, f.posts)
		}
		if i := slices.Index(calls, "send k v1"); i > 1 {
			t.Errorf("the good message waited for the bad one: %q", calls)
		}
		if runs < 3 || runs > 20 {
			t.Errorf("the bad platform ran %d times in 3 minutes", runs)
		}
		if n := len(bad.log()); n < 4 || n > 40 {
			t.Errorf("the bad platform was called %d times in 3 minutes", n)
		}
	})
}

// TestLooksBeforePostingAgain: fault 27.
func TestLooksBeforePostingAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{name: "a"}
		f.fail = func(call string) error {
			if call == "send k v1" {
				return errStored
			}
			return nil
		}
		s := &bottest.Memory{}
		started(t, s, func(h *bot.Hub) {
			want(t, h, card("k", 1, bot.Prompt))
			_ = h.Settle(t.Context())
		}, finding{f})
		same(t, f.log(), "send k v1", "edit k v1 at ref1")
	})
	synctest.Test(t, func(t *testing.T) { // a crash between the post and its record
		f, s := &fake{name: "a"}, &bottest.Memory{}
		f.post("old", card("k", 1, bot.Prompt))
		_ = s.SaveWanted(t.Context(), "k", 1, []byte(`{"key":"k","version":1}`))
		_ = s.SaveDelivered(t.Context(), "a", bot.StoredDelivery{Key: "k"})
		started(t, s, func(h *bot.Hub) { synctest.Wait(); _ = h.Settle(t.Context()) }, finding{f})
		same(t, f.log(), "edit k v1 at old")
	})
}

func TestGoneMessageIsPostedAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{name: "a"}
		f.fail = func(call string) error {
			if call == "edit k v2 at ref1" {
				return fmt.Errorf("message_not_found: %w", bot.ErrGone)
			}
			return nil
		}
		started(t, &bottest.Memory{}, func(h *bot.Hub) {
			for v := range int64(3) {
				want(t, h, card("k", v+1, bot.Prompt))
				_ = h.Settle(t.Context())
			}
		}, f)
		same(t, f.log(), "send k v1", "edit k v2 at ref1", "send k v2", "edit k v3 at ref2")
	})
}

func TestTwoPlatformsOfOneName(t *testing.T) {
	t.Parallel()
	if _, err := bot.NewHub(bot.Config{Platforms: []bot.Platform{&fake{name: "a"}, &fake{name: "a"}}, Store: &bottest.Memory{}}); err == nil {
		t.Error("accepted")
	}
}
