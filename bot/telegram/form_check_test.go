package telegram

import (
	"maps"
	"strings"
	"testing"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/telegram/telegramtest"
)

// bare waits until a question has no buttons any more.
func (w *town) bare(t *testing.T, m telegramtest.Message) {
	t.Helper()
	eventually(t, "the buttons to go", func() bool {
		now, _ := w.srv.Message(m.Chat, m.ID)
		return len(now.Keyboard) == 0
	})
}

// begun is a form that was opened by ops1, and its first question.
func begun(t *testing.T, in *bottest.Inbox) (*town, telegramtest.Message) {
	t.Helper()
	w := posted(t, world{wanted: func() []bot.Message { return []bot.Message{asking()} }}, in, asking())
	if err := w.click(t, "ops1", "k1", "send"); err != nil {
		t.Fatal(err)
	}
	return w, w.asked(t, "Address")
}

func thanks(bot.Inbound) bot.Reply { return bot.Reply{Text: "thank you"} }

func TestAnswerThatDoesNotFit(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: thanks}
	w, first := begun(t, in)
	w.reply(t, "ops1", "192.0.2.999", first.ID)
	again := w.asked(t, "an IP address or a host name is needed, such as 192.0.2.21")
	if again.ID == first.ID || !strings.Contains(again.Text, "1 of 3: Address") || strings.Contains(again.Text, "192.0.2.999") || len(again.Keyboard) != 0 {
		t.Errorf("asked again was %q %v", again.Text, again.Keyboard)
	}
	w.reply(t, "ops1", "192.0.2.9", again.ID)
	keep := w.asked(t, "Keep the old data")
	w.reply(t, "ops1", "perhaps", keep.ID)
	again = w.asked(t, "yes or no is needed")
	w.bare(t, keep)
	w.reply(t, "ops1", "no", again.ID)
	site := w.asked(t, "Site")
	w.bare(t, again)
	if said := in.Said(); len(said) != 0 {
		t.Errorf("before the end was handled %+v", said)
	}
	w.button(t, "ops1", site, "Keep hk-1")
	w.until(t, "thanks", func() bool { return strings.Contains(w.Private(t, "ops1"), "thank you") })
	w.bare(t, site)
	if said := in.Said(); len(said) != 1 || !maps.Equal(said[0].Fields, map[string]string{"ip": "192.0.2.9", "keep": "false", "site": "hk-1"}) {
		t.Errorf("handled was %+v", said)
	}
}

func TestAnswerIsCorrected(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: thanks}
	w, address := begun(t, in)
	w.reply(t, "ops1", "192.0.2.9", address.ID)
	keep := w.asked(t, "Keep the old data")
	w.button(t, "ops1", keep, "No")
	site := w.asked(t, "Site")
	w.reply(t, "ops1", "192.0.2.10", address.ID)
	again := w.asked(t, "Corrected: Address *: 192.0.2.10")
	if !strings.Contains(again.Text, "3 of 3: Site") {
		t.Errorf("it goes on with %q", again.Text)
	}
	w.bare(t, site)
	w.reply(t, "ops1", "perhaps", keep.ID) // corrected wrongly: asked once more, and then it goes on where it was
	again = w.asked(t, "yes or no is needed")
	w.button(t, "ops1", again, "Yes")
	w.reply(t, "ops1", "tokyo-2", w.asked(t, "3 of 3: Site").ID)
	w.until(t, "thanks", func() bool { return strings.Contains(w.Private(t, "ops1"), "thank you") })
	if said := in.Said(); len(said) != 1 || !maps.Equal(said[0].Fields, map[string]string{"ip": "192.0.2.10", "keep": "true", "site": "tokyo-2"}) {
		t.Errorf("handled was %+v", said)
	}
}

// A question that is answered, or over, says so to whoever still sees its buttons.
func TestButtonsOfOldQuestions(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: thanks}
	w, address := begun(t, in)
	w.srv.Fail(telegramtest.Fault{Method: "editMessageText", Code: "Bad Request: not now", Times: 1})
	w.reply(t, "ops1", "192.0.2.9", address.ID)
	keep := w.asked(t, "Keep the old data")
	w.button(t, "ops1", keep, "No")
	site := w.asked(t, "Site")
	eventually(t, "a call that failed", func() bool { return strings.Contains(w.log.String(), "keeps its buttons") })
	w.button(t, "ops1", keep, "Yes")
	w.until(t, "a box", func() bool { return strings.Contains(w.Private(t, "ops1"), "You answered this already") })
	w.bare(t, keep)
	if err := w.click(t, "ops1", "k1", "mark done"); err != nil { // another form takes its place
		t.Fatal(err)
	}
	reason := w.asked(t, "Reason")
	w.bare(t, site)
	w.reply(t, "ops1", "it runs", reason.ID)
	w.until(t, "thanks", func() bool { return strings.Contains(w.Private(t, "ops1"), "thank you") })
	if said := in.Said(); len(said) != 1 || said[0].Reason != "it runs" {
		t.Errorf("handled was %+v", said)
	}
	for _, b := range w.srv.Toasts("ops1") {
		if strings.Contains(b.Text, "answered this already") && !b.Alert {
			t.Error("it is no box that waits")
		}
	}
}

func TestCancelTakesTheButtons(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{}
	w, address := begun(t, in)
	w.reply(t, "ops1", "192.0.2.9", address.ID)
	keep := w.asked(t, "Keep the old data")
	w.button(t, "ops1", keep, "Cancel")
	w.bare(t, keep)
	if said := in.Said(); len(said) != 0 || len(w.t.forms.all) != 0 {
		t.Errorf("handled was %+v", said)
	}
}
