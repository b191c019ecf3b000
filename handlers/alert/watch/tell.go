package watch

import (
	"context"
	"slices"

	"recoverbot/handlers/alert"
	"recoverbot/runbook/fleet"
)

// news is an alert, and what is remembered once the sink has it.
type news struct {
	alert alert.Alert
	told  func()
}

// tell brings the sink up to date with one batch. What it could not take is told again in the next round.
func (w *Watcher) tell(ctx context.Context, cfg *fleet.Config, list []*watched, failures int) {
	var all []news
	for _, h := range list {
		if n, ok := h.news(failures); ok {
			all = append(all, n)
		}
	}
	all = append(all, w.unwatched(cfg, list)...)
	all = append(all, w.tellGone(failures)...)
	if !w.cleared {
		all = append(all, retiredMeanwhile(cfg, w.Now().UTC())...)
	}
	batch := make([]alert.Alert, 0, len(all))
	for _, n := range all {
		n.alert.Source = "watch"
		batch = append(batch, n.alert)
	}
	if len(batch) > 0 {
		if err := w.Sink.Alerts(ctx, batch); err != nil {
			w.Log.Error("cannot store alerts", "count", len(batch), "error", err)
			return
		}
	}
	w.cleared = true
	for _, n := range all {
		n.told()
	}
}

// news is what the sink does not know of a host yet.
func (h *watched) news(failures int) (news, bool) {
	a := alert.Alert{Fingerprint: fingerprint(h.watch, h.host.Name), Scenario: h.watch.Scenario, Host: h.host.Name,
		Since: h.since, Findings: h.findings}
	state := h.told
	switch {
	case (h.down || h.cutOff) && h.good == 0:
		a.Scenario, a.Level, a.Vantage = h.scenario(), h.level(), h.vantage
		state = a.Level + " " + a.Scenario
	case !h.down && !h.cutOff && h.good >= failures:
		a.Resolved, state = true, well
	}
	return news{a, func() { h.told = state }}, state != h.told
}

// unwatched closes what fleet.yaml does not watch any more.
func (w *Watcher) unwatched(cfg *fleet.Config, list []*watched) []news {
	var out []news
	for f, h := range w.hosts {
		if slices.Contains(list, h) {
			continue
		}
		if h.told == "" || h.told == well {
			delete(w.hosts, f)
			continue
		}
		out = append(out, news{alert.Alert{Fingerprint: f, Scenario: h.watch.Scenario, Host: h.host.Name, Since: h.since,
			Resolved: true, Closed: closed(cfg, h.host.Name)}, func() { delete(w.hosts, f) }})
	}
	return out
}

// closed is why a host is not watched any more.
func closed(cfg *fleet.Config, host string) string {
	if h, ok := cfg.Host(host); !ok || h.Retired {
		return alert.Retired
	}
	return alert.Moved
}
