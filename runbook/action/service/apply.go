package service

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/fleet"
)

func (s *service) decode(p runbook.Plan) (effect, fleet.Host, error) {
	var eff effect
	if err := json.Unmarshal(p.Effect.Data, &eff); err != nil {
		return eff, fleet.Host{}, fmt.Errorf("decode effect: %w", err)
	}
	h, err := s.env.Target()
	if err == nil && h.Name != p.Effect.Host {
		err = action.Stale("service.other_host", "planned", p.Effect.Host, "now", h.Name)
	}
	return eff, h, err
}

// Apply runs the planned commands as one detached job, and waits until the services are as wanted.
func (s *service) Apply(ctx context.Context, p runbook.Plan, job runbook.Job, out action.Output) (runbook.Result, error) {
	eff, h, err := s.decode(p)
	if err != nil {
		return runbook.Result{}, action.Refuse(err)
	}
	client, err := s.env.Connect(ctx, h, p.Effect.Identity)
	if err != nil {
		return runbook.Result{}, err
	}
	if err := s.still(ctx, client, h, eff); err != nil {
		return runbook.Result{}, action.Refuse(err)
	}
	ended, err := s.env.Detached(ctx, h, p.Effect.Identity, fleet.JobSpec{ID: job.ID(), Script: eff.Script}, out)
	if err != nil {
		return runbook.Result{}, err
	}
	return s.settle(ctx, p, eff, h, ended, out)
}

// still sees that the config files are those that were proved, and proves them again.
func (s *service) still(ctx context.Context, c *fleet.Client, h fleet.Host, eff effect) error {
	for _, planned := range eff.Configs {
		svc, err := s.env.Service(planned.Service)
		if err != nil {
			return err
		}
		found, err := s.prove(ctx, c, h, svc)
		if err != nil {
			return err
		}
		if found.config != planned {
			return action.Stale("service.config_changed", "service", planned.Service, "path", planned.Path)
		}
	}
	return nil
}

// Resume follows the job again and then waits for health; the commands are not run again.
func (s *service) Resume(ctx context.Context, p runbook.Plan, job runbook.Job, out action.Output) (runbook.Result, error) {
	eff, h, err := s.decode(p)
	if err != nil {
		return runbook.Result{}, err
	}
	ended, err := s.env.Reattach(ctx, h, p.Effect.Identity, job.ID(), out)
	if err != nil {
		return runbook.Result{}, err
	}
	return s.settle(ctx, p, eff, h, ended, out)
}

// settle turns the end of the job into a result: what counts is how the services are afterwards.
func (s *service) settle(ctx context.Context, p runbook.Plan, eff effect, h fleet.Host, ended action.Ended, out action.Output) (runbook.Result, error) {
	r, err := ended.Result(h.Name)
	if err != nil {
		return r, err
	}
	r.Open = slices.Clone(p.Open)
	if r.Outcome != runbook.OutcomeDone {
		return r, nil
	}
	bad, err := s.await(ctx, h, eff, func(m runbook.Msg) {
		if out != nil {
			out.Progress(runbook.Progress{Text: m})
		}
	})
	if err != nil {
		return runbook.Result{}, fmt.Errorf("see services on %s after the command: %w", h.Name, err)
	}
	if len(bad) > 0 {
		r.Outcome = runbook.OutcomeFailed
		r.Text = runbook.T("service.not_as_wanted", "host", h.Name, "within", eff.Within, "why", bad[0].waiting(eff))
		return r, nil
	}
	r.Text = runbook.T("service.done_"+eff.Do, "host", h.Name, "services", strings.Join(eff.Services, ", "))
	return r, nil
}

// Look asks the job, and how the services are now.
func (s *service) Look(ctx context.Context, p runbook.Plan, job runbook.Job) (runbook.Evidence, error) {
	eff, h, err := s.decode(p)
	if err != nil {
		return runbook.Evidence{}, err
	}
	ev, err := s.env.JobEvidence(ctx, h, p.Effect.Identity, job.ID())
	if err != nil || ev.Took == runbook.TookNo {
		return ev, err
	}
	bad, err := s.unlike(ctx, h, eff)
	if err != nil {
		return ev, err
	}
	if len(bad) > 0 {
		return runbook.Evidence{Took: runbook.TookUnclear, Text: runbook.T("service.seen_not", "job", ev.Text, "why", bad[0].waiting(eff))}, nil
	}
	ev.Text = runbook.T("service.seen_"+eff.Do, "job", ev.Text, "host", h.Name, "services", strings.Join(eff.Services, ", "))
	return ev, nil
}

// Cancel ends the job on the host.
func (s *service) Cancel(ctx context.Context, _ runbook.Plan, job runbook.Job) error {
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
