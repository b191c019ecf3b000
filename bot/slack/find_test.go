package slack

import (
	"fmt"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/slack/slacktest"
)

func TestFind(t *testing.T) {
	t.Parallel()
	w := newTown(t, slacktest.Options{}, brisk)
	ctx := t.Context()
	send := func(m bot.Message) bot.Ref {
		ref, err := w.s.Send(ctx, m)
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	card := send(bottest.Card("run/step", 1))
	file := bot.Message{Key: "run/step#script-0123456789ab", Version: 1, Title: "plan", Thread: true, OfRef: card,
		Blocks: []bot.Block{{Kind: "script", Text: fmt.Sprintf("%05000d", 1)}}}
	reply := bot.Message{Key: "run/step#sql-ba9876543210", Version: 1, Title: "plan", Thread: true, OfRef: card,
		Blocks: []bot.Block{{Kind: "sql", Text: "select 1"}}}
	want := map[string]bot.Ref{"run/step": card, file.Key: send(file), reply.Key: send(reply), "run/step#sql-ffffffffffff": "", "run": "", "run/step2": ""}
	for i := range findLimit + 20 { // two pages of talk
		if _, err := w.srv.Say("ops1", home, "", fmt.Sprint("is it up again? ", i)); err != nil {
			t.Fatal(err)
		}
	}
	for key, ref := range want {
		got, ok, err := w.s.Find(ctx, key, time.Now())
		if err != nil || ok != (ref != "") || got != ref {
			t.Errorf("%s was found as %q (%v, %v), not %q", key, got, ok, err, ref)
		}
	}
	if got, ok, err := w.s.Find(ctx, "run/step", time.Now().Add(2*findBefore)); ok || err != nil {
		t.Errorf("found before its time: %q, %v", got, err)
	}
	w.srv.Fail(slacktest.Fault{Method: "conversations.history", Status: 500})
	if _, ok, err := w.s.Find(ctx, "run/step", time.Now()); ok || err == nil {
		t.Error("a failed search found nothing, and that counts")
	}
}

// TestFindWithoutMetadata: an own message is known by its first block, too, and others' are never taken for it.
func TestFindWithoutMetadata(t *testing.T) {
	t.Parallel()
	var m slack.Message
	m.User = "UBOT"
	m.Blocks.BlockSet = bottestBlocks("k1")
	me := self{user: "UBOT", bot: "BBOT"}
	if !me.posted(m) || !shows(m, "k1") || shows(m, "k2") {
		t.Error("the own message is not known")
	}
	if m.User = "U2"; me.posted(m) {
		t.Error("another's message is taken for the own")
	}
	if m.BotID = "BBOT"; !me.posted(m) {
		t.Error("the bot's id is not known")
	}
}

func bottestBlocks(key string) []slack.Block {
	return renderer{label: func(id string, _ ...any) string { return id }, userID: func(string) string { return "" },
		permalink: func(bot.Ref) string { return "" }}.card(bottest.Card(key, 1)).blocks
}
