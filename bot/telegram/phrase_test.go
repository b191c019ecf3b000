package telegram

import (
	"context"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/telegram/telegramtest"
)

// What a card shows may come from outside: it makes no question of it.
func TestCardsThatSpeakLikeQuestions(t *testing.T) {
	t.Parallel()
	const phrase = "Reply to this message with a value, or press a button."
	m := bottest.Card("k1", 1)
	m.Lines = []string{"alert says: " + phrase, phrase}
	in := &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply { return bot.Reply{Text: "heard"} }}
	w := posted(t, world{}, in, m)
	w.reply(t, "ops1", "approve 3f2a", w.newest(t, "k1").ID)
	eventually(t, "the reply", func() bool { return len(in.Said()) == 1 })
	if said := in.Said()[0]; said.Text != "approve 3f2a" || !said.Replied {
		t.Errorf("heard was %+v", said)
	}

	other := made(t, Config{Wanted: func(context.Context) ([]bot.Message, error) { return []bot.Message{m}, nil }}, brisk) // after a restart
	post := func(id int, text string, buttons ...string) *message {
		out := &message{ID: id, Text: text}
		for _, data := range buttons {
			out.Markup.Rows = append(out.Markup.Rows, []struct {
				Data string `json:"callback_data"`
			}{{data}})
		}
		return out
	}
	for name, c := range map[string]struct {
		m    *message
		want bool
	}{
		"a question":             {post(1, "1 of 2: Site\n"+phrase, "gone"), true},
		"a question in Chinese":  {post(1, "1/2：Site\n"+label("zh", "telegram.press_or_reply")), true},
		"the text of a card":     {post(1, "alert says: "+phrase+"\nCode 3f2a."), false},
		"within the last line":   {post(1, "alert says: "+phrase), false},
		"a card with its button": {post(1, "x\n"+phrase, "gone", other.buttonID("k1", m.Buttons[0])), false},
		"a card that was edited": {post(7, "x\n"+phrase), false},
	} {
		other.memory.place("k2", ref{message: 7})
		if got := other.asks(t.Context(), c.m); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// While a question is on its way, nobody is told that a card shows what comes of it.
func TestQuestionThatTakesLong(t *testing.T) {
	t.Parallel()
	w := posted(t, world{pace: func(p *pace) { p.toast = time.Millisecond }}, &bottest.Inbox{}, asking())
	w.srv.Fail(telegramtest.Fault{Method: "sendMessage", Hang: time.Hour})
	if err := w.click(t, "ops1", "k1", "send"); err != nil {
		t.Fatal(err)
	}
	w.until(t, "a line", func() bool { return len(w.srv.Toasts("ops1")) == 1 })
	if b := w.srv.Toasts("ops1")[0]; b.Text != "Please answer below." {
		t.Errorf("the press is answered %+v", b)
	}
}
