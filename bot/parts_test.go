package bot_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

// dividing is a fake whose posts hold no output: each line of it is a part.
type dividing struct{ finding }

func (d dividing) Divide(m bot.Message) []bot.Message {
	var parts []bot.Message
	for line := range strings.Lines(m.Output) {
		parts = append(parts, bot.Message{Key: m.Key + "#" + strings.TrimSpace(line), Version: 1, Of: m.Key, Thread: true, Priority: bot.Ticker})
	}
	return parts
}

func long(key string, version int64, output string) bot.Message {
	m := card(key, version, bot.Prompt)
	m.Output = output
	return m
}

func TestPartsStandBelowTheirCardOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, s := &fake{name: "a"}, &bottest.Memory{}
		d := dividing{finding{f}}
		f.every = time.Second // all is wanted before the first call
		started(t, s, func(h *bot.Hub) {
			want(t, h, card("first", 1, bot.Prompt))
			synctest.Wait()
			want(t, h, long("k", 1, "a\nb\n"), card("other", 1, bot.Outcome), card("ask", 1, bot.Prompt))
			_ = h.Settle(t.Context())
			want(t, h, long("k", 2, "b\nc\n"), long("k", 1, "z\n"))
			_ = h.Settle(t.Context())
			want(t, h, long("k", 2, "b\nc\n"))
			_ = h.Settle(t.Context())
		}, d)
		for range 2 {
			started(t, s, func(h *bot.Hub) { synctest.Wait(); _ = h.Settle(t.Context()) }, d)
		}
		same(t, f.log(), "send first v1", "send k v1", "send ask v1", `send k#a v1 of "ref2"`, `send k#b v1 of "ref2"`, "send other v1",
			"edit k v2 at ref2", `send k#c v1 of "ref2"`)
	})
}

// few is a dividing platform on which calls a minute are few.
type few struct {
	dividing
	budget *bot.Budget
}

func (f few) Budget() *bot.Budget { return f.budget }

func TestPartsComeAfterButtonsThatNobodyShouldPress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{name: "a"}
		started(t, &bottest.Memory{}, func(h *bot.Hub) {
			want(t, h, card("decided", 1, bot.Prompt))
			_ = h.Settle(t.Context())
			want(t, h, card("first", 1, bot.Prompt), long("k", 1, "a\nb\n"), card("result", 1, bot.Outcome), card("decided", 2, bot.Outcome))
			_ = h.Settle(t.Context())
		}, few{dividing{finding{f}}, bot.NewBudget(time.Second, 20)})
		same(t, f.log(), "send decided v1", "send first v1", "send k v1", "edit decided v2 at ref1", `send k#a v1 of "ref3"`, `send k#b v1 of "ref3"`, "send result v1")
	})
}

func TestPartsOfAnOlderVersionAreDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{name: "a"}
		f.broken(true)
		started(t, &bottest.Memory{}, func(h *bot.Hub) {
			want(t, h, long("k", 1, "a\nb\n"), nudge("n", "k"))
			time.Sleep(time.Hour) // a card that fails holds back its parts, however often it does
			want(t, h, long("k", 2, "b\nc\n"))
			f.broken(false)
			_ = h.Settle(t.Context())
		}, dividing{finding{f}})
		var posted []string
		for _, c := range f.log() {
			if strings.Contains(c, "#") {
				posted = append(posted, c)
			}
		}
		ref := string(f.ref("k"))
		same(t, posted, `send k#b v1 of "`+ref+`"`, `send k#c v1 of "`+ref+`"`)
	})
}

func TestLostPartIsLookedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, s := &fake{name: "a"}, &bottest.Memory{}
		f.fail = func(call string) error {
			if strings.HasPrefix(call, "send k#a") {
				return errStored
			}
			return nil
		}
		started(t, s, func(h *bot.Hub) {
			want(t, h, long("k", 1, "a\n"))
			synctest.Wait() // and stopped before it is looked for
		}, dividing{finding{f}})
		for range 2 {
			started(t, s, func(h *bot.Hub) { synctest.Wait(); _ = h.Settle(t.Context()) }, dividing{finding{f}})
		}
		same(t, f.log(), "send k v1", `send k#a v1 of "ref1"`)
	})
}

func TestCardThatIsGoneComesWithItsParts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, s := &fake{name: "a"}, &bottest.Memory{}
		gone := true
		f.fail = func(call string) error {
			switch {
			case strings.HasPrefix(call, "edit k v2"):
				return bot.ErrGone
			case call == "send k v2" && gone:
				gone = false
				return errRefused
			}
			return nil
		}
		started(t, s, func(h *bot.Hub) {
			want(t, h, long("k", 1, "a\n"))
			_ = h.Settle(t.Context())
			want(t, h, long("k", 2, "a\n"))
			_ = h.Settle(t.Context())
		}, dividing{finding{f}})
		same(t, f.log(), "send k v1", `send k#a v1 of "ref1"`, "edit k v2 at ref1", "send k v2", "edit k v2 at ref1", "send k v2",
			`send k#a v1 of "ref4"`)
	})
}

// Parts that the platform does not allow are tried seldom, hold nothing else up, and go out once they are allowed.
func TestForbiddenPartsTakeFewCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{name: "a", every: time.Second}
		var mu sync.Mutex
		allowed, tries, output, asked := false, 0, "", time.Time{}
		for i := range 20 {
			output += string(rune('a'+i)) + "\n"
		}
		f.fail = func(call string) error {
			mu.Lock()
			defer mu.Unlock()
			if strings.Contains(call, "#") && !allowed {
				tries++
				return broken("files:write")
			}
			asked = time.Now()
			return nil
		}
		started(t, &bottest.Memory{}, func(h *bot.Hub) {
			want(t, h, long("k", 1, output))
			time.Sleep(time.Hour)
			mu.Lock()
			if tries > 20*(1+60/5) {
				t.Errorf("%d tries in an hour", tries)
			}
			mu.Unlock()
			if h.Health()[0].Err == nil {
				t.Error("nobody would know that files are missing")
			}
			for v := range int64(10) {
				now := time.Now()
				want(t, h, card("ask", v+1, bot.Prompt))
				time.Sleep(20 * time.Second)
				mu.Lock()
				if waited := asked.Sub(now); waited < 0 || waited > 2*time.Second {
					t.Errorf("a prompt waited for %v", waited)
				}
				mu.Unlock()
			}
			mu.Lock()
			allowed = true
			mu.Unlock()
			back := time.Now()
			_ = h.Settle(t.Context())
			if took := time.Since(back); took > 6*time.Minute || len(f.posts) != 22 {
				t.Errorf("%d posts after %v", len(f.posts), took)
			}
		}, dividing{finding{f}})
	})
}
