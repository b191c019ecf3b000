// Package probe asks the fleet read-only questions, in parallel and with deadlines: for checks, guards, verification,
// diagnosis and the watcher. It changes nothing and decides nothing.
package probe

import (
	"context"
	"errors"
	"sync"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// DefaultTimeout is how long one try of a probe may take where the probe does not say.
const DefaultTimeout = 3 * time.Second

const dumpTimeout = 30 * time.Second

// Resolver finds the hosts that a reference of a probe means (action.Env.Hosts is one).
type Resolver func(refs ...string) ([]fleet.Host, error)

// kinds is the list of what can be asked.
var kinds = map[string]func(context.Context, *asking) answer{
	"silent":  silent,
	"tcp":     tcp,
	"ssh":     login,
	"http":    httpAnswer,
	"service": service,
	"mysql":   mysqlWritable,
	"redis":   redisWritable,
	"disk":    disk,
	"nginx":   nginx,
	"dump":    dump,
	"tls":     certificate,
	"name":    resolves,
	"domains": domains,
}

// Kinds lists the kinds of probes that exist.
func Kinds() []string {
	out := make([]string, 0, len(kinds))
	for k := range kinds {
		out = append(out, k)
	}
	return out
}

// asking is one probe of one host.
type asking struct {
	fleet   *fleet.Fleet
	resolve Resolver
	probe   runbook.Probe
	host    fleet.Host
}

// answer is what came of one try.
type answer struct {
	up   bool
	text runbook.Msg
}

func up(id string, pairs ...any) answer   { return answer{true, runbook.T(id, pairs...)} }
func down(id string, pairs ...any) answer { return answer{false, runbook.T(id, pairs...)} }

// Run asks all probes at once; a probe whose Host means several hosts gives a finding for each. The findings are in
// the order of the probes. A frozen host costs its probe's timeout (default 3 s), nobody else's. Since must be a time:
// whoever knows the run has put the start of a step in its place.
func Run(ctx context.Context, f *fleet.Fleet, resolve Resolver, probes []runbook.Probe) []runbook.Finding {
	found := make([][]runbook.Finding, len(probes))
	var wg sync.WaitGroup
	for i, p := range probes {
		hosts, err := hostsOf(f, resolve, p)
		if err == nil && kinds[p.Kind] == nil {
			err = runbook.Errorf(runbook.Invalid, "probe.unknown_kind", "kind", p.Kind)
		}
		if err != nil {
			nobody := errors.Is(err, errNoHost) && (p.Expect == "down" || p.Kind == "silent")
			found[i] = []runbook.Finding{{Probe: p, Host: p.Host, OK: nobody, Text: why(f, err)}}
			continue
		}
		found[i] = make([]runbook.Finding, len(hosts))
		for j, h := range hosts {
			wg.Go(func() {
				a := &asking{fleet: f, resolve: resolve, probe: p, host: h}
				found[i][j] = a.run(ctx)
			})
		}
	}
	wg.Wait()
	var out []runbook.Finding
	for _, fs := range found {
		out = append(out, fs...)
	}
	return out
}

// errNoHost is the cause of the error that a probe means no machine: none can be up there.
var errNoHost = errors.New("no host")

// hostsOf finds the hosts that a probe is about: its Host, or where its Database lives.
func hostsOf(f *fleet.Fleet, resolve Resolver, p runbook.Probe) ([]fleet.Host, error) {
	ref := p.Host
	if ref == "" {
		name := p.Database
		if name == "" && p.Kind == "domains" {
			name = f.Config().DomainList.Database
		}
		if d, ok := f.Config().Database(name); ok {
			ref = d.Host
		}
	}
	hosts, err := resolve(ref)
	if err == nil && len(hosts) == 0 {
		err = &runbook.Error{Code: runbook.NotFound, Msg: runbook.T("probe.no_host", "ref", ref), Err: errNoHost}
	}
	return hosts, err
}

// run tries until the probe holds for its rounds, or Within has passed.
func (a *asking) run(ctx context.Context) runbook.Finding {
	began := time.Now()
	rounds := max(a.probe.Rounds, 1)
	good := 0
	for {
		ans := a.once(ctx)
		ok := ans.up == (a.probe.Expect != "down")
		if a.probe.Kind == "silent" { // it expects silence
			ok = !ok
		}
		if ok {
			good++
		} else {
			good = 0
		}
		over := ctx.Err() != nil || (!ok && time.Since(began) >= time.Duration(a.probe.Within))
		if good >= rounds || over {
			return runbook.Finding{Probe: a.probe, Host: a.host.Name, OK: good >= rounds, Up: ans.up,
				Text: ans.text, Took: time.Since(began)}
		}
		pause(ctx, 500*time.Millisecond)
	}
}

// once is one try, bounded by the probe's timeout whatever the kind does.
func (a *asking) once(ctx context.Context) answer {
	timeout := time.Duration(a.probe.Timeout)
	if timeout <= 0 {
		timeout = DefaultTimeout
		if a.probe.Kind == "dump" { // a compressed one is unpacked to see its end
			timeout = dumpTimeout
		}
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return kinds[a.probe.Kind](ctx, a)
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
