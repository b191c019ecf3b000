package bot_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

// TestOpenRunsGoFirstAfterARestart holds the order of what a platform missed: what an open run asks, what was answered
// there, its results and progress, and then what is left of runs that are over.
func TestOpenRunsGoFirstAfterARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, f := &bottest.Memory{}, newCounting(20)
		of := func(run, key string, version int64, p bot.Priority) bot.Message {
			m := card(key, version, p)
			m.RunID, m.Ends = run, key == "end"
			return m
		}
		started(t, s, func(h *bot.Hub) {
			want(t, h, of("old", "end", 1, bot.Outcome), of("old", "old", 2, bot.Prompt))
			want(t, h, of("parked", "parked", 3, bot.Outcome))
			want(t, h, of("now", "result", 4, bot.Outcome), of("now", "decided", 5, bot.Prompt), of("now", "same", 6, bot.Outcome))
			_ = h.Settle(t.Context())
			f.broken(true)
			want(t, h, of("old", "end", 10, bot.Outcome), of("old", "old", 11, bot.Outcome), of("parked", "parked", 12, bot.Outcome))
			want(t, h, of("now", "result", 20, bot.Outcome), of("now", "decided", 21, bot.Ticker), of("now", "ask", 22, bot.Prompt))
			again := of("now", "same", 6, bot.Outcome)
			again.Version = 23
			want(t, h, again)
			synctest.Wait()
		}, f)
		f.broken(false)
		before := len(f.log())
		time.Sleep(time.Hour)
		started(t, s, func(h *bot.Hub) { synctest.Wait(); _ = h.Settle(t.Context()) }, f)
		var got []string
		for _, call := range f.log()[before:] {
			got = append(got, strings.Join(strings.Fields(call)[:3], " "))
		}
		same(t, got, "send ask v22", "edit decided v21", "edit result v20", "edit parked v12", "edit old v11", "edit end v10")
	})
}

func TestWhatIsShownIsNotSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, f := &bottest.Memory{}, &fake{name: "a"}
		version := func(v int64, text string) bot.Message {
			m := card("k", v, bot.Prompt)
			m.Lines = []string{text}
			return m
		}
		started(t, s, func(h *bot.Hub) {
			want(t, h, version(1, "one"))
			_ = h.Settle(t.Context())
			want(t, h, version(2, "one"))
			_ = h.Settle(t.Context())
			want(t, h, version(3, "two"), version(4, "one")) // before two went out
			_ = h.Settle(t.Context())
		}, f)
		for _, m := range []bot.Message{version(5, "one"), version(6, "three"), version(7, "three")} {
			started(t, s, func(h *bot.Hub) {
				synctest.Wait()
				want(t, h, m)
				_ = h.Settle(t.Context())
			}, f)
		}
		same(t, f.log(), "send k v1", "edit k v6 at ref1")
	})
}

// jumping is a store whose clock was set wrong before the bot was started anew.
type jumping struct {
	*bottest.Memory
	by time.Duration
}

func (j jumping) CalledAt(ctx context.Context, platform string) ([]time.Time, error) {
	out, err := j.Memory.CalledAt(ctx, platform)
	for i, at := range out {
		out[i] = at.Round(0).Add(j.by)
	}
	return out, err
}

func TestAMinuteOutlastsARestart(t *testing.T) {
	t.Parallel()
	for name, by := range map[string]time.Duration{"": 0, "the clock was set back": 3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, s := newCounting(20), &bottest.Memory{}
				for i := range 3 {
					f.budget = bot.NewBudget(time.Second, 20) // nothing is left of the process before
					started(t, jumping{s, by}, func(h *bot.Hub) {
						for n := range 9 {
							want(t, h, card(fmt.Sprint(i, n), 1, bot.Prompt))
						}
						_ = h.Settle(t.Context())
					}, f)
					time.Sleep(time.Second)
				}
				if n := f.busiest(); n > 20 {
					t.Errorf("%d calls in a minute", n)
				}
				if n := len(f.posts); n != 27 {
					t.Errorf("%d posts", n)
				}
				if took := time.Since(f.start); took > 2*time.Minute {
					t.Errorf("all was out after %v", took)
				}
			})
		})
	}
}

