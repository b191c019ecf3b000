package handlers

import (
	"cmp"
	"slices"
	"time"

	"recoverbot/handlers/alert"
	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// prune ends what is about machines that are out of service, or no longer watched for this.
func (c *call) prune(cfg *fleet.Config) {
	for id, m := range c.Members {
		if m.Level == returned || len(m.Hosts) == 0 {
			continue
		}
		gone := gone(cfg, m.Hosts)
		moved := m.Source == "watch" && len(m.Hosts) == 1 && movedOn(cfg, m.Hosts[0], c.Scenario)
		switch {
		case len(gone) > 0:
			c.drop(id, alert.Retired)
		case moved:
			c.drop(id, alert.Moved)
		}
	}
	if len(c.Members) == 0 && len(c.Hosts) > 0 && len(c.gone(cfg)) == len(c.Hosts) {
		c.tally.forget()
	}
}

func gone(cfg *fleet.Config, hosts []string) []string {
	var out []string
	for _, name := range hosts {
		if h, ok := cfg.Host(name); !ok || h.Retired {
			out = append(out, name)
		}
	}
	return out
}

// gone are the hosts of a call that are out of service, where that ends it.
func (c *call) gone(cfg *fleet.Config) []string {
	if c.Level == returned {
		return nil
	}
	return gone(cfg, c.Hosts)
}

// movedOn reports whether a scenario is for the hosts of roles which this one no longer has.
func movedOn(cfg *fleet.Config, host, scenario string) bool {
	h, _ := cfg.Host(host)
	is := false
	for _, r := range cfg.Watch.Roles {
		if r.Scenario == scenario && scenario != "" {
			if is = true; h.HasRole(r.Role) || r.Role == host {
				return false
			}
		}
	}
	return is
}

// turn notes that a call began or ended to fire. One that does so too often stays as firing until it is steady.
func (c *call) turn(cfg *fleet.Config, now time.Time, dead map[string]*call) {
	window := flapWindow(cfg)
	is := c.Wide || len(c.Members) > 0 || c.tally.size() > 0
	if is != c.Firing {
		c.Firing = is
		c.Changes = append(slices.Clone(c.Changes), now)
		if is && c.State == resolved {
			if len(c.Members) == 0 && !c.Wide {
				c.Since = now
			}
			c.Closed, c.Over, c.Ended = "", nil, time.Time{}
		}
	}
	c.Changes = slices.DeleteFunc(slices.Clone(c.Changes), func(at time.Time) bool { return now.Sub(at) >= window })
	c.Unsteady = len(c.Changes) >= flapLimit(cfg) || c.Unsteady && len(c.Changes) > 0
	gone := c.gone(cfg)
	if !is && len(gone) > 0 { // what is out of service need not be steady
		c.Changes, c.Unsteady = nil, false
	}
	if c.Firing || c.Unsteady || c.State == resolved {
		return
	}
	c.State, c.Ended, c.By, c.Run = resolved, now, "", ""
	c.Accepted = nil
	c.Over = slices.DeleteFunc(slices.Clone(c.Hosts), func(host string) bool { return dead[host] != nil && dead[host] != c })
	if len(gone) > 0 {
		c.Over, c.Closed = gone, alert.Retired
	}
}

const (
	defaultFlaps      = 4
	defaultFlapWindow = 10 * time.Minute
)

func flapLimit(cfg *fleet.Config) int { return cmp.Or(cfg.Alerts.Flaps, defaultFlaps) }

func flapWindow(cfg *fleet.Config) time.Duration {
	return cmp.Or(time.Duration(cfg.Alerts.FlapWindow), defaultFlapWindow)
}

// quiet reports whether a call is shown without disturbing anybody: while a run is open, soon after one of its scenario has
// ended, and while it flaps. Dangers always disturb.
func (c *call) quiet(cfg *fleet.Config, runs []runbook.RunSummary, now time.Time) bool {
	if c.Level == returned {
		return false
	}
	since := now.Add(-time.Duration(cfg.Policy.CoolDown))
	return c.Unsteady || slices.ContainsFunc(runs, func(r runbook.RunSummary) bool {
		return !r.Beside && (r.State == runbook.Open || r.Scenario == c.Scenario && c.Scenario != "" && r.EndedAt.After(since))
	})
}
