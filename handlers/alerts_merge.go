package handlers

import (
	"maps"
	"slices"
	"time"

	"recoverbot/handlers/alert"
	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/probe"
)

// correlate finds what each call is now: of all sources together, one prompt for what belongs together. version gives the
// version of a message that asks people.
func (e *edit) correlate(cfg *fleet.Config, runs []runbook.RunSummary, version func() int64) {
	for _, c := range e.calls {
		c.prune(cfg)
	}
	dead := e.together(cfg)
	for _, c := range e.calls {
		c.turn(cfg, e.now, dead)
	}
	live := e.live()
	for _, c := range live {
		c.By, c.Run = "", ""
		c.State = firing
		for _, r := range runs {
			if !r.DryRun && (r.State == runbook.Open || r.State == runbook.Parked) && r.Scenario == c.Scenario && includes(r.Params, c.Params) {
				c.State, c.Run = started, r.ID
			}
		}
		switch {
		case c.State != firing:
		case c.Accepted != nil:
			c.State = accepted
		case c.Snoozed.After(e.now):
			c.State = snoozed
		}
	}
	cover(live)
	merge(cfg, live, func(c *call) bool { return c.quiet(cfg, runs, e.now) })
	for _, c := range e.calls {
		switch c.State {
		case firing, started, snoozed, accepted:
			c.Carded = true
		}
		extent := e.extent(c)
		c.Quiet = c.quiet(cfg, runs, e.now)
		switch {
		case c.State != firing:
			c.Prompt, c.Asked = 0, nil
		case c.Quiet:
		case c.Prompt == 0 || c.Asked != nil && !subset(extent, c.Asked): // there is more of it: people are asked anew
			c.Prompt = version()
			c.Asked = union(c.Asked, extent)
		case c.Asked == nil:
			c.Asked = extent
		}
	}
}

// extent are the hosts of a call and of those that it stands for or lists.
func (e *edit) extent(c *call) []string {
	out := union([]string{}, c.Hosts)
	for _, key := range slices.Sorted(maps.Keys(e.calls)) {
		if o := e.calls[key]; o.By == c.ID {
			out = union(out, o.Hosts)
		}
	}
	return out
}

// together finds the wider calls: where all hosts in service of each role are dead. It gives the call that says so of each
// dead host.
func (e *edit) together(cfg *fleet.Config) map[string]*call {
	dead := map[string]*call{}
	for _, key := range slices.Sorted(maps.Keys(e.calls)) {
		c := e.calls[key]
		c.survey(cfg, e.sight)
		for _, name := range c.Dead {
			dead[name] = c
		}
	}
	var calls []*call
	for _, c := range e.calls {
		c.Wide = false
		calls = append(calls, c)
	}
	for _, t := range cfg.Watch.Together {
		var hosts, down []string
		all := true
		for _, role := range t.Roles {
			in := inService(cfg, role)
			all = all && len(in) > 0
			hosts = union(hosts, in)
		}
		for _, name := range hosts {
			if dead[name] != nil {
				down = append(down, name)
			}
		}
		c := e.calls[t.Scenario]
		if all && len(down) == len(hosts) {
			if c == nil || c.State == resolved && e.now.Sub(c.Ended) >= flapWindow(cfg) {
				c = newCall(t.Scenario, t.Scenario, nil, alert.Alert{}, e.now)
				e.calls[t.Scenario] = c
			}
			c.Wide, c.Hosts = true, hosts
			if len(c.Members) == 0 {
				c.Level, c.Seen = "", false
			}
			var since time.Time // when the last of them died
			for _, name := range hosts {
				part := dead[name]
				c.Level, c.Seen = worse(c.Level, part.Level), c.Seen || part.Seen
				since = later(since, e.sight.outage(calls, name))
			}
			if !since.IsZero() { // between two flaps nobody says so
				c.Since = since
			}
		} else if c != nil && c.State != resolved && len(c.Members) > 0 {
			c.Hosts = union(c.Hosts, hosts) // somebody else says so
		}
	}
	for _, c := range e.calls {
		c.reach(e.sight)
	}
	return dead
}

// inService are the hosts of a role, or the host of that name.
func inService(cfg *fleet.Config, role string) []string {
	var out []string
	for _, h := range cfg.WithRole(role) {
		out = append(out, h.Name)
	}
	if h, ok := cfg.Host(role); ok && len(out) == 0 && !h.Retired {
		out = []string{h.Name}
	}
	return out
}

