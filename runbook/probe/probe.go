// Package probe asks the fleet read-only questions, in parallel and with deadlines: for checks, guards, verification,
// diagnosis and the watcher. It changes nothing and decides nothing.
package probe

import (
	"context"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// CONTRACT (being implemented).

// Resolver finds the hosts that a reference of a probe means (action.Env.Hosts is one).
type Resolver func(refs ...string) ([]fleet.Host, error)

// Run asks all probes at once; a probe whose Host means several hosts gives a finding for each. The findings are in
// the order of the probes. A frozen host costs its probe's timeout (default 3 s), nobody else's.
func Run(ctx context.Context, f *fleet.Fleet, resolve Resolver, probes []runbook.Probe) []runbook.Finding {
	panic("contract")
}

// Level is how much of a host answers.
type Level string

// The levels of a host, from dead to well.
const (
	Silent      Level = "silent"       // neither SSH nor anything else
	SSHOnly     Level = "ssh"          // SSH up, MySQL down
	ServiceDown Level = "service_down" // MySQL up, a service down
	Well        Level = "well"
)

// HostReport is what a host answered.
type HostReport struct {
	Host     fleet.Host
	Level    Level
	Findings []runbook.Finding
}

// Diagnose asks every host of the fleet that is not retired everything its roles call for, within ctx's deadline.
func Diagnose(ctx context.Context, f *fleet.Fleet) []HostReport { panic("contract") }
