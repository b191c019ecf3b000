package bot_test

import (
	"testing"

	"recoverbot/bot"
)

func TestAReplyIsNotSaidTwice(t *testing.T) {
	t.Parallel()
	card := &bot.Message{Title: "t", Warn: []string{"w"}, Lines: []string{"a", "b"}}
	for _, c := range []struct {
		reply bot.Reply
		want  string
	}{
		{bot.Reply{Text: "w\na\nb", Message: card}, ""},
		{bot.Reply{Text: "w\na\nb"}, "w\na\nb"},
		{bot.Reply{Text: "The code is old.", Message: card}, "The code is old."},
		{bot.Reply{Message: card}, ""},
	} {
		if got := c.reply.Aside(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if len(card.Warn) != 1 || len(card.Lines) != 2 {
		t.Errorf("the card changed: %+v", card)
	}
}
