package enrol_test

import (
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/action/enrol"
	"recoverbot/runbook/fleet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func build(t *testing.T, c *actiontest.Company, spec enrol.Spec) (action.Action, action.Env) {
	t.Helper()
	if err := spec.Validate(); err != nil {
		t.Fatal(err)
	}
	env := c.Env(runbook.Step{ID: "take-in", Kind: "enrol"})
	a, err := enrol.Kind().New(&spec, env)
	if err != nil {
		t.Fatal(err)
	}
	return a, env
}

// forget takes a host's key out of known_hosts, and optionally the host out of fleet.yaml.
func forget(t *testing.T, c *actiontest.Company, h fleet.Host) string {
	t.Helper()
	known, err := os.ReadFile(c.KnownHosts())
	if err != nil {
		t.Fatal(err)
	}
	var keep, gone []string
	for _, l := range strings.SplitAfter(string(known), "\n") {
		if strings.HasPrefix(l, "["+h.Address+"]") {
			gone = append(gone, l)
		} else {
			keep = append(keep, l)
		}
	}
	if err := os.WriteFile(c.KnownHosts(), []byte(strings.Join(keep, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	return strings.Join(gone, "")
}

func TestEnrolASpare(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby", "spare1")
	h := c.Host("spare1")
	forget(t, c, h)
	spec := enrol.Spec{Name: "spare1", Address: h.Address, Port: strconv.Itoa(h.Port), User: h.User}
	a, env := build(t, c, spec)
	p, err := a.Plan(t.Context())
	if err != nil || p.Verdict != runbook.Ready || !strings.Contains(p.Effect.Exact[0].Text, "SHA256:") || p.Values["bind"] != "new" {
		t.Fatalf("%+v %v", p, err)
	}
	if known, _ := os.ReadFile(c.KnownHosts()); strings.Contains(string(known), h.Address) {
		t.Fatal("planning pinned the key")
	}
	look := func(want string) {
		t.Helper()
		if ev, err := a.(action.Looker).Look(t.Context(), p, c.Job(env)); err != nil || ev.Took != want {
			t.Fatalf("%+v %v", ev, err)
		}
	}
	look(runbook.TookNo)
	r, err := a.Apply(t.Context(), p, c.Job(env), actiontest.NewRecorder())
	if err != nil || r.Outcome != runbook.OutcomeDone {
		t.Fatalf("%+v %v", r, err)
	}
	look(runbook.TookYes)
	if again, err := a.(action.Resumer).Resume(t.Context(), p, c.Job(env), nil); err != nil || again.Values["host"] != r.Values["host"] {
		t.Errorf("%+v %v", again, err)
	}
	var got fleet.Host
	if err := json.Unmarshal([]byte(r.Values["host"]), &got); err != nil || got.Name != "spare1" || got.Root != h.Root || r.Values["bind"] != "new" {
		t.Errorf("%+v %v", r.Values, err)
	}
	again, _ := build(t, c, spec)
	p, err = again.Plan(t.Context())
	if err != nil || p.Verdict != runbook.Satisfied || p.Values["host"] != r.Values["host"] {
		t.Errorf("%+v %v", p, err)
	}
}

// TestAnotherKeyIsAHardStop: fault 7, fault 12.
func TestAnotherKeyIsAHardStop(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby", "spare1")
	h := c.Host("spare1")
	forget(t, c, h)
	spec := enrol.Spec{Name: "spare1", Address: h.Address, Port: strconv.Itoa(h.Port), User: h.User}
	a, env := build(t, c, spec)
	p, err := a.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// The approved key is not what is presented now.
	p.Effect.Data = []byte(strings.Replace(string(p.Effect.Data), `"SHA256:`, `"SHA256:x`, 1))
	var refusal *runbook.Refusal
	if _, err := a.Apply(t.Context(), p, c.Job(env), actiontest.NewRecorder()); !errors.As(err, &refusal) || !refusal.Stale {
		t.Fatalf("another key was pinned: %v", err)
	}
	if known, _ := os.ReadFile(c.KnownHosts()); strings.Contains(string(known), h.Address) {
		t.Fatal("a key was pinned")
	}
	// The standby's key is pinned for the spare's address.
	other := strings.Replace(forget(t, c, c.Host("standby")), c.Host("standby").Address, h.Address, 1)
	if err := os.WriteFile(c.KnownHosts(), []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err = a.Plan(t.Context())
	if err != nil || p.Verdict != runbook.Blocked || p.Why.ID != "fleet.changed_key" {
		t.Fatalf("%+v %v", p, err)
	}
}

func TestRefusedDescriptions(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby", "spare1")
	for name, s := range map[string]enrol.Spec{
		"name taken":     {Name: "standby", Address: "192.0.2.9"},
		"address taken":  {Name: "new1", Address: c.Host("standby").Address},
		"alias taken":    {Name: "new1", Address: "Standby.internal"},
		"public":         {Name: "new1", Address: "192.0.2.9", DNSIP: c.Host("standby").DNSIP.String()},
		"a spare's":      {Name: "new1", Address: "192.0.2.9", DNSIP: c.Host("spare1").DNSIP.String()},
		"not the file's": {Name: "spare1", Address: c.Host("spare1").Address, DNSIP: "192.0.2.9"},
		"name":           {Name: "a b", Address: "192.0.2.9"},
		"option":         {Name: "a", Address: "-oProxyCommand=x"},
		"not an ip":      {Name: "a", Address: "192.0.2.999"},
		"port":           {Name: "a", Address: "192.0.2.9", Port: "0"},
		"user":           {Name: "a", Address: "192.0.2.9", User: "root;x"},
		"dns":            {Name: "a", Address: "192.0.2.9", DNSIP: "x"},
	} {
		a, _ := build(t, c, s)
		p, err := a.Plan(t.Context())
		if err != nil || p.Verdict != runbook.Blocked {
			t.Errorf("%s: %s %v", name, p.Verdict, err)
		}
	}
	a, _ := build(t, c, enrol.Spec{Name: "$step.form.name", Address: "$step.form.address"})
	p, err := a.Plan(t.Context())
	if err != nil || p.Verdict != runbook.Provisional {
		t.Errorf("%s %v", p.Verdict, err)
	}
}

// A machine that was retired and made anew would have one address under two names.
func TestARetiredMachinesAddress(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby", "report")
	text, err := os.ReadFile(c.FleetFile)
	if err != nil {
		t.Fatal(err)
	}
	retired := strings.Replace(string(text), "  - name: report\n", "  - name: report\n    retired: true\n", 1)
	if err := errors.Join(os.WriteFile(c.FleetFile, []byte(retired), 0o600), c.Fleet.Reload(t.Context())); err != nil {
		t.Fatal(err)
	}
	a, _ := build(t, c, enrol.Spec{Name: "new1", Address: c.Host("report").Address})
	if p, err := a.Plan(t.Context()); err != nil || p.Verdict != runbook.Blocked || p.Why.ID != "enrol.address_retired" {
		t.Errorf("%s %+v %v", p.Verdict, p.Why, err)
	}
}

// The same machine cannot be two of a run: the primary of now would be made its own standby.
func TestAMachineIsTakenInOnce(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby", "spare1")
	h := c.Host("spare1")
	first, _ := build(t, c, enrol.Spec{Name: "spare1", Address: h.Address, Bind: "survivor"})
	p, err := first.Plan(t.Context())
	if err != nil || p.Values["host"] == "" {
		t.Fatalf("%+v %v", p, err)
	}
	before, _ := os.ReadFile(c.KnownHosts())
	for name, s := range map[string]enrol.Spec{
		"again": {Name: "spare1", Address: h.Address}, "another name": {Name: "new1", Address: h.Address}, "an alias": {Name: "new1", Address: "spare1.internal"},
	} {
		env := c.Env(runbook.Step{ID: "take-in", Kind: "enrol"})
		env.Run.Steps = append(env.Run.Steps, runbook.StepRun{ID: "before", Def: runbook.Step{ID: "before", Kind: "enrol"}, State: runbook.Done,
			Result: &runbook.Result{Outcome: runbook.OutcomeDone, Values: p.Values}})
		a, err := enrol.Kind().New(&s, env)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := a.Plan(t.Context()); err != nil || p.Verdict != runbook.Blocked {
			t.Errorf("%s: %s %v", name, p.Verdict, err)
		}
		if _, err := a.Apply(t.Context(), p, c.Job(env), actiontest.NewRecorder()); err == nil {
			t.Errorf("%s: taken in", name)
		}
	}
	if after, _ := os.ReadFile(c.KnownHosts()); string(after) != string(before) {
		t.Error("a key was pinned")
	}
}

// Where the machine does not answer as it was described, the plan names the step whose answers describe it.
func TestBlockedNamesTheForm(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	spec := enrol.Spec{Name: "$step.machine.name", Address: "$step.machine.address"}
	env := c.Env(runbook.Step{ID: "take-in", Kind: "enrol"})
	env.Run.Steps = append(env.Run.Steps, runbook.StepRun{
		ID: "machine", State: runbook.Done, Plan: &runbook.Plan{Form: []runbook.Param{{Name: "address"}}},
		Result: &runbook.Result{Outcome: runbook.OutcomeDone, Values: map[string]string{"name": "new1", "address": "192.0.2.999"}},
	})
	a, err := enrol.Kind().New(&spec, env)
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Plan(t.Context())
	if err != nil || p.Verdict != runbook.Blocked || len(p.Facts) != 1 || p.Facts[0].ID != "enrol.correct" || p.Facts[0].Args["step"] != "machine" {
		t.Errorf("%+v %v", p, err)
	}
}

// A machine that fleet.yaml does not know, whose log-in does not work: the key is pinned, and the step says what failed.
func TestStrangerWithoutLogin(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby", "stranger")
	h := c.Host("stranger")
	forget(t, c, h)
	text, err := os.ReadFile(c.FleetFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(text), "  - name: stranger\n")
	_, after, _ := strings.Cut(rest, "databases:\n")
	if err := errors.Join(os.WriteFile(c.FleetFile, []byte(before+"databases:\n"+after), 0o600), c.Fleet.Reload(t.Context())); err != nil {
		t.Fatal(err)
	}
	spec := enrol.Spec{Name: "new1", Address: h.Address, Port: strconv.Itoa(h.Port), User: "nobody-here", Roles: []string{"standby"}, Bind: "extra"}
	a, env := build(t, c, spec)
	p, err := a.Plan(t.Context())
	if err != nil || p.Verdict != runbook.Ready || p.Effect.Host != "new1" {
		t.Fatalf("%+v %v", p, err)
	}
	r, err := a.Apply(t.Context(), p, c.Job(env), actiontest.NewRecorder())
	if err != nil || r.Outcome != runbook.OutcomeFailed || r.Text.ID != "enrol.no_login" {
		t.Fatalf("%+v %v", r, err)
	}
	spec.User = h.User
	a, _ = build(t, c, spec)
	if p, err = a.Plan(t.Context()); err != nil || p.Verdict != runbook.Satisfied || p.Values["bind"] != "extra" || p.Values["name"] != "new1" {
		t.Fatalf("%+v %v", p, err)
	}
}
