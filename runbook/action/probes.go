package action

import (
	"context"
	"slices"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/probe"
)

// Probe asks probes at once, with references as the run and the step mean them.
func (e Env) Probe(ctx context.Context, probes []runbook.Probe) []runbook.Finding {
	return probe.Run(ctx, e.Fleet, e.Hosts, e.probes(probes))
}

// Unresolved returns the first error that the probes' references give, e.g. a NeedsError: those probes cannot be asked yet.
func (e Env) Unresolved(probes []runbook.Probe) error {
	for _, p := range probes {
		if s := e.Run.Step(p.Since); s != nil && !s.State.Settled() {
			return &NeedsError{Needs: []string{s.ID}}
		}
	}
	for _, p := range e.probes(probes) {
		for _, ref := range slices.Concat([]string{p.Host, p.From}, p.Down, p.Up) {
			if ref == "" {
				continue
			}
			if _, err := e.Hosts(ref); err != nil {
				return err
			}
		}
	}
	return nil
}

// probes fills in what only the step and the run know: the member of a group, and when a step began.
func (e Env) probes(in []runbook.Probe) []runbook.Probe {
	out := make([]runbook.Probe, len(in))
	for i, p := range in {
		if p.Service == member && e.Step.Member != "" {
			p.Service = e.Step.Member
		}
		if e.Run.DryRun {
			p.Within = 0 // nothing is being done that could be waited for
		}
		if s := e.Run.Step(p.Since); s != nil {
			began := s.StartedAt
			if began.IsZero() { // not executed (yet): nothing older than the run can be meant
				began = e.Run.StartedAt
			}
			p.Since = began.UTC().Format(time.RFC3339)
		}
		out[i] = p
	}
	return out
}

const member = "member"

// Service returns a service of fleet.yaml; "member" is the member of the group that the step is.
func (e Env) Service(name string) (fleet.Service, error) {
	if name == member {
		name = e.Step.Member
	}
	s, ok := e.Fleet.Config().Service(name)
	if !ok {
		return s, runbook.Errorf(runbook.Invalid, "fleet.unknown_service", "name", name)
	}
	return s, nil
}
