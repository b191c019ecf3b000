package slack

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
	var hosts bot.Block
	hosts.Kind, hosts.Columns = "table", []string{"host", "role", "state"}
	for i := range 14 {
		hosts.Rows = append(hosts.Rows, []string{fmt.Sprint("host-", i), "standby backup", "answers, but the bot cannot log in"})
	}
	fleet := bot.Message{Key: "diagnosis", Title: "How the machines are", State: "info", Blocks: []bot.Block{hosts}}
	var manyLines strings.Builder
	for i := range 6000 {
		fmt.Fprintf(&manyLines, "line %d of the history\n", i)
	}
	for name, c := range map[string]struct {
		reply  bot.Reply
		posts  int
		shows  []string
		hidden []string
	}{
		"nothing":          {bot.Reply{}, 0, nil, nil},
		"text":             {bot.Reply{Text: "You may not approve <danger> *steps*.", Refused: true}, 1, []string{"<danger> *steps*"}, nil},
		"text, card":       {bot.Reply{Text: "see the card", Message: &preview}, 1, []string{"see the card", "3/8 Take", "Approve"}, []string{"U0PS1"}},
		"long text, card":  {bot.Reply{Text: strings.Repeat("word ", 200), Message: &preview}, 2, []string{"3/8 Take"}, nil},
		"text, large card": {bot.Reply{Text: "see the card", Message: &big}, 7, []string{"see the card", "more lines: below"}, nil},
		"large card":       {bot.Reply{Message: &big}, 7, []string{"more lines: below", "echo step 399", "host-399  down", "host-399: no SSH"}, []string{"in the thread"}},
		"all machines":     {bot.Reply{Message: &fleet}, 1, []string{"host-0", "host-13"}, []string{"below"}},
		"long history":     {bot.Reply{Text: manyLines.String()}, maxPages, []string{"line 0 of", "line 1500 of", "more lines: in the console"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			posts := rendererIn(t, "en").private(c.reply)
			all := ""
			for _, p := range posts {
				all += shown(t, p)
				if wrong := refused(t, p); len(wrong) > 0 || p.fileName != "" {
					t.Errorf("%v, file %q", wrong, p.fileName)
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