// TestEveryCallOutlastsARestart holds that what failed and what the platform sent by itself is counted after a restart, too,
// also where the clock was set back between two calls (fault 39).
func TestEveryCallOutlastsARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, s := newCounting(20), &bottest.Memory{}
		own := func(wait func() error) {
			if err := wait(); err != nil {
				t.Error(err)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			f.at = append(f.at, time.Since(f.start))
		}
		started(t, s, func(h *bot.Hub) {
			synctest.Wait()
			for range 4 {
				own(func() error { return f.budget.Answer(t.Context(), "ann") })
				own(func() error { return f.budget.Wait(t.Context(), bot.Prompt) })
			}
			own(func() error { f.budget.Take(); return nil })
			f.broken(true)
			want(t, h, card("lost", 1, bot.Prompt))
			time.Sleep(5 * time.Second)
		}, f)
		f.broken(false)
		f.budget = bot.NewBudget(time.Second, 20) // nothing is left of the process before
		started(t, turned{s}, func(h *bot.Hub) {
			for i := range 20 {
				want(t, h, card(fmt.Sprint(i), 1, bot.Prompt))
			}
			_ = h.Settle(t.Context())
		}, f)
		if n := f.busiest(); n > 20 {
			t.Errorf("%d calls in a minute", n)
		}
		if took := time.Since(f.start); len(f.posts) != 21 || took > 90*time.Second {
			t.Errorf("%d posts were out after %v", len(f.posts), took)
		}
	})
}

// turned is a store whose clock ran fast for the first half of the calls.
type turned struct{ *bottest.Memory }

func (s turned) CalledAt(ctx context.Context, platform string) ([]time.Time, error) {
	out, err := s.Memory.CalledAt(ctx, platform)
	for i := range len(out) / 2 {
		out[i] = out[i].Add(time.Hour)
	}
	return out, err
}

// TestAnEditOfWhichNothingIsKnown holds that a card says what it should where an edit took effect of which the bot does not
// know: the answer was lost, or the bot was killed (fault 27).
func TestAnEditOfWhichNothingIsKnown(t *testing.T) {
	t.Parallel()
	version := func(v int64, text string) bot.Message {
		m := card("k", v, bot.Prompt)
		m.Lines = []string{text}
		return m
	}
	for name, restarts := range map[string]bool{"its answer was lost": false, "the bot was killed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, f := &bottest.Memory{}, &fake{name: "a"}
				goesOn := func(h *bot.Hub) {
					synctest.Wait()
					f.broken(false)
					want(t, h, version(3, "one"))
					_ = h.Settle(t.Context())
				}
				started(t, s, func(h *bot.Hub) {
					want(t, h, version(1, "one"))
					_ = h.Settle(t.Context())
					f.broken(true)
					want(t, h, version(2, "two"))
					synctest.Wait()
					if !restarts {
						goesOn(h)
					}
				}, f)
				if restarts {
					started(t, s, goesOn, f)
				}
				if calls := f.log(); calls[len(calls)-1] != "edit k v3 at ref1" {
					t.Errorf("the calls were %q", calls)
				}
				started(t, s, func(h *bot.Hub) { // from here on it is known again
					before := len(f.log())
					want(t, h, version(4, "one"))
					_ = h.Settle(t.Context())
					same(t, f.log()[before:])
				}, f)
			})
		})
	}
}

// moving is a platform whose chat becomes another one.
type moving struct {
	*fake
	chat string
}

func (m *moving) Strayed(r bot.Ref) bool { return !strings.HasPrefix(string(r), m.chat) }

func (m *moving) Send(ctx context.Context, msg bot.Message) (bot.Ref, error) {
	r, err := m.fake.Send(ctx, msg)
	return bot.Ref(m.chat) + r, err
}

func (m *moving) Edit(ctx context.Context, r bot.Ref, msg bot.Message) error {
	if m.Strayed(r) {
		return bot.ErrGone
	}
	return m.fake.Edit(ctx, r, msg)
}

// TestWhatWaitsFollowsTheChat holds that a chat which moves shows at once what waits for people, and nothing else anew.
func TestWhatWaitsFollowsTheChat(t *testing.T) {
	t.Parallel()
	for name, restarts := range map[string]bool{"while it runs": false, "while it does not run": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, f := &bottest.Memory{}, &moving{fake: &fake{name: "a"}, chat: "old/"}
				inboxes := make(chan bot.Inbox, 2)
				f.runs = func(ctx context.Context, in bot.Inbox) error {
					inboxes <- in
					<-ctx.Done()
					return nil
				}
				arrives := func(h *bot.Hub) {
					synctest.Wait()
					_ = h.Settle(t.Context())
					want(t, h, card("done", 2, bot.Outcome))
					_ = h.Settle(t.Context())
				}
				started(t, s, func(h *bot.Hub) {
					want(t, h, card("ask", 1, bot.Prompt), card("done", 1, bot.Outcome), card("still", 1, bot.Outcome), nudge("n", "ask"))
					_ = h.Settle(t.Context())
					if f.chat = "new/"; !restarts {
						(<-inboxes).Report(errors.New("the chat has moved"))
						arrives(h)
					}
				}, f)
				if restarts {
					started(t, s, arrives, f)
				}
				same(t, f.log()[4:], "send ask v1", "send done v2")
			})
		})
	}
}
