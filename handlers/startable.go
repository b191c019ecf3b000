package handlers

import (
	"maps"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// maxVariants bounds what is tried of a scenario with several host parameters.
const maxVariants = 64

// Variants are the parameters with which a scenario can be started as far as hosts go: one for each value of its required
// host parameters, one without any where it has none.
func Variants(c *fleet.Config, s runbook.Scenario) []map[string]string {
	out := []map[string]string{{}}
	for _, p := range s.Params {
		if p.Type != "host" || !p.Required || p.Default != "" {
			continue
		}
		var next []map[string]string
		for _, v := range out {
			for _, host := range mayBe(c, p) {
				if len(next) == maxVariants {
					break
				}
				one := maps.Clone(v)
				one[p.Name] = host
				next = append(next, one)
			}
		}
		out = next
	}
	return out
}

// CanStart says why a scenario cannot be started with any host, or nil where it can.
func CanStart(c *fleet.Config, s runbook.Scenario) error {
	var first error
	for _, params := range Variants(c, s) {
		_, err := Bindings(c, s, params)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		for _, p := range s.Params {
			if p.Type == "host" && p.Required && p.Default == "" && p.Role != "retired" && len(mayBe(c, p)) == 0 {
				return runbook.Errorf(runbook.Invalid, "cmd.no_candidate", "scenario", s.Name, "name", p.Name, "role", p.Role)
			}
		}
	}
	return first
}
