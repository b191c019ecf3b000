package handlers

import (
	"context"
	"maps"
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

// startCommand is `SCENARIO [NAME=VALUE …] [--dry-run] [--supersede|--park [REASON]]`.
func (h *Handlers) startCommand(ctx context.Context, c caller, s runbook.Scenario, args []string) (bot.Reply, error) {
	req := engine.StartRequest{Scenario: s, By: c.actor()}
	var words []string
	for i, a := range args {
		if req.Conflict != "" {
			req.Reason = strings.Join(args[i:], " ")
			break
		}
		switch a {
		case "--dry-run":
			req.DryRun = true
		case supersedeFlag, parkFlag:
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

// prepare holds a request's parameters to the scenario, its steps to the company's policy, and binds its names to hosts.
func (h *Handlers) prepare(req *engine.StartRequest) (err error) {
	if req.Params, err = checkParams(h.Fleet.Config(), req.Scenario.Params, req.Params); err != nil {
		return err
	}
	steps := slices.Clone(req.Scenario.Steps)
	for i := range steps {
		steps[i].Approvals = max(steps[i].Approvals, h.Fleet.Config().Policy.Approvals)
	}
	req.Scenario.Steps = steps
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
		return bot.Reply{Message: h.conflictCard(ctx, c, r.ID, req, err)}, err
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

const (
	supersedeFlag = "--supersede"
	parkFlag      = "--park"
)

// conflictCard lets the person choose what becomes of the run that is open, where that is what keeps another one from
// starting.
func (h *Handlers) conflictCard(ctx context.Context, c caller, id string, req engine.StartRequest, err error) *bot.Message {
	if runbook.CodeOf(err) != runbook.Conflicting || req.Conflict != "" || req.DryRun {
		return nil
	}
	open, err := h.Journal.Run(ctx, id)
	if err != nil || open.State != runbook.Open {
		return nil
	}
	words := []string{req.Scenario.Name}
	for _, name := range slices.Sorted(maps.Keys(req.Params)) {
		words = append(words, name+"="+req.Params[name])
	}
	command := strings.Join(words, " ")
	m := bot.Message{
		Key: "conflict", At: h.Clock(), Version: h.Clock().UnixNano(), State: "waiting", Emoji: "🟡",
		Title: c.say.T("cmd.conflict", "title", c.say.Text(req.Scenario.Title)),
		Lines: []string{c.say.T("cmd.conflict_how", "command", "/recover "+command, "supersede", supersedeFlag, "park", parkFlag)},
	}
	choices := engine.RunChoices(open)
	button := func(choice runbook.Choice, flag, label string, b bot.Button) {
		if !slices.Contains(choices, choice) {
			return
		}
		b.Label, b.Choice = c.say.T(label, "run", open.ID), strings.TrimPrefix(flag, "--")
		b.Action = press{Command: command + " " + flag}.encode()
		m.Buttons = append(m.Buttons, b)
	}
	button(runbook.Defer, parkFlag, "cmd.conflict_park", bot.Button{Style: "primary"})
	button(runbook.Abort, supersedeFlag, "cmd.conflict_supersede", bot.Button{
		Style: "danger", Confirm: c.say.T("view.confirm_abort"), NeedsReason: engine.RunNeedsReason(open, runbook.Abort),
	})
	return &m
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
	for name, b := range s.Bind {
		for _, role := range b.From {
			if len(out[role]) != 1 {
				return nil, runbook.Errorf(runbook.Invalid, "cmd.role_needs_one", "role", role, "count", len(out[role]), "scenario", s.Name)
			}
			out[name] = slices.Clone(out[role])
		}
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
