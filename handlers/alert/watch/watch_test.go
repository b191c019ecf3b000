package watch

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"recoverbot/handlers/alert"
	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is what the fake probes see: "kind host" (with "<from" for another vantage point) is down.
type world struct {
	cfg     *fleet.Config
	down    map[string]bool
	says    map[string]string        // message id of a failed answer
	took    map[string]time.Duration // of an answer
	hangs   map[string]chan struct{} // host → its questions are answered when this is closed
	left    []string
	now     time.Time
	alerts  []alert.Alert
	batches int
	refuse  error
	w       *Watcher
}

func (v *world) Alerts(_ context.Context, batch []alert.Alert) error {
	if v.refuse == nil {
		v.alerts = append(v.alerts, batch...)
		v.batches++
	}
	return v.refuse
}

func (v *world) ask(ctx context.Context, probes []runbook.Probe) []runbook.Finding {
	var out []runbook.Finding
	for _, p := range probes {
		if hang := v.hangs[p.Host]; hang != nil {
			select {
			case <-hang:
			case <-ctx.Done():
			}
		}
		key := p.Kind + " " + p.Host
		if p.From != "" {
			key += "<" + p.From
		}
		if p.Name != "" {
			key += "=" + p.Name
		}
		up := !v.down[key]
		f := runbook.Finding{Probe: p, Host: p.Host, Up: up, OK: up, Took: v.took[key]}
		if !up {
			f.Text = runbook.T(v.says[key])
		}
		out = append(out, f)
	}
	return out
}

func newWorld() *world {
	v := &world{down: map[string]bool{}, says: map[string]string{}, took: map[string]time.Duration{}, hangs: map[string]chan struct{}{}, now: time.Date(2026, 11, 23, 3, 11, 40, 0, time.UTC)}
	v.cfg = &fleet.Config{
		Hosts: []fleet.Host{{Name: "primary", Address: "192.0.2.21", Roles: []string{"primary"}},
			{Name: "standby", Address: "192.0.2.22", Roles: []string{"standby"}}, {Name: "nginx1", Address: "192.0.2.11", Roles: []string{"nginx"}}},
		Databases: []fleet.Database{{Name: "speed"}},
		Services:  []fleet.Service{{Name: "go-api", On: []string{"primary", "standby"}, Health: fleet.Health{Port: 8080}}},
		Watch: fleet.Watch{Every: runbook.Duration(10 * time.Second), Failures: 3, From: []string{"nginx"},
			Roles: []fleet.WatchRole{{Role: "primary", Scenario: "primary"}, {Role: "standby", Scenario: "standby"}}},
	}
	v.w = NewWith(Options{Config: func() *fleet.Config { return v.cfg }, Ask: v.ask, Sink: v, Now: func() time.Time { return v.now },
		Left: func(context.Context) []string { return v.left }})
	return v
}

func (v *world) set(down bool, keys ...string) {
	for _, key := range keys {
		v.down[key] = down
	}
}

