package watch

import (
	"context"
	"slices"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/probe"
)

// fromElsewhere are the kinds of probes that another host can ask as well as the bot.
var fromElsewhere = []string{"silent", "tcp", "http"}

// ask puts a round's questions to all hosts at once. It reports whether all were answered.
func (w *Watcher) ask(ctx context.Context, cfg *fleet.Config, list []*watched) bool {
	var all []runbook.Probe
	var counts []int
	for _, h := range list {
		ps := probes(cfg, h)
		all = append(all, ps...)
		counts = append(counts, len(ps))
	}
	if len(all) == 0 {
		return true
	}
	findings := w.Ask(ctx, all)
	if len(findings) != len(all) { // every probe is about exactly one host
		w.Log.Error("unexpected number of findings", "probes", len(all), "findings", len(findings))
		return false
	}
	for i, h := range list {
		h.findings, findings = slices.Clone(findings[:counts[i]]), findings[counts[i]:]
	}
	return ctx.Err() == nil // what was cut short proves nothing
}

// probes are the questions to a host: whether it is silent, and what fleet.yaml says, or else what its role calls for.
func probes(cfg *fleet.Config, h *watched) []runbook.Probe {
	out := []runbook.Probe{{Kind: "silent", Host: h.host.Name, Expect: "down"}}
	i := slices.IndexFunc(cfg.Watch.Roles, func(r fleet.WatchRole) bool { return r.Role == h.role && r.Scenario == h.scenario })
	if own := cfg.Watch.Roles[i].Probes; len(own) > 0 {
		for _, p := range own {
			if p.Kind == "silent" {
				continue
			}
			hosts := []fleet.Host{h.host}
			if p.Host != "" && p.Host != h.role {
				hosts = hostsOf(cfg, []string{p.Host})
			}
			for _, target := range hosts {
				p.Host = target.Name
				out = append(out, p)
			}
		}
		return out
	}
	if h.host.HasRole("primary") {
		out = append(out, runbook.Probe{Kind: "mysql", Host: h.host.Name}, runbook.Probe{Kind: "redis", Host: h.host.Name})
	}
	for _, s := range cfg.Services {
		if !slices.ContainsFunc(s.On, h.host.HasRole) {
			continue
		}
		switch {
		case h.host.HasRole("primary"):
			out = append(out, runbook.Probe{Kind: "service", Host: h.host.Name, Service: s.Name})
		case s.Health.Port != 0: // elsewhere a service may be unwell because the primary is
			out = append(out, runbook.Probe{Kind: "http", Host: h.host.Name, Port: s.Health.Port, Path: s.Health.Path})
		}
	}
	return out
}

// confirm asks about hosts that have failed often enough from the second vantage points, and marks those as down that
// are not seen well from there. A vantage point that does not answer itself says nothing: then the bot alone decides.
func (w *Watcher) confirm(ctx context.Context, cfg *fleet.Config, list []*watched, failures int) {
	for _, h := range list {
		if h.bad < failures || h.down {
			continue
		}
		failed := h.failed()
		vantage := []string{"bot"}
		var silent []string
		well := 0
		if len(failed) > 0 {
			for _, from := range hostsOf(cfg, cfg.Watch.From) {
				if from.Name == h.host.Name || from.Retired {
					continue
				}
				switch w.from(ctx, from, failed) {
				case seenDown:
					vantage = append(vantage, from.Name)
				case seenWell:
					well++
				default:
					silent = append(silent, from.Name)
				}
			}
		}
		if ctx.Err() != nil {
			return
		}
		if well > 0 && len(vantage) == 1 {
			w.Log.Info("host answers elsewhere, not to the bot", "host", h.host.Name, "rounds", h.bad)
			continue
		}
		h.down, h.vantage = true, vantage
		if len(vantage) == 1 && len(silent) > 0 {
			names := strings.Join(silent, ", ")
			h.findings = append(h.findings, runbook.Finding{Probe: runbook.Probe{Kind: "ssh", Host: names}, Host: names,
				Text: runbook.T("watch.bot_only", "hosts", names)})
		}
	}
}

// failed are the failed probes that another host can ask. Where the host speaks to the bot at all, what the bot found
// by logging in is certain without a second opinion.
func (h *watched) failed() []runbook.Probe {
	var out []runbook.Probe
	for _, f := range h.findings {
		if !f.OK && f.Probe.From == "" && slices.Contains(fromElsewhere, f.Probe.Kind) {
			out = append(out, f.Probe)
		}
	}
	return out
}

type sight int

const (
	cannotSay sight = iota
	seenDown
	seenWell
)

// from asks from another host; the log-in to that host is asked first, so that its own trouble is not taken for the
// target's.
func (w *Watcher) from(ctx context.Context, from fleet.Host, failed []runbook.Probe) sight {
	self := w.Ask(ctx, []runbook.Probe{{Kind: "ssh", Host: from.Name}})
	if len(self) != 1 || !self[0].OK {
		return cannotSay
	}
	ps := slices.Clone(failed)
	for i := range ps {
		ps[i].From = from.Name
	}
	if slices.ContainsFunc(w.Ask(ctx, ps), func(f runbook.Finding) bool { return !f.OK }) {
		return seenDown
	}
	return seenWell
}

// level is how much of the host still answers.
func (h *watched) level() string {
	level := probe.ServiceDown
	for _, f := range h.findings {
		switch {
		case f.OK:
		case f.Probe.Kind == "silent":
			return string(probe.Silent)
		case f.Probe.Kind == "mysql":
			level = probe.SSHOnly
		}
	}
	return string(level)
}

// hostsOf finds the hosts that references mean: names first, then roles.
func hostsOf(cfg *fleet.Config, refs []string) []fleet.Host {
	var out []fleet.Host
	for _, ref := range refs {
		if h, ok := cfg.Host(ref); ok {
			out = append(out, h)
			continue
		}
		out = append(out, cfg.WithRole(ref)...)
	}
	return out
}
