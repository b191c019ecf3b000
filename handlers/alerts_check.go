package handlers

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/scenario"
)

// AlertWarnings lists the rules for alerts that name what does not exist: their alerts are shown, but start nothing.
func AlertWarnings(cfg *fleet.Config, scenarios scenario.Set) []runbook.Msg {
	var out []runbook.Msg
	for i, r := range cfg.Alerts.Rules {
		warn := func(key, id string, pairs ...any) {
			out = append(out, cfg.At(fmt.Sprintf("alerts.rules[%d].%s", i, key), runbook.T(id, pairs...)))
		}
		if _, isHost := cfg.Host(r.Host); r.Host != "" && !isHost {
			if n := len(cfg.WithRole(r.Host)); n != 1 {
				warn("host", "alert.rule_many", "role", r.Host, "count", n)
			}
		}
		if r.Scenario == "" || r.Scenario == fleet.AutoScenario {
			continue
		}
		s, ok := scenarios[r.Scenario]
		if !ok {
			warn("scenario", "alert.rule_no_scenario", "name", r.Scenario,
				"near", runbook.Nearest(r.Scenario, scenarios.Names()), "known", strings.Join(scenarios.Names(), ", "))
			continue
		}
		if _, err := checkParams(cfg, s.Params, exampleParams(cfg, r, s)); err != nil {
			problem, key := said(err), "scenario"
			if name, _ := problem.Args["name"].(string); r.Params[name] != "" {
				key = "params." + name
			}
			warn(key, "alert.rule_param", "scenario", r.Scenario, "problem", problem)
		}
	}
	return out
}

func said(err error) runbook.Msg {
	var e *runbook.Error
	if errors.As(err, &e) {
		return e.Msg
	}
	return runbook.T("cmd.internal")
}

// exampleParams are a rule's parameters for one of the hosts that it can be about.
func exampleParams(cfg *fleet.Config, r fleet.AlertRule, s runbook.Scenario) map[string]string {
	out := map[string]string{}
	maps.Copy(out, r.Params)
	for _, p := range s.Params {
		fits := mayBe(cfg, p)
		if h, ok := cfg.Host(r.Host); ok {
			fits = []string{h.Name}
		} else if hosts := cfg.WithRole(r.Host); len(hosts) == 1 {
			fits = []string{hosts[0].Name}
		}
		implied := out[p.Name] == "" && p.Type == "host" && p.Required && (r.Host != "" || r.HostLabel != "")
		if (implied || out[p.Name] == fleet.HostParam) && len(fits) > 0 {
			out[p.Name] = fits[0]
		}
	}
	return out
}
