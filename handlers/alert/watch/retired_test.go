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

func TestARetiredMachineThatComesBack(t *testing.T) {
	t.Parallel()
	v := newWorld()
	v.rounds(t, 3)
	v.set(true, deadPrimary...)
	v.rounds(t, 3)
	v.retire("primary")
	want(t, v.rounds(t, 20), "returned-primary resolved", "watch-primary-primary closed retired") // told once, for an earlier process
	v.set(false, deadPrimary...)
	want(t, v.rounds(t, 30), "returned-primary returned from bot")
	if got := v.alerts[0]; got.Scenario != "" || got.Findings[0].Probe.Name != "writers" {
		t.Errorf("alert %+v", got)
	}
	v.set(true, deadPrimary...)
	want(t, v.rounds(t, 30), "returned-primary resolved")
	v.set(false, deadPrimary...)
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
	v.retire("primary")
	want(t, v.rounds(t, 1), "returned-primary resolved", "watch-primary-primary closed retired", "watch-standby-primary closed retired")
	want(t, v.rounds(t, 1))
}
