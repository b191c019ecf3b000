package bot_test

import (
	"testing"
	"testing/synctest"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

// flat is a chat where replies stand below everything else.
type flat struct{ *fake }

func (flat) Flat() bool { return true }

func here(key, of string) bot.Message {
	m := nudge(key, of)
	m.Covered, m.Notify = true, nil
	return m
}

// TestAnAnswerBuriesAQuestion holds that what the platform posts by itself below a question counts as well.
func TestAnAnswerBuriesAQuestion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newCounting(20)
		started(t, &bottest.Memory{}, func(h *bot.Hub) {
			want(t, h, card("ask", 1, bot.Prompt), here("here", "ask"))
			time.Sleep(10 * time.Second)
			same(t, f.log(), "send ask v1")
			f.budget.Posted()
			f.budget.Posted()
			time.Sleep(10 * time.Second)
			f.budget.Posted()
			time.Sleep(10 * time.Second)
		}, f)
		same(t, f.log(), "send ask v1", `send here v1 of "ref1"`)
	})
}

// TestAQuestionIsTheLastThingInTheChat holds that what leads to a question is posted, once and below the rest, where its
// card is not the last post.
func TestAQuestionIsTheLastThingInTheChat(t *testing.T) {
	t.Parallel()
	below := bot.Message{Key: "ask#1", Version: 1, Of: "ask", Thread: true, Priority: bot.Outcome}
	over := here("here", "ask")
	over.Version, over.State = 2, bot.NudgeOver
	for name, c := range map[string]struct {
		say  []bot.Message // 1 s after each other
		flat bool
		want []string
	}{
		"nothing is below": {say: []bot.Message{card("ask", 1, bot.Prompt), here("here", "ask")}, want: []string{"send ask v1"}},
		"an edit far up": {
			say:  []bot.Message{card("ask", 1, bot.Ticker), card("other", 1, bot.Outcome), card("ask", 2, bot.Prompt), here("here", "ask")},
			want: []string{"send ask v1", "send other v1", "edit ask v2 at ref1", `send here v1 of "ref1"`},
		},
		"it comes once, after what comes late": {
			say:  []bot.Message{card("ask", 1, bot.Prompt), here("here", "ask"), card("late", 1, bot.Outcome), card("later", 1, bot.Outcome)},
			want: []string{"send ask v1", "send late v1", "send later v1", `send here v1 of "ref1"`},
		},
		"what comes long after": {
			say:  []bot.Message{card("ask", 1, bot.Prompt), here("here", "ask"), {}, {}, {}, {}, card("late", 1, bot.Outcome)},
			want: []string{"send ask v1", "send late v1", `send here v1 of "ref1"`},
		},
		"a call leads to it already": {
			say:  []bot.Message{card("ask", 1, bot.Prompt), card("other", 1, bot.Outcome), nudge("call", "ask"), here("here", "ask")},
			want: []string{"send ask v1", "send other v1", `send call v1 of "ref1"`},
		},
		"another question is below": {
			say:  []bot.Message{card("ask", 1, bot.Prompt), here("here", "ask"), card("other", 1, bot.Prompt)},
			want: []string{"send ask v1", "send other v1"},
		},
		"it was answered": {
			say:  []bot.Message{card("ask", 1, bot.Prompt), here("here", "ask"), card("ask", 2, bot.Outcome), over, card("other", 1, bot.Outcome)},
			want: []string{"send ask v1", "edit ask v2 at ref1", "send other v1"},
		},
		"a reply where replies stand below all": {
			say: []bot.Message{card("ask", 1, bot.Prompt), here("here", "ask"), below}, flat: true,
			want: []string{"send ask v1", `send ask#1 v1 of "ref1"`, `send here v1 of "ref1"`},
		},
		"a reply in a thread": {
			say:  []bot.Message{card("ask", 1, bot.Prompt), here("here", "ask"), below},
			want: []string{"send ask v1", `send ask#1 v1 of "ref1"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fake{name: "a"}
				var p bot.Platform = f
				if c.flat {
					p = flat{f}
				}
				started(t, &bottest.Memory{}, func(h *bot.Hub) {
					for _, m := range c.say {
						if m.Key != "" {
							want(t, h, m)
						}
						time.Sleep(time.Second)
					}
					_ = h.Settle(t.Context()) // what idles keeps nobody waiting
					time.Sleep(10 * time.Second)
				}, p)
				same(t, f.log(), c.want...)
			})
		})
	}
}
