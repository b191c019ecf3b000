package fleet

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestRehearsalConfig(t *testing.T) {
	t.Parallel()
	parse := func(text string) (*Config, error) {
		return ParseConfig("fleet.yaml", []byte("hosts: [{name: a, address: 192.0.2.1}]\ndatabases: [{name: speed}]\n"+
			"people: [{name: p, roles: [approver]}, {name: q, roles: [danger]}, {name: guest}]\n"+text), func(string) string { return "" })
	}
	for _, good := range []string{"", "rehearsal: {at: \"05:00\", days: [sun, wed], database: speed, approved_by: [p]}", "policy: {approvals: 2}\nrehearsal: {at: \"05:00\", approved_by: [p, q]}"} {
		if _, err := parse(good + "\n"); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for text, want := range map[string]string{
		"rehearsal: {at: \"25:00\", approved_by: [p]}":                            "blackbox.bad_time",
		"rehearsal: {at: \"05:00\", days: [sunday], approved_by: [p]}":            "restore.bad_day",
		"rehearsal: {at: \"05:00\", database: other, approved_by: [p]}":           "restore.unknown_database",
		"rehearsal: {at: \"05:00\"}":                                              "restore.standing_approval",
		"rehearsal: {at: \"05:00\", approved_by: [nobody, p]}":                    "fleet.config_unknown_person",
		"rehearsal: {at: \"05:00\", approved_by: [guest]}":                        "restore.no_approver",
		"policy: {approvals: 2}\nrehearsal: {at: \"05:00\", approved_by: [p]}":    "restore.standing_approval",
		"policy: {approvals: 2}\nrehearsal: {at: \"05:00\", approved_by: [p, p]}": "restore.standing_approval fleet.config_twice",
		"rehearsal: {approved_by: [p]}":                                           "restore.rehearsal_at",
		"rehearsal: {at: \"\"}":                                                   "restore.rehearsal_at",
		"rehearsal: {}":                                                           "restore.rehearsal_at",
		"rehearsal:":                                                              "restore.rehearsal_at",
		"rehearsal: {at: \"05:00\", days: [], approved_by: [p]}":                  "restore.no_days",
		"rehearsal: {at: \"05:00\", days: , approved_by: [p]}":                    "restore.no_days",
		"rehearsal: {at: \"05:00\", days: [sun, mon, sun], approved_by: [p]}":     "fleet.config_twice",
		"rehearsal: {at: \"05:00\", approved_by: [p], every: 1d}":                 "fleet.config_unknown_key",
	} {
		var bad *ConfigError
		_, err := parse(text + "\n")
		if !errors.As(err, &bad) {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var ids []string
		for _, p := range bad.Problems {
			ids = append(ids, p.Msg.ID)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestRehearsalLast(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 4, 59, 0, 0, time.UTC) // a Monday
	for days, want := range map[string]time.Time{
		"":        time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC),
		"mon":     time.Date(2026, 11, 16, 5, 0, 0, 0, time.UTC),
		"sat,wed": time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC),
	} {
		r := Rehearsal{At: "05:00"}
		if days != "" {
			r.Days = strings.Split(days, ",")
		}
		if got := r.Last(now); !got.Equal(want) {
			t.Errorf("%q: %s, want %s", days, got, want)
		}
	}
	if got := (Rehearsal{}).Last(now); !got.IsZero() {
		t.Errorf("off: %s", got)
	}
}
