package probe

import (
	"context"
	"errors"
	"slices"
	"sync"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// Level is how much of a host answers.
type Level string

// The levels of a host, from dead to well.
const (
	Silent      Level = "silent"       // neither SSH nor anything else
	Unenrolled  Level = "unenrolled"   // a spare whose host key is not pinned yet: the run that needs it enrols it
	NoLogin     Level = "no_login"     // something speaks, but the bot cannot log in
	SSHOnly     Level = "ssh"          // SSH up, MySQL down
	ServiceDown Level = "service_down" // MySQL up, a service down
	Well        Level = "well"
	Returned    Level = "returned" // retired, yet what writes data answers
)

// HostReport is what a host answered.
type HostReport struct {
	Host     fleet.Host
	Level    Level
	Findings []runbook.Finding
}

// Diagnose asks every host of the fleet that is not retired everything its roles call for, all at once and within
// ctx's deadline or 3 s, whichever is shorter. Retired ones that have come back are listed last. Spares without another role are asked for SSH only, and one without a
// pinned key is as it should be: Unenrolled, without the finding that says so.
func Diagnose(ctx context.Context, f *fleet.Fleet) []HostReport {
	ctx, cancel := context.WithTimeout(ctx, DefaultTimeout)
	defer cancel()
	cfg := f.Config()
	var reports []HostReport
	for _, h := range cfg.Hosts {
		if !h.Retired {
			reports = append(reports, HostReport{Host: h})
		}
	}
	var wg sync.WaitGroup
	for i := range reports {
		r := &reports[i]
		wg.Go(func() {
			only := func(...string) ([]fleet.Host, error) { return []fleet.Host{r.Host}, nil }
			r.Findings = Run(ctx, f, only, Called(cfg, r.Host))
			r.Level = level(r.Findings)
			if r.Level == NoLogin && unenrolled(ctx, f, r.Host) {
				r.Level = Unenrolled
				r.Findings = slices.DeleteFunc(r.Findings, func(f runbook.Finding) bool { return !f.Up })
			}
		})
	}
	var back []runbook.Finding
	wg.Go(func() { back = Run(ctx, f, ByName(cfg), Retired(cfg)) })
	wg.Wait()
	for _, found := range back {
		if h, ok := cfg.Host(found.Host); ok && found.Up {
			reports = append(reports, HostReport{Host: h, Level: Returned, Findings: []runbook.Finding{found}})
		}
	}
	return reports
}

// Called lists the probes that a host's roles call for: what Diagnose asks it.
func Called(cfg *fleet.Config, h fleet.Host) []runbook.Probe {
	out := []runbook.Probe{{Kind: "silent", Host: h.Name, Expect: "down"}, {Kind: "ssh", Host: h.Name}}
	if h.HasRole("primary") || h.HasRole("standby") {
		out = append(out, runbook.Probe{Kind: "mysql", Host: h.Name}, runbook.Probe{Kind: "redis", Host: h.Name})
	}
	for _, s := range cfg.Services {
		if runsOn(s, h) {
			out = append(out, runbook.Probe{Kind: "service", Host: h.Name, Service: s.Name})
		}
	}
	if h.HasRole("nginx") {
		out = append(out, runbook.Probe{Kind: "nginx", Host: h.Name})
	}
	return out
}

func level(findings []runbook.Finding) Level {
	speaks, ssh, lower := false, true, false
	l := Well
	for _, f := range findings {
		switch {
		case f.Probe.Kind == "silent":
			speaks = f.Up
		case f.Up:
			speaks = true
		case f.Probe.Kind == "ssh":
			ssh = false
		case f.Probe.Kind == "mysql":
			lower = true
		default:
			l = ServiceDown
		}
	}
	switch {
	case !speaks:
		return Silent
	case !ssh:
		return NoLogin
	case lower:
		return SSHOnly
	}
	return l
}

// unenrolled tells a bare spare that nobody has taken in yet from one whose pinned key has changed.
func unenrolled(ctx context.Context, f *fleet.Fleet, h fleet.Host) bool {
	if len(h.Roles) != 1 || !h.HasRole("spare") {
		return false
	}
	_, err := f.SSH(ctx, h)
	var e *runbook.Error
	return errors.As(err, &e) && e.Msg.ID == "fleet.unknown_key"
}
