package ssh

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/fleet"
)

type script struct {
	spec *Spec
	env  action.Env
}

func (s *script) Plan(ctx context.Context) (runbook.Plan, error) {
	var p runbook.Plan
	c, cerr := s.prepare()
	data, err := json.Marshal(c.effect)
	if err != nil {
		return p, fmt.Errorf("encode effect: %w", err)
	}
	p.Effect = runbook.Effect{Data: data, Exact: c.effect.exact()}
	h, err := s.env.Target()
	if err == nil {
		p.Effect.Host = h.Name
		p.Summary = runbook.T("ssh.summary", "host", h.Name)
		if s.spec.Provision != "" {
			p.Summary = runbook.T("ssh.summary_provision", "host", h.Name, "role", s.spec.Provision)
		}
		err = cerr
	}
	if err != nil {
		return action.Cannot(p, err)
	}
	client, err := s.env.Fleet.SSH(ctx, h)
	if err != nil {
		return action.Cannot(p, err)
	}
	if p.Effect.Identity, err = client.Identity(ctx); err != nil {
		return action.Cannot(p, err)
	}
	if s.spec.Facts != "" {
		ran, err := client.Run(ctx, fleet.Command{Script: s.spec.Facts, Env: c.env, Max: 4 << 10})
		if err != nil {
			return action.Cannot(p, err)
		}
		p.Facts = append(p.Facts, runbook.T("ssh.facts", "text", s.env.Fleet.Redactor().Redact(strings.TrimSpace(ran.Stdout))))
	}
	p.Verdict = runbook.Ready
	if s.spec.Satisfied != "" {
		ran, err := client.Run(ctx, fleet.Command{Script: s.spec.Satisfied, Env: c.env})
		if err != nil {
			return action.Cannot(p, err)
		}
		if ran.Exit == 0 {
			p.Verdict, p.Why = runbook.Satisfied, runbook.T("ssh.satisfied", "host", h.Name)
		}
	}
	return p, nil
}

func (s *script) Apply(ctx context.Context, p runbook.Plan, job runbook.Job, out action.Output) (runbook.Result, error) {
	h, err := s.env.Target()
	if err != nil {
		return runbook.Result{}, action.Refuse(err)
	}
	c, err := s.prepare()
	if err != nil {
		return runbook.Result{}, action.Refuse(err)
	}
	now, err := json.Marshal(c.effect)
	if err != nil {
		return runbook.Result{}, action.Refuse(err)
	}
	if string(now) != compact(p.Effect.Data) || h.Name != p.Effect.Host {
		return runbook.Result{}, action.Stale("ssh.changed", "host", h.Name)
	}
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("provision: not ended within %s", c.timeout))
		defer cancel()
	}
	ended, err := s.env.Detached(ctx, h, p.Effect.Identity, fleet.JobSpec{ID: job.ID(), Script: c.Script, Env: c.env}, out)
	if err != nil {
		return runbook.Result{}, err
	}
	return ended.Result(h.Name)
}

// Resume follows the job again; it never starts it.
func (s *script) Resume(ctx context.Context, p runbook.Plan, job runbook.Job, out action.Output) (runbook.Result, error) {
	h, err := s.env.Target()
	if err != nil {
		return runbook.Result{}, err
	}
	ended, err := s.env.Reattach(ctx, h, p.Effect.Identity, job.ID(), out)
	if err != nil {
		return runbook.Result{}, err
	}
	return ended.Result(h.Name)
}

// Look asks the look script where there is one, and else the job.
func (s *script) Look(ctx context.Context, p runbook.Plan, job runbook.Job) (runbook.Evidence, error) {
	h, err := s.env.Target()
	if err != nil {
		return runbook.Evidence{}, err
	}
	ev, err := s.env.JobEvidence(ctx, h, p.Effect.Identity, job.ID())
	if err != nil || ev.Took == runbook.TookNo || ev.Text.ID == "action.other_identity" || s.spec.Look == "" {
		return ev, err
	}
	c, err := s.prepare()
	if err != nil {
		return ev, err
	}
	client, err := s.env.Fleet.SSH(ctx, h)
	if err != nil {
		return ev, err
	}
	ran, err := client.Run(ctx, fleet.Command{Script: s.spec.Look, Env: c.env})
	if err != nil {
		return ev, fmt.Errorf("run look script on %s: %w", h.Name, err)
	}
	seen := runbook.Evidence{Took: runbook.TookUnclear}
	switch ran.Exit {
	case 0:
		seen = runbook.Evidence{Took: runbook.TookYes, Text: runbook.T("ssh.look_yes", "host", h.Name, "job", ev.Text)}
	case 3:
		seen = runbook.Evidence{Took: runbook.TookNo, Text: runbook.T("ssh.look_no", "host", h.Name, "job", ev.Text)}
	default:
		seen.Text = runbook.T("ssh.look_unclear", "host", h.Name, "exit", ran.Exit, "job", ev.Text)
	}
	state, err := client.Job(ctx, job.ID())
	if err != nil {
		return ev, fmt.Errorf("look at job on %s: %w", h.Name, err)
	}
	if state.Status == fleet.JobRunning { // what is seen now may not be its end
		return ev, nil
	}
	return seen, nil
}

// Cancel ends the job on the host.
func (s *script) Cancel(ctx context.Context, _ runbook.Plan, job runbook.Job) error {
	h, err := s.env.Target()
	if err != nil {
		return err
	}
	c, err := s.env.Fleet.SSH(ctx, h)
	if err != nil {
		return err
	}
	return c.CancelJob(ctx, job.ID())
}
