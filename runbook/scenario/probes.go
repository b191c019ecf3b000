package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"recoverbot/runbook"
)

func (c *checker) checkProbes(e *entry, where string, probes []runbook.Probe) {
	for i, p := range probes {
		c.checkProbe(e, fmt.Sprintf("%s[%d]", where, i), p)
	}
}

// checkProbe tells what is wrong with a probe of a step.
func (c *checker) checkProbe(e *entry, where string, p runbook.Probe) {
	for _, problem := range c.probeProblems(p, c.known, hostPattern.MatchString) {
		c.bad(e, where, "scenario.probe", "problem", problem)
	}
}

// checkWhen checks the probes that belong to no step: those of guards, which may ask about any step, and of the diagnosis.
func (c *checker) checkWhen() {
	steps := map[string]bool{}
	for i := range c.doc.entries {
		e := &c.doc.entries[i]
		steps[e.ID] = true
		if f, ok := c.fragments[e.Include]; ok && e.Include != "" {
			for _, s := range f.entries {
				steps[s.ID] = true
			}
		}
	}
	tell := func(where string, problems []runbook.Msg) {
		for _, problem := range problems {
			c.wrong(where, "scenario.probe", "step", "", "problem", problem)
		}
	}
	for _, name := range sortedKeys(c.s.Guards) {
		if !idPattern.MatchString(name) {
			continue // told already, and not to be found by its path
		}
		for i, p := range c.s.Guards[name].All {
			tell(fmt.Sprintf("$.guards.%s.all[%d]", name, i), c.probeProblems(p, steps, hostPattern.MatchString))
		}
		for i, p := range c.s.Guards[name].Any {
			tell(fmt.Sprintf("$.guards.%s.any[%d]", name, i), c.probeProblems(p, steps, hostPattern.MatchString))
		}
	}
	for i, p := range c.s.When {
		tell(fmt.Sprintf("$.when[%d]", i), c.probeProblems(p, nil, func(ref string) bool {
			name, isParam := runbook.ParamRef(ref)
			if !isParam {
				return hostPattern.MatchString(ref)
			}
			param := c.params[name]
			return param.Type == "host" && param.Required
		}))
	}
}

// probeProblems are what is wrong with a probe; steps are those that `since` may name.
func (c *checker) probeProblems(p runbook.Probe, steps map[string]bool, host func(string) bool) []runbook.Msg {
	var out []runbook.Msg
	if kinds := c.kinds.Probes(); !slices.Contains(kinds, p.Kind) {
		out = append(out, runbook.T("scenario.probe_kind", "kind", p.Kind, "best", runbook.Nearest(p.Kind, kinds), "known", strings.Join(kinds, ", ")))
	}
	if p.Expect != "" && p.Expect != "up" && p.Expect != "down" {
		out = append(out, runbook.T("scenario.probe_expect", "value", p.Expect))
	}
	for _, ref := range slices.Concat([]string{p.Host, p.From}, p.Down, p.Up) {
		if ref != "" && !host(ref) {
			out = append(out, runbook.T("scenario.probe_host", "ref", ref))
		}
	}
	if _, err := time.Parse(time.RFC3339, p.Since); p.Since != "" && err != nil && !steps[p.Since] && !c.doc.partial {
		out = append(out, runbook.T("scenario.probe_since", "value", p.Since, "best", runbook.Nearest(p.Since, sortedKeys(steps))))
	}
	if p.Rounds < 0 || p.Timeout < 0 || p.Within < 0 || p.Port < 0 || p.Port > 65535 {
		out = append(out, runbook.T("scenario.probe_number"))
	}
	return out
}
