package drill

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheAutomaticOperatorRefusesARealFleet(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"192.0.2.21", "primary.example.com", "::1"} {
		file := filepath.Join(t.TempDir(), "fleet.yaml")
		text := "hosts:\n  - {name: primary, address: \"" + address + "\", roles: [primary]}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if o, err := newOperator(file, client{}, "root", nil); err == nil || o != nil {
			t.Errorf("%s: accepted", address)
		} else if !strings.Contains(err.Error(), address) && !strings.Contains(err.Error(), "fleet") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestAnOperatorChooses(t *testing.T) {
	t.Parallel()
	o := &operator{user: "me", tries: map[string]int{}}
	tests := []struct {
		name string
		step step
		want string // "": waits; "error"
	}{
		{"held", step{State: "held", Choices: []string{"commit", "rollback"}}, "commit"},
		{"waiting", step{State: "waiting", Choices: []string{"approve", "skip"}}, "approve"},
		{"a form without values", step{State: "waiting", Choices: []string{"approve", "input"}, Form: []field{{Name: "user", Required: true, Default: "root"}}}, "input"},
		{"a check that does not pass", step{State: "waiting", Kind: "check", Choices: []string{"approve", "retry"}}, "retry"},
		{"failed", step{State: "failed", Choices: []string{"retry", "skip"}}, "error"},
		{"unknown", step{State: "unknown", Choices: []string{"look", "done"}}, "error"},
		{"executing", step{State: "executing", Choices: []string{"cancel"}}, ""},
	}
	for _, tt := range tests {
		d, err := o.choose(tt.step)
		got := ""
		if err != nil {
			got = "error"
		} else if d != nil {
			got = d.Choice
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A primary that answers again, by what the run did, needs no more steps.
func TestAnOperatorEndsARunThatHealedEarly(t *testing.T) {
	t.Parallel()
	var got []decision
	bot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var d decision
		if err := json.NewDecoder(r.Body).Decode(&d); err != nil {
			t.Error(err)
		}
		got = append(got, d)
		_, _ = w.Write([]byte("{}"))
	}))
	defer bot.Close()
	o := &operator{api: client{base: bot.URL}, tries: map[string]int{}, seen: map[string]string{}, asked: map[string]struct{}{}}
	r := run{ID: "r1", State: "open", Choices: []string{"done", "defer", "abort"}, Steps: []step{
		{ID: "restart", State: "done"}, {ID: "dump", State: "waiting", Choices: []string{"retry", "skip"}, Plan: &plan{Verdict: "blocked"}}, {ID: "later", State: "pending"},
	}}
	if over, err := o.look(context.Background(), r); over || err != nil {
		t.Fatal(over, err)
	}
	if len(got) != 1 || got[0].Choice != "done" || got[0].Step != "" {
		t.Errorf("answers: %+v", got)
	}
	if r.endedEarly() {
		t.Error("an open run has ended")
	}
	if r.State = "done"; !r.endedEarly() {
		t.Error("the run has ended")
	}
}
