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
}

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
	wanted, err := t.c.Wanted(ctx)
	if err != nil {
		return pressable{}, false, err
	}
	for _, m := range slices.Backward(wanted) {
		for _, b := range m.Buttons {
			if t.buttonID(m.Key, b) == id {
				t.memory.remember(m, t.buttonID)
				return pressable{m: m, b: b}, true, nil
			}
		}
	}
	return pressable{}, false, nil
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
