package handlers

import (
	"slices"
	"strings"
	"testing"

	"recoverbot/bot"
	"recoverbot/handlers/alert"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// A press on an old card decides nothing, even where its question is asked again, and says what became of it (fault 23).
func TestPressesOnOldCards(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, chatFleet)
	tap := func(b bot.Button, want string) {
		t.Helper()
		r := w.chat(t, bot.Inbound{Platform: "telegram", UserID: "42", Language: "en", Action: b.Action, Old: true})
		if !strings.Contains(r.Text, want) {
			t.Errorf("%s: %+v, want %q", b.Choice, r, want)
		}
	}
	w.chat(t, bot.Inbound{Platform: "slack", UserID: "U0OPS1", Text: "primary"})
	one := w.hub.until(t, "step/run1/one", waiting)
	run := w.hub.until(t, "run/run1", func(m bot.Message) bool { return len(m.Buttons) > 0 })
	for _, b := range slices.Concat(one.Buttons, run.Buttons) {
		tap(b, "This card is old; your click did nothing.")
	}
	tap(bot.Button{Action: press{Command: "primary --supersede"}.encode()}, "This card is old")
	w.unchanged(t, "an old card")
	if r := w.chat(t, bot.Inbound{Platform: "slack", UserID: "U0OPS1", Action: button(t, one, "skip").Action}); r.Refused {
		t.Fatalf("%+v", r)
	}
	two := w.hub.until(t, "step/run1/two", waiting)
	tap(button(t, one, "approve"), "Already decided by ops1 (Slack) at ")
	tap(button(t, one, "skip"), "Already skipped by ops1 (Slack) ")
	tap(button(t, one, "abort"), "Already decided by ops1 (Slack) at ")
	for _, b := range two.Buttons {
		tap(b, "This card is old")
	}
	if r, err := w.Journal.Run(t.Context(), "run1"); err != nil || r.State != runbook.Open || r.Aborting != nil || w.applied.Load() != 0 {
		t.Errorf("something was done: %v %+v", err, r)
	}
	w.chat(t, bot.Inbound{Platform: "slack", UserID: "U0OPS1", Text: "abort " + two.Code})
	w.hub.until(t, "run/run1", inState("aborted"))
	tap(button(t, two, "abort"), "Already aborted by ops1 (Slack) ")
	tap(button(t, run, "defer"), "Run run1 is aborted (ops1).")
}

// An old card of an alert neither starts nor snoozes, and a start is of what its card suggested.
func TestPressesOnOldAlerts(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, chatFleet)
	tell(t, w, downAlert())
	key := cardOf(t, w, "primary")
	m := w.hub.until(t, key, inState("down"))
	other, err := decodePress(button(t, m, "start").Action)
	if err != nil {
		t.Fatal(err)
	}
	other.Digest = (&call{Scenario: "standby", Hosts: []string{"app1"}}).suggestion()
	for _, in := range []bot.Inbound{
		{Action: button(t, m, "start").Action, Old: true}, {Action: button(t, m, "check").Action, Old: true},
		{Action: button(t, m, "snooze").Action, Old: true}, {Action: other.encode()}, {Action: press{Alert: other.Alert, Choice: "start"}.encode()},
	} {
		in.Platform, in.UserID, in.Language = "telegram", "42", "en"
		if r := w.chat(t, in); !r.Refused || !strings.Contains(r.Text, "This card is old") {
			t.Errorf("%s: %+v", in.Action, r)
		}
	}
	if c, ok := w.alerts.get(other.Alert); !ok || c.State != firing || !c.Snoozed.IsZero() {
		t.Errorf("the alert is %+v", c)
	}
	if runs, err := w.Journal.Runs(t.Context(), 9); err != nil || len(runs) != 0 {
		t.Errorf("something was started: %v %+v", err, runs)
	}
	if r := w.chat(t, bot.Inbound{Platform: "telegram", UserID: "42", Action: button(t, m, "start").Action}); r.Refused || r.RunID != "run1" {
		t.Errorf("start: %+v", r)
	}
}

// A card that was of another host starts nothing for this one.
func TestTheStartOfAnotherHost(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	of := func(host string) alert.Alert { return outside("alertmanager", host, "primary", host) }
	b.tell(of(p1))
	first := button(t, b.card("primary"), "start").Action
	b.tell(ended(of(p1)), of(s1))
	second := button(t, b.card("primary"), "start").Action
	if first == second || len(b.alerts.all()) != 1 {
		t.Errorf("the same button starts it for %s and for %s", p1, s1)
	}
	if r := b.Handle(t.Context(), bot.Inbound{Platform: "web", UserID: "ops1", Action: first, Language: "en"}); !strings.Contains(r.Text, "This card is old") {
		t.Errorf("the first card: %+v", r)
	}
}

