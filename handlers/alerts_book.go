package handlers

import (
	"crypto/sha256"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/journal"
)

// alertBook holds the calls of now and of late; the journal holds them for good.
type alertBook struct {
	write  sync.Mutex        // held while the calls change
	loaded bool              // written with mu too
	saved  map[string]string // ID → what the journal has
	old    map[string]bool   // IDs that an earlier process left; they are shown anew

	mu    sync.Mutex
	calls map[string]*call // by Key; those that are published never change
	wake  chan struct{}
	runs  map[string]runbook.RunState // as the engine told last
	stale bool                        // a run has begun or ended, or the bot sees other hosts well
	sight sight

	shows sync.Mutex // held while cards are shown
	view  shownCalls
}

// edit is the calls as they will be.
type edit struct {
	calls map[string]*call
	sight sight
	now   time.Time
}

func newAlertBook() *alertBook {
	return &alertBook{saved: map[string]string{}, calls: map[string]*call{}, old: map[string]bool{}, runs: map[string]runbook.RunState{}, wake: make(chan struct{}, 1), view: newShownCalls()}
}

func (b *alertBook) begin(now time.Time) *edit {
	e := &edit{calls: map[string]*call{}, sight: b.seen(), now: now}
	for _, c := range b.all() {
		one := *c
		one.fresh = false
		e.calls[c.Key] = &one
	}
	return e
}

func (b *alertBook) rows(e *edit) ([]journal.Alert, error) {
	var out []journal.Alert
	for _, key := range slices.Sorted(maps.Keys(e.calls)) {
		c := e.calls[key]
		body, err := json.Marshal(c)
		if err != nil {
			return nil, err
		}
		if b.saved[c.ID] != c.stored(body) {
			out = append(out, c.row(body, e.now))
		}
	}
	return out, nil
}

// stored is equal where the journal has nothing new to keep.
func (c *call) stored(body []byte) string {
	sum := sha256.Sum256(append(body[:len(body):len(body)], c.State+c.Run+c.Snoozed.String()...))
	return string(sum[:])
}

func (b *alertBook) publish(e *edit, rows []journal.Alert) {
	current := map[string]bool{}
	for _, c := range e.calls {
		current[c.ID] = true
	}
	for _, r := range rows {
		for _, c := range e.calls {
			if c.ID == r.Fingerprint {
				b.saved[c.ID] = c.stored(r.Body)
			}
		}
	}
	maps.DeleteFunc(b.saved, func(id string, _ string) bool { return !current[id] })
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = e.calls
}

// known reports whether the calls of an earlier process were read.
func (b *alertBook) known() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.loaded
}

func (b *alertBook) load(rows []journal.Alert) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.loaded = true
	for _, row := range rows {
		c := &call{tally: &tally{count: row.Count}}
		if err := json.Unmarshal(row.Body, c); err != nil || c.Key == "" {
			continue
		}
		c.ID, c.State, c.Run, c.Snoozed = row.Fingerprint, row.State, row.RunID, row.SnoozedUntil
		if old, ok := b.calls[c.Key]; ok && (old.State != resolved || old.Ended.After(c.Ended)) {
			continue
		}
		b.calls[c.Key], b.old[c.ID] = c, true
	}
}

// poke lets the cards be brought up to date.
func (b *alertBook) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// runChanged lets the calls be looked at again where a run began, ended or was put aside.
func (b *alertBook) runChanged(r runbook.Run) {
	b.mu.Lock()
	same := r.DryRun || b.runs[r.ID] == r.State
	if !same {
		b.runs[r.ID], b.stale = r.State, true
	}
	b.mu.Unlock()
	if !same {
		b.poke()
	}
}

// takeStale reports, once, that something outside of the calls has changed.
func (b *alertBook) takeStale() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.stale
	b.stale = false
	return was
}

// all are the calls, the oldest first.
func (b *alertBook) all() []*call {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := slices.Collect(maps.Values(b.calls))
	slices.SortFunc(out, func(a, c *call) int {
		if n := a.Since.Compare(c.Since); n != 0 {
			return n
		}
		return strings.Compare(a.Key, c.Key)
	})
	return out
}

func (b *alertBook) get(id string) (*call, bool) {
	for _, c := range b.all() {
		if c.ID == id {
			return c, true
		}
	}
	return nil, false
}
