package watch

import (
	"testing"

	"recoverbot/runbook/fleet"
)

func (v *world) retire(name string) {
	moved := *v.cfg
	moved.Hosts = append([]fleet.Host(nil), v.cfg.Hosts...)
	for i := range moved.Hosts {
		if moved.Hosts[i].Name == name {
			moved.Hosts[i].Roles, moved.Hosts[i].Retired = nil, true
		}
	}
	v.cfg = &moved
}

// writersOf is all that could write on the primary.
var writersOf = []string{"silent primary=writers", "silent primary<nginx1=writers", "mysql primary", "redis primary", "service primary"}

func TestARetiredMachineThatComesBack(t *testing.T) {
	t.Parallel()
	v := newWorld()
	v.rounds(t, 3)
	v.set(true, deadPrimary...)
	v.set(true, writersOf...)
	v.rounds(t, 3)
	v.retire("primary")
	want(t, v.rounds(t, 20), "returned-primary resolved", "watch-primary-primary closed retired") // told once, for an earlier process
	v.set(false, "silent primary=writers", "mysql primary")
	want(t, v.rounds(t, 10), "returned-primary returned from bot")
	if got := v.alerts[0]; got.Scenario != "" || len(got.Findings) != 2 || got.Findings[0].Probe.Name != "writers" {
		t.Errorf("alert %+v", got)
	}
	v.set(false, "redis primary")
	want(t, v.rounds(t, 1), "returned-primary returned from bot") // more answers there: the card says so
	v.set(true, writersOf...)
	want(t, v.rounds(t, 2))
	want(t, v.rounds(t, 30), "returned-primary resolved")
	v.set(false, "mysql primary")
	v.rounds(t, 10)
	back := *v.cfg
	back.Hosts = append([]fleet.Host{{Name: "new", Address: "192.0.2.21"}}, v.cfg.Hosts...) // its address belongs to another machine now
	v.cfg = &back
	want(t, v.rounds(t, 10), "returned-primary closed moved")
}

func TestARestartClosesWhatWasRetiredMeanwhile(t *testing.T) {
	t.Parallel()
	v := newWorld()
	v.set(true, deadPrimary...)
	v.set(true, writersOf...)
	v.retire("primary")
	want(t, v.rounds(t, 1), "watch-primary-primary closed retired", "watch-standby-primary closed retired")
	want(t, v.rounds(t, 2), "returned-primary resolved", "watch-standby-standby resolved")
	want(t, v.rounds(t, 30))
}

// A run has given the primary's place away: the first word of it is told, though its own alert goes on as before, and
// also where only users can reach it.
func TestAPrimaryThatWasLeftComesBack(t *testing.T) {
	t.Parallel()
	v := newWorld()
	v.set(true, deadPrimary...)
	v.set(true, writersOf...)
	v.rounds(t, 3)
	v.left = []string{"primary"}
	want(t, v.rounds(t, 10), "returned-primary resolved")
	v.set(false, "silent primary<nginx1=writers")
	want(t, v.rounds(t, 5), "returned-primary returned from nginx1")
	v.set(true, "silent primary<nginx1=writers")
	want(t, v.rounds(t, 2))
	want(t, v.rounds(t, 1), "returned-primary resolved")
	v.set(false, "mysql primary", "silent primary")
	want(t, v.rounds(t, 1), "returned-primary returned from bot", "watch-primary-primary no_login from bot,nginx1")
	v.left = nil
	want(t, v.rounds(t, 1), "returned-primary closed moved")
}
