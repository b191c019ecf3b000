package telegram

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"recoverbot/bot/bottest"
)

func TestEachPersonIsServedInOrder(t *testing.T) {
	t.Parallel()
	s, end := newSession(t.Context(), &bottest.Inbox{}, (&logbook{}).Logger())
	var mu sync.Mutex
	var order []int
	other, blocked := make(chan struct{}), make(chan struct{})
	for i := range 5 {
		if !s.enter(t.Context()) {
			t.Fatal("no slot")
		}
		s.start(1, func(context.Context) {
			<-blocked
			mu.Lock()
			defer mu.Unlock()
			order = append(order, i)
		})
	}
	s.enter(t.Context())
	s.start(2, func(context.Context) { close(other) })
	<-other // somebody else need not wait
	close(blocked)
	eventually(t, "everything", func() bool { mu.Lock(); defer mu.Unlock(); return len(order) == 5 })
	end()
	if !slices.IsSorted(order) {
		t.Errorf("the order was %v", order)
	}
	if len(s.slots) != 0 || len(s.queues) != 0 {
		t.Errorf("%d slots and %d queues are left", len(s.slots), len(s.queues))
	}
}

func TestSessionIsBounded(t *testing.T) {
	t.Parallel()
	log := &logbook{}
	ctx, cancel := context.WithCancel(t.Context())
	s, end := newSession(ctx, &bottest.Inbox{}, log.Logger())
	for i := range int64(maxWork) {
		if !s.enter(ctx) {
			t.Fatal("no slot")
		}
		s.start(i, func(ctx context.Context) { <-ctx.Done() })
	}
	hurry, stop := context.WithTimeout(ctx, time.Millisecond)
	defer stop()
	if s.enter(hurry) {
		t.Error("more is worked on than may be")
	}
	for range maxBeside + 1 {
		s.beside(func(ctx context.Context) { <-ctx.Done() })
	}
	if !strings.Contains(log.String(), "one was dropped") {
		t.Error("more answers are on their way than may be")
	}
	for range maxTidy + 1 {
		s.tidy(func(ctx context.Context) { <-ctx.Done() })
	}
	if !strings.Contains(log.String(), "one keeps them") {
		t.Error("more buttons wait to be taken away than may")
	}
	done := false
	s.mu.Lock()
	s.queues[0] = append(s.queues[0], job{func(context.Context) { done = true }, true})
	s.mu.Unlock()
	s.slots = make(chan struct{}, 2*maxWork)
	for range maxWork + 1 {
		s.slots <- struct{}{}
	}
	cancel()
	end()
	if done {
		t.Error("something was begun at the end")
	}
	s.slots <- struct{}{}
	s.start(1, func(context.Context) { t.Error("it ran") })
	s.beside(func(context.Context) { t.Error("it ran beside") })
}

// TestOnePersonLeavesRoom holds that who says much while handling hangs keeps nobody else waiting, and is handled in order.
func TestOnePersonLeavesRoom(t *testing.T) {
	t.Parallel()
	log := &logbook{}
	s, end := newSession(t.Context(), &bottest.Inbox{}, log.Logger())
	hangs, began := make(chan struct{}), make(chan struct{})
	var order []int
	say := func(f func(context.Context)) {
		if !s.enter(t.Context()) {
			t.Fatal("no slot")
		}
		s.start(1, f)
	}
	say(func(context.Context) { close(began); <-hangs })
	<-began
	for i := range maxQueue + 1 {
		say(func(context.Context) { order = append(order, i) })
	}
	if n := len(s.slots); n != 1+maxOwn {
		t.Errorf("one person takes %d slots", n)
	}
	if !strings.Contains(log.String(), "waits for the next start") {
		t.Error("more waits than may")
	}
	for range maxBeside {
		s.tidy(func(ctx context.Context) { <-hangs })
	}
	answered := make(chan struct{})
	s.beside(func(context.Context) { close(answered) })
	<-answered
	close(hangs)
	eventually(t, "all of it", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.queues) == 0 })
	end()
	if len(order) != maxQueue || !slices.IsSorted(order) || len(s.slots) != 0 {
		t.Errorf("%d were handled, %d slots are left", len(order), len(s.slots))
	}
}

func TestSessionSurvivesPanics(t *testing.T) {
	t.Parallel()
	log := &logbook{}
	s, end := newSession(t.Context(), &bottest.Inbox{}, log.Logger())
	s.enter(t.Context())
	s.start(1, func(context.Context) { panic("oops") })
	ran := make(chan struct{})
	s.enter(t.Context())
	s.start(1, func(context.Context) { close(ran) })
	<-ran
	end()
	if !strings.Contains(log.String(), "panicked") {
		t.Error("nothing is logged")
	}
}

func TestOnceIsBounded(t *testing.T) {
	t.Parallel()
	var o once
	o.mark("old", -time.Second)
	for i := range 3 * maxOnce {
		o.mark(idOf(int64(i)), time.Hour)
	}
	if len(o.until) > maxOnce || o.has("old") || !o.has(idOf(3*maxOnce-1)) {
		t.Errorf("%d are known", len(o.until))
	}
	o.forget(idOf(3*maxOnce - 1))
	if o.has(idOf(3*maxOnce - 1)) {
		t.Error("it is known still")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	p := made(t, Config{}, brisk)
	for i := range maxButtonsKnown {
		m := bottest.Card(idOf(int64(i)), 1)
		p.memory.remember(m, p.buttonID)
	}
	if len(p.memory.known) != maxButtonsKnown || len(p.memory.order) != maxButtonsKnown {
		t.Errorf("%d buttons, %d in order", len(p.memory.known), len(p.memory.order))
	}
}
