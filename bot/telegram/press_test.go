package telegram

import (
	"slices"
	"strings"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/telegram/telegramtest"
)

// asking is a card whose buttons need something more.
func asking() bot.Message {
	m := bottest.Card("k1", 1)
	m.Form = []bot.Field{{Name: "ip", Label: "Address", Type: "address", Required: true},
		{Name: "keep", Label: "Keep the old data", Type: "bool", Value: "true"},
		{Name: "site", Label: "Site", Type: "string", Value: "hk-1"}}
	m.Buttons = append(m.Buttons, bot.Button{Label: "Mark done", Choice: "done", Action: "opaque-done", NeedsReason: true},
		bot.Button{Label: "Send", Choice: "input", Action: "opaque-input", WithForm: true})
	return m
}

func TestDangerIsPressedTwice(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply { return bot.Reply{Text: "dropped"} }}
	m := bottest.Card("k1", 1)
	m.Buttons[0].Confirm = "The old data is lost. " + strings.Repeat("无", 300)
	w := posted(t, world{}, in, m)
	twice := func(want string) {
		t.Helper()
		if got := w.Press(t, "ops1", "k1", "approve"); !strings.Contains(got, want) {
			t.Errorf("a press is answered %q, not %q", got, want)
		}
		if sure := "sure 1001 " + w.t.buttonID(m.Key, m.Buttons[0]); strings.HasPrefix(want, "Press") {
			eventually(t, "the answer to be noted", func() bool { return w.t.armed.has(sure) })
		}
	}
	twice("Press it again within 60 s")
	w.Redeliver(t)
	if got := w.Press(t, "ops2", "k1", "approve"); !strings.Contains(got, "The old data is lost") {
		t.Errorf("another person's press is answered %q", got)
	}
	if said := in.Said(); len(said) != 0 {
		t.Fatalf("first presses did %+v", said)
	}
	twice("dropped")
	twice("Press it again")
	if said := in.Said(); len(said) != 1 || said[0].UserID != "1001" {
		t.Errorf("handled was %+v", said)
	}
	for _, b := range w.srv.Toasts("ops1")[:1] {
		if !b.Alert {
			t.Error("the question is no box that waits")
		}
	}
	w.t.armed.mu.Lock()
	for k := range w.t.armed.until {
		w.t.armed.until[k] = time.Now().Add(-time.Second)
	}
	w.t.armed.mu.Unlock()
	twice("Press it again")
}

// Who did not see the question has not answered it.
func TestDangerThatNobodySaw(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{}
	m := bottest.Card("k1", 1)
	m.Buttons[0].Confirm = "The old data is lost."
	w := posted(t, world{fake: telegramtest.Options{CallbackLife: time.Nanosecond}}, in, m)
	for range 3 {
		if err := w.click(t, "ops1", "k1", "approve"); err != nil {
			t.Fatal(err)
		}
	}
	w.until(t, "tries to answer", func() bool { return len(w.srv.Calls("answerCallbackQuery")) == 3 })
	if said := in.Said(); len(said) != 0 {
		t.Errorf("handled was %+v", said)
	}
	if log := w.log.String(); strings.Contains(log, "could not be answered") {
		t.Errorf("a press that is too old is harmless, but logged is %s", log)
	}
}

func TestButtonsOfBeforeARestart(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply { return bot.Reply{Text: "heard"} }}
	w := newTown(t, world{wanted: func() []bot.Message { return []bot.Message{{Key: "other"}, bottest.Card("k1", 2)} }})
	gone := bottest.Card("k2", 1)
	gone.Buttons[0].Action = "opaque-of-long-ago"
	w.post(t, bottest.Card("k1", 1))
	w.post(t, gone)
	w.t = made(t, w.t.c, brisk)
	bottest.Runs(t, w.t, in)
	if got := w.Press(t, "ops1", "k1", "approve"); got != "heard" {
		t.Errorf("a button that is wanted still is answered %q", got)
	}
	if got := w.Press(t, "ops1", "k2", "approve"); !strings.Contains(got, "out of date") {
		t.Errorf("a button that nobody knows is answered %q", got)
	}
	if said := in.Said(); len(said) != 1 || said[0].Action != "opaque-approve" {
		t.Errorf("handled was %+v", said)
	}
}

// TestIdsOfButtons: nobody can make up what a button means (fault 36).
func TestIdsOfButtons(t *testing.T) {
	t.Parallel()
	a, other := made(t, Config{}, brisk), made(t, Config{Token: "1000000:another"}, brisk)
	b := bot.Button{Action: strings.Repeat("a", 1024)}
	seen := map[string]bool{}
	for _, id := range []string{a.buttonID("k1", b), a.buttonID("k2", b), a.buttonID("k1", bot.Button{Action: "x"}), other.buttonID("k1", b)} {
		if len(id) > 64 || seen[id] || strings.Contains(id, "aaa") {
			t.Errorf("id %q", id)
		}
		seen[id] = true
	}
	if a.buttonID("k1", b) != made(t, Config{}, brisk).buttonID("k1", b) {
		t.Error("another process makes another id")
	}
}

func TestSlowAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reply bot.Reply
		want  string // told by a message
	}{
		"refused":  {bot.Reply{Text: "you may not", Refused: true}, "you may not"},
		"accepted": {bot.Reply{Text: "approved"}, ""},
		"long":     {bot.Reply{Text: "report " + strings.Repeat("x ", 300)}, "report"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handling := make(chan struct{})
			in := &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply { <-handling; return c.reply }}
			w := posted(t, world{pace: func(p *pace) { p.toast = 10 * time.Millisecond }}, in, bottest.Card("k1", 1))
			if got := w.Press(t, "ops1", "k1", "approve"); !strings.HasPrefix(got, "Received.") {
				t.Errorf("the spinner ended with %q", got)
			}
			close(handling)
			if c.want != "" {
				w.until(t, "an answer", func() bool { return strings.Contains(w.Private(t, "ops1"), c.want) })
			}
			w.Say(t, "ops1", "/recover") // after it
			if _, messages := w.answers("ops1"); c.want == "" && len(messages) > 1 {
				t.Errorf("what the card shows was said by messages %q", messages)
			}
		})
	}
}

func TestLongAnswerToAPress(t *testing.T) {
	t.Parallel()
	card := bottest.Card("answer", 1)
	in := &bottest.Inbox{Answer: func(in bot.Inbound) bot.Reply {
		if in.Action == "opaque-skip" {
			return bot.Reply{Text: "here it is", Message: &card}
		}
		return bot.Reply{Text: strings.Repeat("why not ", 60) + "the end", Refused: true}
	}}
	w := posted(t, world{}, in, bottest.Card("k1", 1))
	w.Press(t, "ops1", "k1", "approve")
	w.until(t, "the whole", func() bool { return strings.Contains(w.Private(t, "ops1"), "the end") })
	w.Press(t, "ops2", "k1", "skip")
	w.until(t, "the card", func() bool { return strings.Contains(w.Private(t, "ops2"), "img.example.com") })
	if got := w.Private(t, "ops1"); strings.Contains(got, "img.example.com") {
		t.Error("the card was shown to another person too")
	}
	messages := w.srv.Messages(home)
	m := messages[len(messages)-1]
	for _, b := range slices.Concat(m.Keyboard...) { // its buttons work
		if strings.HasPrefix(b.Text, "Skip") {
			if _, err := w.srv.Press("ops2", home, m.ID, b.Data); err != nil {
				t.Fatal(err)
			}
		}
	}
	eventually(t, "a press there", func() bool { return len(in.Said()) == 3 })
}
