package handlers

import (
	"context"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
	"recoverbot/runbook/fleet"
)

// startCommand is `SCENARIO [NAME=VALUE …] [--dry-run] [--supersede|--park]`.
func (h *Handlers) startCommand(ctx context.Context, c caller, s runbook.Scenario, args []string) (bot.Reply, error) {
	req := engine.StartRequest{Scenario: s, By: c.actor()}
	var words []string
	for _, a := range args {
		switch a {
		case "--dry-run":
			req.DryRun = true
		case "--supersede", "--park":
			req.Conflict = strings.TrimPrefix(a, "--")
		default:
			if strings.HasPrefix(a, "-") {
				return bot.Reply{}, runbook.Errorf(runbook.Invalid, "cmd.unknown_flag", "flag", shorten(a, 40))
			}
			words = append(words, a)
		}
	}
	params, err := pairs(words)
	if err != nil {
		return bot.Reply{}, err
	}
	req.Params = params
	return h.start(ctx, c, req)
}

// DryRun plans every step of a scenario, given NAME=VALUE words, on behalf of whoever runs this program. It changes
// nothing, so that it needs nobody's permission.
func (h *Handlers) DryRun(ctx context.Context, s runbook.Scenario, words []string) (runbook.Run, error) {
	params, err := pairs(words)
	if err != nil {
		return runbook.Run{}, err
	}
	req := engine.StartRequest{Scenario: s, Params: params, By: runbook.Actor{Name: "plan", Platform: "terminal"}, DryRun: true}
	if err := h.prepare(&req); err != nil {
		return runbook.Run{}, err
	}
	r, _, err := h.Engine.Start(ctx, req)
	return r, err
}

// prepare holds a request's parameters to the scenario and binds its names to hosts.
func (h *Handlers) prepare(req *engine.StartRequest) (err error) {
	if req.Params, err = checkParams(h.Fleet.Config(), req.Scenario.Params, req.Params); err != nil {
		return err
	}
	req.Bindings, err = Bindings(h.Fleet.Config(), req.Scenario)
	return err
}

// start checks who and what, binds names to hosts, and starts or joins a run.
func (h *Handlers) start(ctx context.Context, c caller, req engine.StartRequest) (bot.Reply, error) {
	if !req.DryRun && !mayStart(c.person) {
		return bot.Reply{}, refusal("cmd.not_approver", "who", allowed(h.Fleet.Config(), roleApprover, roleDanger))
	}
	if err := h.prepare(&req); err != nil {
		return bot.Reply{}, err
	}
	if req.DownSince.IsZero() {
		req.DownSince, req.Alert = h.alerts.downSince(req.Scenario.Name)
	}
	if req.DownSince.IsZero() && !req.DryRun {
		req.DownSince = h.Clock().UTC().Truncate(time.Second)
	}
	r, joined, err := h.Engine.Start(ctx, req)
	if err != nil {
		return bot.Reply{}, err
	}
	if !req.DryRun {
		h.startedFromAlert(ctx, c, req.Scenario.Name, r.ID)
	}
	id := "cmd.started"
	if joined {
		id = "cmd.joined"
	}
	return bot.Reply{Text: c.say.T(id, "title", c.say.Text(r.Scenario.Title), "run", r.ID), RunID: r.ID}, nil
}

// Bindings fixes which hosts the fleet's roles and the scenario's own names mean now.
func Bindings(c *fleet.Config, s runbook.Scenario) (map[string][]string, error) {
	out := map[string][]string{}
	for _, host := range c.Hosts {
		if host.Retired {
			continue
		}
		for _, role := range host.Roles {
			out[role] = append(out[role], host.Name)
		}
	}
	for name, role := range s.Bind {
		if len(out[role]) != 1 {
			return nil, runbook.Errorf(runbook.Invalid, "cmd.role_needs_one", "role", role, "count", len(out[role]), "scenario", s.Name)
		}
		out[name] = slices.Clone(out[role])
	}
	return out, nil
}

// checkParams holds what was given to the scenario's typed parameters and fills in defaults.
func checkParams(c *fleet.Config, want []runbook.Param, given map[string]string) (map[string]string, error) {
	out := map[string]string{}
	var names []string
	for _, p := range want {
		names = append(names, p.Name)
		v, ok := given[p.Name]
		if !ok || v == "" {
			if p.Required && p.Default == "" {
				return nil, runbook.Errorf(runbook.Invalid, "cmd.param_missing", "name", p.Name)
			}
			if p.Default != "" {
				out[p.Name] = p.Default
			}
			continue
		}
		if !paramFits(c, p, v) {
			return nil, runbook.Errorf(runbook.Invalid, "cmd.param_bad", "name", p.Name, "value", shorten(v, 40), "type", p.Type)
		}
		out[p.Name] = v
	}
	for name := range given {
		if !slices.Contains(names, name) {
			return nil, runbook.Errorf(runbook.Invalid, "cmd.param_unknown", "name", shorten(name, 40), "known", strings.Join(names, ", "))
		}
	}
	return out, nil
}

func paramFits(c *fleet.Config, p runbook.Param, v string) bool {
	if p.Pattern != "" {
		re, err := regexp.Compile(`^(?:` + p.Pattern + `)$`)
		if err != nil || !re.MatchString(v) {
			return false
		}
	}
	switch p.Type {
	case "host":
		_, ok := c.Host(v)
		return ok
	case "address":
		_, err := netip.ParseAddr(v)
		return err == nil
	case "port":
		n, err := strconv.Atoi(v)
		return err == nil && n > 0 && n < 65536
	case "enum":
		return slices.Contains(p.Enum, v)
	case "bool":
		_, err := strconv.ParseBool(v)
		return err == nil
	}
	return len(v) <= 400
}
