package handlers

import (
	"maps"
	"slices"
	"time"

	"recoverbot/runbook/fleet"
	"recoverbot/runbook/probe"
)

// sight is what the bot's own watcher sees. It never changes once it is told.
type sight struct {
	well map[string]bool      // hosts that answer now as they should
	last map[string]time.Time // when a host last did
}

// Well is told by the watcher in each round: the hosts that it watches and sees well. Until then outside alerts count
// alone.
func (h *Handlers) Well(hosts []string) {
	now, b := h.Clock().UTC(), h.alerts
	b.mu.Lock()
	next := sight{well: map[string]bool{}, last: maps.Clone(b.sight.last)}
	if next.last == nil {
		next.last = map[string]time.Time{}
	}
	for _, name := range hosts {
		next.well[name], next.last[name] = true, now
	}
	same := maps.Equal(next.well, b.sight.well)
	b.sight = next
	b.stale = b.stale || !same
	b.mu.Unlock()
	if !same {
		b.poke()
	}
}

func (b *alertBook) seen() sight {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sight
}

// counts reports whether a member says that its hosts are dead.
func (c *call) counts(m member) bool {
	return m.Level != returned && (c.Scenario != "" || m.Source == "watch" && m.Level == string(probe.Silent))
}

// reach finds the hosts that only others say to be unwell.
func (c *call) reach(seen sight) {
	c.Reached = nil
	if len(c.Members) == 0 || c.Level == "" || c.Level == returned {
		return
	}
	var own []string
	for _, m := range c.Members {
		if m.Source == "watch" {
			own = union(own, m.Hosts)
		}
	}
	for _, name := range c.Hosts {
		if seen.well[name] && !slices.Contains(own, name) && !slices.Contains(c.Reached, name) {
			c.Reached = append(c.Reached, name)
		}
	}
}

// outage is since when a host is down: what the bot saw counts before what others say, and of those the newest, since an
// old alert may never have been resolved. It is never before the bot last saw the host well. Zero: nobody says so.
func (s sight) outage(calls []*call, host string) time.Time {
	var own, others time.Time
	for _, c := range calls {
		for _, m := range c.Members {
			about := slices.Contains(m.Hosts, host) || len(m.Hosts) == 0 && slices.Contains(c.Hosts, host)
			switch {
			case !about || !c.counts(m):
			case m.Source == "watch":
				own = later(own, m.Since)
			default:
				others = later(others, m.Since)
			}
		}
	}
	switch {
	case !own.IsZero():
		return later(own, s.last[host])
	case !others.IsZero():
		return later(others, s.last[host])
	}
	return time.Time{}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// downSince is since when the service is down that a call is about: where the primary is part of it, since nothing could
// be written. What is not known begins now, so that no loss of data is made to look small.
func (h *Handlers) downSince(c *call) time.Time {
	calls, seen := h.alerts.all(), h.alerts.seen()
	hosts := writersOf(h.Fleet.Config(), c.Hosts)
	var since time.Time
	for _, name := range hosts {
		since = later(since, seen.outage(calls, name))
	}
	if since.IsZero() {
		for _, m := range c.Members {
			since = later(since, m.Since)
		}
		for _, name := range hosts {
			since = later(since, seen.last[name])
		}
	}
	if since.IsZero() || len(c.Members) == 0 && !c.Wide {
		return h.Clock().UTC().Truncate(time.Second)
	}
	return since
}

// writersOf are those of some hosts that are primaries, or all of them; of none, the primaries.
func writersOf(cfg *fleet.Config, hosts []string) []string {
	var out []string
	for _, p := range cfg.WithRole("primary") {
		if len(hosts) == 0 || slices.Contains(hosts, p.Name) {
			out = append(out, p.Name)
		}
	}
	if len(out) == 0 {
		return hosts
	}
	return out
}

// calledSince is since when an alert that fires says that the scenario is called for, and which.
func (h *Handlers) calledSince(scenario string, params map[string]string) (time.Time, string) {
	for _, c := range h.alerts.all() {
		if c.State != resolved && c.Scenario == scenario && includes(params, c.Params) {
			return h.downSince(c), c.ID
		}
	}
	return time.Time{}, ""
}
