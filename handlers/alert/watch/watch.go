// Package watch is the alert source that needs nobody else: the bot's own probes of what fleet.yaml's `watch` names,
// from the bot and from a second vantage point. It reports what it sees and starts nothing.
package watch

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"recoverbot/handlers/alert"
	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/probe"
)

const (
	defaultEvery    = 10 * time.Second
	defaultFailures = 3
	// roundWithin bounds one round, whatever its probes say about their own time.
	roundWithin = 30 * time.Second
)

// Options are what a Watcher needs. Sink, Config and Ask are required; the rest has defaults.
type Options struct {
	Config func() *fleet.Config
	// Ask answers probes whose Host and From are names of hosts, at once.
	Ask  func(ctx context.Context, probes []runbook.Probe) []runbook.Finding
	Sink alert.Sink
	Now  func() time.Time                       // default time.Now
	Wait func(d time.Duration) <-chan time.Time // default time.After
	Log  *slog.Logger
}

// Watcher asks in rounds. Run it once; it is not safe for concurrent use.
type Watcher struct {
	Options
	hosts map[string]*watched // by fingerprint
	wide  map[string]*fired
	// retired are the machines that were retired, by name: what the sink was told of their coming back.
	retired map[string]*fired
	rounds  int
	cleared bool // what an earlier process said of machines that are retired now is closed
}

// New returns a watcher of a fleet.
func New(f *fleet.Fleet, sink alert.Sink, log *slog.Logger) *Watcher {
	resolve := func(refs ...string) ([]fleet.Host, error) { return hostsOf(f.Config(), refs), nil }
	return NewWith(Options{Config: f.Config, Sink: sink, Log: log,
		Ask: func(ctx context.Context, probes []runbook.Probe) []runbook.Finding {
			return probe.Run(ctx, f, resolve, probes)
		}})
}

// NewWith returns a watcher with its ports given, as tests do.
func NewWith(o Options) *Watcher {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wait == nil {
		o.Wait = time.After
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Watcher{Options: o, hosts: map[string]*watched{}, wide: map[string]*fired{}, retired: map[string]*fired{}}
}

// Run asks until ctx ends. A fleet.yaml that watches nothing is looked at again each time: it may be reloaded.
func (w *Watcher) Run(ctx context.Context) {
	for ctx.Err() == nil {
		w.Round(ctx)
		every := time.Duration(w.Config().Watch.Every)
		if every <= 0 {
			every = defaultEvery
		}
		select {
		case <-ctx.Done():
		case <-w.Wait(every):
		}
	}
}

// watched is one host in one of its roles.
type watched struct {
	host     fleet.Host
	role     string
	scenario string
	bad      int // rounds in a row
	good     int
	since    time.Time // first round of bad
	findings []runbook.Finding
	vantage  []string
	down     bool // confirmed
	fired
}

// fired is what the sink was told last.
type fired struct {
	sent  bool
	level string
	last  alert.Alert
}

// Round asks everything once and tells the sink what has changed.
func (w *Watcher) Round(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, roundWithin)
	defer cancel()
	cfg := w.Config()
	failures := cfg.Watch.Failures
	if failures <= 0 {
		failures = defaultFailures
	}
	list := w.list(cfg)
	w.returned(ctx, cfg)
	if !w.ask(ctx, cfg, list) {
		return
	}
	now := w.Now().UTC()
	for _, h := range list {
		h.count(now)
	}
	w.confirm(ctx, cfg, list, failures)
	for _, h := range list {
		if h.good >= failures {
			h.down = false
		}
	}
	w.tell(ctx, cfg, list, failures)
}

// list is what fleet.yaml watches now; what it no longer watches is closed by tell.
func (w *Watcher) list(cfg *fleet.Config) []*watched {
	var list []*watched
	for _, r := range cfg.Watch.Roles {
		hosts := cfg.WithRole(r.Role)
		if h, ok := cfg.Host(r.Role); ok && len(hosts) == 0 && !h.Retired {
			hosts = []fleet.Host{h}
		}
		for _, h := range hosts {
			f := fingerprint(r.Scenario, h.Name)
			known := w.hosts[f]
			if known == nil {
				known = &watched{}
				w.hosts[f] = known
			}
			known.host, known.role, known.scenario = h, r.Role, r.Scenario
			if !slices.Contains(list, known) {
				list = append(list, known)
			}
		}
	}
	return list
}

// count takes a round's findings into the counts.
func (h *watched) count(now time.Time) {
	if slices.ContainsFunc(h.findings, func(f runbook.Finding) bool { return !f.OK }) {
		if h.bad == 0 && !h.down {
			h.since = now
		}
		h.bad, h.good = h.bad+1, 0
		return
	}
	h.bad, h.good = 0, h.good+1
}

// fingerprint is stable for a host and a scenario.
func fingerprint(scenario, host string) string { return slug("watch-" + scenario + "-" + host) }

func slug(s string) string {
	text := []byte(s)
	for i, c := range text {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-':
		case c >= 'A' && c <= 'Z':
			text[i] = c + 'a' - 'A'
		default:
			text[i] = '-'
		}
	}
	return string(text)
}
