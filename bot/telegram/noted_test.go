package telegram

import (
	"strings"
	"testing"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

// That an answer was taken is seen on the card: in the group it costs no message.
func TestNoted(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: func(in bot.Inbound) bot.Reply { return bot.Reply{Text: "approval noted", Noted: true} }}
	w := posted(t, world{}, in, bottest.Card("k1", 1))
	w.reply(t, "ops1", "approve 3f2a", w.newest(t, "k1").ID)
	if got := w.Press(t, "ops1", "k1", "approve"); !strings.Contains(got, "approval noted") {
		t.Errorf("a press is answered %q", got)
	}
	if got := w.Private(t, "ops2"); got != "" {
		t.Errorf("somebody else reads %q", got)
	}
	if n := len(w.srv.Calls("sendMessage")); n != 1 || len(in.Said()) != 2 {
		t.Errorf("%d messages after %d answers", n, len(in.Said()))
	}
	if _, err := w.srv.Say("ops1", 1001, "approve 3f2a", 0, 0); err != nil {
		t.Fatal(err)
	}
	w.until(t, "an answer where no card changes", func() bool { return len(w.srv.Messages(1001)) == 2 })
}

// A button asks once: by its question, or by a second press.
func TestDangerWithAForm(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{}
	m := bottest.Card("k1", 1)
	m.Buttons[0].Style, m.Buttons[0].Confirm, m.Buttons[0].NeedsReason = "danger", "The old data is lost.", true
	m.Buttons[1].Style, m.Buttons[1].NeedsReason = "danger", false
	w := posted(t, world{}, in, m)
	if err := w.click(t, "ops1", "k1", "approve"); err != nil {
		t.Fatal(err)
	}
	if q := w.asked(t, "Reason"); !strings.Contains(q.Text, "⚠ The old data is lost.") {
		t.Errorf("asked is %q", q.Text)
	}
	w.until(t, "the end of the spinner", func() bool { return w.srv.Answered("ops1") })
	if got := w.Press(t, "ops1", "k1", "skip"); !strings.Contains(got, "Really? Skip") {
		t.Errorf("a dangerous button without a question of its own is answered %q", got)
	}
	if said := in.Said(); len(said) != 0 {
		t.Errorf("handled was %+v", said)
	}
}
