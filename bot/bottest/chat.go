package bottest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"recoverbot/bot"
)

// hubbed runs the platform of h under a hub of its own, like one process of the bot, while do works.
func hubbed(t *testing.T, h Harness, s bot.Store, to bot.Handler, do func(hub *bot.Hub)) {
	t.Helper()
	hub, err := bot.NewHub(bot.Config{Platforms: []bot.Platform{h.Platform()}, Store: s})
	if err != nil {
		t.Fatal(err)
	}
	background(t, func(ctx context.Context) { _ = hub.Run(ctx, to) }, func() { do(hub) })
}

// shown wants ms and waits until the platform shows them.
func shown(t *testing.T, hub *bot.Hub, ms ...bot.Message) {
	t.Helper()
	for _, m := range ms {
		if err := hub.Want(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if err := hub.Settle(timeout(t)); err != nil {
		t.Fatal(err)
	}
}

func exercisePrivateCard(t *testing.T, start func(t *testing.T) Harness) {
	card := bot.Message{Key: "answer/1", Version: 1, State: "info", Title: "how the fleet fares", Lines: []string{"for your eyes alone"}}
	h, _ := run(t, start, func(bot.Inbound) bot.Reply { return bot.Reply{Text: "see the card", Message: &card} })
	h.Say(t, "ops1", "/recover")
	deadline := time.Now().Add(10 * time.Second)
	for told := ""; lacks(told, "how the fleet fares", "for your eyes alone") != ""; <-time.After(5 * time.Millisecond) {
		if told = h.Private(t, "ops1"); time.Now().After(deadline) {
			t.Fatalf("the person was shown:\n%.2000s", told)
		}
	}
	if got := h.Private(t, "ops2"); strings.Contains(got, "for your eyes alone") {
		t.Errorf("another person was shown:\n%.2000s", got)
	}
	if text, posts := h.Seen(t, "answer/1"); posts > 0 {
		t.Errorf("everybody was shown:\n%.2000s", text)
	}
}

func exerciseRedelivery(t *testing.T, start func(t *testing.T) Harness) {
	h := start(t)
	again, ok := h.(Redeliverer)
	if !ok {
		t.Skip("each event of this platform comes once")
	}
	store, in := &Memory{}, &Inbox{Answer: func(bot.Inbound) bot.Reply { return bot.Reply{Text: "heard"} }}
	hubbed(t, h, store, in, func(hub *bot.Hub) {
		shown(t, hub, Card("k1", 1))
		h.Press(t, "ops1", "k1", "approve")
		again.Redeliver(t)
		again.Redeliver(t)
		h.Say(t, "ops1", "/recover primary")
		again.Redeliver(t)
	})
	hubbed(t, h, store, in, func(*bot.Hub) { again.Redeliver(t) })
	if said := in.Said(); len(said) != 2 { // both hubs waited for what was being handled
		t.Errorf("a press and a command were handled as %+v", said)
	}
}

func exerciseParts(t *testing.T, start func(t *testing.T) Harness) {
	h := start(t)
	divider, ok := h.Platform().(bot.Divider)
	if !ok {
		t.Skip("one post of this platform holds a whole card")
	}
	threader, ok := h.(Threader)
	if !ok {
		t.Fatalf("the platform is a bot.Divider, so its harness must be a bottest.Threader")
	}
	m := Card("k1", 1)
	var plan strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&plan, "echo 'line %d' # 一行\n", i)
	}
	m.Blocks = []bot.Block{{Kind: "script", Text: plan.String()}}
	parts := divider.Divide(m)
	if len(parts) == 0 {
		t.Fatal("a plan of 100 KB makes no parts")
	}
	var keys []string
	for _, p := range parts {
		if p.Of != m.Key || !p.Thread || p.Version != 1 || !strings.HasPrefix(p.Key, m.Key+"#") || slices.Contains(keys, p.Key) {
			t.Errorf("part %q: of %q, thread %v, version %d", p.Key, p.Of, p.Thread, p.Version)
		}
		keys = append(keys, p.Key)
	}
	store := &Memory{}
	below := func(posts int, parts ...string) {
		t.Helper()
		card, _ := h.Seen(t, "k1")
		texts := threader.Below(t, "k1")
		if missing := lacks(card+strings.Join(texts, "\n"), parts...); missing != "" {
			t.Errorf("neither the card nor the %d posts below it show %q", len(texts), missing)
		}
		if posts != len(texts) {
			t.Errorf("%d posts stand below the card, not %d", len(texts), posts)
		}
	}
	hubbed(t, h, store, &Inbox{}, func(hub *bot.Hub) {
		shown(t, hub, m)
		below(len(parts), "line 0'", "line 2000'", "line 3999'")
	})
	hubbed(t, h, store, &Inbox{}, func(hub *bot.Hub) {
		shown(t, hub)
		below(len(parts), "line 0'", "line 2000'", "line 3999'")
		m.Version, m.Title = 2, "a title that is new"
		shown(t, hub, m)
		expect(t, h, "k1", "a title that is new")
		below(len(parts), "line 3999'")
		m.Version, m.Output = 3, strings.Repeat("some output\n", 4000)+"the end of the output\n"
		fresh := 0
		for _, p := range divider.Divide(m) {
			if !slices.Contains(keys, p.Key) {
				fresh++
			}
		}
		shown(t, hub, m)
		below(len(parts)+fresh, "line 3999'", "the end of the output")
	})
}

func exerciseNudge(t *testing.T, start func(t *testing.T) Harness) {
	h := start(t)
	mentioner, ok := h.Platform().(bot.Mentioner)
	if !ok || !mentioner.Mentions() {
		t.Skip("each edit of this platform is seen")
	}
	buzzer, ok := h.(Buzzer)
	if !ok {
		t.Fatalf("the platform is a bot.Mentioner, so its harness must be a bottest.Buzzer")
	}
	nudge := bot.Message{Key: "k1/nudge", Version: 1, State: "waiting", Title: "5/12 still waits for you", Nudge: true, Of: "k1",
		Notify: []string{"ops2", "somebody without an account", "ops1"}}
	store := &Memory{}
	for range 2 {
		hubbed(t, h, store, &Inbox{}, func(hub *bot.Hub) {
			shown(t, hub, Card("k1", 1), nudge)
			expect(t, h, nudge.Key, "5/12 still waits for you")
			if _, posts := h.Seen(t, nudge.Key); posts != 1 {
				t.Errorf("the nudge was posted %d times", posts)
			}
			if people, card := buzzer.Buzzed(t, nudge.Key); !slices.Equal(people, []string{"ops1", "ops2"}) || card != "k1" {
				t.Errorf("the nudge mentions %q and leads to %q", people, card)
			}
		})
	}
}

func exerciseMove(t *testing.T, start func(t *testing.T) Harness) {
	h, _ := run(t, start, nil)
	mover, ok := h.Platform().(bot.Mover)
	if !ok {
		return
	}
	old := send(t, h, Card("k1", 1))
	if mover.Strayed(old) {
		t.Errorf("a new post %q has strayed", old)
	}
	if carrier, ok := h.(Carrier); !ok || !carrier.Carry(t) {
		return
	}
	if !mover.Strayed(old) {
		t.Errorf("%q stands in the old chat, and has not strayed", old)
	}
	if err := h.Platform().Edit(timeout(t), old, Card("k1", 2)); !errors.Is(err, bot.ErrGone) {
		t.Errorf("an edit of it: %v", err)
	}
	if ref := send(t, h, Card("k1", 2)); mover.Strayed(ref) {
		t.Errorf("a post %q after the move has strayed", ref)
	}
}
