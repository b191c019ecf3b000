package action

import (
	"maps"
	"slices"
	"strings"

	"recoverbot/runbook/probe"
)

// Names lists the kinds of actions in alphabetical order.
func (b *Builder) Names() []string { return slices.Sorted(maps.Keys(b.kinds)) }

// Probes lists the kinds of probes in alphabetical order.
func (b *Builder) Probes() []string { return slices.Sorted(slices.Values(probe.Kinds())) }

// Reference reports whether a text that begins with "$" has a form that Env.Value resolves.
func (b *Builder) Reference(ref string) bool {
	parts := strings.SplitN(strings.TrimPrefix(ref, "$"), ".", 3)
	fields, ok := references[parts[0]]
	if !ok || len(parts) < 2 || slices.Contains(parts, "") {
		return false
	}
	last := parts[len(parts)-1]
	return len(parts) == fields.parts && (fields.last == nil || slices.Contains(fields.last, last))
}

var hostFields = []string{"name", "address", "dns_ip", "user", "port", "loopback"}

// references tells by its first word how many parts a reference has, and what the last one may be where that is a list.
var references = map[string]struct {
	parts int
	last  []string
}{
	"param": {2, nil}, "input": {2, nil}, "step": {3, nil}, "path": {3, nil},
	"host": {3, hostFields}, "hosts": {3, hostFields}, "spare": {2, hostFields},
	"service": {3, []string{"config", "port"}}, "backup": {2, []string{"interpreter", "schedule", "targets"}},
	"database": {3, []string{"schema"}}, "domain_list": {2, []string{"admin"}},
}
