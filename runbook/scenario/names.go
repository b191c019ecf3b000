package scenario

import (
	"slices"
	"strings"

	"recoverbot/runbook"
)

// reserved are names that references use themselves.
var reserved = []string{"member", "from", "localhost"}

// checkBind holds the names of `bind:` to what can be resolved when a run starts.
func (c *checker) checkBind() {
	for _, name := range sortedKeys(c.s.Bind) {
		b := c.s.Bind[name]
		where := "$.bind." + name
		switch {
		case !idPattern.MatchString(name):
			c.wrong("$.bind", "scenario.bad_name", "name", name, "pattern", idPattern.String())
			continue
		case slices.Contains(runbook.HostRoles, name) || slices.Contains(reserved, name):
			c.wrong(where, "scenario.bind_taken", "name", name)
		}
		if len(b.From) == 0 {
			c.wrong(where, "scenario.bind_from", "name", name)
		}
		for _, from := range b.From {
			param, isParam := runbook.ParamRef(from)
			switch {
			case isParam && c.params[param].Type != "host":
				c.wrong(where, "scenario.bind_param", "name", name, "param", param, "best", runbook.Nearest(param, sortedKeys(c.params)))
			case !isParam && !slices.Contains(runbook.HostRoles, from):
				c.wrong(where, "scenario.bind_role", "name", name, "role", from,
					"best", runbook.Nearest(from, runbook.HostRoles), "known", strings.Join(runbook.HostRoles, ", "))
			}
		}
		for _, other := range b.Except {
			if _, ok := c.s.Bind[other]; !ok {
				c.wrong(where, "scenario.bind_except", "name", name, "other", other, "best", runbook.Nearest(other, sortedKeys(c.s.Bind)))
			}
		}
		if path := circle(c.s.Bind, name); path != nil && path[0] == slices.Min(path) {
			c.wrong(where, "scenario.bind_circle", "names", strings.Join(path, " → "))
		}
	}
}

// circle is the names by which name leaves out itself, or nil. Each is looked at once: there may be many ways.
func circle(bind map[string]runbook.Binding, name string) []string {
	seen := map[string]bool{}
	var back func(path []string) []string
	back = func(path []string) []string {
		for _, other := range bind[path[len(path)-1]].Except {
			if other == name {
				return append(path, name)
			}
			if seen[other] {
				continue
			}
			seen[other] = true
			if found := back(append(slices.Clone(path), other)); found != nil {
				return found
			}
		}
		return nil
	}
	return back([]string{name})
}

// checkIf holds the conditions of a step to what they can ever be.
func (c *checker) checkIf(e *entry) {
	for _, key := range sortedKeys(e.If) {
		want := e.If[key]
		never := func(known []string) {
			if !slices.Contains(known, want) {
				c.bad(e, "$.if", "scenario.if_value", "key", key, "value", want, "known", strings.Join(known, ", "))
			}
		}
		name, isParam := runbook.IfParam(key)
		p, ok := c.params[name]
		switch {
		case key == "dns_via":
			never(runbook.DNSVias)
		case !isParam:
			c.bad(e, "$.if", "scenario.if_key", "key", key)
		case !ok:
			c.bad(e, "$.if", "scenario.no_param", "ref", key, "name", name, "best", runbook.Nearest(name, sortedKeys(c.params)))
		case want == "" && !p.Required && p.Default == "": // not given
		case p.Type == "bool":
			never([]string{"true", "false"})
		case p.Type == "enum":
			never(p.Enum)
		case !p.Fits(want):
			c.bad(e, "$.if", "scenario.if_value", "key", key, "value", want, "known", p.Type)
		}
	}
}
