package watch

import (
	"context"
	"slices"
	"strings"
	"sync"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// fromElsewhere are the kinds of probes that another host can ask as well as the bot.
var fromElsewhere = []string{"silent", "tcp", "http"}

// answer is what one host said when it was asked, and what other hosts said of it.
type answer struct {
	findings []runbook.Finding
	others   map[string]sight // by the name of the second vantage point; nil: they were not asked
}

type sight int

const (
	cannotSay sight = iota
	seenDown
	seenWell
)

// ask puts the questions to a host. Where it has failed often enough and fails again, the second vantage points are
// asked too.
func (w *Watcher) ask(ctx context.Context, cfg *fleet.Config, h *watched, failures int) {
	ps := probes(cfg, h.host, h.watch)
	doubt := h.bad+1 >= failures && h.doubtful()
	host := h.host
	begin(ctx, w, &h.pending, func(ctx context.Context) answer {
		a := answer{findings: tolerate(host, w.Ask(ctx, ps))}
		if doubt && fails(a.findings) {
			a.others = w.others(ctx, cfg, host, second(cfg, host, a.findings))
		}
		return a
	})
}

// probes are the questions to a host: whether it is silent, whether the bot can log in, and what fleet.yaml says, or
// else what its role calls for.
func probes(cfg *fleet.Config, h fleet.Host, watch fleet.WatchRole) []runbook.Probe {
	out := []runbook.Probe{{Kind: "silent", Host: h.Name, Expect: "down"}, {Kind: "ssh", Host: h.Name}}
	if len(watch.Probes) > 0 {
		for _, p := range watch.Probes {
			if p.Kind == "silent" || p.Kind == "ssh" {
				continue
			}
			hosts := []fleet.Host{h}
			if p.Host != "" && p.Host != watch.Role {
				hosts = cfg.Named(p.Host)
			}
			for _, target := range hosts {
				p.Host = target.Name
				out = append(out, p)
			}
		}
		return out
	}
	if h.HasRole("primary") || h.HasRole("standby") {
		out = append(out, runbook.Probe{Kind: "mysql", Host: h.Name}, runbook.Probe{Kind: "redis", Host: h.Name})
	}
	if h.HasRole("nginx") {
		out = append(out, runbook.Probe{Kind: "http", Host: h.Name}, runbook.Probe{Kind: "nginx", Host: h.Name})
	}
	for _, s := range cfg.Services {
		if !slices.ContainsFunc(s.On, h.HasRole) {
			continue
		}
		switch {
		case h.HasRole("primary"):
			out = append(out, runbook.Probe{Kind: "service", Host: h.Name, Service: s.Name})
		case s.Health.Port != 0: // elsewhere a service may be unwell because the primary is
			out = append(out, runbook.Probe{Kind: "http", Host: h.Name, Port: s.Health.Port, Path: s.Health.Path})
		}
	}
	return out
}

// harmless are answers that are no trouble of the machine: a standby may well be a replica, and an nginx that runs on
// does not need another machine because of a file that somebody is editing.
var harmless = []string{"probe.mysql_replica", "probe.mysql_read_only", "probe.redis_replica", "probe.nginx_bad_config"}

func tolerate(h fleet.Host, findings []runbook.Finding) []runbook.Finding {
	for i := range findings {
		if f := &findings[i]; !h.HasRole("primary") && slices.Contains(harmless, f.Text.ID) {
			f.OK = true
		}
	}
	return findings
}

func fails(findings []runbook.Finding) bool {
	return slices.ContainsFunc(findings, func(f runbook.Finding) bool { return !f.OK })
}

// failed reports whether a probe of that kind failed.
func failed(findings []runbook.Finding, kind string) bool {
	return slices.ContainsFunc(findings, func(f runbook.Finding) bool { return !f.OK && f.Probe.Kind == kind })
}

// noLogin reports whether the host speaks, but not with the bot: nothing that is asked by logging in says anything then.
func noLogin(findings []runbook.Finding) bool {
	return failed(findings, "ssh") && !failed(findings, "silent")
}

// second are the questions for a second opinion: what failed and another host can ask. What the bot found by logging in
// is certain without one; where it could not log in, others are asked for the services instead.
func second(cfg *fleet.Config, h fleet.Host, findings []runbook.Finding) []runbook.Probe {
	var out []runbook.Probe
	for _, f := range findings {
		if !f.OK && f.Probe.From == "" && slices.Contains(fromElsewhere, f.Probe.Kind) {
			out = append(out, f.Probe)
		}
	}
	if noLogin(findings) {
		for _, s := range cfg.Services {
			if s.Health.Port != 0 && slices.ContainsFunc(s.On, h.HasRole) {
				out = append(out, runbook.Probe{Kind: "http", Host: h.Name, Port: s.Health.Port, Path: s.Health.Path})
			}
		}
	}
	return out
}

// others asks every second vantage point at once.
func (w *Watcher) others(ctx context.Context, cfg *fleet.Config, h fleet.Host, ps []runbook.Probe) map[string]sight {
	out := map[string]sight{}
	if len(ps) == 0 {
		return out
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	for _, from := range vantages(cfg, h.Name) {
		wg.Go(func() {
			seen := w.from(ctx, from, ps)
			mu.Lock()
			out[from] = seen
			mu.Unlock()
		})
	}
	wg.Wait()
	return out
}

// from asks from another host; the log-in to that host is asked with it, so that its own trouble is not taken for the
// target's.
func (w *Watcher) from(ctx context.Context, from string, ps []runbook.Probe) sight {
	all := append([]runbook.Probe{{Kind: "ssh", Host: from}}, ps...)
	for i := range all[1:] {
		all[i+1].From = from
	}
	found := w.Ask(ctx, all)
	switch {
	case len(found) != len(all) || !found[0].OK:
		return cannotSay
	case fails(found[1:]):
		return seenDown
	}
	return seenWell
}

// vantages are the names of the hosts that a host can be seen from, beside the bot.
func vantages(cfg *fleet.Config, host string) []string {
	var out []string
	for _, from := range cfg.Named(cfg.Watch.From...) {
		if from.Name != host && !from.Retired && !slices.Contains(out, from.Name) {
			out = append(out, from.Name)
		}
	}
	return out
}

// seenFrom lists the places that say the same, in a fixed order.
func (a answer) seenFrom(what sight) []string {
	var out []string
	for name, s := range a.others {
		if s == what {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// botOnly says that no other host could be asked.
func botOnly(names []string) runbook.Finding {
	text := strings.Join(names, ", ")
	return runbook.Finding{Probe: runbook.Probe{Kind: "ssh", Host: text}, Host: text, Text: runbook.T("watch.bot_only", "hosts", text)}
}
