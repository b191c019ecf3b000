package blackbox

import (
	"context"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"recoverbot/runbook/fleet"
)

// scene is a keeper whose clock goes on by what it waits.
type scene struct {
	*Keeper
	now   time.Time
	taken []time.Time
	hosts []fleet.Host
	empty bool // no host can be read
	busy  bool
	until time.Time
	stop  context.CancelFunc
}

func newScene(t *testing.T, dir string, now time.Time) *scene {
	s := &scene{now: now}
	s.Keeper = &Keeper{
		Store: open(t, dir, ""), Zone: time.UTC, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Config: func() *fleet.Config {
			return &fleet.Config{Hosts: s.hosts, BlackBox: fleet.BlackBox{At: "04:30", Keep: 14}}
		},
		Busy: func(context.Context) (bool, error) { return s.busy, nil },
		Now:  func() time.Time { return s.now },
		After: func(d time.Duration) <-chan time.Time {
			c := make(chan time.Time, 1)
			if s.now = s.now.Add(d); s.now.After(s.until) {
				s.stop()
				return nil
			}
			c <- s.now
			return c
		},
		Collect: func(context.Context) Snapshot {
			s.taken = append(s.taken, s.now)
			if s.empty {
				return Snapshot{At: s.now}
			}
			return Snapshot{At: s.now, Machines: Machines(s.Config()), Hosts: map[string]*Host{"a": {At: s.now}}}
		},
	}
	return s
}

// play lets the keeper live for a time, and returns when it took.
func (s *scene) play(t *testing.T, d time.Duration) []time.Time {
	t.Helper()
	var ctx context.Context
	ctx, s.stop = context.WithCancel(t.Context())
	s.until, s.taken = s.now.Add(d), nil
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return s.taken
}

func TestOnceADay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, time.UTC) }
	s := newScene(t, dir, at(10, 12, 0))
	got := s.play(t, 3*24*time.Hour)
	if len(got) != 4 || !got[0].Equal(at(10, 12, 0).Add(startDelay)) {
		t.Fatalf("taken %v", got)
	}
	for i, x := range got[1:] {
		if d := x.Sub(at(11+i, 4, 30)); d < 0 || d > lookEvery {
			t.Errorf("taken %v", x)
		}
	}
	// A restart neither repeats the day nor skips the one that it slept through.
	if got := newScene(t, dir, at(13, 13, 0)).play(t, 5*time.Minute); len(got) != 0 {
		t.Errorf("repeated: %v", got)
	}
	s = newScene(t, dir, at(14, 9, 0))
	s.busy = true
	if got := s.play(t, time.Hour); len(got) != 0 {
		t.Errorf("taken during a run: %v", got)
	}
	s.busy = false
	if got := s.play(t, time.Hour); len(got) != 1 || got[0].Sub(at(14, 10, 0)) > 5*time.Minute {
		t.Errorf("not caught up: %v", got)
	}
	// Nothing can be read: no snapshot, once an hour.
	s.now, s.empty = at(15, 4, 29), true
	if got := s.play(t, 5*time.Hour); len(got) != 5 {
		t.Errorf("retried: %v", got)
	}
	if newest, ok := s.Store.Newest(s.now); !ok || newest.Day() != 14 {
		t.Errorf("newest: %v", newest)
	}
	s.empty = false
	if got := s.play(t, time.Hour); len(got) != 1 {
		t.Errorf("not taken after all: %v", got)
	}
	// A clock that was ahead does not keep the box from filling.
	s = newScene(t, dir, at(1, 9, 0))
	if got := s.play(t, 5*time.Minute); len(got) != 1 {
		t.Errorf("snapshots of the future: %v", got)
	}
	s = newScene(t, dir, at(20, 9, 0))
	s.Config = func() *fleet.Config { return &fleet.Config{BlackBox: fleet.BlackBox{Off: true, At: "04:30"}} }
	if got := s.play(t, 48*time.Hour); len(got) != 0 {
		t.Errorf("taken though switched off: %v", got)
	}
	if entries, err := os.ReadDir(s.Store.dir); err != nil || len(entries) == 0 {
		t.Errorf("%v %v", entries, err)
	}
}

// Other machines or roles are copied soon, but not while a run is open, and once.
func TestAfterAChangeOfRoles(t *testing.T) {
	t.Parallel()
	a, b := fleet.Host{Name: "a", Address: "192.0.2.1", Roles: []string{"primary"}}, fleet.Host{Name: "b", Address: "192.0.2.2", Roles: []string{"standby", "backup"}}
	s := newScene(t, t.TempDir(), time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC))
	s.hosts = []fleet.Host{a, b}
	if got := s.play(t, time.Hour); len(got) != 1 {
		t.Fatalf("taken %v", got)
	}
	s.hosts = []fleet.Host{{Name: "b", Address: "192.0.2.2", Roles: []string{"backup", "standby"}}, a, {Name: "c", Roles: []string{"spare"}}, {Name: "d", Retired: true}}
	if got := s.play(t, time.Hour); len(got) != 0 {
		t.Errorf("taken though the machines are the same: %v", got)
	}
	a.Retired, b.Roles = true, []string{"primary"}
	s.hosts, s.busy = []fleet.Host{a, b}, true
	if got := s.play(t, time.Hour); len(got) != 0 {
		t.Errorf("taken during a run: %v", got)
	}
	s.busy = false
	from := s.now
	if got := s.play(t, time.Hour); len(got) != 1 || got[0].Sub(from) > 2*time.Minute {
		t.Errorf("not taken soon and once: %v", got)
	}
	b.Address = "192.0.2.9"
	s.hosts, s.empty = []fleet.Host{b}, true
	if got := s.play(t, 3*time.Hour); len(got) != 3 {
		t.Errorf("machines that cannot be read are tried once an hour: %v", got)
	}
}
