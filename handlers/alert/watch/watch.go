// Package watch is the alert source that needs nobody else: the bot's own probes of what fleet.yaml's `watch` names,
// from the bot and from second vantage points. It reports what it sees and starts nothing.
package watch

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"recoverbot/handlers/alert"
	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/probe"
)

const (
	defaultEvery    = 10 * time.Second
	defaultFailures = 3
	// askWithin bounds the questions to one host, whatever its probes say about their own time.
	askWithin = 30 * time.Second
)

// Options are what a Watcher needs. Sink, Config and Ask are required; the rest has defaults.
type Options struct {
	Config func() *fleet.Config
	// Ask answers probes whose Host and From are names of hosts, at once.
	Ask  func(ctx context.Context, probes []runbook.Probe) []runbook.Finding
	Sink alert.Sink
	// Left names the hosts in service whose place another machine has taken: they must not write again. nil: none.
	Left func(ctx context.Context) []string
	// Well is told in each round which hosts of fleet.yaml's `watch` are seen well. nil: nobody asks.
	Well func(hosts []string)
	Now  func() time.Time                       // default time.Now
	Wait func(d time.Duration) <-chan time.Time // default time.After
	Log  *slog.Logger
}

// Watcher asks in rounds. Run it once; it is not safe for concurrent use.
type Watcher struct {
	Options
	hosts   map[string]*watched  // by fingerprint
	gone    map[string]*returner // machines that should be off, by name
	rounds  int
	cleared bool // what an earlier process said of machines that are retired now is closed
	asking  sync.WaitGroup
}

// New returns a watcher of a fleet. A sink that knows what Options.Left asks is asked, and one that wants to know what
// Options.Well tells is told.
func New(f *fleet.Fleet, sink alert.Sink, log *slog.Logger) *Watcher {
	o := Options{Config: f.Config, Sink: sink, Log: log,
		Ask: func(ctx context.Context, probes []runbook.Probe) []runbook.Finding {
			return probe.Run(ctx, f, probe.ByName(f.Config()), probes)
		}}
	if s, ok := sink.(interface {
		Left(ctx context.Context) []string
	}); ok {
		o.Left = s.Left
	}
	if s, ok := sink.(interface{ Well(hosts []string) }); ok {
		o.Well = s.Well
	}
	return NewWith(o)
}

// NewWith returns a watcher with its ports given, as tests do.
func NewWith(o Options) *Watcher {
	if o.Left == nil {
		o.Left = func(context.Context) []string { return nil }
	}
	if o.Well == nil {
		o.Well = func([]string) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wait == nil {
		o.Wait = time.After
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Watcher{Options: o, hosts: map[string]*watched{}, gone: map[string]*returner{}}
}

// Run asks until ctx ends. A fleet.yaml that watches nothing is looked at again each time: it may be reloaded.
func (w *Watcher) Run(ctx context.Context) {
	defer w.asking.Wait()
	for ctx.Err() == nil {
		next := w.Wait(w.every())
		w.Round(ctx)
		select {
		case <-ctx.Done():
		case <-next:
		}
	}
}

func (w *Watcher) every() time.Duration {
	if every := time.Duration(w.Config().Watch.Every); every > 0 {
		return every
	}
	return defaultEvery
}

// Round asks everything that is not being asked still, and tells the sink what has changed. It waits for answers no
// longer than until the next round is due: a host that hangs is counted when its answer is there, and keeps up nobody.
func (w *Watcher) Round(ctx context.Context) {
	cfg := w.Config()
	failures := cfg.Watch.Failures
	if failures <= 0 {
		failures = defaultFailures
	}
	list := w.list(cfg)
	for _, h := range list {
		w.ask(ctx, cfg, h, failures)
	}
	w.askGone(ctx, cfg)
	w.collect(ctx, list)
	if ctx.Err() != nil {
		return
	}
	now := w.Now().UTC()
	excused := primaryFails(list)
	for _, h := range list {
		h.count(now, failures, excused)
	}
	w.tell(ctx, cfg, list, failures)
	w.Well(wellOf(list, failures))
}

// collect waits for answers.
func (w *Watcher) collect(ctx context.Context, list []*watched) {
	late := w.Wait(w.every())
	over := false
	for _, h := range list {
		h.answer, h.fresh = receive(ctx, &h.pending, late, &over)
	}
	for _, g := range w.gone {
		if found, ok := receive(ctx, &g.pending, late, &over); ok {
			g.count(found)
		}
	}
	w.rounds++
}

// receive takes what a host answered, as long as it is not late.
func receive[T any](ctx context.Context, pending *chan T, late <-chan time.Time, over *bool) (answer T, ok bool) {
	if *pending == nil {
		return answer, false
	}
	select {
	case answer, ok = <-*pending:
		*pending = nil
		return answer, ok
	default:
	}
	if *over {
		return answer, false
	}
	select {
	case answer, ok = <-*pending:
		*pending = nil
	case <-late:
		*over = true
	case <-ctx.Done():
		*over = true
	}
	return answer, ok
}

// begin asks in the background; what was cut short is no answer.
func begin[T any](ctx context.Context, w *Watcher, pending *chan T, ask func(context.Context) T) {
	if *pending != nil {
		return
	}
	c := make(chan T, 1)
	*pending = c
	w.asking.Go(func() {
		defer close(c)
		ctx, cancel := context.WithTimeout(ctx, askWithin)
		defer cancel()
		if found := ask(ctx); ctx.Err() == nil {
			c <- found
		}
	})
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
			f := fingerprint(r, h.Name)
			known := w.hosts[f]
			if known == nil {
				known = &watched{}
				w.hosts[f] = known
			}
			known.host, known.watch = h, r
			if !slices.Contains(list, known) {
				list = append(list, known)
			}
		}
	}
	return list
}

// fingerprint is stable for a host and a scenario, or for a host and a role where no scenario is called for.
func fingerprint(r fleet.WatchRole, host string) string {
	return slug("watch-" + cmp.Or(r.Scenario, r.Role) + "-" + host)
}

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
