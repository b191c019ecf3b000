package handlers

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// Unknown lists the names in a scenario that mean neither a host of this fleet nor anything in the scenario: a step that
// has one can never be planned. Machines that the run enrols get their names in its course.
func Unknown(c *fleet.Config, s runbook.Scenario) []runbook.Msg {
	known := slices.Clone(runbook.HostRoles)
	for name := range s.Bind {
		known = append(known, name)
	}
	for _, h := range c.Hosts {
		known = append(known, h.Name)
	}
	var services []string
	for _, service := range c.Services {
		services = append(services, service.Name)
	}
	for _, step := range s.Steps {
		if step.Kind == "enrol" {
			known = append(known, enrolled(step))
		}
	}
	var out []runbook.Msg
	check := func(step, ref string, known []string) {
		if ref != "" && ref != "member" && !slices.Contains(known, strings.TrimPrefix(ref, "host:")) {
			out = append(out, runbook.T("cmd.unknown_name", "scenario", s.Name, "step", step, "name", ref, "best", runbook.Nearest(ref, known)))
		}
	}
	hosts := func(step string, refs ...string) {
		for _, ref := range refs {
			if _, isParam := runbook.ParamRef(ref); !isParam {
				check(step, ref, known)
			}
		}
	}
	probes := func(step string, list []runbook.Probe) {
		for _, p := range list {
			hosts(step, p.Host, p.From)
			hosts(step, p.Down...)
			hosts(step, p.Up...)
			check(step, p.Service, services)
		}
	}
	probes("when", s.When)
	for _, name := range slices.Sorted(maps.Keys(s.Guards)) {
		probes("guard "+name, slices.Concat(s.Guards[name].All, s.Guards[name].Any))
	}
	for _, step := range s.Steps {
		hosts(step.ID, step.Host)
		probes(step.ID, step.When)
		probes(step.ID, step.Verify)
		if step.Host == "" {
			hosts(step.ID, step.On...)
			continue
		}
		for _, service := range step.On {
			check(step.ID, service, services)
		}
	}
	return out
}

// enrolled is the name that other steps have for the machine that a step enrols.
func enrolled(step runbook.Step) string {
	with := struct {
		Bind string `json:"bind"`
	}{"new"}
	if err := json.Unmarshal([]byte(step.With), &with); err != nil || with.Bind == "" {
		return "new"
	}
	return with.Bind
}
