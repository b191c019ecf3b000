package bot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

// TestAnAnsweredQuestionLosesItsButtonsFirst holds that nobody is left with buttons that answer nothing while other
// questions go out, whatever the answered card shows next.
func TestAnAnsweredQuestionLosesItsButtonsFirst(t *testing.T) {
	t.Parallel()
	for _, next := range []bot.Priority{bot.Outcome, bot.Ticker} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{name: "a", every: time.Second}
			started(t, &bottest.Memory{}, func(h *bot.Hub) {
				want(t, h, card("ask", 1, bot.Prompt))
				_ = h.Settle(t.Context())
				for i := range 5 {
					want(t, h, card(fmt.Sprint("other", i), 1, bot.Prompt))
				}
				want(t, h, card("ask", 2, next))
				_ = h.Settle(t.Context())
				want(t, h, card("ask", 3, bot.Outcome), card("last", 1, bot.Prompt)) // it asks nothing any more
				_ = h.Settle(t.Context())
			}, f)
			calls := f.log()
			if i := slices.Index(calls, "edit ask v2 at ref1"); i < 1 || i > 2 { // perhaps one was under way
				t.Errorf("priority %d: the answer was shown by call %d of %q", next, i, calls)
			}
			same(t, calls[len(calls)-2:], "send last v1", "edit ask v3 at ref1")
		})
	}
}

// TestCardsOfARunAreFirstPostedInOrder holds a question below what was wanted before it, unless it waits too long.
func TestCardsOfARunAreFirstPostedInOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		every  time.Duration
		before int // cards of the run that were wanted before the question
		other  int // cards of another run, wanted before all
		want   string
	}{
		{"few", 1200 * time.Millisecond, 2, 0, "1 2 ask"},
		{"many", 1200 * time.Millisecond, 5, 0, "ask 1 2 3 4 5"},
		{"many where calls are not counted", 0, 5, 0, "1 2 3 4 5 ask"},
		{"another run", 1200 * time.Millisecond, 1, 2, "1 ask other0 other1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, start := &fake{name: "a", every: c.every}, time.Now()
				var at time.Duration
				f.fail = func(call string) error {
					if strings.HasPrefix(call, "send ask ") {
						at = time.Since(start)
					}
					return nil
				}
				of := func(run, key string, p bot.Priority) bot.Message {
					m := card(key, 1, p)
					m.RunID = run
					return m
				}
				var all []bot.Message
				for i := range c.other {
					all = append(all, of("r2", fmt.Sprint("other", i), bot.Outcome))
				}
				for i := range c.before {
					all = append(all, of("r1", fmt.Sprint(i+1), []bot.Priority{bot.Outcome, bot.Ticker}[i%2]))
				}
				all = append(all, of("r1", "ask", bot.Prompt))
				s := &bottest.Memory{}
				h, err := bot.NewHub(bot.Config{Platforms: []bot.Platform{f}, Store: s})
				if err != nil {
					t.Fatal(err)
				}
				want(t, h, all...) // before it runs: all are there at once
				run(t, h, &bottest.Inbox{}, func() { _ = h.Settle(t.Context()) })
				var got []string
				for _, call := range f.log() {
					got = append(got, strings.Fields(call)[1])
				}
				if strings.Join(got, " ") != c.want || at > 2500*time.Millisecond {
					t.Errorf("%q, not %q; the question after %v", got, c.want, at)
				}
			})
		})
	}
}
