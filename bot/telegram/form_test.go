package telegram

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/telegram/telegramtest"
)

// asked waits for a question that says what, and returns it.
func (w *town) asked(t *testing.T, what string) telegramtest.Message {
	t.Helper()
	var m telegramtest.Message
	eventually(t, "the question "+what, func() bool {
		for _, m = range slices.Backward(w.srv.Messages(w.chat)) {
			if _, asks := w.t.forms.at(m.Chat, m.ID); asks {
				return strings.Contains(m.Text, what)
			}
		}
		return false
	})
	return m
}

func (w *town) reply(t *testing.T, user, text string, to int) {
	t.Helper()
	if _, err := w.srv.Say(user, w.chat, text, to, 0); err != nil {
		t.Fatal(err)
	}
}

// button presses a button of m by the beginning of its label.
func (w *town) button(t *testing.T, user string, m telegramtest.Message, label string) {
	t.Helper()
	for _, b := range slices.Concat(m.Keyboard...) {
		if strings.HasPrefix(strings.TrimPrefix(b.Text, "✓ "), label) {
			if _, err := w.srv.Press(user, m.Chat, m.ID, b.Data); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("no button %s: %v", label, m.Keyboard)
}

func TestForm(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: func(in bot.Inbound) bot.Reply {
		if in.Fields["ip"] == "nowhere.example.com" {
			return bot.Reply{Text: "nowhere is not there", Refused: true}
		}
		return bot.Reply{Text: "thank you"}
	}}
	w := posted(t, world{wanted: func() []bot.Message { return []bot.Message{asking()} }}, in, asking())
	if err := w.click(t, "ops1", "k1", "send"); err != nil {
		t.Fatal(err)
	}
	address := w.asked(t, "Address")
	if m, ok := w.srv.Asked("ops1", home); !ok || m.ID != address.ID || !m.Selective || !slices.Contains(w.srv.Mentions(m), 1001) {
		t.Errorf("the box to reply does not open for whoever pressed: %+v", m)
	}
	if _, ok := w.srv.Asked("ops2", home); ok {
		t.Error("another person is asked too")
	}
	w.reply(t, "ops2", "192.0.2.66", address.ID)
	w.reply(t, "ops1", "nowhere.example.com", address.ID)
	keep := w.asked(t, "Keep the old data")
	w.button(t, "ops2", keep, "Yes")
	w.until(t, "a refusal", func() bool { return strings.Contains(w.Private(t, "ops2"), "Somebody else was asked") })
	w.button(t, "ops1", keep, "No")
	w.button(t, "ops1", w.asked(t, "Site"), "Keep hk-1")
	if again := w.asked(t, "nowhere is not there"); !strings.Contains(again.Text, "Address") {
		t.Errorf("after a refusal was asked %q", again.Text)
	} else {
		w.reply(t, "ops1", "192.0.2.9", again.ID)
	}
	w.button(t, "ops1", w.asked(t, "Keep the old data"), "No")
	site := w.asked(t, "Site")
	w.reply(t, "ops1", "tokyo-2", site.ID)
	w.until(t, "thanks", func() bool { return strings.Contains(w.Private(t, "ops1"), "thank you") })
	if got := w.Private(t, "ops1"); !strings.Contains(got, "Address *: 192.0.2.9") || !strings.Contains(got, "tokyo-2") {
		t.Errorf("what was sent is shown as %q", got)
	}
	w.reply(t, "ops1", "kyoto-3", site.ID)
	w.until(t, "a word that it is over", func() bool { return strings.Contains(w.Private(t, "ops1"), "This question is over") })
	said := slices.DeleteFunc(in.Said(), func(in bot.Inbound) bool { return in.Casual })
	if len(said) != 2 || said[1].Action != "opaque-input" || said[1].UserID != "1001" ||
		!maps.Equal(said[1].Fields, map[string]string{"ip": "192.0.2.9", "keep": "false", "site": "tokyo-2"}) {
		t.Errorf("handled was %+v", said)
	}
}

// A refused form whose button is gone from the card is not asked again.
func TestFormOfWhatIsDecided(t *testing.T) {
	t.Parallel()
	m := asking()
	m.Form = m.Form[:1]
	in := &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply { return bot.Reply{Text: "decided by ops2", Refused: true} }}
	w, card := moving(t, in, m)
	w.post(t, m)
	if err := w.click(t, "ops1", "k1", "send"); err != nil {
		t.Fatal(err)
	}
	question := w.asked(t, "Address").ID
	card.Store(decided(m))
	w.reply(t, "ops1", "192.0.2.9", question)
	w.until(t, "a refusal", func() bool { return strings.Contains(w.Private(t, "ops1"), "decided by ops2") })
	if len(w.t.forms.all) != 0 {
		t.Error("it is asked again")
	}
}

func TestReason(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply { return bot.Reply{Text: "noted"} }}
	w := posted(t, world{}, in, asking())
	for range 2 { // the newest question counts
		if err := w.click(t, "ops1", "k1", "mark done"); err != nil {
			t.Fatal(err)
		}
		w.until(t, "the end of the spinner", func() bool { return w.srv.Answered("ops1") })
	}
	w.reply(t, "ops1", "  it runs since 03:16 ", w.asked(t, "Reason").ID)
	w.until(t, "an answer", func() bool { return strings.Contains(w.Private(t, "ops1"), "noted") })
	if said := in.Said(); len(said) != 1 || said[0].Reason != "it runs since 03:16" || said[0].Action != "opaque-done" || said[0].Fields != nil {
		t.Errorf("handled was %+v", said)
	}
}

