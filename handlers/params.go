package handlers

import (
	"slices"
	"strconv"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// checkParams holds what was given to the scenario's typed parameters and fills in defaults.
func checkParams(c *fleet.Config, want []runbook.Param, given map[string]string) (map[string]string, error) {
	var names []string
	for _, p := range want {
		names = append(names, p.Name)
	}
	for name := range given {
		if !slices.Contains(names, name) {
			return nil, runbook.Errorf(runbook.Invalid, "cmd.param_unknown",
				"name", shorten(name, 40), "known", strings.Join(names, ", "), "best", runbook.Nearest(name, names))
		}
	}
	out := map[string]string{}
	for _, p := range want {
		v := given[p.Name]
		if v == "" {
			v = p.Default
		}
		if v == "" {
			if p.Required {
				id := "cmd.param_missing"
				if _, typed := given[p.Name]; typed {
					id = "cmd.param_empty"
				}
				return nil, misfit(c, p, id, "")
			}
			continue
		}
		if !paramFits(c, p, v) {
			return nil, misfit(c, p, "cmd.param_bad", v)
		}
		if p.Type == "bool" {
			yes, _ := strconv.ParseBool(v)
			v = strconv.FormatBool(yes)
		}
		out[p.Name] = v
	}
	return out, nil
}

// misfit says what is wanted in the place of a value: what it may be where that is a list, else what it is for.
func misfit(c *fleet.Config, p runbook.Param, id, value string) error {
	return runbook.Errorf(runbook.Invalid, id, "name", p.Name, "value", shorten(value, 40), "type", p.Type, "role", p.Role,
		"title", p.Title, "may", strings.Join(mayBe(c, p), ", "))
}

// mayBe lists what a parameter may be, where that is a list.
func mayBe(c *fleet.Config, p runbook.Param) []string {
	switch p.Type {
	case "enum":
		return p.Enum
	case "bool":
		return []string{"true", "false"}
	case "host":
		var out []string
		for _, h := range c.Hosts {
			if hostFits(p, h) && p.Fits(h.Name) {
				out = append(out, h.Name)
			}
		}
		return out
	}
	return nil
}

// hostFits reports whether a host may be the value of a parameter: one in service, with the role where it wants one.
func hostFits(p runbook.Param, h fleet.Host) bool {
	switch p.Role {
	case "retired":
		return h.Retired
	case "":
		return !h.Retired
	}
	return !h.Retired && h.HasRole(p.Role)
}

func paramFits(c *fleet.Config, p runbook.Param, v string) bool {
	if p.Type == "host" {
		if h, ok := c.Host(v); !ok || !hostFits(p, h) {
			return false
		}
	}
	return p.Fits(v)
}
