package handlers

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
	"recoverbot/runbook/probe"
)

// startCommand is `SCENARIO [NAME=VALUE …] [--dry-run] [--supersede|--park [REASON]]`.
func (h *Handlers) startCommand(ctx context.Context, c caller, s runbook.Scenario, args []string) (bot.Reply, error) {
	req := engine.StartRequest{Scenario: s, By: c.actor()}
	var words []string
	for i, a := range args {
		if rest := strings.TrimLeft(a, "—–"); rest != a {
			a = "--" + rest // phones make one dash of two
		}
		if req.Conflict != "" {
			req.Reason = strings.Join(args[i:], " ")
			break
		}
		switch a {
		case dryRunFlag:
			req.DryRun = true
		case supersedeFlag, parkFlag:
			req.Conflict = strings.TrimPrefix(a, "--")
		default:
			if strings.HasPrefix(a, "-") {
				return bot.Reply{}, runbook.Errorf(runbook.Invalid, "cmd.unknown_flag", "flag", shorten(a, 40),
					"best", runbook.Nearest(a, flags), "known", strings.Join(flags, ", "))
			}
			words = append(words, a)
		}
	}
	params, err := paramWords(s, words)
	if err != nil {
		return bot.Reply{}, err
	}
	req.Params = params
	return h.start(ctx, c, req)
}

// DryRun plans every step of a scenario, given NAME=VALUE words, on behalf of whoever runs this program. It changes
// nothing, so that it needs nobody's permission.
func (h *Handlers) DryRun(ctx context.Context, s runbook.Scenario, words []string) (runbook.Run, error) {
	params, err := paramWords(s, words)
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

// start checks who and what, binds names to hosts, and starts or joins a run.
func (h *Handlers) start(ctx context.Context, c caller, req engine.StartRequest) (bot.Reply, error) {
	if !req.DryRun && !mayStart(c.person) {
		return bot.Reply{}, refusal("cmd.not_approver", "who", allowed(h.Fleet.Now(), roleApprover, roleDanger))
	}
	open, err := h.inTheWay(ctx, req)
	if err != nil {
		return bot.Reply{}, err
	}
	if open != nil && sameParams(req.Scenario, req.Params, *open) {
		h.startedFromAlert(ctx, c)
		return h.joined(ctx, c, *open)
	}
	given := req.Params
	if err := h.prepare(&req); err != nil {
		if open != nil {
			err = midRun(*open, err)
		}
		return bot.Reply{Message: h.chooseCard(ctx, c, req, given)}, err
	}
	if req.DownSince.IsZero() {
		req.DownSince, req.Alert = h.calledSince(req.Scenario.Name, req.Params)
	}
	if req.DownSince.IsZero() && !req.DryRun && !req.Scenario.Beside {
		req.DownSince = h.Clock().UTC().Truncate(time.Second)
	}
	r, joined, err := h.Engine.Start(ctx, req)
	if err != nil {
		return bot.Reply{Message: h.conflictCard(ctx, c, r.ID, req, err)}, err
	}
	if !req.DryRun {
		h.startedFromAlert(ctx, c)
	}
	id := "cmd.started"
	switch {
	case r.DryRun:
		id = "cmd.planned"
	case joined:
		return h.joined(ctx, c, r)
	}
	text := c.say.T(id, "title", c.say.Text(r.Scenario.Title), "run", r.ID)
	noted := id == "cmd.started"
	if noted {
		if hosts := h.answering(ctx, r); len(hosts) > 0 {
			text, noted = c.say.T("cmd.answers_now", "host", strings.Join(hosts, ", "))+"\n"+text, false
		}
	}
	return bot.Reply{Text: text, RunID: r.ID, Noted: noted}, nil
}

// inTheWay is the run that a start in earnest finds open.
func (h *Handlers) inTheWay(ctx context.Context, req engine.StartRequest) (*runbook.Run, error) {
	if req.DryRun {
		return nil, nil
	}
	active, err := h.Journal.Active(ctx)
	for i, r := range active {
		if r.State == runbook.Open && !r.DryRun && r.Beside() == req.Scenario.Beside {
			return &active[i], err
		}
	}
	return nil, err
}

// sameParams reports whether the open run is of the scenario, with what was given to it. That is seen before names are
// bound: the run itself changes what they mean.
func sameParams(s runbook.Scenario, given map[string]string, open runbook.Run) bool {
	if s.Name != open.Scenario.Name {
		return false
	}
	known := map[string]string{}
	for _, p := range s.Params {
		v := cmp.Or(given[p.Name], p.Default)
		if yes, err := strconv.ParseBool(v); p.Type == "bool" && err == nil {
			v = strconv.FormatBool(yes)
		}
		if v != open.Params[p.Name] {
			return false
		}
		known[p.Name] = v
	}
	for name := range given {
		if _, ok := known[name]; !ok {
			return false
		}
	}
	return true
}

// joined points to the run that is what was to be started.
func (h *Handlers) joined(ctx context.Context, c caller, r runbook.Run) (bot.Reply, error) {
	reply, err := h.current(ctx, c, r, "cmd.current")
	if err != nil {
		return bot.Reply{}, err
	}
	reply.Text = c.say.T("cmd.joined", "title", c.say.Text(r.Scenario.Title), "run", r.ID)
	return reply, nil
}

// midRun is why names cannot be bound while a run is open that changes what they mean: nobody must edit fleet.yaml then.
func midRun(open runbook.Run, err error) error {
	var e *runbook.Error
	if !errors.As(err, &e) || !strings.HasPrefix(e.Msg.ID, "cmd.bind_") || e.Msg.ID == "cmd.bind_except" {
		return err
	}
	return runbook.Errorf(runbook.Conflicting, "cmd.bind_mid_run", "run", open.ID, "title", open.Scenario.Title,
		"scenario", e.Msg.Args["scenario"], "role", e.Msg.Args["role"], "hosts", e.Msg.Args["hosts"])
}

// answeringWithin bounds what a start asks once the run is under way: machines that are well answer at once.
const answeringWithin = 1500 * time.Millisecond

// answering are the machines that a scenario is for when they are dead, where all that it asks of them answers now.
func (h *Handlers) answering(ctx context.Context, r runbook.Run) []string {
	ctx, cancel := context.WithTimeout(ctx, answeringWithin)
	defer cancel()
	cfg := h.Fleet.Config()
	b := newBinder(cfg, r.Scenario, r.Params)
	_, _ = b.all() // it did at the start
	var ask []runbook.Probe
	for _, p := range r.Scenario.When {
		if one, _ := b.probes(cfg, p); down(p) {
			ask = append(ask, one...)
		}
	}
	var out []string
	for _, f := range probe.Run(ctx, h.Fleet, probe.ByName(cfg), ask) {
		if !f.Up {
			return nil
		}
		out = union(out, []string{f.Host})
	}
	return out
}

const (
	dryRunFlag    = "--dry-run"
	supersedeFlag = "--supersede"
	parkFlag      = "--park"
)

var flags = []string{dryRunFlag, supersedeFlag, parkFlag}

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
	command := commandOf(req.Scenario.Name, req.Params)
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

// commandOf is what a person would type to start a scenario.
func commandOf(scenario string, params map[string]string) string {
	words := []string{scenario}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		words = append(words, name+"="+params[name])
	}
	return strings.Join(words, " ")
}
