package slack

import (
	"strings"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/slack/slacktest"
)

// asking is a card whose buttons need something more.
func asking() bot.Message {
	m := bottest.Card("k1", 1)
	m.Form = []bot.Field{{Name: "ip", Label: "Address", Type: "address", Required: true}}
	m.Buttons = append(m.Buttons, bot.Button{Label: "Mark done", Choice: "done", Action: "opaque-done", NeedsReason: true},
		bot.Button{Label: "Send", Choice: "input", Action: "opaque-input", WithForm: true})
	return m
}

// posted is a running platform that shows m.
func posted(t *testing.T, p pace, in bot.Inbox, m bot.Message) *town {
	t.Helper()
	w := newTown(t, slacktest.Options{}, p)
	w.s.c.Render = func(_, key string) (bot.Message, bool) { return m, key == m.Key }
	runs(t, w.s, in)
	if _, err := w.s.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	w.connected(t)
	return w
}

// opened presses what opens a form, and waits for it.
func (w *town) opened(t *testing.T, user, key, choice string) slacktest.View {
	t.Helper()
	if err := w.click(user, key, choice); err != nil {
		t.Fatal(err)
	}
	var v slacktest.View
	w.until(t, "a form", func() (ok bool) { v, ok = w.srv.Open(people[user]); return ok })
	return v
}

func TestForm(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: func(in bot.Inbound) bot.Reply {
		if in.Reason == "too short" {
			return bot.Reply{Text: "say more", Refused: true}
		}
		return bot.Reply{Text: "thank you"}
	}}
	w := posted(t, brisk, in, asking())
	w.opened(t, "ops1", "k1", "done")
	w.Redeliver(t)
	w.until(t, "a second try to open it", func() bool { return len(w.srv.Calls("views.open")) == 2 })
	if got := w.Private(t, "ops1"); got != "" {
		t.Errorf("a press that came twice was answered %q", got)
	}
	if said := in.Said(); len(said) != 0 {
		t.Fatalf("something was done before the form was sent: %+v", said)
	}
	for range 2 { // the same words again are another try, not the same
		wrong, err := w.srv.Submit(people["ops1"], map[string]any{reasonBlock: "too short"})
		if err != nil || !strings.Contains(wrong[reasonBlock], "say more") {
			t.Fatalf("a refusal shows as %v, %v", wrong, err)
		}
	}
	if wrong, err := w.srv.Submit(people["ops1"], map[string]any{reasonBlock: "it runs since 03:16"}); err != nil || len(wrong) != 0 {
		t.Fatalf("a good reason is answered %v, %v", wrong, err)
	}
	w.until(t, "thanks", func() bool { return strings.Contains(w.Private(t, "ops1"), "thank you") })
	if _, open := w.srv.Open(people["ops1"]); open {
		t.Error("the form is still open")
	}
	w.opened(t, "ops2", "k1", "input")
	if _, err := w.srv.Submit(people["ops2"], map[string]any{fieldBlock + "ip": "192.0.2.9"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "four answers", func() bool { return len(in.Said()) == 4 })
	said := in.Said()
	if s := said[2]; s.Action != "opaque-done" || s.Reason != "it runs since 03:16" || s.UserID != people["ops1"] {
		t.Errorf("handled %+v", s)
	}
	if s := said[3]; s.Action != "opaque-input" || s.Fields["ip"] != "192.0.2.9" || s.UserID != people["ops2"] || s.ID == "" {
		t.Errorf("handled %+v", s)
	}
}

func TestSlowForm(t *testing.T) {
	t.Parallel()
	p, release := brisk, make(chan struct{})
	p.submit = 20 * time.Millisecond
	w := posted(t, p, &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply {
		<-release
		return bot.Reply{Text: "not like that", Refused: true}
	}}, asking())
	w.opened(t, "ops1", "k1", "done")
	if wrong, err := w.srv.Submit(people["ops1"], map[string]any{reasonBlock: "x"}); err != nil || len(wrong) != 0 {
		t.Fatalf("answered %v, %v", wrong, err)
	}
	close(release)
	w.until(t, "the refusal", func() bool { return strings.Contains(w.Private(t, "ops1"), "not like that") })
}

func TestFormThatDoesNotOpen(t *testing.T) {
	t.Parallel()
	for _, fault := range []slacktest.Fault{{Code: "expired_trigger_id"}, {Status: 500}, {Hang: time.Hour}} {
		t.Run(fault.Code, func(t *testing.T) {
			t.Parallel()
			in, p := &bottest.Inbox{}, brisk
			p.modal = 50 * time.Millisecond
			w := posted(t, p, in, asking())
			fault.Method = "views.open"
			w.srv.Fail(fault)
			if got := w.Press(t, "ops1", "k1", "done"); !strings.Contains(got, "press the button again") {
				t.Errorf("answered %q", got)
			}
			if said := in.Said(); len(said) != 0 {
				t.Errorf("handled %+v", said)
			}
		})
	}
}

// TestStaleCard presses a button that needs a reason on a card that has changed since (fault 23).
func TestStaleCard(t *testing.T) {
	t.Parallel()
	in := echo()
	w := posted(t, brisk, in, asking())
	w.s.c.Render = func(string, string) (bot.Message, bool) { return bottest.Card("k1", 2), true }
	if got := w.Press(t, "ops1", "k1", "done"); !strings.Contains(got, "heard opaque-done") {
		t.Errorf("answered %q", got)
	}
}

// TestFormOfAPrivateCard: Slack does not say which private card a press came from.
func TestFormOfAPrivateCard(t *testing.T) {
	t.Parallel()
	card := bot.Message{Key: "answer/1", Version: 1, State: "info", Title: "another run is open",
		Buttons: []bot.Button{{Label: "Abort it", Choice: "abort", Action: "opaque-abort", NeedsReason: true}}}
	in := &bottest.Inbox{Answer: func(in bot.Inbound) bot.Reply {
		if in.Action != "" {
			return bot.Reply{Text: "aborted because " + in.Reason}
		}
		return bot.Reply{Message: &card}
	}}
	w := posted(t, brisk, in, asking())
	w.Say(t, "ops1", "/recover primary")
	private := w.srv.Private("ops1")
	m := private[len(private)-1]
	if err := w.srv.Click("ops1", m.Channel, m.TS, "Abort it"); err != nil {
		t.Fatal(err)
	}
	w.until(t, "a form", func() bool { _, ok := w.srv.Open(people["ops1"]); return ok })
	if _, err := w.srv.Submit(people["ops1"], map[string]any{reasonBlock: "a drill"}); err != nil {
		t.Fatal(err)
	}
	w.until(t, "an answer", func() bool { return strings.Contains(w.Private(t, "ops1"), "aborted because a drill") })
}