// survey says which hosts a call is about. Between two flaps what was known stays.
func (c *call) survey(cfg *fleet.Config, seen sight) {
	if len(c.Members) == 0 {
		if flaps := c.Unsteady || c.Firing && len(c.Changes)+1 >= flapLimit(cfg); !flaps && c.tally.size() == 0 {
			c.Dead = nil
		}
		return
	}
	c.Hosts, c.Dead, c.Level, c.Seen = nil, nil, "", false
	var own, others time.Time // the first of either
	for _, id := range slices.Sorted(maps.Keys(c.Members)) {
		m := c.Members[id]
		c.Hosts = union(c.Hosts, m.Hosts)
		c.Level = worse(c.Level, m.Level)
		if m.Source == "watch" {
			c.Seen, own = true, earlier(own, m.Since)
		} else {
			others = earlier(others, m.Since)
		}
		for _, name := range m.Hosts {
			if c.counts(m) && (m.Source == "watch" || !seen.well[name]) {
				c.Dead = union(c.Dead, []string{name})
			}
		}
	}
	if c.Since = own; own.IsZero() {
		c.Since = others
	}
}

// badness orders levels; those that are not here come first.
var badness = []string{"", "cut_off", string(probe.ServiceDown), string(probe.SSHOnly), string(probe.NoLogin), string(probe.Silent), returned}

func worse(a, b string) string {
	if slices.Index(badness, b) > slices.Index(badness, a) {
		return b
	}
	return a
}

func union(a, b []string) []string {
	a = slices.Clip(a)
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}

// live are the calls that fire or flap, in a fixed order.
func (e *edit) live() []*call {
	var out []*call
	for _, key := range slices.Sorted(maps.Keys(e.calls)) {
		if c := e.calls[key]; c.Firing || c.Unsteady {
			out = append(out, c)
		}
	}
	return out
}

// cover lets wider calls stand for the narrower ones, all of whose hosts they are about. One about a host that the bot
// itself reaches stands for nothing.
func cover(live []*call) {
	for _, c := range live {
		if c.Scenario == "" && len(c.Dead) == 0 || c.State == started || c.Level == returned || len(c.Hosts) == 0 {
			continue
		}
		var by *call
		for _, w := range live {
			if w != c && w.Scenario != "" && len(w.Reached) == 0 && len(w.Hosts) > len(c.Hosts) && subset(c.Hosts, w.Hosts) && (by == nil || len(w.Hosts) > len(by.Hosts)) {
				by = w
			}
		}
		if by != nil {
			c.State, c.By = replaced, by.ID
		}
	}
}

func subset(some, all []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// merge lists the calls for other hosts on the card of the widest one: they come after it, with prompts of their own. One
// that is quiet, or about a host that the bot itself reaches, hides nothing else, and is not hidden.
func merge(cfg *fleet.Config, live []*call, quiet func(*call) bool) {
	var prompts []*call
	for _, c := range live {
		if c.State == firing && c.Scenario != "" && c.Level != returned && len(c.Reached) == 0 && !quiet(c) {
			prompts = append(prompts, c)
		}
	}
	slices.SortStableFunc(prompts, func(a, b *call) int {
		switch {
		case wider(cfg, a, b):
			return -1
		case wider(cfg, b, a):
			return 1
		}
		return 0
	})
	for i, c := range prompts {
		if i > 0 {
			c.State, c.By = merged, prompts[0].ID
		}
	}
}

// wider reports whether a goes before b: more hosts, then a scenario of more roles, then the fleet's order, then the elder.
func wider(cfg *fleet.Config, a, b *call) bool {
	roles := func(c *call) int {
		for _, t := range cfg.Watch.Together {
			if t.Scenario == c.Scenario {
				return len(t.Roles)
			}
		}
		return 0
	}
	place := func(c *call) int {
		i := slices.IndexFunc(cfg.Watch.Roles, func(r fleet.WatchRole) bool { return r.Scenario == c.Scenario })
		if i < 0 {
			return len(cfg.Watch.Roles)
		}
		return i
	}
	switch {
	case len(a.Hosts) != len(b.Hosts):
		return len(a.Hosts) > len(b.Hosts)
	case roles(a) != roles(b):
		return roles(a) > roles(b)
	case place(a) != place(b):
		return place(a) < place(b)
	}
	return a.Since.Before(b.Since)
}
