package handlers

import (
	"slices"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
	"recoverbot/runbook/fleet"
)

// prepare holds a request's parameters to the scenario, its steps to the company's policy, leaves out the steps whose
// condition does not hold, and binds its names to hosts.
func (h *Handlers) prepare(req *engine.StartRequest) (err error) {
	cfg, policy := h.Fleet.Config(), h.Fleet.Now().Policy
	if req.Params, err = checkParams(cfg, req.Scenario.Params, req.Params); err != nil {
		return err
	}
	req.Scenario.Steps = stepsFor(cfg, req.Scenario, req.Params)
	for i := range req.Scenario.Steps {
		s := &req.Scenario.Steps[i]
		s.Approvals = max(s.Approvals, req.Scenario.Approvals, policy.Needs(req.Scenario.Name))
	}
	req.Rules = policy.Rules(req.Scenario.Name)
	req.Bindings, err = Bindings(cfg, req.Scenario, req.Params)
	return err
}

// stepsFor is the scenario's steps whose `if:` holds; nothing needs those that are left out.
func stepsFor(c *fleet.Config, s runbook.Scenario, params map[string]string) []runbook.Step {
	var steps []runbook.Step
	out := map[string]bool{}
	for _, step := range s.Steps {
		if !holds(c, s.Name, params, step.If) {
			out[step.ID] = true
			continue
		}
		step.Needs = slices.DeleteFunc(slices.Clone(step.Needs), func(need string) bool { return out[need] })
		steps = append(steps, step)
	}
	return steps
}

func holds(c *fleet.Config, scenario string, params, conditions map[string]string) bool {
	for key, want := range conditions {
		have := c.DNSVia[scenario]
		if have == "" {
			have = runbook.DNSVias[0]
		}
		if name, ok := runbook.IfParam(key); ok {
			have = params[name]
		}
		if have != want {
			return false
		}
	}
	return true
}
