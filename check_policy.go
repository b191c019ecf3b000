package main

import (
	"maps"
	"slices"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/scenario"
)

// policyWarnings are of scenarios whose steps need more people than may approve them, and of lines of policy.scenarios that
// are for none. What the policy asks of every scenario alike, fleet's own warnings tell.
func policyWarnings(cfg *fleet.Config, scenarios scenario.Set) []runbook.Msg {
	var out []runbook.Msg
	for _, name := range slices.Sorted(maps.Keys(cfg.Policy.Scenarios)) {
		if _, ok := scenarios[name]; !ok {
			out = append(out, cfg.At("policy.scenarios."+name, runbook.T("cli.policy_scenario", "name", name,
				"near", runbook.Nearest(name, scenarios.Names()), "known", strings.Join(scenarios.Names(), ", "))))
		}
	}
	may := func(roles ...string) (n int) {
		for _, p := range cfg.People {
			if slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(p.Roles, r) }) {
				n++
			}
		}
		return n
	}
	danger, approvers := may("danger"), may("approver", "danger")
	for _, name := range scenarios.Names() {
		s := scenarios[name]
		all := max(s.Approvals, cfg.Policy.Needs(name))
		for _, step := range s.Steps {
			need, known, have, role := max(all, step.Approvals), cfg.Policy.Needs(""), approvers, "approver"
			if step.Danger {
				have, role = danger, "danger"
				if cfg.Policy.Rules(name).TwoPerson {
					need = max(need, 2)
				}
				if cfg.Policy.TwoPerson {
					known = max(known, 2)
				}
			}
			if have < need && need > known {
				out = append(out, runbook.T("cli.policy_few", "name", name, "step", step.ID, "need", need, "have", have, "role", role))
				break
			}
		}
	}
	return out
}

// dangerousSteps names what policy.two_person is about, as the scenarios say it; no message where it is off.
func dangerousSteps(cfg *fleet.Config, scenarios scenario.Set) runbook.Msg {
	var steps []string
	on := false
	for _, name := range scenarios.Names() {
		if !cfg.Policy.Rules(name).TwoPerson {
			continue
		}
		on = true
		for _, s := range scenarios[name].Steps {
			if s.Danger {
				steps = append(steps, name+" "+s.ID)
			}
		}
	}
	if !on {
		return runbook.Msg{}
	}
	return runbook.T("cli.policy_danger", "steps", strings.Join(steps, ", "))
}
