package watch

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"recoverbot/handlers/alert"
	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/probe"
)

// goneEvery is in how many rounds a machine that is retired is asked, as long as it is silent.
const goneEvery = 10

// goneTimeout is short: such a machine is expected to be off.
const goneTimeout = runbook.Duration(time.Second)

// returner is a machine that should be off: it is retired, or another one has taken its place.
type returner struct {
	host    fleet.Host
	wanted  bool // it is to be asked still
	left    bool // another machine has its place, and a run may still be under way
	pending chan []runbook.Finding
	quiet   int               // answers in a row in which nothing writes data
	back    []runbook.Finding // what answers there
	since   time.Time
	told    string // what the sink knows: the names of what answers, or well; "" not asked yet
}

// askGone asks whether machines that should be off have come back: two machines may write then.
func (w *Watcher) askGone(ctx context.Context, cfg *fleet.Config) {
	for _, g := range w.gone {
		g.wanted = false
	}
	add := func(name string, left bool) {
		h, ok := cfg.Host(name)
		if !ok {
			return
		}
		g := w.gone[name]
		if g == nil {
			g = &returner{}
			w.gone[name] = g
		}
		g.host, g.left, g.wanted = h, left, true
	}
	for _, p := range probe.Retired(cfg) {
		add(p.Host, false)
	}
	for _, name := range w.Left(ctx) {
		if h, ok := cfg.Host(name); ok && !h.Retired {
			add(name, true)
		}
	}
	for _, g := range w.gone {
		if !g.wanted {
			g.pending = nil
			continue
		}
		if g.told == well && !g.left && w.rounds%goneEvery != 0 {
			continue
		}
		ps := writers(cfg, g.host)
		begin(ctx, w, &g.pending, func(ctx context.Context) []runbook.Finding { return w.Ask(ctx, ps) })
	}
}

// writers are the questions whether something on the host serves or writes data, whatever its roles: from the bot, from
// the second vantage points, since users may reach what the bot cannot, and on the host itself.
func writers(cfg *fleet.Config, h fleet.Host) []runbook.Probe {
	out := []runbook.Probe{{Kind: "silent", Name: probe.Writers, Host: h.Name}}
	for _, from := range vantages(cfg, h.Name) {
		out = append(out, runbook.Probe{Kind: "silent", Name: probe.Writers, Host: h.Name, From: from})
	}
	if len(cfg.Databases) > 0 {
		out = append(out, runbook.Probe{Kind: "mysql", Host: h.Name}, runbook.Probe{Kind: "redis", Host: h.Name})
	}
	for _, s := range cfg.Services {
		out = append(out, runbook.Probe{Kind: "service", Host: h.Name, Service: s.Name})
	}
	for i := range out {
		out[i].Timeout = goneTimeout
	}
	return out
}

func (g *returner) count(found []runbook.Finding) {
	back := slices.DeleteFunc(found, func(f runbook.Finding) bool { return !f.Up })
	if len(back) == 0 {
		g.quiet++
		return
	}
	g.quiet, g.back = 0, back
}

// tellGone tells of machines that have come back, at once, and of those that are silent again.
func (w *Watcher) tellGone(failures int) []news {
	var out []news
	for name, g := range w.gone {
		a := alert.Alert{Fingerprint: slug("returned-" + name), Host: name, Level: string(probe.Returned)}
		state := g.told
		switch {
		case !g.wanted:
			if g.told == "" || g.told == well {
				delete(w.gone, name)
				continue
			}
			a.Resolved, a.Closed, a.Since = true, alert.Moved, g.since
			out = append(out, news{a, func() { delete(w.gone, name) }})
			continue
		case g.quiet >= failures: // told once for every machine, also after a restart: an earlier process may have fired it
			a.Resolved, state = true, well
		case g.quiet == 0 && len(g.back) > 0:
			if g.told == "" || g.told == well {
				g.since = w.Now().UTC()
			}
			a.Findings, a.Vantage, state = g.back, seenBy(g.back), what(g.back)
		}
		a.Since = g.since
		if state != g.told {
			out = append(out, news{a, func() { g.told = state }})
		}
	}
	return out
}

// what names what answers, whatever port spoke first.
func what(back []runbook.Finding) string {
	var out []string
	for _, f := range back {
		out = append(out, f.Probe.Kind+" "+f.Probe.Service+"<"+f.Probe.From)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// seenBy lists the places from where something answers.
func seenBy(back []runbook.Finding) []string {
	var out []string
	for _, f := range back {
		if from := cmp.Or(f.Probe.From, "bot"); !slices.Contains(out, from) {
			out = append(out, from)
		}
	}
	return out
}

// retiredMeanwhile closes what an earlier process may have said of machines that were retired since.
func retiredMeanwhile(cfg *fleet.Config, now time.Time) []news {
	var out []news
	for _, h := range cfg.Hosts {
		for _, r := range cfg.Watch.Roles {
			if h.Retired {
				out = append(out, news{alert.Alert{Fingerprint: fingerprint(r, h.Name), Scenario: r.Scenario, Host: h.Name,
					Since: now, Resolved: true, Closed: alert.Retired}, func() {}})
			}
		}
	}
	return out
}
