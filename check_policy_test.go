package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/scenario"
)

// Where more people must approve than may, that is told before the night comes.
func TestPolicyThatNobodyCanMeet(t *testing.T) {
	t.Parallel()
	set := scenario.Set{
		"total":   {Name: "total", Steps: []runbook.Step{{ID: "look"}, {ID: "wipe", Danger: true}}},
		"careful": {Name: "careful", Approvals: 3, Steps: []runbook.Step{{ID: "look"}}},
	}
	for policy, want := range map[string][]string{
		"{}":                 {"careful look needs 3 has 2 approver"},
		"{approvals: 2}":     {"fleet.warn_few_danger", "careful look needs 3 has 2 approver"},
		"{approvals: 3}":     {"fleet.warn_few_approvers"},
		"{two_person: true}": {"fleet.warn_two_person", "careful look needs 3 has 2 approver"},
		"{scenarios: {total: {approvals: 3}, totl: {approvals: 2}}}": {"cli.policy_scenario", "careful look needs 3 has 2 approver", "total look needs 3 has 2 approver"},
		"{scenarios: {total: {two_person: true}}}":                   {"careful look needs 3 has 2 approver", "total wipe needs 2 has 1 danger"},
	} {
		text := "hosts: [{name: app1, address: 192.0.2.21}]\npeople: [{name: ops1, roles: [approver, danger]}, {name: ops2, roles: [approver]}]\npolicy: " + policy + "\n"
		cfg, err := fleet.ParseConfig("fleet.yaml", []byte(text), func(string) string { return "" })
		if err != nil {
			t.Fatalf("%s: %v", policy, err)
		}
		var got []string
		for _, w := range append(cfg.Warnings(), policyWarnings(cfg, set)...) {
			if inner, ok := w.Args["text"].(runbook.Msg); ok {
				w = inner
			}
			switch a := w.Args; {
			case w.ID == "cli.policy_few":
				got = append(got, fmt.Sprintf("%s %s needs %d has %d %s", a["name"], a["step"], a["need"], a["have"], a["role"]))
			case strings.Contains(w.ID, "warn_few") || strings.Contains(w.ID, "two_person") || w.ID == "cli.policy_scenario":
				got = append(got, w.ID)
			}
		}
		about, named := dangerousSteps(cfg, set), strings.Contains(policy, "two_person")
		if about.IsZero() == named || named && about.Args["steps"] != "total wipe" {
			t.Errorf("%s: two_person is about %+v", policy, about)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", policy, diff)
		}
	}
}
