package main

import (
	"os"
	"strings"
	"testing"
)

// TestChangedRules: the journal says who may what from when on, also that a file with a mistake changed nothing.
func TestChangedRules(t *testing.T) {
	t.Parallel()
	set := configured(t)
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(set.FleetFile, []byte("hosts: [{name: app1, address: 192.0.2.21}]\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("people: [{name: ops1, slack: U1, roles: [approver]}]\n")
	a, err := newApp(t.Context(), set, set.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	a.began(t.Context())
	seen := a.lookAtRules(t.Context(), a.rules()["fleet"])
	for _, text := range []string{"people: [{name: ops1, slack: U1, roles: [viewer]}]\npolicy: {approvals: 2}\n", "people: [\n"} {
		write(text)
		was := seen
		if seen = a.lookAtRules(t.Context(), seen); seen == was {
			t.Errorf("%q was not seen", text)
		}
	}
	events, err := a.journal.Events(t.Context(), 0, 10)
	if err != nil || len(events) != 3 {
		t.Fatalf("%+v, %v", events, err)
	}
	for i, want := range []struct{ people, policy, wrong string }{
		{"ops1 (approver)", `"Approvals":1`, ""}, {"ops1 (viewer)", `"Approvals":2`, ""}, {"ops1 (viewer)", `"Approvals":2`, "true"},
	} {
		if d := events[i].Data; d["people"] != want.people || !strings.Contains(d["policy"], want.policy) || d["wrong"] != want.wrong || len(d["fleet"]) != 64 {
			t.Errorf("event %d: %v", i, d)
		}
	}
}
