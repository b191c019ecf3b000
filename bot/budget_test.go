package bot_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

// counting is a platform with a budget; each of its calls takes a while.
type counting struct {
	*fake
	budget *bot.Budget
	start  time.Time
	at     []time.Duration          // of each call, and of each answer that the platform gave by itself
	shown  map[string]time.Duration // "ask v1" → when it went out
}

func newCounting(perMinute int) *counting {
	c := &counting{fake: &fake{name: "a"}, budget: bot.NewBudget(time.Second, perMinute), start: time.Now(), shown: map[string]time.Duration{}}
	c.fail = func(call string) error {
		at := time.Since(c.start)
		c.at = append(c.at, at)
		words := strings.Fields(call)
		c.shown[words[1]+" "+words[2]] = at
		time.Sleep(100 * time.Millisecond)
		return nil
	}
	return c
}

func (c *counting) Budget() *bot.Budget { return c.budget }

// busiest is how many calls there were in any minute.
func (c *counting) busiest() (most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.Sort(c.at)
	for i, from := range c.at {
		n, _ := slices.BinarySearch(c.at[i:], from+time.Minute)
		most = max(most, n)
	}
	return most
}

func TestARunInAGroup(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		thinks, takes time.Duration // a person until the answer; the step
		answers       bool          // each answer is answered by a message of its own
	}{
		"people who read":    {thinks: 8 * time.Second, takes: 5 * time.Second, answers: true},
		"people who hurry":   {thinks: 2 * time.Second, takes: 5 * time.Second},
		"steps that go fast": {thinks: 6 * time.Second, takes: time.Second},
		"steps that go slow": {thinks: 20 * time.Second, takes: 3 * time.Minute, answers: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newCounting(20)
				wanted := map[string]time.Duration{}
				started(t, &bottest.Memory{}, func(h *bot.Hub) {
					version := int64(0)
					say := func(key string, p bot.Priority) {
						if version++; p == bot.Prompt {
							wanted[fmt.Sprintf("%s v%d", key, version)] = time.Since(f.start)
						}
						want(t, h, card(key, version, p))
					}
					for i := range 12 {
						step := fmt.Sprint("step", i)
						say("run", bot.Outcome)
						say(step, bot.Prompt)
						time.Sleep(c.thinks)
						if c.answers && f.budget.Wait(t.Context(), bot.Prompt) == nil {
							f.mu.Lock()
							f.at = append(f.at, time.Since(f.start))
							f.mu.Unlock()
						}
						say("run", bot.Outcome)
						for range int(c.takes / time.Second) {
							say(step, bot.Ticker)
							time.Sleep(time.Second)
						}
						say(step, bot.Outcome)
					}
					say("run", bot.Outcome)
					_ = h.Settle(t.Context())
				}, f)
				if n := f.busiest(); n > 20 {
					t.Errorf("%d calls in a minute", n)
				}
				for what, at := range wanted {
					if late := f.shown[what] - at; f.shown[what] == 0 && at > 0 || late > 1200*time.Millisecond {
						t.Errorf("%s, wanted at %v, went out %v later", what, at, late)
					}
				}
				if c.takes > time.Minute { // progress never stands still for long
					last := time.Duration(0)
					for _, at := range f.at {
						if at-last > c.thinks+8*time.Second {
							t.Errorf("nothing was heard from %v to %v", last, at)
						}
						last = at
					}
				}
			})
		})
	}
}

// TestDecidedQuestionsLoseTheirButtonsFirst holds that where a run makes more than the chat takes, nobody presses buttons in
// vain for long: they go before results, however many there were, and never delay questions.
func TestDecidedQuestionsLoseTheirButtonsFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newCounting(20)
		since := map[string]time.Duration{}
		started(t, &bottest.Memory{}, func(h *bot.Hub) {
			say := func(key string, version int64, p bot.Priority) {
				since[fmt.Sprintf("%s v%d", key, version)] = time.Since(f.start)
				want(t, h, card(key, version, p))
			}
			for i := range 30 {
				want(t, h, card(fmt.Sprint("result", i), 1, bot.Outcome))
			}
			time.Sleep(15 * time.Second)
			for _, step := range []string{"a", "b"} {
				say(step, 1, bot.Prompt)
				time.Sleep(2 * time.Second)
				say(step, 2, bot.Outcome)
			}
			_ = h.Settle(t.Context())
		}, f)
		if n := f.busiest(); n > 20 {
			t.Errorf("%d calls in a minute", n)
		}
		for what, at := range since {
			if late := f.shown[what] - at; f.shown[what] == 0 || late > 2*time.Second {
				t.Errorf("%s, wanted at %v, went out %v later", what, at, late)
			}
		}
	})
}

