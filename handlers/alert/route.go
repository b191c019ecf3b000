package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net"
	"regexp"
	"strings"
	"time"

	"recoverbot/runbook/fleet"
	"recoverbot/runbook/probe"
)

// Router applies the rules of fleet.yaml to the events of one source. Text of an event only selects: what comes out holds
// names of the fleet and constants of fleet.yaml, and a summary to be read.
type Router struct {
	cfg    *fleet.Config
	source string
	rules  []rule
}

type rule struct {
	fleet.AlertRule
	match map[string]*regexp.Regexp // labels that a regular expression must match as a whole
}

// NewRouter returns a router for a source's name.
func NewRouter(cfg *fleet.Config, source string) *Router {
	r := &Router{cfg: cfg, source: source}
	for _, x := range cfg.Alerts.Rules {
		if x.Source != "" && x.Source != source {
			continue
		}
		one := rule{AlertRule: x, match: map[string]*regexp.Regexp{}}
		for label, want := range x.Match {
			if expr, ok := fleet.AlertPattern(want); ok {
				one.match[label] = regexp.MustCompile(expr) // fleet.yaml was validated
			}
		}
		r.rules = append(r.rules, one)
	}
	return r
}

// Route says what an event means. ok is false where no rule is for it, or where it is about a machine out of service; a
// resolved one is then worth passing on all the same, since rules may have changed.
func (r *Router) Route(e Event) (a Alert, ok bool) {
	sum := sha256.Sum256([]byte(e.Fingerprint))
	a = Alert{Source: r.source, Fingerprint: hex.EncodeToString(sum[:8]), Since: likely(e.Since), Resolved: e.Resolved, Summary: e.Summary}
	for _, x := range r.rules {
		if !x.matches(e.Labels) {
			continue
		}
		host, found := r.host(x, e.Labels)
		if !found {
			continue
		}
		if host.Retired {
			return a, false
		}
		a.Host, a.Scenario = host.Name, x.Scenario
		a.Level = x.Level
		if a.Level == "" && x.Scenario != "" {
			a.Level = string(probe.ServiceDown)
		}
		if x.Scenario == fleet.AutoScenario {
			a.Scenario = r.auto(host)
		}
		a.Params = maps.Clone(x.Params)
		for name, v := range a.Params {
			if v == fleet.HostParam {
				a.Params[name] = host.Name
			}
		}
		return a, true
	}
	return a, false
}

// likely is a time that an alert can be of, else unknown: at the ends of the calendar a zone leads to years that cannot be
// written.
func likely(at time.Time) time.Time {
	if year := at.Year(); year < 2000 || year > 9000 {
		return time.Time{}
	}
	return at
}

func (x rule) matches(labels map[string]string) bool {
	for label, want := range x.Match {
		have, there := labels[label]
		if expr := x.match[label]; expr != nil {
			if !there || !expr.MatchString(have) {
				return false
			}
		} else if have != want {
			return false
		}
	}
	return true
}

// host is which machine a rule's alert is about; the zero Host where the rule names none. found is false where a label
// names no machine of the fleet.
func (r *Router) host(x rule, labels map[string]string) (host fleet.Host, found bool) {
	switch {
	case x.HostLabel != "":
		return r.named(labels[x.HostLabel])
	case x.Host != "":
		if h, ok := r.cfg.Host(x.Host); ok {
			return h, true
		}
		if hosts := r.cfg.WithRole(x.Host); len(hosts) == 1 {
			return hosts[0], true
		}
	}
	return fleet.Host{}, true
}

// named finds a machine by one of its names, with or without :port.
func (r *Router) named(value string) (fleet.Host, bool) {
	names := []string{value}
	if name, _, err := net.SplitHostPort(value); err == nil {
		names = append(names, name)
	}
	for _, name := range names {
		for _, h := range r.cfg.Hosts {
			for _, own := range append([]string{h.Name, h.Domain}, h.Names()...) {
				if own != "" && strings.EqualFold(own, name) {
					return h, true
				}
			}
		}
	}
	return fleet.Host{}, false
}

// auto is what watch.roles says of the host's roles.
func (r *Router) auto(h fleet.Host) string {
	for _, w := range r.cfg.Watch.Roles {
		if h.HasRole(w.Role) || w.Role == h.Name {
			return w.Scenario
		}
	}
	return ""
}
