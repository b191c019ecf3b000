package service

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/fleet"
)

type service struct {
	spec *Spec
	env  action.Env
}

// effect is what an approval is bound to: which services, by which commands, on the strength of which config files.
type effect struct {
	Do       string   `json:"do"`
	Services []string `json:"services"`
	Script   string   `json:"script"`
	Configs  []config `json:"configs,omitempty"`
	Within   float64  `json:"within"` // seconds
}

type config struct {
	Service string `json:"service"`
	Path    string `json:"path"`
	SHA256  string `json:"sha256"`
}

// status is what a service's manager says.
type status struct {
	svc       fleet.Service
	installed bool
	running   bool
	enabled   bool // starts at boot
	healthy   bool
	answer    runbook.Msg // of the health URL
}

func (s *service) Plan(ctx context.Context) (runbook.Plan, error) {
	p := runbook.Plan{}
	h, err := s.env.Target()
	if err != nil {
		return action.Cannot(p, err)
	}
	names, err := s.resolved()
	if err != nil {
		return action.Cannot(p, err)
	}
	p.Effect.Host = h.Name
	p.Summary = runbook.T("service.summary_"+s.spec.Do, "host", h.Name, "services", strings.Join(names, ", "))
	client, err := s.env.Fleet.SSH(ctx, h)
	if err != nil {
		return action.Cannot(p, err)
	}
	if p.Effect.Identity, err = client.Identity(ctx); err != nil {
		return action.Cannot(p, err)
	}
	eff := effect{Do: s.spec.Do, Within: s.spec.within().Seconds()}
	var script, disable strings.Builder // what is disabled first stays down, also where a stop hangs
	var all []status
	for _, name := range names {
		svc, err := s.env.Service(name)
		if err != nil {
			return action.Cannot(p, err)
		}
		st, err := look(ctx, client, svc, true)
		if err != nil {
			return action.Cannot(p, err)
		}
		all = append(all, st)
		if !st.installed {
			m := runbook.T("service.not_installed", "service", name, "host", h.Name)
			p.Facts = append(p.Facts, m)
			if s.spec.starts() {
				p.Open = append(p.Open, runbook.OpenItem{Text: m, Step: s.env.Step.ID})
			}
			continue
		}
		p.Facts = append(p.Facts, st.fact(h.Name))
		if lines := commands(s.spec.Do, st); lines != "" {
			eff.Services = append(eff.Services, name)
			script.WriteString(lines)
			if s.spec.Do == "retire" && svc.Disable != "" {
				disable.WriteString(svc.Disable + " || rc=1\n")
			}
		}
	}
	p.Tables = []runbook.Table{table(all)}
	if len(p.Open) == len(names) && !s.spec.Optional {
		p.Verdict, p.Why, p.Open = runbook.Blocked, p.Open[0].Text, nil
		return p, nil
	}
	if len(eff.Services) == 0 {
		p.Verdict, p.Why = runbook.Satisfied, runbook.T("service.satisfied_"+s.spec.Do, "host", h.Name)
		if len(p.Open) == len(names) {
			p.Why = p.Open[0].Text
		}
		return p, nil
	}
	eff.Script = "set -e\n" + script.String()
	if !s.spec.starts() {
		eff.Script = "rc=0\n" + disable.String() + script.String() + "exit $rc\n"
	}
	p.Verdict = runbook.Ready
	if s.spec.Prove {
		for _, name := range eff.Services {
			svc, err := s.env.Service(name)
			if err != nil {
				return action.Cannot(p, err)
			}
			found, err := s.prove(ctx, client, h, svc)
			if err != nil {
				return action.Cannot(p, err)
			}
			eff.Configs = append(eff.Configs, found.config)
			p.Facts = append(p.Facts, found.facts...)
			p.Open = append(p.Open, found.open...)
		}
	}
	data, err := json.Marshal(eff)
	if err != nil {
		return p, fmt.Errorf("encode effect: %w", err)
	}
	p.Effect.Data = data
	p.Effect.Exact = []runbook.Part{{Format: "command", Text: eff.Script}}
	return p, nil
}

// resolved are the names of the services, with the member in its place.
func (s *service) resolved() ([]string, error) {
	var out []string
	for _, name := range s.spec.names() {
		svc, err := s.env.Service(name)
		if err != nil {
			return nil, err
		}
		out = append(out, svc.Name)
	}
	return out, nil
}

// commands are the exact lines for one service; none where it is already as wanted.
func commands(do string, st status) string {
	svc := st.svc
	var b strings.Builder
	start := func(command string) {
		b.WriteString(command + "\n")
		if svc.Enable != "" {
			b.WriteString(svc.Enable + "\n")
		}
	}
	switch do {
	case "restart":
		start(svc.Restart)
	case "start":
		switch {
		case !st.running:
			start(svc.Start)
		case !st.healthy: // it runs and does not work: starting it again would do nothing
			start(svc.Restart)
		}
	case "stop":
		if st.running {
			b.WriteString(svc.Stop + " || rc=1\n")
		}
	case "retire":
		if st.running || st.enabled {
			b.WriteString(svc.Stop + " || rc=1\n")
		}
	}
	return b.String()
}

func (st status) fact(host string) runbook.Msg {
	if !st.running {
		return runbook.T("service.stopped_now", "service", st.svc.Name, "host", host)
	}
	if st.svc.Health.Port == 0 {
		return runbook.T("service.running_now", "service", st.svc.Name, "host", host)
	}
	return runbook.T("service.running_health", "service", st.svc.Name, "host", host, "answer", st.answer)
}

func table(all []status) runbook.Table {
	t := runbook.Table{Name: "services", Columns: []string{"service", "state"}, Count: len(all), Words: true}
	for _, st := range all {
		state, mark := "running", "ok"
		switch {
		case !st.installed:
			state, mark = "not installed", ""
		case !st.running:
			state, mark = "stopped", "bad"
			if st.enabled {
				state = "stopped, starts at boot"
			}
		case !st.healthy:
			state, mark = "running, not healthy", "bad"
		}
		t.Rows = append(t.Rows, []string{st.svc.Name, state})
		t.Marks = append(t.Marks, mark)
	}
	return t
}
