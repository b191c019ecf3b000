package watch

import (
	"strings"
	"testing"

	"recoverbot/runbook/fleet"
)

// The sink is told in each round what is well: at once after the start, not at the first doubt, and not before what was
// down is up for certain.
func TestTheSinkIsToldWhatIsWell(t *testing.T) {
	t.Parallel()
	v := newWorld()
	var well []string
	v.w.Well = func(hosts []string) { well = append(well, strings.Join(hosts, ",")) }
	v.rounds(t, 4)
	v.set(true, "service primary")
	v.rounds(t, 4)
	v.set(false, "service primary")
	v.rounds(t, 3)
	v.cfg.Watch.Roles = append(v.cfg.Watch.Roles, fleet.WatchRole{Role: "primary", Scenario: "other", Probes: nil})
	v.set(true, "ssh standby")
	v.rounds(t, 1)
	v.retire("primary")
	v.rounds(t, 1)
	both, standby := "primary,standby", "standby"
	want(t, well, both, both, both, both, standby, standby, standby, standby, standby, standby, both, "primary", "")
}
