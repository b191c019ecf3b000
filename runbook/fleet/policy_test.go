package fleet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"recoverbot/runbook"
)

// What one person could use to be two people is refused, and a policy that cannot be meant.
func TestPeopleAndPolicyThatAreRefused(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("ab", 32)
	for text, want := range map[string]string{
		"people: [{name: ops1}, {name: OPS1}]":                               "fleet.config_same_name",
		"people: [{name: ops1}, {name: ｏｐｓ１}]":                               "fleet.config_same_name",
		"people: [{name: ops 1}, {name: ops1}]":                              "fleet.config_same_name",
		"people: [{name: Straße}, {name: STRASSE}]":                          "fleet.config_same_name",
		"people: [{name: José}, {name: \"Jose\\u0301\"}]":                    "fleet.config_bad_name",
		"people: [{name: ops1}, {name: ops1}]":                               "fleet.config_twice",
		"people: [{name: a, slack: U012AB3CD}, {name: b, slack: u012ab3cd}]": "fleet.config_twice",
		"people: [{name: a, telegram: 7}, {name: b, telegram: 7}]":           "fleet.config_twice",
		"people: [{name: a, token_hash: \"sha256:" + hash + "\"}, {name: b, token_hash: \"sha256:" + strings.ToUpper(hash) + "\"}]": "fleet.config_twice",
		"policy: {break_glass: 59s}":                    "fleet.config_break_glass",
		"policy: {break_glass: never}":                  "fleet.config_break_glass",
		"policy: {break_glass: -3m}":                    "fleet.config_break_glass",
		"policy: {approvals: 0}":                        "fleet.config_number_from",
		"policy: {scenarios: {total: {approvals: 10}}}": "fleet.config_number_from",
		"policy: {scenarios: {total: {approvals: 0}}}":  "fleet.config_number_from",
		"policy: {scenarios: {total: {aprovals: 2}}}":   "fleet.config_unknown_key",
	} {
		_, err := ParseConfig("fleet.yaml", []byte("hosts: [{name: app1, address: 192.0.2.21}]\n"+text+"\n"), func(string) string { return "" })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestPolicyOfAScenario(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		need int
		runbook.Rules
	}{
		"{}":                                   {1, runbook.Rules{BreakGlass: runbook.Duration(3 * time.Minute)}},
		"{approvals: 2, break_glass: off}":     {2, runbook.Rules{}},
		"{two_person: true, break_glass: 90s}": {1, runbook.Rules{TwoPerson: true, BreakGlass: runbook.Duration(90 * time.Second)}},
		"{approvals: 2, scenarios: {total: {approvals: 3}}}":       {3, runbook.Rules{BreakGlass: runbook.Duration(3 * time.Minute)}},
		"{approvals: 2, scenarios: {total: {two_person: true}}}":   {2, runbook.Rules{TwoPerson: true, BreakGlass: runbook.Duration(3 * time.Minute)}},
		"{approvals: 2, scenarios: {standby: {two_person: true}}}": {2, runbook.Rules{BreakGlass: runbook.Duration(3 * time.Minute)}},
	} {
		c, err := ParseConfig("fleet.yaml", []byte("hosts: [{name: app1, address: 192.0.2.21}]\npolicy: "+text+"\n"), func(string) string { return "" })
		if err != nil || c.Policy.Needs("total") != want.need || c.Policy.Rules("total") != want.Rules {
			t.Errorf("%s: %v %+v", text, err, c)
		}
	}
}

// People and policy count as fleet.yaml says them now; the machines do when it is reloaded.
func TestNow(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "fleet.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("hosts: [{name: app1, address: 192.0.2.21}]\npeople: [{name: ops1, roles: [approver]}]\n")
	f, err := Open(file, Options{KnownHosts: filepath.Join(t.TempDir(), "known_hosts")})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	check := func(person string, approvals int) {
		t.Helper()
		c := f.Now()
		if len(c.People) != 1 || c.People[0].Name != person || c.Policy.Approvals != approvals || c.Hosts[0].Address != "192.0.2.21" {
			t.Errorf("%+v %+v %s", c.People, c.Policy, c.Hosts[0].Address)
		}
		text, err := os.ReadFile(file)
		if bad := err != nil || string(text) == "hosts: ["; (c.Wrong() != nil) != bad {
			t.Errorf("wrong: %v", c.Wrong())
		}
	}
	check("ops1", 1)
	write("hosts: [{name: app1, address: 192.0.2.99}]\npeople: [{name: ops2, roles: [approver]}]\npolicy: {approvals: 2}\n")
	check("ops2", 2)
	write("hosts: [")
	check("ops2", 2)
	check("ops2", 2)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	check("ops2", 2)
	if c := f.Config(); c.People[0].Name != "ops1" || c.Hosts[0].Address != "192.0.2.21" {
		t.Errorf("in force: %+v", c)
	}
}
