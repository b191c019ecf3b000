package handlers

import (
	"maps"
	"slices"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// Bindings fixes which hosts the fleet's roles and the scenario's own names mean now. A role or name that means no host
// has an empty list.
func Bindings(c *fleet.Config, s runbook.Scenario, params map[string]string) (map[string][]string, error) {
	return newBinder(c, s, params).all()
}

func newBinder(c *fleet.Config, s runbook.Scenario, params map[string]string) *binder {
	b := &binder{scenario: s, params: params, roles: map[string][]string{}, names: map[string][]string{}}
	for _, role := range runbook.HostRoles {
		b.roles[role] = []string{}
		for _, host := range c.WithRole(role) {
			b.roles[role] = append(b.roles[role], host.Name)
		}
	}
	return b
}

// all binds every name. The error is the first one; what could be bound is in names all the same.
func (b *binder) all() (map[string][]string, error) {
	var first error
	for _, name := range slices.Sorted(maps.Keys(b.scenario.Bind)) {
		if err := b.bind(name, nil); err != nil && first == nil {
			first = err
		}
	}
	if first != nil {
		return nil, first
	}
	out := maps.Clone(b.roles)
	maps.Copy(out, b.names)
	return out, nil
}

type binder struct {
	scenario runbook.Scenario
	params   map[string]string
	roles    map[string][]string
	names    map[string][]string // what is bound already
}

// bind fixes one name after those that it leaves out; path is the names that wait for this one.
func (b *binder) bind(name string, path []string) error {
	if _, ok := b.names[name]; ok {
		return nil
	}
	bound, ok := b.scenario.Bind[name]
	if !ok || slices.Contains(path, name) {
		return runbook.Errorf(runbook.Invalid, "cmd.bind_except", "scenario", b.scenario.Name, "names", strings.Join(append(path, name), " → "))
	}
	hosts := []string{}
	for _, from := range bound.From {
		for _, host := range b.from(from) {
			if !slices.Contains(hosts, host) {
				hosts = append(hosts, host)
			}
		}
	}
	for _, other := range bound.Except {
		if err := b.bind(other, append(slices.Clone(path), name)); err != nil {
			return err
		}
		hosts = slices.DeleteFunc(hosts, func(h string) bool { return slices.Contains(b.names[other], h) })
	}
	id := ""
	switch {
	case len(hosts) == 0 && !bound.Optional:
		id = "cmd.bind_none"
	case len(hosts) > 1 && !bound.Many:
		id = "cmd.bind_several"
	}
	if id != "" {
		return runbook.Errorf(runbook.Invalid, id, "scenario", b.scenario.Name, "name", name,
			"role", strings.Join(bound.From, " / "), "except", strings.Join(bound.Except, ", "), "hosts", strings.Join(hosts, ", "))
	}
	b.names[name] = hosts
	return nil
}

// from is the hosts of a role, or the one that a parameter names.
func (b *binder) from(ref string) []string {
	if name, ok := runbook.ParamRef(ref); ok {
		if host := b.params[name]; host != "" {
			return []string{host}
		}
		return nil
	}
	return b.roles[ref]
}
