package telegram

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"recoverbot/bot"
)

const (
	maxButtonsKnown = 4000
	maxOnce         = 4000
	maxCardsKnown   = 4000
)

// pressable is a button that stands somewhere, and its message, as far as a form needs it.
type pressable struct {
	m bot.Message
	b bot.Button
}

// memory knows what the buttons stand for that were shown of late.
type memory struct {
	mu    sync.Mutex
	known map[string]pressable
	order []string       // of known, oldest first
	cards map[string]ref // where the card of a key stands that is edited

	wanted map[string]pressable // all buttons of the newest messages, by their ids, as of readAt
	readAt time.Time
}

// readRest is how long the newest messages are not read again for a button that nobody knows: anybody can press one.
const readRest = 5 * time.Second

func (y *memory) remember(m bot.Message, id func(key string, b bot.Button) string) {
	m.Blocks, m.Output = nil, ""
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.known == nil {
		y.known = map[string]pressable{}
	}
	for _, b := range m.Buttons {
		key := id(m.Key, b)
		if _, known := y.known[key]; !known {
			y.order = append(y.order, key)
		}
		y.known[key] = pressable{m: m, b: b}
	}
	for len(y.order) > maxButtonsKnown {
		delete(y.known, y.order[0])
		y.order = y.order[1:]
	}
}

func (y *memory) find(id string) (pressable, bool) {
	y.mu.Lock()
	defer y.mu.Unlock()
	p, ok := y.known[id]
	return p, ok
}

// place notes where the card of a key stands.
func (y *memory) place(key string, at ref) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.cards == nil || len(y.cards) >= maxCardsKnown {
		y.cards = map[string]ref{}
	}
	y.cards[key] = at
}

// isCard tells whether the card of a key stands there; known: it has been posted or edited since the start.
func (y *memory) isCard(key string, at ref) (is, known bool) {
	y.mu.Lock()
	defer y.mu.Unlock()
	card, known := y.cards[key]
	return card == at, known
}

// holds tells whether a card stands there.
func (y *memory) holds(at ref) bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	for _, card := range y.cards {
		if card.chat == at.chat && card.message == at.message {
			return true
		}
	}
	return false
}

// isCard tells whether m is a card, or a copy of one, as far as that is known: one that was posted or edited since the start,
// or that has a button of one.
func (t *Telegram) isCard(ctx context.Context, m *message) bool {
	if t.memory.holds(ref{chat: m.Chat.ID, message: m.ID}) {
		return true
	}
	for _, row := range m.Markup.Rows {
		for _, b := range row {
			if _, ok, err := t.button(ctx, b.Data); ok || err != nil {
				return true
			}
		}
	}
	return false
}

// stands tells whether the newest version of the card m still has the button with that action. What was said to one person
// has no newer version.
func (t *Telegram) stands(ctx context.Context, m bot.Message, action string) (bool, error) {
	wanted, err := t.c.Wanted(ctx)
	if err != nil {
		return false, err
	}
	for _, w := range slices.Backward(wanted) {
		if w.Key == m.Key {
			return slices.ContainsFunc(w.Buttons, func(b bot.Button) bool { return b.Action == action }), nil
		}
	}
	return true, nil
}

// button is what the id of a pressed button stands for. Of what was shown before a restart only the newest is known.
func (t *Telegram) button(ctx context.Context, id string) (pressable, bool, error) {
	if p, ok := t.memory.find(id); ok {
		return p, true, nil
	}
	t.memory.mu.Lock()
	fresh := time.Since(t.memory.readAt) < readRest
	t.memory.mu.Unlock()
	if !fresh {
		if err := t.reread(ctx); err != nil {
			return pressable{}, false, err
		}
	}
	t.memory.mu.Lock()
	p, ok := t.memory.wanted[id]
	t.memory.mu.Unlock()
	if ok {
		t.memory.remember(p.m, t.buttonID)
	}
	return p, ok, nil
}

// reread notes all buttons of the newest messages.
func (t *Telegram) reread(ctx context.Context) error {
	all, err := t.c.Wanted(ctx)
	if err != nil {
		return err
	}
	wanted := map[string]pressable{}
	for _, m := range all {
		m.Blocks, m.Output = nil, ""
		for _, b := range m.Buttons {
			wanted[t.buttonID(m.Key, b)] = pressable{m: m, b: b}
		}
	}
	t.memory.mu.Lock()
	defer t.memory.mu.Unlock()
	t.memory.wanted, t.memory.readAt = wanted, time.Now()
	return nil
}

// once remembers for a while what happened.
type once struct {
	mu    sync.Mutex
	until map[string]time.Time
	since map[string]time.Time
}

func (o *once) has(what string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return time.Now().Before(o.until[what])
}

// hadBy tells whether what happened did so before a time, and is remembered.
func (o *once) hadBy(what string, by time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return time.Now().Before(o.until[what]) && o.since[what].Before(by)
}

// first marks what, and tells whether it was not known.
func (o *once) first(what string, while time.Duration) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if time.Now().Before(o.until[what]) {
		return false
	}
	o.note(what, while)
	return true
}

func (o *once) mark(what string, while time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.note(what, while)
}

func (o *once) note(what string, while time.Duration) {
	now := time.Now()
	if o.until == nil {
		o.until, o.since = map[string]time.Time{}, map[string]time.Time{}
	}
	if len(o.until) >= maxOnce {
		maps.DeleteFunc(o.until, func(_ string, until time.Time) bool { return now.After(until) })
		maps.DeleteFunc(o.until, func(string, time.Time) bool { return len(o.until) > maxOnce/2 }) // any, where all are fresh
		maps.DeleteFunc(o.since, func(k string, _ time.Time) bool { return o.until[k].IsZero() })
	}
	o.until[what], o.since[what] = now.Add(while), now
}

func (o *once) forget(what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.until, what)
	delete(o.since, what)
}