func TestFormIsCancelled(t *testing.T) {
	t.Parallel()
	for name, cancel := range map[string]func(t *testing.T, w *town, m telegramtest.Message){
		"by a reply":   func(t *testing.T, w *town, m telegramtest.Message) { w.reply(t, "ops1", "/cancel", m.ID) },
		"by a command": func(t *testing.T, w *town, _ telegramtest.Message) { w.reply(t, "ops1", "/cancel@recover_bot", 0) },
		"by a button": func(t *testing.T, w *town, m telegramtest.Message) {
			w.reply(t, "ops1", "192.0.2.9", m.ID)
			w.button(t, "ops1", w.asked(t, "Keep the old data"), "Cancel")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := &bottest.Inbox{}
			w := posted(t, world{}, in, asking())
			if err := w.click(t, "ops1", "k1", "send"); err != nil {
				t.Fatal(err)
			}
			cancel(t, w, w.asked(t, "Address"))
			w.until(t, "a word", func() bool { return strings.Contains(w.Private(t, "ops1"), "Nothing was done") })
			if said := in.Said(); len(said) != 0 || len(w.t.forms.all) != 0 {
				t.Errorf("handled was %+v; %d forms are open", said, len(w.t.forms.all))
			}
		})
	}
}

func TestFormInPrivate(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: func(in bot.Inbound) bot.Reply {
		m := asking()
		m.Key = "private"
		if in.Action == "" {
			return bot.Reply{Message: &m}
		}
		return bot.Reply{Text: "thank you"}
	}}
	w := newTown(t, world{})
	bottest.Runs(t, w.t, in)
	w.connected(t)
	say := func(text string, after int) telegramtest.Message {
		t.Helper()
		if _, err := w.srv.Say("ops1", 1001, text, 0, 0); err != nil {
			t.Fatal(err)
		}
		var last telegramtest.Message
		w.until(t, "an answer", func() bool {
			messages := w.srv.Messages(1001)
			last = messages[len(messages)-1]
			return last.From != 1001 && len(messages) > after
		})
		return last
	}
	card := say("recover", 1)
	w.button(t, "ops1", card, "Send")
	w.until(t, "a question", func() bool { m, ok := w.srv.Asked("ops1", 1001); return ok && strings.Contains(m.Text, "Address") })
	eventually(t, "the form", func() bool { _, q, _ := w.t.forms.of(1001, 1001); return q != 0 })
	say("/status", 4) // no answer to the question
	keep := say("192.0.2.9", 6)
	if !strings.Contains(keep.Text, "Keep the old data") {
		t.Errorf("the next question is %q", keep.Text)
	}
	if said := in.Said(); len(said) != 2 || said[1].Text != "/status" {
		t.Errorf("handled was %+v", said)
	}
}

func TestFormAfterARestart(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{}
	w := newTown(t, world{wanted: func() []bot.Message { return []bot.Message{asking()} }})
	stop := bottest.Runs(t, w.t, in)
	w.post(t, asking())
	w.connected(t)
	if err := w.click(t, "ops1", "k1", "send"); err != nil {
		t.Fatal(err)
	}
	first := w.asked(t, "Address")
	w.reply(t, "ops1", "192.0.2.9", first.ID)
	second := w.asked(t, "Keep the old data")
	stop()
	w.t = made(t, w.t.c, brisk)
	bottest.Runs(t, w.t, in)
	w.connected(t)
	w.button(t, "ops1", second, "Yes")
	w.until(t, "a box", func() bool { return strings.Contains(w.Private(t, "ops1"), "This question is over") })
	w.bare(t, second)
	w.reply(t, "ops1", "192.0.2.10", first.ID)
	w.until(t, "a word", func() bool { return strings.Contains(w.Private(t, "ops1"), "press the button on the card again") })
	if said := in.Said(); len(said) != 0 {
		t.Errorf("handled was %+v", said)
	}
}

func TestFormIsForgotten(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{}
	w := posted(t, world{}, in, asking())
	if err := w.click(t, "ops1", "k1", "send"); err != nil {
		t.Fatal(err)
	}
	m := w.asked(t, "Address")
	w.t.forms.mu.Lock()
	w.t.forms.all[0].until = time.Now()
	w.t.forms.mu.Unlock()
	w.reply(t, "ops1", "192.0.2.9", m.ID)
	w.until(t, "a word", func() bool { return strings.Contains(w.Private(t, "ops1"), "This question is over") })
	if said := in.Said(); len(said) != 0 {
		t.Errorf("handled was %+v", said)
	}
}

func TestQuestionThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{}
	w := posted(t, world{}, in, asking())
	w.srv.Fail(telegramtest.Fault{Method: "sendMessage", Status: 500})
	if got := w.Press(t, "ops1", "k1", "send"); !strings.Contains(got, "press the button again") {
		t.Errorf("the person was told %q", got)
	}
	if len(w.t.forms.all) != 0 {
		t.Error("the form is open")
	}
}

func TestManyForms(t *testing.T) {
	t.Parallel()
	var x forms
	for i := range int64(2 * maxForms) {
		x.begin(&form{user: i, chat: 1}, time.Hour)
	}
	if len(x.all) != maxForms || x.all[0].user != maxForms {
		t.Errorf("%d forms, the oldest of %d", len(x.all), x.all[0].user)
	}
}