// rounds runs n rounds and returns what the sink was told, in short.
func (v *world) rounds(t *testing.T, n int) []string {
	t.Helper()
	v.alerts = nil
	for range n {
		v.w.Round(t.Context())
		v.now = v.now.Add(10 * time.Second)
	}
	var out []string
	for _, a := range v.alerts {
		s := a.Fingerprint + " " + a.Level
		if a.Resolved {
			s = a.Fingerprint + " resolved"
			if a.Closed != "" {
				s = a.Fingerprint + " closed " + a.Closed
			}
		}
		if a.Scenario == "" && a.Level != "returned" && !a.Resolved {
			s += " (shown)"
		}
		if len(a.Vantage) > 0 && !a.Resolved {
			s += " from " + strings.Join(a.Vantage, ",")
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

func want(t *testing.T, got []string, lines ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string(nil), lines...), got); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
}

var deadPrimary = []string{"silent primary", "ssh primary", "mysql primary", "redis primary", "service primary", "silent primary<nginx1"}

func TestFiresAfterFailuresInARow(t *testing.T) {
	t.Parallel()
	v := newWorld()
	v.set(true, deadPrimary...)
	want(t, v.rounds(t, 2))
	v.set(false, deadPrimary...)
	want(t, v.rounds(t, 1), "watch-standby-standby resolved") // told once at the start: an earlier process may have fired
	v.set(true, deadPrimary...)
	began := v.now
	want(t, v.rounds(t, 3), "watch-primary-primary silent from bot,nginx1")
	if got := v.alerts[0]; !got.Since.Equal(began) || got.Host != "primary" || got.Source != "watch" || len(got.Findings) != 5 {
		t.Errorf("alert %+v", got)
	}
	want(t, v.rounds(t, 5))
	v.set(false, deadPrimary...)
	want(t, v.rounds(t, 2))
	want(t, v.rounds(t, 1), "watch-primary-primary resolved")
	want(t, v.rounds(t, 5))
}

func TestSecondVantagePoint(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		down []string
		want []string
	}{
		"answers there": {[]string{"silent primary", "mysql primary"}, []string{"watch-primary-primary cut_off (shown) from nginx1"}},
		"dead from both": {[]string{"silent primary", "mysql primary", "silent primary<nginx1"},
			[]string{"watch-primary-primary silent from bot,nginx1"}},
		"the other is dead itself": {[]string{"silent primary", "mysql primary", "ssh nginx1", "silent primary<nginx1"},
			[]string{"watch-primary-primary silent from bot"}},
		"found by logging in": {[]string{"mysql primary", "service primary"}, []string{"watch-primary-primary ssh from bot"}},
		"a service alone":     {[]string{"service primary"}, []string{"watch-primary-primary service_down from bot"}},
		"no log-in, yet its services answer": {[]string{"ssh primary", "mysql primary", "redis primary", "service primary"},
			[]string{"watch-primary-primary no_login (shown) from bot"}},
		"no log-in, and nginx1 gets no answer": {[]string{"ssh primary", "mysql primary", "redis primary", "service primary", "http primary<nginx1"},
			[]string{"watch-primary-primary no_login from bot,nginx1"}},
		"no log-in anywhere": {[]string{"ssh primary", "mysql primary", "service primary", "ssh nginx1", "http primary<nginx1"},
			[]string{"watch-primary-primary no_login (shown) from bot"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newWorld()
			want(t, v.rounds(t, 3), "watch-primary-primary resolved", "watch-standby-standby resolved")
			v.set(true, c.down...)
			want(t, v.rounds(t, 6), c.want...)
			if name == "the other is dead itself" {
				last := v.alerts[0].Findings
				if f := last[len(last)-1]; f.Text.ID != "watch.bot_only" || f.Host != "nginx1" {
					t.Errorf("does not say that it is seen from the bot only: %+v", f)
				}
			}
		})
	}
}

func TestLevelChangeIsToldOnce(t *testing.T) {
	t.Parallel()
	v := newWorld()
	v.rounds(t, 3)
	v.set(true, "service primary")
	want(t, v.rounds(t, 4), "watch-primary-primary service_down from bot")
	v.set(true, deadPrimary...)
	want(t, v.rounds(t, 4), "watch-primary-primary silent from bot")
}

func TestSinkThatCannotStoreIsToldAgain(t *testing.T) {
	t.Parallel()
	v := newWorld()
	v.rounds(t, 3)
	v.set(true, deadPrimary...)
	v.refuse = errors.New("disk full")
	want(t, v.rounds(t, 4))
	v.refuse = nil
	want(t, v.rounds(t, 2), "watch-primary-primary silent from bot,nginx1")
	v.set(false, deadPrimary...)
	v.refuse = errors.New("disk full")
	want(t, v.rounds(t, 4))
	v.refuse = nil
	want(t, v.rounds(t, 2), "watch-primary-primary resolved")
}

func TestRolesMove(t *testing.T) {
	t.Parallel()
	v := newWorld()
	v.rounds(t, 3)
	v.set(true, deadPrimary...)
	v.set(true, writersOf...)
	v.rounds(t, 3)
	moved := *v.cfg
	moved.Hosts = []fleet.Host{{Name: "primary", Address: "192.0.2.21", Retired: true}, {Name: "standby", Address: "192.0.2.22", Roles: []string{"primary"}}, v.cfg.Hosts[2]}
	v.cfg = &moved
	want(t, v.rounds(t, 1), "watch-primary-primary closed retired")
	want(t, v.rounds(t, 3), "returned-primary resolved", "watch-primary-standby resolved")
	off := *v.cfg
	off.Watch = fleet.Watch{}
	v.cfg = &off
	want(t, v.rounds(t, 3))
}

func TestRunStopsWithItsContext(t *testing.T) {
	t.Parallel()
	v := newWorld()
	ctx, cancel := context.WithCancel(t.Context())
	ticks := make(chan time.Time) // of both the next round, and the end of patience
	v.w.Wait = func(d time.Duration) <-chan time.Time {
		if d != 10*time.Second {
			t.Errorf("waits %s", d)
		}
		return ticks
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		v.w.Run(ctx)
	}()
	ticks <- v.now
	ticks <- v.now
	cancel()
	<-done
}