func TestAStormOfPrompts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newCounting(20)
		f.fake.every = time.Hour // a platform with a budget is not asked
		var order []string
		fail := f.fail
		f.fail = func(call string) error { order = append(order, strings.Fields(call)[1]); return fail(call) }
		started(t, &bottest.Memory{}, func(h *bot.Hub) {
			for i := range 25 {
				want(t, h, card(fmt.Sprintf("ask%02d", i), 1, bot.Prompt), card(fmt.Sprintf("tick%02d", i), 1, bot.Ticker), card(fmt.Sprintf("end%02d", i), 1, bot.Outcome))
			}
			time.Sleep(30 * time.Second)
			want(t, h, card("ask24", 2, bot.Outcome)) // answered elsewhere before it went out
			_ = h.Settle(t.Context())
		}, f)
		if n := f.busiest(); n > 20 {
			t.Errorf("%d calls in a minute", n)
		}
		var expected []string
		for _, kind := range []string{"ask", "end", "tick"} {
			for i := range 25 {
				expected = append(expected, fmt.Sprintf("%s%02d", kind, i))
			}
		}
		answered := slices.Delete(slices.Insert(expected, 49, "ask24"), 24, 25)
		same(t, order, answered...)
	})
}

func TestProgressAndResultsLeaveRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newCounting(20)
		started(t, &bottest.Memory{}, func(h *bot.Hub) {
			for _, c := range []struct {
				kind string
				p    bot.Priority
				used int
			}{{"tick", bot.Ticker, 8}, {"end", bot.Outcome, 8}, {"ask", bot.Prompt, 19}} {
				for i := range 30 {
					want(t, h, card(fmt.Sprint(c.kind, i), 1, c.p))
				}
				time.Sleep(18 * time.Second)
				if got := len(f.log()); got != c.used {
					t.Errorf("after the storm of %s %d calls of a minute were used, want %d", c.kind, got, c.used)
				}
			}
		}, f)
	})
}

func TestWhatThePlatformSendsCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newCounting(5)
		started(t, &bottest.Memory{}, func(h *bot.Hub) {
			for range 4 {
				if err := f.budget.Wait(t.Context(), bot.Prompt); err != nil {
					t.Fatal(err)
				}
			}
			f.budget.Take()
			want(t, h, card("ask", 1, bot.Prompt))
			_ = h.Settle(t.Context())
		}, f)
		if at := f.shown["ask v1"]; at != 61*time.Second {
			t.Errorf("the prompt went out at %v", at)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		for range 5 {
			if err := f.budget.Wait(ctx, bot.Outcome); err != nil {
				return
			}
		}
		t.Error("results took the whole budget")
	})
}

// A platform that asks to wait gets nothing meanwhile, from the hub or from others who share its budget.
func TestRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, start := bot.NewBudget(time.Second, 20), time.Now()
		b.Rest(40 * time.Second)
		b.Rest(time.Second) // asks for less than is asked already
		cut, cancel := context.WithTimeout(t.Context(), 39*time.Second)
		defer cancel()
		if err := b.Wait(cut, bot.Prompt); err == nil {
			t.Errorf("a call was made after %v", time.Since(start))
		}
		if err := b.Wait(t.Context(), bot.Prompt); err != nil || time.Since(start) != 40*time.Second {
			t.Errorf("the next call came after %v: %v", time.Since(start), err)
		}
	})
}

// TestAFloodOfCommands holds that prompts do not wait for what people are answered, and that nobody takes all answers.
func TestAFloodOfCommands(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newCounting(20)
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		answers := map[string][]time.Duration{}
		var people sync.WaitGroup
		ask := func(who string, times int) {
			for range times {
				people.Go(func() {
					if f.budget.Answer(ctx, who) != nil {
						return
					}
					mu.Lock()
					defer mu.Unlock()
					answers[who] = append(answers[who], time.Since(f.start))
				})
			}
		}
		started(t, &bottest.Memory{}, func(h *bot.Hub) {
			ask("noisy", 50)
			time.Sleep(2 * time.Second)
			ask("quiet", 1)
			for i := range 6 {
				asked := time.Since(f.start)
				want(t, h, card(fmt.Sprint("ask", i), 1, bot.Prompt))
				_ = h.Settle(t.Context())
				if late := f.shown[fmt.Sprintf("ask%d v1", i)] - asked; late > time.Second {
					t.Errorf("prompt %d went out %v late", i, late)
				}
				time.Sleep(8 * time.Second)
			}
		}, f)
		cancel()
		people.Wait()
		if n := len(answers["noisy"]); n != 8 {
			t.Errorf("one person was answered %d times", n)
		}
		if len(answers["quiet"]) != 1 || answers["quiet"][0] > 12*time.Second {
			t.Errorf("another one was answered at %v", answers["quiet"])
		}
	})
}
