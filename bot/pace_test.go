package bot_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

func TestProgressIsEditedAtAPaceAndDelaysNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, start := &fake{name: "a", every: 200 * time.Millisecond}, time.Now()
		var edits []time.Duration
		asked := map[string]time.Duration{}
		f.fail = func(call string) error {
			if strings.HasPrefix(call, "edit tick") {
				edits = append(edits, time.Since(start))
			}
			asked[call] = time.Since(start)
			return nil
		}
		started(t, &bottest.Memory{}, func(h *bot.Hub) {
			for v := range int64(100) { // 10 s of progress
				want(t, h, card("tick", v+1, bot.Ticker))
				if v == 50 {
					want(t, h, card("ask", 1, bot.Prompt))
				}
				time.Sleep(100 * time.Millisecond)
			}
			want(t, h, card("tick", 200, bot.Outcome)) // the end does not wait for its turn
			if err := h.Settle(t.Context()); err != nil {
				t.Error(err)
			}
		}, f)
		if len(edits) != 4 || edits[1]-edits[0] < 3*time.Second || edits[2]-edits[1] < 3*time.Second {
			t.Errorf("edits at %v", edits)
		}
		if at := asked["send ask v1"]; at > 5300*time.Millisecond {
			t.Errorf("the prompt waited until %v", at)
		}
		if at := asked["edit tick v200 at ref1"]; at < 10*time.Second || at > 10300*time.Millisecond {
			t.Errorf("the end came at %v", at)
		}
	})
}

// TestRetryAfterOfProgressHoldsAPromptNoLonger: fault 26.
func TestRetryAfterOfProgressHoldsAPromptNoLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, start := &fake{name: "a", every: time.Second}, time.Now()
		var at time.Duration
		f.fail = func(call string) error {
			if strings.HasPrefix(call, "edit tick") && time.Since(start) < time.Minute {
				return &bot.Later{After: 10 * time.Second, Err: errors.New("429")}
			}
			if call == "send ask v1" {
				at = time.Since(start)
			}
			return nil
		}
		started(t, &bottest.Memory{}, func(h *bot.Hub) {
			want(t, h, card("tick", 1, bot.Ticker))
			_ = h.Settle(t.Context())
			want(t, h, card("tick", 2, bot.Ticker))
			time.Sleep(5 * time.Second) // it is edited 3 s later
			want(t, h, card("ask", 1, bot.Prompt), card("tick", 3, bot.Ticker))
			_ = h.Settle(t.Context())
		}, f)
		if at != 13*time.Second {
			t.Errorf("the prompt went out at %v", at)
		}
		if got := f.posts[f.ref("tick")].Version; got != 3 {
			t.Errorf("progress stayed at version %d", got)
		}
	})
}

// TestADayWithoutThePlatform: fault 29.
func TestADayWithoutThePlatform(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{name: "a", every: time.Second}
		f.broken(true)
		var before int
		var back time.Time
		started(t, &bottest.Memory{}, func(h *bot.Hub) {
			version := int64(0)
			for hour := range 24 {
				run := fmt.Sprint("run", hour)
				for range 10 {
					version++
					want(t, h, card(run, version, bot.Ticker), card(run+"/step", version, bot.Prompt), nudge(fmt.Sprint("n", version), run+"/step"))
					time.Sleep(6 * time.Minute)
				}
				over := card(run, version+1, bot.Outcome)
				over.Ends = true
				want(t, h, over, card(run+"/step", version+1, bot.Outcome))
			}
			want(t, h, card("ask", 1, bot.Prompt))
			before, back = len(f.log()), time.Now()
			f.broken(false)
			_ = h.Settle(t.Context())
		}, f)
		if before > 24*60*4 {
			t.Errorf("the platform was called %d times while it was down", before)
		}
		if took := time.Since(back); took > 3*time.Minute {
			t.Errorf("everything was out after %v", took)
		}
		calls := f.log()[before:]
		if i := slices.Index(calls, "send ask v1"); i < 0 || i > 30 {
			t.Errorf("the prompt was call %d of %q", i, calls)
		}
		if len(calls) != len(f.posts) || len(calls) != 2*24+1+24 {
			t.Errorf("%d calls made %d posts: %q", len(calls), len(f.posts), calls)
		}
		for _, m := range f.posts {
			if m.Priority == bot.Ticker {
				t.Errorf("an old version was posted: %+v", m)
			}
		}
	})
}

func TestANewPlatformIsSparedThePast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, old := &bottest.Memory{}, &fake{name: "old"}
		f := &fake{name: "new"}
		over, step, open := card("run/1", 1, bot.Outcome), card("step/1", 1, bot.Outcome), card("run/2", 1, bot.Outcome)
		over.RunID, over.Ends, step.RunID, open.RunID = "1", true, "1", "2"
		all := []bot.Message{step, over, open, card("alert", 1, bot.Outcome), card("ask", 1, bot.Prompt)}
		started(t, s, func(h *bot.Hub) { want(t, h, all...); _ = h.Settle(t.Context()) }, old)
		for range 2 {
			started(t, s, func(h *bot.Hub) { synctest.Wait(); _ = h.Settle(t.Context()) }, old, f)
		}
		if len(old.posts) != len(all) {
			t.Errorf("posts on the old one: %v", old.posts)
		}
		same(t, f.log(), "send ask v1", "send run/2 v1")
	})
}
