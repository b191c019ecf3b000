package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"recoverbot/handlers"
	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/scenario"
)

// watchWarnings are of scenarios that watch calls for and that cannot be started by it.
func watchWarnings(cfg *fleet.Config, scenarios scenario.Set) []runbook.Msg {
	var out []runbook.Msg
	look := func(at, name string, oneHost bool) {
		s, ok := scenarios[name]
		if !ok {
			out = append(out, cfg.At(at, runbook.T("cli.watch_scenario", "name", name,
				"near", runbook.Nearest(name, scenarios.Names()), "known", strings.Join(scenarios.Names(), ", "))))
			return
		}
		var needs []string
		for _, p := range s.Params {
			if p.Required && p.Default == "" && !(oneHost && p.Type == "host") {
				needs = append(needs, p.Name)
			}
		}
		if len(needs) > 0 {
			out = append(out, cfg.At(at, runbook.T("cli.watch_params", "name", name, "params", strings.Join(needs, ", "))))
		}
	}
	for i, r := range cfg.Watch.Roles {
		if r.Scenario != "" {
			look(fmt.Sprintf("watch.roles[%d].scenario", i), r.Scenario, true)
		}
	}
	for i, t := range cfg.Watch.Together {
		look(fmt.Sprintf("watch.together[%d].scenario", i), t.Scenario, false)
	}
	return out
}

// alwaysBySQL are the steps that change the domain list by SQL whatever dns_via says.
func alwaysBySQL(s runbook.Scenario) []string {
	var out []string
	for _, step := range s.Steps {
		with := struct {
			List map[string]any `json:"domain_list"`
		}{}
		if json.Unmarshal([]byte(step.With), &with) == nil && with.List != nil && step.Kind == "sql" && step.If["dns_via"] == "" {
			out = append(out, step.ID)
		}
	}
	return out
}

// dnsViaWarnings are of lines of dns_via that change nothing, or less than they seem to.
func dnsViaWarnings(cfg *fleet.Config, scenarios scenario.Set) []runbook.Msg {
	depends := func(s runbook.Step) bool { return s.If["dns_via"] != "" }
	var known []string
	for _, name := range scenarios.Names() {
		if slices.ContainsFunc(scenarios[name].Steps, depends) {
			known = append(known, name)
		}
	}
	var out []runbook.Msg
	for _, name := range slices.Sorted(maps.Keys(cfg.DNSVia)) {
		s, ok := scenarios[name]
		switch at := "dns_via." + name; {
		case !ok:
			out = append(out, cfg.At(at, runbook.T("cli.dns_via_scenario", "name", name,
				"near", runbook.Nearest(name, known), "known", strings.Join(known, ", "))))
		case !slices.ContainsFunc(s.Steps, depends):
			out = append(out, cfg.At(at, runbook.T("cli.dns_via_unused", "name", name, "known", strings.Join(known, ", "))))
		case cfg.DNSVia[name] == "admin":
			if fixed := alwaysBySQL(s); len(fixed) > 0 {
				out = append(out, cfg.At(at, runbook.T("cli.dns_via_partly", "name", name, "steps", strings.Join(fixed, ", "))))
			}
			if cfg.DomainList.Admin == "" {
				out = append(out, cfg.At(at, runbook.T("cli.dns_via_no_admin", "name", name)))
			}
		}
	}
	return out
}

// scenarioWarnings are of scenarios that this fleet cannot start, and of what they name that it does not have.
func scenarioWarnings(cfg *fleet.Config, library *scenario.Library) []runbook.Msg {
	var out []runbook.Msg
	for _, name := range library.Set.Names() {
		if err := handlers.CanStart(cfg, library.Set[name]); err != nil {
			out = append(out, said(err))
		}
		for _, w := range handlers.Unknown(cfg, library.Set[name]) {
			step, _ := w.Args["step"].(string)
			word, _ := w.Args["name"].(string)
			if file, line, ok := library.Place(name, step, word); ok {
				w = runbook.T("cli.at_line", "file", file, "line", line, "text", w)
			}
			out = append(out, w)
		}
	}
	return out
}

// checked leaves out of a message that nothing was started: here nothing was to be.
func checked(m runbook.Msg) runbook.Msg {
	args := map[string]any{"checked": true}
	for k, v := range m.Args {
		if inner, ok := v.(runbook.Msg); ok {
			v = checked(inner)
		}
		args[k] = v
	}
	return runbook.Msg{ID: m.ID, Args: args}
}
