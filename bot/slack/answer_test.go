package slack

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/slack/slacktest"
)

// where is the channel of the newest message to user alone.
func (w *town) where(user string) (channel, thread string, ephemeral bool) {
	all := w.srv.Private(user)
	m := all[len(all)-1]
	return m.Channel, m.ThreadTS, m.Ephemeral != ""
}

func TestAnswersWherePeopleAre(t *testing.T) {
	t.Parallel()
	channels := []slacktest.Channel{{ID: home, Name: "ops"}, {ID: "C0FAR", Name: "far", Members: []string{people["ops1"]}}}
	w := newTown(t, slacktest.Options{Channels: channels}, brisk)
	runs(t, w.s, echo())
	ref, err := w.s.Send(t.Context(), bottest.Card("k1", 1))
	if err != nil {
		t.Fatal(err)
	}
	slash := func(channel string) func() error {
		return func() error { return w.srv.Slash("ops1", channel, "/recover", "status") }
	}
	say := func(channel, thread, text string) func() error {
		return func() error { _, err := w.srv.Say("ops1", channel, thread, text); return err }
	}
	for _, tt := range []struct {
		name    string
		do      func() error
		fault   string
		channel string // "D": a conversation with the bot
		thread  string
		text    string
	}{
		{name: "a command", do: slash(home), channel: home, text: "heard /recover status"},
		{name: "a command where the bot is not", do: slash("C0FAR"), channel: "C0FAR", text: "heard /recover status"},
		{name: "a command whose answer address is dead", do: slash(home), fault: "response_url", channel: home, text: "heard /recover status"},
		{name: "the same where the bot is not", do: slash("C0FAR"), fault: "response_url", channel: "D", text: "heard /recover status"},
		{name: "a mention", do: say(home, "", "@recoverbot status"), channel: home, text: "heard status"},
		{name: "a reply", do: say(home, parseRef(ref).ts, "approve 3f2a"), channel: home, thread: parseRef(ref).ts, text: "heard approve 3f2a"},
		{name: "a direct message", do: say("@recoverbot", "", "primary ip=192.0.2.9 a<b&c"), channel: "D", text: "heard primary ip=192.0.2.9 a<b&c"},
	} {
		if tt.fault != "" {
			w.srv.Fail(slacktest.Fault{Method: tt.fault, Status: 404, Times: 1})
		}
		got := w.told(t, "ops1", tt.do)
		if !strings.Contains(got, tt.text) {
			t.Errorf("%s was answered %q", tt.name, got)
		}
		channel, thread, ephemeral := w.where("ops1")
		if tt.channel == "D" && (!direct(channel) || ephemeral) || tt.channel != "D" && (channel != tt.channel || thread != tt.thread || !ephemeral) {
			t.Errorf("%s was answered in %s, thread %q, ephemeral %v; answer addresses took %+v", tt.name, channel, thread, ephemeral, w.srv.Calls("response_url"))
		}
		if got := w.Private(t, "ops2"); got != "" {
			t.Errorf("%s: another person was told %q", tt.name, got)
		}
	}
}

func TestAnswerLater(t *testing.T) {
	t.Parallel()
	w := newTown(t, slacktest.Options{}, brisk)
	w.srv.Fail(slacktest.Fault{Method: "chat.postEphemeral", Status: 429, Times: 2})
	in := bot.Inbound{UserID: people["ops1"], Origin: origin{Channel: home}.String()}
	if err := w.s.Answer(t.Context(), in, bot.Reply{Text: "it was done"}); err != nil {
		t.Fatal(err)
	}
	if got := w.Private(t, "ops1"); !strings.Contains(got, "it was done") {
		t.Errorf("told %q", got)
	}
	calls := len(w.srv.Calls("*"))
	if err := w.s.Answer(t.Context(), in, bot.Reply{}); err != nil || len(w.srv.Calls("*")) != calls {
		t.Errorf("an empty reply says something: %v", err)
	}
	in.Action = "opaque"
	if err := w.s.Answer(t.Context(), in, bot.Reply{Text: "noted", Noted: true}); err != nil || len(w.srv.Calls("*")) != calls {
		t.Errorf("what the card says is said again: %v", err)
	}
	in.Origin = origin{Channel: home, Still: true}.String()
	if err := w.s.Answer(t.Context(), in, bot.Reply{Text: "approval noted", Noted: true}); err != nil || !strings.Contains(w.Private(t, "ops1"), "approval noted") {
		t.Errorf("a press on a card that never changes is not answered: %v", err)
	}
	in.Origin = "{"
	if err := w.s.Answer(t.Context(), in, bot.Reply{Text: "x"}); err == nil {
		t.Error("an unreadable origin is answered")
	}
	w.srv.Fail(slacktest.Fault{Method: "*", Status: 429, RetryAfter: 3600})
	in.Origin = origin{Channel: home}.String()
	var later *bot.Later
	if err := w.s.Answer(t.Context(), in, bot.Reply{Text: "x"}); !errors.As(err, &later) {
		t.Errorf("told to wait for an hour: %v", err)
	}
}

// TestNoSecretIsKept looks at everything that leaves the platform while all kinds of things go wrong.
func TestNoSecretIsKept(t *testing.T) {
	t.Parallel()
	w, in := newTown(t, slacktest.Options{}, brisk), echo()
	runs(t, w.s, in)
	w.connected(t)
	for _, f := range []slacktest.Fault{{Method: "response_url", Status: 500}, {Method: "chat.postEphemeral", StoredButLost: true, Times: 3}} {
		w.srv.Fail(f)
		if err := w.srv.Slash("ops1", home, "/recover", "status"); err != nil {
			t.Fatal(err)
		}
	}
	w.srv.Stop()
	eventually(t, "trouble", func() bool { return strings.Contains(w.log.String(), "no connection") })
	for _, err := range in.Reports() {
		if err != nil {
			lackAll(t, "a report", err.Error(), slacktest.DefaultBotToken, slacktest.DefaultAppToken, "ticket")
		}
	}
	for _, s := range in.Said() {
		body, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		lackAll(t, "what is kept", string(body), "http", "ticket")
	}
}
