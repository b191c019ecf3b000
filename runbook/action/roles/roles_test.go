package roles_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/action/roles"
	"recoverbot/runbook/fleet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func build(t *testing.T, c *actiontest.Company, spec roles.Spec) (action.Action, runbook.Job) {
	t.Helper()
	if err := spec.Validate(); err != nil {
		t.Fatal(err)
	}
	env := c.Env(runbook.Step{ID: "s", Kind: "roles"})
	a, err := roles.Kind().New(&spec, env)
	if err != nil {
		t.Fatal(err)
	}
	return a, c.Job(env)
}

func TestStandbyBecomesPrimary(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "primary", "standby", "spare1")
	c.Run.Bindings["dead"], c.Run.Bindings["survivor"] = []string{"primary"}, []string{"standby"}
	host, err := json.Marshal(fleet.Host{Name: "new1", Address: "192.0.2.9", Port: 22, User: "root"})
	if err != nil {
		t.Fatal(err)
	}
	c.Run.Steps = []runbook.StepRun{{ID: "take-in", Def: runbook.Step{ID: "take-in", Kind: "enrol"},
		Result: &runbook.Result{Values: map[string]string{"host": string(host), "bind": "new"}}}}
	if err := os.Chmod(c.FleetFile, 0o640); err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(c.FleetFile)
	if err != nil {
		t.Fatal(err)
	}
	a, job := build(t, c, roles.Spec{Assign: map[string][]string{"survivor": {"primary"}, "new": {"standby", "backup"}}, Add: []string{"new"}, Retire: []string{"dead"}})
	p, err := a.Plan(t.Context())
	if err != nil || p.Verdict != runbook.Ready || !strings.Contains(p.Effect.Exact[0].Text, "+    retired: true") {
		t.Fatalf("%+v %v", p, err)
	}
	if now, _ := os.ReadFile(c.FleetFile); string(now) != string(old) {
		t.Fatal("planning wrote the file")
	}
	// Somebody edits the file between plan and click.
	if err := os.WriteFile(c.FleetFile, append(old, "# edited\n"...), 0o640); err != nil {
		t.Fatal(err)
	}
	var refusal *runbook.Refusal
	if _, err := a.Apply(t.Context(), p, job, nil); !errors.As(err, &refusal) || !refusal.Stale {
		t.Fatalf("another file was rewritten: %v", err)
	}
	if p, err = a.Plan(t.Context()); err != nil {
		t.Fatal(err)
	}
	ev, err := a.(action.Looker).Look(t.Context(), p, job)
	if err != nil || ev.Took != runbook.TookNo {
		t.Errorf("%+v %v", ev, err)
	}
	if _, err := a.(action.Resumer).Resume(t.Context(), p, job, nil); !errors.As(err, &refusal) {
		t.Errorf("resumed what was not written: %v", err)
	}
	r, err := a.Apply(t.Context(), p, job, nil)
	if err != nil || r.Outcome != runbook.OutcomeDone {
		t.Fatalf("%+v %v", r, err)
	}
	if r, err := a.(action.Resumer).Resume(t.Context(), p, job, nil); err != nil || r.Outcome != runbook.OutcomeDone {
		t.Errorf("%+v %v", r, err)
	}
	if ev, err = a.(action.Looker).Look(t.Context(), p, job); err != nil || ev.Took != runbook.TookYes {
		t.Errorf("%+v %v", ev, err)
	}
	cfg := c.Fleet.Config()
	if hs := cfg.WithRole("primary"); len(hs) != 1 || hs[0].Name != "standby" {
		t.Errorf("primary %+v", hs)
	}
	if hs := cfg.WithRole("standby"); len(hs) != 1 || hs[0].Name != "new1" {
		t.Errorf("standby %+v", hs)
	}
	if h, _ := cfg.Host("primary"); !h.Retired || len(h.Roles) != 0 {
		t.Errorf("dead %+v", h)
	}
	info, err := os.Stat(c.FleetFile)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v %v", info.Mode(), err)
	}
	left, _ := os.ReadDir(c.Dir)
	for _, e := range left {
		if strings.HasPrefix(e.Name(), ".fleet-") {
			t.Errorf("left behind: %s", e.Name())
		}
	}
	if p, err = a.Plan(t.Context()); err != nil || p.Verdict != runbook.Satisfied {
		t.Errorf("not idempotent: %+v %v", p, err)
	}
}

func TestInvalidNewFleetIsNotWritten(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "primary", "standby")
	old, err := os.ReadFile(c.FleetFile)
	if err != nil {
		t.Fatal(err)
	}
	text := string(old) + "redis: {port: ninety}\n"
	if err := os.WriteFile(c.FleetFile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a, _ := build(t, c, roles.Spec{Retire: []string{"primary"}})
	p, err := a.Plan(t.Context())
	if err != nil || p.Verdict != runbook.Blocked {
		t.Fatalf("%+v %v", p, err)
	}
	if now, _ := os.ReadFile(c.FleetFile); string(now) != text {
		t.Error("the file was changed")
	}
}

func TestSpec(t *testing.T) {
	t.Parallel()
	if (&roles.Spec{}).Validate() == nil || (&roles.Spec{Assign: map[string][]string{"a": {"x: y"}}}).Validate() == nil {
		t.Error("no error")
	}
}
