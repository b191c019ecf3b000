package telegram

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/telegram/telegramtest"
)

// serves runs p behind a hub while f runs.
func serves(t *testing.T, s bot.Store, p bot.Platform, f func(h *bot.Hub)) {
	t.Helper()
	h, err := bot.NewHub(bot.Config{Platforms: []bot.Platform{p}, Store: s})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = h.Run(ctx, &bottest.Inbox{}) })
	defer wg.Wait()
	defer cancel()
	f(h)
}

// TestAQuestionIsPostedOnceInANewChat holds what people see of one question where the group has moved: one card, however often
// the bot starts, with the old id of the group or with the new one.
func TestAQuestionIsPostedOnceInANewChat(t *testing.T) {
	t.Parallel()
	const old = -4001
	w, s := newTown(t, world{chat: old, fake: telegramtest.Options{}}), &bottest.Memory{}
	question := func(version int64) bot.Message {
		m := bottest.Card("k1", version)
		m.Priority, m.Title = bot.Prompt, "Version "+idOf(version)
		return m
	}
	serves(t, s, w.t, func(h *bot.Hub) {
		if err := h.Want(t.Context(), question(1)); err != nil {
			t.Fatal(err)
		}
		_ = h.Settle(t.Context())
	})
	super, err := w.srv.Migrate(old)
	if err != nil {
		t.Fatal(err)
	}
	posts := func() []telegramtest.Message {
		return slices.DeleteFunc(w.srv.Messages(super), func(m telegramtest.Message) bool { return m.Service != "" })
	}
	start := func(chat int64, f func(h *bot.Hub)) {
		t.Helper()
		p := made(t, Config{Token: canary, Endpoint: w.srv.URL(), Chat: chat, Log: w.log.Logger(), UserID: func(string) int64 { return 0 }}, brisk)
		polls := len(w.srv.Calls("getUpdates"))
		serves(t, s, p, func(h *bot.Hub) {
			f(h)
			eventually(t, "that it has looked", func() bool { return len(w.srv.Calls("getUpdates")) > polls && w.srv.Polling() && len(posts()) > 0 })
			_ = h.Settle(t.Context())
		})
		if got := posts(); len(got) != 1 {
			t.Errorf("after a start in %d the new chat shows %d copies", chat, len(got))
		}
	}
	nothing := func(*bot.Hub) {}
	start(old, nothing)
	start(old, nothing)
	start(old, func(h *bot.Hub) { // it is edited before the bot has asked where the chat is
		if err := h.Want(t.Context(), question(2)); err != nil {
			t.Error(err)
		}
	})
	start(super, nothing)
	if got := posts(); len(got) != 1 || !strings.Contains(got[0].Text, "Version 2") {
		t.Errorf("the new chat shows %+v", got)
	}
}

// TestNothingHasStrayedUntilTheChatIsKnown holds that the first edit after a start finds out where the chat is.
func TestNothingHasStrayedUntilTheChatIsKnown(t *testing.T) {
	t.Parallel()
	const old = -4001
	w := newTown(t, world{chat: old})
	before := w.post(t, bottest.Card("k1", 1))
	super, err := w.srv.Migrate(old)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.t.Send(t.Context(), bottest.Card("k2", 1)) // finds out
	after := w.post(t, bottest.Card("k2", 1))
	p := made(t, Config{Token: canary, Endpoint: w.srv.URL(), Chat: old, Log: w.log.Logger(), UserID: func(string) int64 { return 0 }}, brisk)
	if p.Strayed(before) || p.Strayed(after) {
		t.Error("a message strayed before the chat was known")
	}
	sends := len(w.srv.Calls("sendMessage"))
	if err := p.Edit(t.Context(), after, bottest.Card("k2", 2)); err != nil || p.home() != super {
		t.Errorf("the edit: %v, in %d", err, p.home())
	}
	if err := p.Edit(t.Context(), before, bottest.Card("k1", 2)); !errors.Is(err, bot.ErrGone) {
		t.Errorf("an edit in the old chat: %v", err)
	}
	if !p.Strayed(before) || p.Strayed(after) || len(w.srv.Calls("sendMessage")) != sends {
		t.Error("what stands in the old chat has strayed, and nothing else")
	}
}
