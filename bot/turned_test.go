package bot_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

// TestACardThatBecomesAQuestionComesFirst holds that what is held is seen at once, however many prompts there were.
func TestACardThatBecomesAQuestionComesFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, asked := newCounting(20), map[string]time.Duration{}
		started(t, &bottest.Memory{}, func(h *bot.Hub) {
			want(t, h, card("step", 1, bot.Prompt))
			time.Sleep(2 * time.Second)
			want(t, h, card("step", 2, bot.Ticker)) // approved
			for i := range 40 {
				want(t, h, card(fmt.Sprint("ask", i), 1, bot.Prompt))
			}
			for held := range int64(3) {
				time.Sleep(35 * time.Second)
				asked[fmt.Sprint("step v", 3+held)] = time.Since(f.start)
				want(t, h, card("step", 3+held, bot.Prompt))
			}
			_ = h.Settle(t.Context())
		}, f)
		for what, at := range asked {
			if late := f.shown[what] - at; late < 0 || late > 1200*time.Millisecond {
				t.Errorf("%s went out %v late", what, late)
			}
		}
		if n := f.busiest(); n > 20 {
			t.Errorf("%d calls in a minute", n)
		}
	})
}

// TestAHeldCardIsPointedToAtOnce holds that people who read the end of the chat see that something is held: with the edit of
// its card, behind what belongs to it.
func TestAHeldCardIsPointedToAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{name: "a", every: time.Second}
		over := here("here1", "step")
		over.Version, over.State, over.Priority = 2, bot.NudgeOver, bot.Outcome
		started(t, &bottest.Memory{}, func(h *bot.Hub) {
			want(t, h, card("step", 1, bot.Prompt), here("here1", "step"), card("late", 1, bot.Outcome))
			time.Sleep(10 * time.Second)
			same(t, f.log(), "send step v1", "send late v1", `send here1 v1 of "ref1"`)
			want(t, h, card("result", 1, bot.Outcome), long("step", 3, "a\n"), here("here2", "step"), over)
			time.Sleep(3500 * time.Millisecond) // four calls
		}, flatDividing{dividing{finding{f}}})
		calls := f.log()[3:]
		if calls[0] == "send result v1" { // it was under way
			calls = calls[1:]
		}
		same(t, calls[:3], "edit step v3 at ref1", `send step#a v1 of "ref1"`, `send here2 v1 of "ref1"`)
	})
}

// flatDividing is a chat where parts of cards stand below everything else.
type flatDividing struct{ dividing }

func (flatDividing) Flat() bool { return true }

// TestACallThatIsOverLeadsNowhere holds that a question is pointed to anew where the last post says that the one before it
// was answered.
func TestACallThatIsOverLeadsNowhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{name: "a"}
		over := here("here1", "step")
		over.Version, over.State, over.Priority = 2, bot.NudgeOver, bot.Outcome
		started(t, &bottest.Memory{}, func(h *bot.Hub) {
			want(t, h, card("step", 1, bot.Prompt), here("here1", "step"), card("late", 1, bot.Outcome))
			time.Sleep(10 * time.Second)
			want(t, h, card("step", 2, bot.Ticker), over)
			time.Sleep(10 * time.Second)
			want(t, h, card("step", 3, bot.Prompt), here("here2", "step"))
			time.Sleep(time.Second)
		}, f)
		calls := f.log()
		same(t, calls[len(calls)-2:], "edit step v3 at ref1", `send here2 v1 of "ref1"`)
	})
}

// TestPartsOfAPlanStandAboveTheNextQuestion holds that what belongs to a question goes out before the next one of its run,
// and never once it was decided.
func TestPartsOfAPlanStandAboveTheNextQuestion(t *testing.T) {
	t.Parallel()
	for _, decided := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{name: "a", every: time.Second}
			of := func(m bot.Message) bot.Message { m.RunID = "r"; return m }
			started(t, &bottest.Memory{}, func(h *bot.Hub) {
				want(t, h, card("other", 1, bot.Prompt), of(long("step1", 1, "a\n")))
				time.Sleep(1500 * time.Millisecond) // the card is out, and its part is not
				if decided {
					want(t, h, of(card("step1", 2, bot.Ticker)))
				}
				want(t, h, of(long("step2", 1, "b\n")))
				_ = h.Settle(t.Context())
			}, flatDividing{dividing{finding{f}}})
			expected := []string{"send other v1", "send step1 v1", `send step1#a v1 of "ref2"`, "send step2 v1", `send step2#b v1 of "ref4"`}
			if decided {
				expected = []string{"send other v1", "send step1 v1", "edit step1 v2 at ref2", "send step2 v1", `send step2#b v1 of "ref3"`}
			}
			same(t, f.log(), expected...)
		})
	}
}
