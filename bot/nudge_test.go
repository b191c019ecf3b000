package bot_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

func nudge(key, of string) bot.Message {
	return bot.Message{Key: key, Version: 1, State: "waiting", Title: key, Nudge: true, Of: of, Notify: []string{"ops1"}, Priority: bot.Prompt}
}

var errRefused = errors.New("400")

func TestNudgeGoesOutAfterItsCard(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		deaf  bool
		fail  func(since time.Duration, call string) error
		wants []bot.Message
		calls []string
	}{
		"the card is less urgent": {
			wants: []bot.Message{card("k", 1, bot.Ticker), card("l", 1, bot.Outcome), nudge("n", "k")},
			calls: []string{"send l v1", "send k v1", `send n v1 of "ref2"`},
		},
		"there is no card": {
			wants: []bot.Message{nudge("n", "k")},
			calls: []string{`send n v1 of ""`},
		},
		"an edit is seen anyway": {
			deaf:  true,
			wants: []bot.Message{card("k", 1, bot.Prompt), nudge("n", "k")},
			calls: []string{"send k v1"},
		},
		"the card is refused for ever": {
			fail: func(_ time.Duration, call string) error {
				if strings.HasPrefix(call, "send k") {
					return errRefused
				}
				return nil
			},
			wants: []bot.Message{card("k", 1, bot.Prompt), nudge("n", "k")},
			calls: []string{"send k v1", "send k v1", "send k v1", "send k v1", `send n v1 of ""`},
		},
		"the platform is down for a while": {
			fail: func(since time.Duration, _ string) error {
				if since < 10*time.Minute {
					return errRefused
				}
				return nil
			},
			wants: []bot.Message{card("k", 1, bot.Outcome), nudge("n", "k")},
			calls: []string{"send k v1", `send n v1 of "ref9"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, start := &fake{name: "a", deaf: c.deaf}, time.Now()
				f.fail = func(call string) error {
					if c.fail == nil {
						return nil
					}
					return c.fail(time.Since(start), call)
				}
				h, err := bot.NewHub(bot.Config{Platforms: []bot.Platform{f}, Store: &bottest.Memory{}})
				if err != nil {
					t.Fatal(err)
				}
				want(t, h, c.wants...)
				run(t, h, &bottest.Inbox{}, func() { time.Sleep(15 * time.Minute) })
				calls := f.log()
				if name == "the platform is down for a while" { // its card first, and then with its ref
					calls, c.calls[1] = calls[len(calls)-2:], `send n v1 of "`+string(f.ref("k"))+`"`
				}
				same(t, calls[:min(len(calls), len(c.calls))], c.calls...)
				if n := len(f.posts); c.fail == nil && n != len(c.calls) {
					t.Errorf("%d posts after %q", n, calls)
				}
			})
		})
	}
}

// The end of a run is no result among many, and the news about a platform is told on the others alone.
func TestTheEndIsToldFirstAndNobodyOfItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, other := &fake{name: "a", every: time.Second}, &fake{name: "b"}
		h, err := bot.NewHub(bot.Config{Platforms: []bot.Platform{f, other}, Store: &bottest.Memory{}})
		if err != nil {
			t.Fatal(err)
		}
		end, ill := nudge("end", "gone"), card("ill", 1, bot.Prompt)
		end.Ends, end.Priority, ill.Except = true, bot.Outcome, "a"
		want(t, h, card("old", 1, bot.Outcome), card("tick", 1, bot.Ticker), end, card("ask", 1, bot.Prompt), ill)
		run(t, h, &bottest.Inbox{}, func() { _ = h.Settle(t.Context()) })
		same(t, f.log(), "send ask v1", `send end v1 of ""`, "send old v1", "send tick v1")
		if f.ref("ill") != "" || other.ref("ill") == "" {
			t.Errorf("a shows %v, b %v", f.posts, other.posts)
		}
	})
}

func TestNudgeFindsItsCardAfterARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, s := &fake{name: "a"}, &bottest.Memory{}
		started(t, s, func(h *bot.Hub) {
			want(t, h, card("k", 1, bot.Prompt))
			_ = h.Settle(t.Context())
			f.fail = func(string) error { return errRefused }
			want(t, h, nudge("n", "k"))
			synctest.Wait()
		}, f)
		f.fail = nil
		started(t, s, func(h *bot.Hub) {
			synctest.Wait()
			want(t, h, nudge("o", "k"))
			_ = h.Settle(t.Context())
		}, f)
		same(t, f.log(), "send k v1", `send n v1 of "ref1"`, `send n v1 of "ref1"`, `send o v1 of "ref1"`)
	})
}

func TestOneNudgeAfterAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{name: "a"}
		over := nudge("n0", "k")
		over.Version, over.State = 2, bot.NudgeOver
		started(t, &bottest.Memory{}, func(h *bot.Hub) {
			want(t, h, card("k", 1, bot.Prompt), card("l", 1, bot.Prompt), nudge("n0", "k"))
			_ = h.Settle(t.Context())
			f.broken(true)
			want(t, h, nudge("n1", "k"), nudge("n2", "k"), nudge("n3", "k"), nudge("m", "l"))
			time.Sleep(time.Hour)
			late := nudge("m", "l")
			late.Version, late.State = 2, bot.NudgeOver // somebody answered l elsewhere
			want(t, h, over, late)
			f.broken(false)
			_ = h.Settle(t.Context())
		}, f)
		calls := f.log()
		calls = slices.DeleteFunc(calls, func(c string) bool { // each may have been tried in the outage
			return strings.HasPrefix(c, "send m v1") || strings.HasPrefix(c, "send n1") || strings.HasPrefix(c, "send n2") || strings.HasPrefix(c, "send n3")
		})
		same(t, calls, "send k v1", "send l v1", `send n0 v1 of "ref1"`, "edit n0 v2 at ref3")
		if f.ref("n3") == "" || len(f.posts) != 4 {
			t.Errorf("posts %v", f.posts)
		}
	})
}
