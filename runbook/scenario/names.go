package scenario

import (
	"maps"
	"slices"
	"strings"

	"recoverbot/runbook"
)

// reserved are names that references use themselves.
var reserved = []string{"member", "from", "localhost"}

// checkBind holds the names of `bind:` to what can be resolved when a run starts.
func (l *loader) checkBind(s runbook.Scenario, complain func(*entry, string, ...any)) {
	for _, name := range slices.Sorted(maps.Keys(s.Bind)) {
		b := s.Bind[name]
		switch {
		case !idPattern.MatchString(name):
			complain(nil, "scenario.bad_name", "name", name, "pattern", idPattern.String())
		case slices.Contains(runbook.HostRoles, name) || slices.Contains(reserved, name):
			complain(nil, "scenario.bind_taken", "name", name)
		}
		if len(b.From) == 0 {
			complain(nil, "scenario.bind_from", "name", name)
		}
		for _, from := range b.From {
			param, isParam := runbook.ParamRef(from)
			switch {
			case isParam && !slices.ContainsFunc(s.Params, func(p runbook.Param) bool { return p.Name == param && p.Type == "host" }):
				complain(nil, "scenario.bind_param", "name", name, "param", param)
			case !isParam && !slices.Contains(runbook.HostRoles, from):
				complain(nil, "scenario.bind_role", "name", name, "role", from, "known", strings.Join(runbook.HostRoles, ", "))
			}
		}
		for _, other := range b.Except {
			if _, ok := s.Bind[other]; !ok {
				complain(nil, "scenario.bind_except", "name", name, "other", other)
			}
		}
		if path := circle(s.Bind, name, nil); path != nil && path[0] == slices.Min(path) {
			complain(nil, "scenario.bind_circle", "names", strings.Join(path, " → "))
		}
	}
}

// circle is the names by which name leaves out itself, or nil.
func circle(bind map[string]runbook.Binding, name string, path []string) []string {
	if len(path) > 0 && path[0] == name {
		return append(path, name)
	}
	if slices.Contains(path, name) {
		return nil
	}
	for _, other := range bind[name].Except {
		if found := circle(bind, other, append(slices.Clone(path), name)); found != nil {
			return found
		}
	}
	return nil
}

// checkIf holds the conditions of a step to what they can ever be.
func (l *loader) checkIf(s runbook.Scenario, e *entry, complain func(*entry, string, ...any)) {
	for _, key := range slices.Sorted(maps.Keys(e.If)) {
		want := e.If[key]
		name, isParam := runbook.IfParam(key)
		if !isParam {
			if key != "dns_via" {
				complain(e, "scenario.if_key", "step", e.ID, "key", key)
			} else if !slices.Contains(runbook.DNSVias, want) {
				complain(e, "scenario.if_value", "step", e.ID, "key", key, "value", want, "known", strings.Join(runbook.DNSVias, ", "))
			}
			continue
		}
		i := slices.IndexFunc(s.Params, func(p runbook.Param) bool { return p.Name == name })
		switch {
		case i < 0:
			complain(e, "scenario.if_param", "step", e.ID, "name", name)
		case want == "": // not given
		case s.Params[i].Type == "bool" && want != "true" && want != "false":
			complain(e, "scenario.if_value", "step", e.ID, "key", key, "value", want, "known", "true, false")
		case s.Params[i].Type == "enum" && !slices.Contains(s.Params[i].Enum, want):
			complain(e, "scenario.if_value", "step", e.ID, "key", key, "value", want, "known", strings.Join(s.Params[i].Enum, ", "))
		}
	}
}
