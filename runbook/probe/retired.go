package probe

import (
	"slices"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// Writers is the Name of a silent probe that asks only what serves or writes data: MySQL, redis and the services,
// whatever the host's roles. SSH does not count.
const Writers = "writers"

// retiredTimeout is short: such a machine is expected to be off.
const retiredTimeout = time.Second

// Retired lists the questions whether retired machines have come back: a finding that is Up is one that has. An address
// that another host has now is not asked.
func Retired(cfg *fleet.Config) []runbook.Probe {
	var out []runbook.Probe
	for _, h := range cfg.Hosts {
		taken := func(o fleet.Host) bool { return !o.Retired && o.Address == h.Address }
		if h.Retired && !slices.ContainsFunc(cfg.Hosts, taken) {
			out = append(out, runbook.Probe{Kind: "silent", Name: Writers, Host: h.Name, Timeout: runbook.Duration(retiredTimeout)})
		}
	}
	return out
}

// ByName resolves names of hosts and roles of the fleet: those that fleet.yaml itself uses.
func ByName(cfg *fleet.Config) Resolver {
	return func(refs ...string) ([]fleet.Host, error) { return cfg.Named(refs...), nil }
}
