package watch

import (
	"context"
	"slices"
	"strings"

	"recoverbot/handlers/alert"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/probe"
)

// tell brings the sink up to date: wider findings first, since they replace narrower ones. What the sink could not
// take is told again in the next round.
func (w *Watcher) tell(ctx context.Context, cfg *fleet.Config, list []*watched, failures int) {
	covered := w.tellWide(ctx, cfg, list)
	for _, h := range list {
		f := fingerprint(h.scenario, h.host.Name)
		switch {
		case h.down && covered[f]:
			h.sent = false // the wider alert stands for it
		case h.down && (!h.sent || h.level() != h.fired.level) && len(h.findings) > 0 && h.good == 0:
			h.send(ctx, w, alert.Alert{Fingerprint: f, Scenario: h.scenario, Host: h.host.Name, Level: h.level(),
				Since: h.since, Findings: h.findings, Vantage: h.vantage})
		case !h.down && h.good == failures:
			// Once for every host, also after a restart: an earlier process may have fired it.
			if !h.close(ctx, w, alert.Alert{Fingerprint: f, Scenario: h.scenario, Host: h.host.Name, Since: h.since, Findings: h.findings}) {
				h.good--
			}
		}
	}
	for f, h := range w.hosts { // no longer in the role, or retired
		if slices.Contains(list, h) {
			continue
		}
		last := h.last
		last.Closed = closed(cfg, h.host.Name)
		if !h.sent || h.close(ctx, w, last) {
			delete(w.hosts, f)
		}
	}
}

// tellWide fires where all hosts of several roles are down, and returns the narrower fingerprints that it covers.
func (w *Watcher) tellWide(ctx context.Context, cfg *fleet.Config, list []*watched) map[string]bool {
	covered := map[string]bool{}
	current := map[string]bool{}
	for _, t := range cfg.Watch.Together {
		a := alert.Alert{Scenario: t.Scenario, Level: string(probe.Silent)}
		var names []string
		all := len(t.Roles) > 0
		for _, role := range t.Roles {
			var down int
			for _, h := range list {
				if h.role != role {
					continue
				}
				all = all && h.down
				down++
				names = append(names, h.host.Name)
				a.Replaces = append(a.Replaces, fingerprint(h.scenario, h.host.Name))
				a.Findings = append(a.Findings, h.findings...)
				a.Vantage = union(a.Vantage, h.vantage)
				if a.Since.IsZero() || h.since.Before(a.Since) {
					a.Since = h.since
				}
				if h.good == 0 && h.level() != string(probe.Silent) { // one that comes back no longer says
					a.Level = h.level()
				}
			}
			all = all && down > 0
		}
		a.Host = strings.Join(names, ", ")
		a.Fingerprint = fingerprint(t.Scenario, strings.Join(names, "-"))
		if !all {
			continue
		}
		current[a.Fingerprint] = true
		for _, f := range a.Replaces {
			covered[f] = true
		}
		known := w.wide[a.Fingerprint]
		if known == nil {
			known = &fired{}
			w.wide[a.Fingerprint] = known
		}
		if !known.sent || known.level != a.Level {
			known.send(ctx, w, a)
		}
	}
	for f, known := range w.wide {
		last := known.last
		if gone := gone(cfg, last.Host); len(gone) > 0 {
			last.Host, last.Closed = strings.Join(gone, ", "), alert.Retired
		}
		if !current[f] && (!known.sent || known.close(ctx, w, last)) {
			delete(w.wide, f)
		}
	}
	return covered
}

func (f *fired) send(ctx context.Context, w *Watcher, a alert.Alert) {
	a.Source = "watch"
	if err := w.Sink.Alerts(ctx, []alert.Alert{a}); err != nil {
		w.Log.Error("cannot store alert", "fingerprint", a.Fingerprint, "error", err)
		return
	}
	f.sent, f.level, f.last = true, a.Level, a
}

func (f *fired) close(ctx context.Context, w *Watcher, a alert.Alert) bool {
	a.Source, a.Resolved, a.Replaces = "watch", true, nil
	if err := w.Sink.Alerts(ctx, []alert.Alert{a}); err != nil {
		w.Log.Error("cannot store resolved alert", "fingerprint", a.Fingerprint, "error", err)
		return false
	}
	*f = fired{}
	return true
}

func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}
