package fleet

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// RehearsalScenario is the scenario that a schedule starts.
const RehearsalScenario = "rehearse-restore"

// Rehearsal is when a restore is rehearsed by itself, and who approves that once for all times.
type Rehearsal struct {
	At         string   `yaml:"at,omitempty"`          // "05:00", in the bot's time zone
	Days       []string `yaml:"days,omitempty"`        // mon … sun; default every day
	Database   string   `yaml:"database,omitempty"`    // default speed
	ApprovedBy []string `yaml:"approved_by,omitempty"` // people: as many as a step needs approvals
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func validateRehearsal(c *Config, d *decoder) {
	r := c.Rehearsal
	if r.At == "" {
		if d.at["rehearsal:"] != nil {
			d.wrong("rehearsal", "restore.rehearsal_at")
		}
		return
	}
	if _, err := time.Parse("15:04", r.At); err != nil {
		d.wrong("rehearsal.at", "blackbox.bad_time", "text", r.At)
	}
	if len(r.Days) == 0 && d.at["rehearsal.days:"] != nil {
		d.wrong("rehearsal.days", "restore.no_days")
	}
	for i, day := range r.Days {
		at := fmt.Sprintf("rehearsal.days[%d]", i)
		switch {
		case !slices.Contains(weekdays, day):
			d.wrong(at, "restore.bad_day", "text", day, "known", strings.Join(weekdays, ", "))
		case slices.Contains(r.Days[:i], day):
			d.wrong(at, "fleet.config_twice", "what", day)
		}
	}
	if r.Database != "" {
		if _, ok := c.Database(r.Database); !ok {
			d.wrong("rehearsal.database", "restore.unknown_database", "name", r.Database)
		}
	}
	seen := map[string]bool{}
	for i, name := range r.ApprovedBy {
		at := fmt.Sprintf("rehearsal.approved_by[%d]", i)
		p, ok := c.Person(name)
		switch {
		case !ok:
			d.wrong(at, "fleet.config_unknown_person", "name", name)
		case seen[name]:
			d.wrong(at, "fleet.config_twice", "what", name)
		case !slices.Contains(p.Roles, "approver") && !slices.Contains(p.Roles, "danger"):
			d.wrong(at, "restore.no_approver", "name", name)
		}
		seen[name] = true
	}
	if need := c.Policy.Needs(RehearsalScenario); len(seen) < need {
		d.wrong("rehearsal", "restore.standing_approval", "need", need)
	}
}

// Last is the newest time at or before now at which a rehearsal was due, in the zone of now; zero: none ever is.
func (r Rehearsal) Last(now time.Time) time.Time {
	if r.At == "" {
		return time.Time{}
	}
	t := lastAt(r.At, now)
	for range weekdays {
		if len(r.Days) == 0 || slices.Contains(r.Days, weekdays[t.Weekday()]) {
			return t
		}
		t = lastAt(r.At, t.Add(-time.Minute))
	}
	return time.Time{}
}

// lastAt is the newest time at or before now whose clock shows "15:04", in the zone of now.
func lastAt(clock string, now time.Time) time.Time {
	at, err := time.Parse("15:04", clock)
	if err != nil { // only in a Config that was not validated
		return now
	}
	t := time.Date(now.Year(), now.Month(), now.Day(), at.Hour(), at.Minute(), 0, 0, now.Location())
	if t.After(now) {
		t = time.Date(now.Year(), now.Month(), now.Day()-1, at.Hour(), at.Minute(), 0, 0, now.Location())
	}
	return t
}
