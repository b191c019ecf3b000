package handlers

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash/fnv"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"recoverbot/handlers/alert"
	"recoverbot/runbook"
	"recoverbot/runbook/journal"
	"recoverbot/runbook/probe"
)

// States of a call.
const (
	firing   = "firing"   // people are asked
	snoozed  = "snoozed"  // a person asked for rest
	started  = "started"  // its scenario runs
	replaced = "replaced" // a wider call stands for it
	merged   = "merged"   // it comes after the widest one, on whose card it is listed
	accepted = "accepted" // a person said that a machine which has come back is right to write
	resolved = "resolved"
)

const returned = string(probe.Returned)

// call is what people see of alerts: one for each scenario and its parameters, or one a host and level where no scenario
// is called for. It begins when the first alert fires and ends when all are resolved.
type call struct {
	ID       string            `json:"-"` // of [a-z0-9-]
	Key      string            `json:"key"`
	Scenario string            `json:"scenario,omitempty"`
	Params   map[string]string `json:"params,omitempty"`
	State    string            `json:"-"`
	Members  map[string]member `json:"members,omitempty"` // by source/fingerprint; never changed in place
	Since    time.Time         `json:"since"`
	Hosts    []string          `json:"hosts,omitempty"` // that it is about
	Dead     []string          `json:"dead,omitempty"`  // those of Hosts that count for wider calls
	Level    string            `json:"level,omitempty"`
	Wide     bool              `json:"wide,omitempty"` // all hosts of several roles are down
	By       string            `json:"by,omitempty"`   // ID of the call that stands for it or lists it
	Firing   bool              `json:"firing"`
	Changes  []time.Time       `json:"changes,omitempty"` // between firing and not, of late
	Unsteady bool              `json:"unsteady,omitempty"`
	Prompt   int64             `json:"prompt,omitempty"` // version of the message that asked people; 0: not asked yet
	Carded   bool              `json:"carded,omitempty"` // people have seen it
	Ended    time.Time         `json:"ended,omitzero"`
	Closed   string            `json:"closed,omitempty"` // why it ended, where not because the hosts answer
	Over     []string          `json:"over,omitempty"`   // the hosts that ended it
	Seen     bool              `json:"seen,omitempty"`   // by the bot's own eyes
	Accepted *acceptance       `json:"accepted,omitempty"`
	Run      string            `json:"-"`
	Snoozed  time.Time         `json:"-"`

	tally *tally
	fresh bool // Members is this copy's own
}

// member is one alert of one source.
type member struct {
	Source   string            `json:"source"`
	Hosts    []string          `json:"hosts,omitempty"`
	Level    string            `json:"level,omitempty"`
	Since    time.Time         `json:"since"`
	Summary  string            `json:"summary,omitempty"`
	Findings []runbook.Finding `json:"findings,omitempty"`
	Vantage  []string          `json:"vantage,omitempty"`
}

func (m member) same(o member) bool {
	return m.Level == o.Level && m.Summary == o.Summary && slices.Equal(m.Hosts, o.Hosts) && slices.Equal(m.Vantage, o.Vantage) &&
		reflect.DeepEqual(m.Findings, o.Findings)
}

func newCall(key, scenario string, params map[string]string, a alert.Alert, now time.Time) *call {
	name := scenario
	for _, k := range slices.Sorted(maps.Keys(params)) {
		name += "-" + params[k]
	}
	if name == "" {
		name = cmp.Or(a.Level, "alert") + "-" + a.Host
	}
	sum := sha256.Sum256([]byte(key + now.String()))
	return &call{ID: slug(name) + "-" + hex.EncodeToString(sum[:4]), Key: key, Scenario: scenario, Params: params, Since: now, tally: &tally{}}
}

func slug(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, s)
	return s[:min(len(s), 60)]
}

func (c *call) own() {
	if !c.fresh {
		c.Members, c.fresh = maps.Clone(c.Members), true
	}
	if c.Members == nil {
		c.Members = map[string]member{}
	}
}

func (c *call) set(id string, m member) {
	c.own()
	c.Members[id] = m
	if c.Since.IsZero() || m.Since.Before(c.Since) {
		c.Since = m.Since
	}
}

func (c *call) drop(id, closed string) {
	c.own()
	delete(c.Members, id)
	c.Closed = closed
}

// tally counts what is not kept. All copies of a call share it.
type tally struct {
	mu     sync.Mutex
	count  int
	others map[uint64]bool // members beyond those that are kept; forgotten at a restart, when their source tells them again
}

func hash64(id string) uint64 {
	f := fnv.New64a()
	_, _ = f.Write([]byte(id)) // never fails
	return f.Sum64()
}

func (t *tally) told() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
}

func (t *tally) times() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count
}

func (t *tally) add(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.others == nil {
		t.others = map[uint64]bool{}
	}
	if len(t.others) < keptOthers {
		t.others[hash64(id)] = true
	}
}

func (t *tally) drop(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.others) == 0 {
		return false
	}
	key := hash64(id)
	was := t.others[key]
	delete(t.others, key)
	return was
}

func (t *tally) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.others)
}

// alertBook holds the calls of now and of late; the journal holds them for good.
type alertBook struct {
	write  sync.Mutex // held while the calls change
	loaded bool
	saved  map[string]string // ID → what the journal has
	old    map[string]bool   // IDs that an earlier process left; they are shown anew

	mu    sync.Mutex
	calls map[string]*call // by Key; those that are published never change
	wake  chan struct{}
	runs  map[string]runbook.RunState // as the engine told last
	stale bool                        // a run has begun or ended
	view  shownCalls
}

// edit is the calls as they will be.
type edit struct {
	calls map[string]*call
	now   time.Time
}

func newAlertBook() *alertBook {
	return &alertBook{saved: map[string]string{}, calls: map[string]*call{}, old: map[string]bool{}, runs: map[string]runbook.RunState{}, wake: make(chan struct{}, 1), view: newShownCalls()}
}

func (b *alertBook) begin(now time.Time) *edit {
	e := &edit{calls: map[string]*call{}, now: now}
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

func (b *alertBook) load(rows []journal.Alert) {
	b.loaded = true
	b.mu.Lock()
	defer b.mu.Unlock()
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

// takeStale reports, once, that runs have changed.
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

// downSince is since when an alert that fires says that the scenario is called for.
func (b *alertBook) downSince(scenario string, params map[string]string) (time.Time, string) {
	for _, c := range b.all() {
		if c.State != resolved && c.Scenario == scenario && includes(params, c.Params) {
			return c.Since, c.ID
		}
	}
	return time.Time{}, ""
}

// includes reports whether all has everything that some has.
func includes(all, some map[string]string) bool {
	for k, v := range some {
		if all[k] != v {
			return false
		}
	}
	return true
}
