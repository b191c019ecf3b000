package telegram

import (
	"context"
	"strings"
	"testing"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

// TestAReplyLeadsToTheCardThatStands holds that nobody is shown a copy of a card that would go on asking.
func TestAReplyLeadsToTheCardThatStands(t *testing.T) {
	t.Parallel()
	w := newTown(t, world{})
	card := bottest.Card("k1", 1)
	card.OfRef = w.post(t, card)
	reply := bot.Reply{Text: "The current card:", Message: &card}
	in := bot.Inbound{UserID: "1001", Text: "/recover status"}
	shows := func(chat int64) (text string, to int, buttons bool) {
		t.Helper()
		if err := w.t.answer(t.Context(), in, origin{Chat: chat, Message: 77, Author: "Ada"}, reply); err != nil {
			t.Fatal(err)
		}
		all := w.srv.Messages(chat)
		m := all[len(all)-1]
		return w.text(m), m.ReplyTo, len(m.Keyboard) > 0
	}
	text, to, buttons := shows(home)
	if stands := parseRef(card.OfRef).message; to != stands || buttons || !strings.HasPrefix(text, "Ada: The current card:") || !strings.Contains(text, card.Title) {
		t.Errorf("answered was %q to %d (%d is the card), with buttons: %t", text, to, stands, buttons)
	}
	card.OfRef = ""
	if text, _, buttons = shows(home); !buttons || !strings.Contains(text, "update speed.t_app_dns") {
		t.Errorf("a card that stands nowhere is shown as %q, with buttons: %t", text, buttons)
	}
}

// TestAnAnswerThatWaitedShowsTheCardOfNow holds that what was asked while a run began is answered with where it is when the
// answer comes.
func TestAnAnswerThatWaitedShowsTheCardOfNow(t *testing.T) {
	t.Parallel()
	w := newTown(t, world{})
	old, card := bottest.Card("k0", 1), bottest.Card("k1", 1)
	card.Title, card.OfRef = "Step 6 asks", w.post(t, card)
	reply := bot.Reply{Text: "Under way already.", Message: &old, Renew: func(context.Context) *bot.Message { return &card }}
	in, at := bot.Inbound{UserID: "1001", Text: "/recover primary"}, origin{Chat: home, Message: 77, Author: "Ada"}
	if err := w.t.answer(t.Context(), in, at, reply); err != nil {
		t.Fatal(err)
	}
	all := w.srv.Messages(home)
	if m := all[len(all)-1]; m.ReplyTo != parseRef(card.OfRef).message || len(m.Keyboard) > 0 || !strings.Contains(w.text(m), card.Title) || strings.Contains(w.text(m), old.Title) {
		t.Errorf("answered was %q to %d", w.text(m), m.ReplyTo)
	}
}
