package watch

import (
	"context"
	"strings"

	"recoverbot/handlers/alert"
	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/probe"
)

// retiredEvery is in how many rounds machines that were retired are asked: they should be off for good.
const retiredEvery = 10

// returned tells of retired machines that have come back: two machines may write then. One answer is certain enough.
func (w *Watcher) returned(ctx context.Context, cfg *fleet.Config) {
	w.rounds++
	if !w.cleared {
		w.cleared = w.clear(ctx, cfg)
	}
	if (w.rounds-1)%retiredEvery != 0 {
		return
	}
	asked := probe.Retired(cfg)
	if len(asked)+len(w.retired) == 0 {
		return
	}
	var findings []runbook.Finding
	if len(asked) > 0 {
		findings = w.Ask(ctx, asked)
	}
	if ctx.Err() != nil { // what was cut short proves nothing
		return
	}
	current := map[string]bool{}
	for _, f := range findings {
		current[f.Host] = true
		known := w.retired[f.Host]
		a := alert.Alert{Fingerprint: slug("returned-" + f.Host), Host: f.Host, Level: string(probe.Returned),
			Since: w.Now().UTC(), Findings: []runbook.Finding{f}, Vantage: []string{"bot"}}
		switch {
		case f.Up && (known == nil || !known.sent):
			known = &fired{}
			w.retired[f.Host] = known
			known.send(ctx, w, a)
		case !f.Up && (known == nil || known.sent): // once also after a restart: an earlier process may have fired it
			known = &fired{}
			if known.close(ctx, w, a) {
				w.retired[f.Host] = known
			}
		}
	}
	for name, known := range w.retired { // in service again
		last := known.last
		last.Closed = alert.Moved
		if !current[name] && (!known.sent || known.close(ctx, w, last)) {
			delete(w.retired, name)
		}
	}
}

// clear closes what an earlier process may have said of machines that were retired meanwhile.
func (w *Watcher) clear(ctx context.Context, cfg *fleet.Config) bool {
	ok := true
	for _, h := range cfg.Hosts {
		for _, r := range cfg.Watch.Roles {
			if h.Retired {
				a := alert.Alert{Fingerprint: fingerprint(r.Scenario, h.Name), Scenario: r.Scenario, Host: h.Name,
					Since: w.Now().UTC(), Closed: alert.Retired}
				ok = (&fired{}).close(ctx, w, a) && ok
			}
		}
	}
	return ok
}

// closed is why a host is not watched any more.
func closed(cfg *fleet.Config, host string) string {
	if len(gone(cfg, host)) > 0 {
		return alert.Retired
	}
	return alert.Moved
}

// gone are those of the hosts (names with ", " between) that are retired or no longer in fleet.yaml.
func gone(cfg *fleet.Config, hosts string) []string {
	var out []string
	for name := range strings.SplitSeq(hosts, ", ") {
		if h, ok := cfg.Host(name); !ok || h.Retired {
			out = append(out, name)
		}
	}
	return out
}
