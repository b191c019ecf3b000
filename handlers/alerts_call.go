package handlers

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"recoverbot/handlers/alert"
	"recoverbot/runbook"
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
	Hosts    []string          `json:"hosts,omitempty"`   // that it is about
	Dead     []string          `json:"dead,omitempty"`    // those of Hosts that count for wider calls
	Reached  []string          `json:"reached,omitempty"` // those of Hosts that the bot sees well, whatever others say
	Level    string            `json:"level,omitempty"`
	Wide     bool              `json:"wide,omitempty"` // all hosts of several roles are down
	By       string            `json:"by,omitempty"`   // ID of the call that stands for it or lists it
	Firing   bool              `json:"firing"`
	Changes  []time.Time       `json:"changes,omitempty"` // between firing and not, of late
	Unsteady bool              `json:"unsteady,omitempty"`
	Prompt   int64             `json:"prompt,omitempty"` // version of the message that asked people; 0: not asked yet
	Asked    []string          `json:"asked,omitempty"`  // the hosts that people were asked about
	Carded   bool              `json:"carded,omitempty"` // people have seen it
	Ended    time.Time         `json:"ended,omitzero"`
	Closed   string            `json:"closed,omitempty"` // why it ended, where not because the hosts answer
	Over     []string          `json:"over,omitempty"`   // the hosts that ended it
	Seen     bool              `json:"seen,omitempty"`   // by the bot's own eyes
	Accepted *acceptance       `json:"accepted,omitempty"`
	Run      string            `json:"-"`
	Snoozed  time.Time         `json:"-"`
	Quiet    bool              `json:"-"` // nobody is disturbed for it now

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
}

func (c *call) drop(id, closed string) {
	c.own()
	delete(c.Members, id)
	c.Closed = closed
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
