package telegram

import (
	"strings"
	"sync/atomic"
	"testing"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/telegram/telegramtest"
)

// moving is a town with a card whose newest version is now.
func moving(t *testing.T, in *bottest.Inbox, now bot.Message) (w *town, card *atomic.Pointer[bot.Message]) {
	t.Helper()
	card = &atomic.Pointer[bot.Message]{}
	card.Store(&now)
	w = newTown(t, world{wanted: func() []bot.Message { return []bot.Message{*card.Load()} }})
	bottest.Runs(t, w.t, in)
	return w, card
}

// decided is the newest version of a card that asks nothing any more.
func decided(m bot.Message) *bot.Message {
	m.Version++
	m.Buttons, m.State = nil, "done"
	return &m
}

// An old copy of a card that has moved on asks for nothing, says at once what became of it, and loses its buttons
// (fault 23).
func TestOldCopies(t *testing.T) {
	t.Parallel()
	m := asking()
	m.Buttons[0].Confirm = "The old data is lost."
	for _, c := range []struct{ choice, action string }{
		{"approve", "opaque-approve"}, {"skip", "opaque-skip"}, {"mark done", "opaque-done"}, {"send", "opaque-input"},
	} {
		t.Run(c.choice, func(t *testing.T) {
			t.Parallel()
			in := &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply { return bot.Reply{Text: "Already approved by ops2."} }}
			w, card := moving(t, in, m)
			lost := w.post(t, m) // its answer was lost, so that it was posted again
			w.post(t, m)
			card.Store(decided(m))
			at := parseRef(lost)
			copied, _ := w.srv.Message(at.chat, at.message)
			if got := w.Press(t, "ops1", "k1", c.choice); got != "Already approved by ops2." || !w.srv.Toasts("ops1")[0].Alert {
				t.Errorf("a press on the card is answered %q, %+v", got, w.srv.Toasts("ops1"))
			}
			if _, err := w.srv.Press("ops2", at.chat, at.message, dataOf(t, copied, c.choice)); err != nil {
				t.Fatal(err)
			}
			w.until(t, "the copy to lose its buttons", func() bool { m, _ := w.srv.Message(at.chat, at.message); return len(m.Keyboard) == 0 })
			w.until(t, "a box", func() bool { return len(w.srv.Toasts("ops2")) == 1 })
			if b := w.srv.Toasts("ops2")[0]; b.Text != "Already approved by ops2." || !b.Alert {
				t.Errorf("a press on the copy is answered %+v", b)
			}
			w.until(t, "the record of a call", func() bool { return len(w.srv.Calls("editMessageReplyMarkup")) > 0 })
			if n := len(w.srv.Messages(home)); n != 2 || len(w.newest(t, "k1").Keyboard) == 0 {
				t.Errorf("%d messages, %d edits, and the card has %v", n, len(w.srv.Calls("editMessageReplyMarkup")), w.newest(t, "k1").Keyboard)
			}
			for _, said := range in.Said() {
				if !said.Old || said.Action != c.action {
					t.Errorf("handled was %+v", said)
				}
			}
		})
	}
}

func dataOf(t *testing.T, m telegramtest.Message, choice string) string {
	t.Helper()
	for _, row := range m.Keyboard {
		for _, b := range row {
			if hasPrefixFold(b.Text, choice) {
				return b.Data
			}
		}
	}
	t.Fatalf("no button %s on %v", choice, m.Keyboard)
	return ""
}

func hasPrefixFold(s, prefix string) bool {
	return strings.HasPrefix(strings.ToLower(s), strings.ToLower(prefix))
}

