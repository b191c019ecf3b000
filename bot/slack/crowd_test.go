package slack

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/slack/slacktest"
)

func TestCrowd(t *testing.T) {
	t.Parallel()
	var c crowd
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	said := func(user, text string) bot.Inbound { return bot.Inbound{UserID: user, Text: text} }
	expect := func(what string, in bot.Inbound, known bool, want admission) func() {
		t.Helper()
		got, leave := c.enter(in, known, now)
		if got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
		return func() { leave(bot.Reply{}) }
	}
	var leave []func()
	for range maxCommands {
		leave = append(leave, expect("a few", said("U1", "x"), true, admitted))
	}
	expect("one too many", said("U1", "x"), true, tooMany)()
	expect("it was said", said("U1", "x"), true, ignored)()
	expect("a press", bot.Inbound{UserID: "U1", Action: "a"}, true, admitted)()
	expect("somebody else", said("U2", "x"), true, admitted)()
	for _, f := range leave {
		f()
	}
	expect("later", said("U1", "x"), true, admitted)()
	talk := bot.Inbound{UserID: "U9", Text: "x", Casual: true}
	expect("a stranger's talk", talk, false, admitted)()
	for range maxRefusals {
		expect("a stranger", said("U9", "x"), false, admitted)()
	}
	expect("again", said("U9", "x"), false, ignored)()
	expect("a stranger's press", bot.Inbound{UserID: "U9", Action: "a"}, false, ignored)()
	now = now.Add(refusalEvery)
	expect("after a while", said("U9", "x"), false, admitted)()
	now = now.Add(refusalEvery)
	for range maxRefusals {
		_, answered := c.enter(talk, false, now)
		answered(bot.Reply{Text: "You are not listed"})
	}
	expect("once it was answered", talk, false, ignored)()
	for i := range 2 * maxStrangers {
		_, leave := c.enter(said(fmt.Sprint("S", i), "x"), false, now)
		leave(bot.Reply{Text: "You are not listed"})
	}
	if len(c.told) != maxStrangers || len(c.busy) != 0 {
		t.Errorf("%d strangers and %d people are remembered", len(c.told), len(c.busy))
	}
	now = now.Add(refusalEvery)
	for i := range maxCommands {
		expect("many strangers at once", said(fmt.Sprint("T", i), "x"), false, admitted)
	}
	expect("too many strangers at once", said("T9", "x"), false, ignored)()
	expect("and a person", said("U1", "x"), true, admitted)()
}

// TestFlood lets two people, one of them a stranger, send more than the bot can take, while an approver presses.
func TestFlood(t *testing.T) {
	t.Parallel()
	w := newTown(t, slacktest.Options{}, brisk)
	w.s.c.Known = func(id string) bool { return id == "U0OPS1" }
	hold := make(chan struct{})
	in := echo()
	runs(t, w.s, held{in, hold})
	if _, err := w.s.Send(t.Context(), bottest.Card("k1", 1)); err != nil {
		t.Fatal(err)
	}
	w.connected(t)
	for range 25 {
		for user := range people {
			if err := w.srv.Slash(user, home, "/recover", "status"); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.until(t, "what is too much", func() bool { return strings.Contains(w.text(w.srv.Private("ops1")), "Too many at once") })
	if got := w.Press(t, "ops1", "k1", "approve"); !strings.Contains(got, "heard opaque-approve") {
		t.Errorf("the press was answered %q", got)
	}
	w.until(t, "everything delivered", w.srv.Idle)
	close(hold)
	w.until(t, "the answers", func() bool { return len(w.answers("ops1")) == maxCommands+2 && len(w.answers("ops2")) == maxCommands })
	if a, b := heardBy(in, "ops1"), heardBy(in, "ops2"); a != maxCommands+1 || b != maxCommands {
		t.Errorf("handled %d of a person and %d of a stranger", a, b)
	}
}

// held is an inbox that keeps commands until it is let go.
type held struct {
	*bottest.Inbox
	hold chan struct{}
}

func (b held) Handle(ctx context.Context, in bot.Inbound) bot.Reply {
	if in.Action == "" {
		<-b.hold
	}
	return b.Inbox.Handle(ctx, in)
}
