package manual_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/action/manual"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var text = runbook.Text{EN: "Do it.", ZH: "请做。"}

func build(t *testing.T, c *actiontest.Company, spec manual.Spec, inputs map[string]string) action.Action {
	t.Helper()
	spec.Instruction = text
	if err := spec.Validate(); err != nil {
		t.Fatal(err)
	}
	env := c.Env(runbook.Step{ID: "s", Kind: "manual"})
	env.Step.Inputs = inputs
	a, err := manual.Kind().New(&spec, env)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func form() []runbook.Param {
	return []runbook.Param{
		{Name: "name", Type: "string", Required: true, Default: "$spare.name", Pattern: "[a-z][a-z0-9]*"},
		{Name: "address", Type: "address", Required: true, Default: "$spare.address"},
		{Name: "port", Type: "port", Default: "$spare.port"},
		{Name: "later", Type: "string", Default: "$step.nothing.x"},
		{Name: "sure", Type: "bool"},
	}
}

func TestFormBecomesValues(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby", "spare1")
	a := build(t, c, manual.Spec{Form: form()}, nil)
	p, err := a.Plan(t.Context())
	if err != nil || p.Verdict != runbook.Ready || p.Form[0].Default != "spare1" || p.Form[3].Default != "" {
		t.Fatalf("%+v %v", p, err)
	}
	a = build(t, c, manual.Spec{Form: form()}, map[string]string{"name": "new1", "address": "::ffff:192.0.2.9", "sure": "1"})
	if p, err = a.Plan(t.Context()); err != nil || p.Verdict != runbook.Ready {
		t.Fatalf("%+v %v", p, err)
	}
	r, err := a.Apply(t.Context(), p, runbook.Job{}, nil)
	if err != nil || r.Outcome != runbook.OutcomeDone {
		t.Fatalf("%+v %v", r, err)
	}
	want := map[string]string{"name": "new1", "address": "192.0.2.9", "port": "2222", "later": "", "sure": "true"}
	if d := cmp.Diff(want, r.Values); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want, p.Values); d != "" { // for a step that is marked done
		t.Error(d)
	}
}

// TestBadInputIsAskedAgain: a field takes what its type says and nothing else (fault 32).
func TestBadInputIsAskedAgain(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	for name, in := range map[string]map[string]string{
		"injection": {"name": "a", "address": "1.1.1.1' OR '1'='1"}, "four numbers": {"name": "a", "address": "192.0.2.999"},
		"port": {"name": "a", "address": "192.0.2.1", "port": "70000"}, "pattern": {"name": "a b", "address": "192.0.2.1"},
		"newline": {"name": "a\nb", "address": "192.0.2.1"}, "zone": {"name": "a", "address": "fe80::1%eth0"}, "bool": {"name": "a", "address": "h", "sure": "perhaps"},
	} {
		p, err := build(t, c, manual.Spec{Form: form()}, in).Plan(t.Context())
		if err != nil || p.Verdict != runbook.Blocked || len(p.Form) == 0 {
			t.Errorf("%s: %s %v", name, p.Verdict, err)
		}
	}
	a := build(t, c, manual.Spec{Form: form()}, nil) // there is no spare to take defaults from
	p, err := a.Plan(t.Context())
	if err != nil || p.Verdict != runbook.Ready {
		t.Fatalf("%+v %v", p, err)
	}
	var refusal *runbook.Refusal
	if _, err := a.Apply(t.Context(), p, runbook.Job{}, nil); !errors.As(err, &refusal) {
		t.Errorf("applied without what is required: %v", err)
	}
}

func TestDoneWhen(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	spec := manual.Spec{DoneWhen: []runbook.Probe{{Kind: "ssh", Host: "standby"}}}
	if p, err := build(t, c, spec, nil).Plan(t.Context()); err != nil || p.Verdict != runbook.Satisfied {
		t.Errorf("%+v %v", p, err)
	}
	spec.DoneWhen[0].Expect = "down"
	if p, err := build(t, c, spec, nil).Plan(t.Context()); err != nil || p.Verdict != runbook.Ready {
		t.Errorf("%+v %v", p, err)
	}
}

func TestSpec(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]manual.Spec{
		"no text": {}, "one language": {Instruction: runbook.Text{EN: "x"}},
		"twice":   {Instruction: text, Form: []runbook.Param{{Name: "a", Type: "string"}, {Name: "a", Type: "string"}}},
		"type":    {Instruction: text, Form: []runbook.Param{{Name: "a", Type: "int"}}},
		"pattern": {Instruction: text, Form: []runbook.Param{{Name: "a", Type: "string", Pattern: "("}}},
		"enum":    {Instruction: text, Form: []runbook.Param{{Name: "a", Type: "enum"}}},
	} {
		if s.Validate() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
