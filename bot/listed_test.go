package bot_test

import (
	"testing"
	"testing/synctest"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

// TestWhatIsListedGetsNoPostOfItsOwn holds that what another card says in a line takes no call where those of a minute are
// few, but for a post that is there already.
func TestWhatIsListedGetsNoPostOfItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		few, many, s := newCounting(20), &fake{name: "b"}, &bottest.Memory{}
		listed := func(key string, version int64) bot.Message {
			m := card(key, version, bot.Outcome)
			m.Listed = true
			return m
		}
		started(t, s, func(h *bot.Hub) {
			want(t, h, card("asked", 1, bot.Prompt))
			time.Sleep(10 * time.Second)
			want(t, h, listed("asked", 2), listed("never", 1))
			if err := h.Settle(t.Context()); err != nil {
				t.Error(err)
			}
		}, few, many)
		started(t, s, func(h *bot.Hub) { _ = h.Settle(t.Context()) }, few, many)
		same(t, few.log(), "send asked v1", "edit asked v2 at ref1")
		same(t, many.log(), "send asked v1", "edit asked v2 at ref1", "send never v1")
		started(t, s, func(h *bot.Hub) { // it is done after all
			want(t, h, card("never", 2, bot.Outcome))
			_ = h.Settle(t.Context())
		}, few)
		same(t, few.log()[2:], "send never v2")
	})
}
