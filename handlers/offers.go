package handlers

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// offer is a scenario, with the parameters that a diagnosis would start it with, and what calls for it.
type offer struct {
	scenario runbook.Scenario
	params   map[string]string
	when     []runbook.Probe // each of one host
	lost     bool            // a probe means no host: it is not called for
	why      error           // it cannot be started as the fleet is
}

// offers are all scenarios that say when they are called for, each with every host that its parameters may be.
func (h *Handlers) offers(cfg *fleet.Config) []offer {
	var out []offer
	for _, name := range h.Scenarios.Names() {
		s := h.Scenarios[name]
		if len(s.When) == 0 {
			continue
		}
		for _, params := range Variants(cfg, s) {
			b := newBinder(cfg, s, params)
			c := offer{scenario: s, params: params}
			if _, c.why = b.all(); c.why == nil {
				_, c.why = checkParams(cfg, s.Params, params)
			}
			for _, p := range s.When {
				one, ok := b.probes(cfg, p)
				c.when, c.lost = append(c.when, one...), c.lost || !ok || len(one) == 0 && c.why != nil
			}
			out = append(out, c)
		}
	}
	return out
}

// probes puts hosts in the place of references: one probe for each host that p is about.
func (b *binder) probes(cfg *fleet.Config, p runbook.Probe) ([]runbook.Probe, bool) {
	p.Within, p.Rounds = 0, 0 // a diagnosis does not wait
	var ok [4]bool
	from, hosts := []string{""}, []string{""}
	if p.From != "" {
		from = nil
	}
	if p.Host != "" {
		hosts = nil
	}
	p.Down, ok[0] = b.hosts(cfg, nil, p.Down...)
	p.Up, ok[1] = b.hosts(cfg, nil, p.Up...)
	from, ok[2] = b.hosts(cfg, from, p.From)
	if hosts, ok[3] = b.hosts(cfg, hosts, p.Host); len(hosts) == 0 && down(p) {
		return nil, true // nobody has the role: none of them is up
	}
	var out []runbook.Probe
	for _, host := range hosts {
		for _, vantage := range from {
			p.Host, p.From = host, vantage
			out = append(out, p)
		}
	}
	return out, !slices.Contains(ok[:], false) && len(out) > 0
}

// hosts adds to out the hosts that references mean; ok is false where one means none.
func (b *binder) hosts(cfg *fleet.Config, out []string, refs ...string) (_ []string, ok bool) {
	ok = true
	for _, ref := range refs {
		if ref == "" {
			continue
		}
		found, bound := b.names[ref]
		if !bound {
			found = b.from(ref)
		}
		if name := strings.TrimPrefix(ref, "host:"); len(found) == 0 && !bound {
			if _, known := cfg.Host(name); known {
				found = []string{name}
			}
		}
		out, ok = append(out, found...), ok && len(found) > 0
	}
	return out, ok
}

// question is what two probes have in common that ask the same of the same host, whatever they expect.
func question(p runbook.Probe) string {
	p.Expect, p.Rounds, p.Within, p.Timeout = "", 0, 0, 0
	text, _ := json.Marshal(p) // plain strings and numbers
	return string(text)
}

// down reports whether a probe holds because something does not answer.
func down(p runbook.Probe) bool { return p.Expect == "down" || p.Kind == "silent" }

// calledFor are the offers whose probes all hold, the one with the most dead things first and, of equals, the one whose
// dead machine matters most. ups is which questions were answered well.
func calledFor(offers []offer, ups map[string]bool, cfg *fleet.Config) []offer {
	offers = slices.DeleteFunc(slices.Clone(offers), func(c offer) bool {
		return c.lost || slices.ContainsFunc(c.when, func(p runbook.Probe) bool {
			up, asked := ups[question(p)]
			want := p.Expect != "down"
			if p.Kind == "silent" { // it expects silence
				want = !want
			}
			return !asked || up != want
		})
	})
	all := slices.Clone(offers)
	offers = slices.DeleteFunc(offers, func(c offer) bool { // a wider one stands for it, as among alerts
		return slices.ContainsFunc(all, func(w offer) bool {
			return w.why == nil && len(c.dead()) > 0 && subset(c.dead(), w.dead()) && !subset(w.dead(), c.dead())
		})
	})
	slices.SortStableFunc(offers, func(a, b offer) int {
		return cmp.Or(cmp.Compare(len(b.dead()), len(a.dead())), cmp.Compare(rank(cfg, a), rank(cfg, b))) // by name within: so they came
	})
	return offers
}

// rank is the place of an offer among equals: that of the first role of its dead machines, in the order in which
// fleet.yaml watches them.
func rank(cfg *fleet.Config, c offer) int {
	var order []string
	for _, w := range cfg.Watch.Roles {
		order = append(order, w.Role)
	}
	order = union(order, []string{"primary", "standby", "nginx"})
	out := len(order)
	for _, name := range c.dead() {
		if host, ok := cfg.Host(name); ok {
			for i, role := range order {
				if host.HasRole(role) {
					out = min(out, i)
				}
			}
		}
	}
	return out
}

// dead are the hosts of the probes that hold because something does not answer, one for each probe.
func (c offer) dead() []string {
	var out []string
	for _, p := range c.when {
		if down(p) && p.Host != "" {
			out = append(out, p.Host)
		}
	}
	return out
}