// What somebody was shown is a copy, too, also after a restart; the card itself is left to the hub.
func TestCopiesOfBeforeARestart(t *testing.T) {
	t.Parallel()
	m := bottest.Card("k1", 1)
	in := &bottest.Inbox{Answer: func(in bot.Inbound) bot.Reply {
		if in.Action != "" {
			return bot.Reply{Text: "Already decided.", Refused: true}
		}
		return bot.Reply{Text: "The current card:", Message: &m}
	}}
	w, card := moving(t, in, m)
	w.post(t, m)
	id, err := w.srv.Say("ops1", home, "/status", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.until(t, "the card", func() bool { return len(w.srv.Replies(home, id)) == 1 })
	card.Store(decided(m))
	w.t.memory.mu.Lock()
	w.t.memory.cards = nil
	w.t.memory.mu.Unlock()
	if got := w.Press(t, "ops1", "k1", "approve"); got != "Already decided." {
		t.Errorf("a press on the card is answered %q", got)
	}
	shown := w.srv.Replies(home, id)[0]
	for range 3 {
		if _, err := w.srv.Press("ops2", home, shown.ID, dataOf(t, shown, "approve")); err != nil {
			break // its buttons are gone
		}
	}
	w.until(t, "the copy to lose its buttons", func() bool { return len(w.srv.Replies(home, id)[0].Keyboard) == 0 })
	w.until(t, "the record of a call", func() bool { return len(w.srv.Calls("editMessageReplyMarkup")) > 0 })
	if calls := w.srv.Calls("editMessageReplyMarkup"); len(calls) != 1 || len(w.newest(t, "k1").Keyboard) == 0 {
		t.Errorf("%d edits, and the card has %v", len(calls), w.newest(t, "k1").Keyboard)
	}
}

// The buttons of copies wait for calls that nothing else wants.
func TestCopiesWaitForPrompts(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply { return bot.Reply{Text: "Already decided.", Refused: true} }}
	m := bottest.Card("k1", 1)
	w, card := moving(t, in, m)
	lost := parseRef(w.post(t, m))
	w.post(t, m)
	card.Store(decided(m))
	w.t.budget = bot.NewBudget(0, 4)
	w.t.budget.Take()
	w.t.budget.Take() // half of them are used
	copied, _ := w.srv.Message(lost.chat, lost.message)
	if _, err := w.srv.Press("ops1", home, lost.message, dataOf(t, copied, "approve")); err != nil {
		t.Fatal(err)
	}
	w.until(t, "a box", func() bool { return len(w.srv.Toasts("ops1")) == 1 })
	w.Say(t, "ops1", "/recover") // an answer goes out
	if calls := w.srv.Calls("editMessageReplyMarkup"); len(calls) != 0 {
		t.Errorf("%d edits", len(calls))
	}
}

// A second press is bound to its person and to what the button does: others press in between as they like, but a card that
// has moved on makes the first press count for nothing.
func TestSecondPressOfAnother(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: func(in bot.Inbound) bot.Reply {
		if in.Old {
			return bot.Reply{Text: "changed meanwhile", Refused: true}
		}
		return bot.Reply{Text: "dropped"}
	}}
	m := bottest.Card("k1", 1)
	m.Buttons[0].Confirm = "The old data is lost."
	w, card := moving(t, in, m)
	w.post(t, m)
	press := func(user, want string) {
		t.Helper()
		if got := w.Press(t, user, "k1", "approve"); !hasPrefixFold(got, want) {
			t.Errorf("%s is answered %q, not %q", user, got, want)
		}
		sure := "sure " + idOf(people[user]) + " " + w.t.buttonID(m.Key, m.Buttons[0])
		if want == m.Buttons[0].Confirm {
			eventually(t, "the answer to be noted", func() bool { return w.t.armed.has(sure) })
		}
	}
	press("ops1", m.Buttons[0].Confirm)
	press("ops2", m.Buttons[0].Confirm)
	press("ops1", "dropped")
	card.Store(decided(m))
	press("ops2", "changed meanwhile")
	card.Store(&m) // as it was: the first press was before
	press("ops2", m.Buttons[0].Confirm)
	if said := in.Said(); len(said) != 2 || said[0].Old || said[0].UserID != "1001" || !said[1].Old {
		t.Errorf("handled was %+v", said)
	}
}

// Each of many presses is answered, and each is handled once, however often Telegram delivers it (fault 28).
func TestManyPresses(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply { return bot.Reply{Text: "noted", Noted: true} }}
	w := posted(t, world{}, in, bottest.Card("k1", 1))
	for range 10 {
		if err := w.click(t, "ops1", "k1", "approve"); err != nil {
			t.Fatal(err)
		}
	}
	w.until(t, "all to be answered", func() bool { return len(w.srv.Toasts("ops1")) == 10 && w.srv.Answered("ops1") })
	w.Redeliver(t)
	w.t.seen = once{} // as in the next process
	w.Redeliver(t)
	for _, b := range w.srv.Toasts("ops1") {
		if b.Text == "" || b.Alert {
			t.Errorf("a press is answered %+v", b)
		}
	}
	if said := in.Said(); len(said) != 10 {
		t.Errorf("%d were handled", len(said))
	}
}