// Whoever replies to a card with a button's word is told what is wrong, also once its run has ended; what people say to each
// other there is not answered.
func TestRepliesToCards(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, chatFleet)
	reply := func(user, text string, replied bool) bot.Reply {
		return w.chat(t, bot.Inbound{Platform: "telegram", UserID: user, Language: "en", Text: text, Casual: true, Replied: replied})
	}
	silent := func(user, text string, replied bool) {
		t.Helper()
		if r := reply(user, text, replied); !nothing(r) {
			t.Errorf("%q of %s: %+v", text, user, r)
		}
	}
	silent("42", "approve 3f2a", true) // there was no run yet
	w.chat(t, bot.Inbound{Platform: "slack", UserID: "U0OPS1", Text: "primary"})
	one := w.hub.until(t, "step/run1/one", waiting)
	for text, want := range map[string]string{
		"skip zzzz": "I do not know “skip zzzz”.", "approve 0f0e": "That code is on no card now.", "批准 zzzz": "Type what a button says, then the code on the card.",
		"approve dead": "That code is on no card now.", "skip": "Add the code on the card.",
	} {
		if r := reply("42", text, true); !strings.Contains(r.Text, want) || r.Message == nil || r.Message.Code != one.Code {
			t.Errorf("%q: %+v, want %q", text, r, want)
		}
	}
	silent("42", "skip zzzz", false)
	silent("666", "skip zzzz", true)
	for _, text := range []string{"thank you", "skip it, I think", "let me look", "the code is on the card"} {
		silent("42", text, true)
	}
	w.unchanged(t, "a reply")
	w.chat(t, bot.Inbound{Platform: "slack", UserID: "U0OPS1", Text: "abort " + one.Code})
	w.hub.until(t, "run/run1", inState("aborted"))
	for _, text := range []string{"approve " + one.Code, "skip zzzz", "abort"} {
		r := reply("42", text, true)
		if !r.Refused || !strings.Contains(r.Text, "Primary dead (run run1), ended ") || !strings.Contains(r.Text, ": aborted.") {
			t.Errorf("%q after the end: %+v", text, r)
		}
	}
	if r := w.chat(t, bot.Inbound{Platform: "telegram", UserID: "42", Text: "approve " + one.Code}); !strings.Contains(r.Text, "已中止") {
		t.Errorf("in private: %+v", r)
	}
	silent("42", "approve "+one.Code, false)
	silent("42", "well done everybody", true)
}

// The help says how the bot is called there, and lists the word of every button.
func TestHelpNamesTheBotAndItsWords(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, chatFleet)
	for lang, all := range map[string]string{"en": "In a chat /recover@our_bot and", "zh": "聊天中可用 /recover@our_bot 或"} {
		text := w.chat(t, bot.Inbound{Platform: "telegram", UserID: "42", Language: lang, Text: "/help", Called: "/recover@our_bot"}).Text
		if !strings.Contains(text, all) || strings.Contains(text, "@recoverbot") {
			t.Errorf("help is %q", text)
		}
		words := strings.FieldsFunc(text, func(r rune) bool { return r < 'a' || r > 'z' })
		for _, choice := range choiceWords {
			if !slices.Contains(words, string(choice)) {
				t.Errorf("help in %s lacks %s", lang, choice)
			}
		}
	}
	if text := w.chat(t, bot.Inbound{Platform: "slack", UserID: "U0OPS1", Text: "help"}).Text; !strings.Contains(text, "In a chat /recover, @recoverbot and") {
		t.Errorf("help is %q", text)
	}
}

// Every button of a card that takes answers can be typed: its word and code mean what it does.
func TestEveryButtonHasAWord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	states := []runbook.State{runbook.Waiting, runbook.Held, runbook.Failed, runbook.RolledBack, runbook.Unverified, runbook.Unknown,
		runbook.Executing, runbook.Deferred, runbook.Skipped}
	seen := map[runbook.Choice]bool{}
	for _, state := range states {
		r, s := domainsWait()
		s = r.Step(s.ID)
		s.State = state
		m := viewer{say: w.say, now: at("03:20:00")}.stepCard(r, cards(r)[numberOf(r, s)-1])
		if len(m.Buttons) != len(engine.Choices(r, *s)) {
			t.Errorf("%s: %d buttons", state, len(m.Buttons))
		}
		for _, b := range m.Buttons {
			pressed, err := decodePress(b.Action)
			if err != nil {
				t.Fatal(err)
			}
			ids, _, rest := w.Handlers.answer(b.Choice + " " + m.Code)
			if len(ids) == 0 || len(rest) != 1 {
				t.Errorf("%s: nobody can type %s", state, b.Choice)
				continue
			}
			d, found := byCode(r, buttonLabels[ids[0]], rest[0])
			if found && d.Choice == runbook.Look && isPlanned(r, d) {
				d.Choice = runbook.Retry
			}
			if want := pressed.decision(); !found || d.Choice != want.Choice || d.Step != want.Step || d.Attempt != want.Attempt || d.Digest != want.Digest {
				t.Errorf("%s: %s %s means %+v, not %+v", state, b.Choice, m.Code, d, want)
			}
			seen[pressed.Choice] = true
		}
	}
	for _, choice := range []runbook.Choice{runbook.Approve, runbook.Skip, runbook.Abort, runbook.Retry, runbook.Look, runbook.Defer, runbook.Commit, runbook.Rollback, runbook.Reopen} {
		if !seen[choice] {
			t.Errorf("no card had %s", choice)
		}
	}
}
