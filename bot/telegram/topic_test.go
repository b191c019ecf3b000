package telegram

import (
	"strings"
	"testing"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

// Who asks in another topic than that of the cards is answered there, and led to the card.
func TestAnswersStayInTheirTopic(t *testing.T) {
	t.Parallel()
	w := newTown(t, world{chat: topics.ID, thread: 7})
	card := bottest.Card("k1", 1)
	card.OfRef = w.post(t, card)
	in := bot.Inbound{UserID: "1001", Text: "/recover status"}
	for thread, elsewhere := range map[int]bool{0: true, 8: true, 7: false} {
		asked, err := w.srv.Say("ops1", topics.ID, "/recover status", 0, thread)
		if err != nil {
			t.Fatal(err)
		}
		at := origin{Chat: topics.ID, Thread: thread, Message: asked, Author: "Ada"}
		if err := w.t.answer(t.Context(), in, at, bot.Reply{Text: "The current card:", Message: &card}); err != nil {
			t.Fatal(err)
		}
		all := w.srv.Messages(topics.ID)
		m := all[len(all)-1]
		if m.Thread != thread || (m.ReplyTo == asked) != elsewhere || strings.Contains(m.HTML, w.t.link(card.OfRef)) != elsewhere {
			t.Errorf("in %d: a reply to %d (asked was %d) in the topic %d: %s", thread, m.ReplyTo, asked, m.Thread, m.HTML)
		}
		if err := w.t.answer(t.Context(), in, at, bot.Reply{Text: "Noted: approved.", Noted: true}); err != nil {
			t.Fatal(err)
		}
		if said := len(w.srv.Messages(topics.ID)) > len(all); said != elsewhere {
			t.Errorf("in %d: that it was noted is said: %t", thread, said)
		}
	}
}
