package telegram

import (
	"fmt"
	"strings"
	"testing"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

func TestPrivate(t *testing.T) {
	t.Parallel()
	preview := bottest.Cards()["waiting.en"]
	preview.Notify = []string{"ops1"}
	big := bottest.Long()
	var history strings.Builder
	for i := range 6000 {
		fmt.Fprintf(&history, "line %d of the history\n", i)
	}
	for name, c := range map[string]struct {
		reply  bot.Reply
		posts  int
		shows  []string
		hidden []string
	}{
		"nothing":          {bot.Reply{}, 0, nil, nil},
		"text":             {bot.Reply{Text: "You may not approve <danger> *steps*.", Refused: true}, 1, []string{"<danger> *steps*"}, nil},
		"text, card":       {bot.Reply{Text: "see the card", Message: &preview}, 1, []string{"see the card", "3/8 Take", "Approve"}, []string{"ops1"}},
		"long text, card":  {bot.Reply{Text: strings.Repeat("word ", 200), Message: &preview}, 2, []string{"word word", "3/8 Take"}, nil},
		"text, large card": {bot.Reply{Text: "see the card", Message: &big}, 5, []string{"see the card", "more lines: file"}, nil},
		"large card":       {bot.Reply{Message: &big}, 5, []string{"more lines: file", "echo step 399", "host-399  down", "host-399: no SSH"}, nil},
		"long history":     {bot.Reply{Text: history.String()}, 2, []string{"line 0 of", "more lines: file answer-", "line 5999 of"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			posts := rendererIn(t, "en").private(c.reply)
			all := ""
			for _, p := range posts {
				all += shown(p)
				if wrong := faults(p); len(wrong) > 0 {
					t.Error(wrong)
				}
			}
			if len(posts) != c.posts {
				t.Errorf("%d posts, not %d", len(posts), c.posts)
			}
			for _, want := range c.shows {
				if !strings.Contains(all, want) {
					t.Errorf("nobody is told %q", want)
				}
			}
			for _, not := range c.hidden {
				if strings.Contains(all, not) {
					t.Errorf("somebody is told %q", not)
				}
			}
		})
	}
}

func TestToast(t *testing.T) {
	t.Parallel()
	card := bottest.Card("k1", 1)
	long := strings.Repeat("𝄞 you may not ", 30)
	for name, c := range map[string]struct {
		reply bot.Reply
		text  string
		rest  int
	}{
		"nothing":      {bot.Reply{}, "", 0},
		"done":         {bot.Reply{Text: "Approved."}, "Approved.", 0},
		"refused":      {bot.Reply{Text: "ops1, ops2 may. <b>", Refused: true}, "ops1, ops2 may. <b>", 0},
		"long":         {bot.Reply{Text: long, Refused: true}, strings.Repeat("𝄞 you may not ", 13) + "𝄞 y…", 1},
		"with a card":  {bot.Reply{Text: "See the card.", Message: &card}, "See the card.", 1},
		"only a card":  {bot.Reply{Text: strings.Join(card.Lines, "\n"), Message: &card}, "", 1},
		"long, a card": {bot.Reply{Text: long, Message: &card}, "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, alert, rest := rendererIn(t, "en").toast(c.reply)
			if c.text != "" && text != c.text || units(text) > 200 || alert != c.reply.Refused {
				t.Errorf("%q (%d units), alert %v", text, units(text), alert)
			}
			if len(rest) != c.rest {
				t.Errorf("%d more posts, not %d", len(rest), c.rest)
			}
			for _, p := range rest {
				if wrong := faults(p); len(wrong) > 0 {
					t.Error(wrong)
				}
			}
		})
	}
}
