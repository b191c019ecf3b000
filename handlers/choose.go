package handlers

import (
	"context"
	"maps"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
	"recoverbot/runbook/probe"
)

// maxChoices is how many hosts a person can choose from by a button; the error names all of them.
const maxChoices = 8

// chooseCard lets the person say by a button which host a scenario is about, where that is what it lacks.
func (h *Handlers) chooseCard(ctx context.Context, c caller, req engine.StartRequest, given map[string]string) *bot.Message {
	param, hosts := h.lacking(req.Scenario, given)
	if len(hosts) == 0 {
		return nil
	}
	m := bot.Message{
		Key: "choose", At: h.Clock(), Version: h.Clock().UnixNano(), State: "waiting", Emoji: "🟡",
		Title: c.say.T("cmd.choose", "title", c.say.Text(req.Scenario.Title)),
	}
	if what := c.say.Text(param.Title); what != "" {
		m.Context = what
	}
	levels := map[string]probe.Level{}
	ctx, cancel := context.WithTimeout(ctx, diagnoseWithin)
	defer cancel()
	for _, r := range probe.Diagnose(ctx, h.Fleet) {
		levels[r.Host.Name] = r.Level
	}
	for _, host := range hosts {
		if level, known := levels[host]; known {
			m.Lines = append(m.Lines, c.say.T("cmd.choose_host", "host", host, "level", c.say.T("level."+string(level))))
		}
	}
	for _, host := range hosts[:min(len(hosts), maxChoices)] {
		params := maps.Clone(given)
		if params == nil {
			params = map[string]string{}
		}
		params[param.Name] = host
		command := commandOf(req.Scenario.Name, params)
		if req.DryRun {
			command += " " + dryRunFlag
		}
		if req.Conflict != "" {
			command += " --" + req.Conflict
		}
		m.Buttons = append(m.Buttons, bot.Button{Label: host, Choice: host, Action: press{Command: command}.encode()})
	}
	return &m
}

// lacking is the required host parameter that was not given, or not rightly, and the hosts that it may be.
func (h *Handlers) lacking(s runbook.Scenario, given map[string]string) (runbook.Param, []string) {
	cfg := h.Fleet.Config()
	for _, p := range s.Params {
		v := given[p.Name]
		if v == "" {
			v = p.Default
		}
		if p.Type != "host" || v == "" && !p.Required || v != "" && paramFits(cfg, p, v) {
			continue
		}
		if hosts := mayBe(cfg, p); len(hosts) > 0 {
			return p, hosts
		}
	}
	return runbook.Param{}, nil
}
