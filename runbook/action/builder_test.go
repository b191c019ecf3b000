package action_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/blackbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type spec struct {
	Text string           `yaml:"text"`
	For  runbook.Duration `yaml:"for"`
	Port string           `yaml:"port"`
}

func (s *spec) Validate() error {
	if s.Text == "bad" {
		return errors.New("text: bad")
	}
	return nil
}

// fake is an action that only carries what it was built from.
type fake struct {
	runbook.Action
	spec *spec
	env  action.Env
}

func kind(name string) action.Kind {
	return action.Kind{Name: name, Spec: func() any { return &spec{} }, New: func(s any, env action.Env) (action.Action, error) {
		return fake{spec: s.(*spec), env: env}, nil
	}}
}

func TestBuilder(t *testing.T) {
	t.Parallel()
	if _, err := action.NewBuilder(nil, []action.Kind{kind("a"), kind("a")}, (*blackbox.Store)(nil), time.Now); err == nil {
		t.Error("a doubled name is accepted")
	}
	if _, err := action.NewBuilder(nil, []action.Kind{{Name: "a"}}, (*blackbox.Store)(nil), time.Now); err == nil {
		t.Error("an incomplete kind is accepted")
	}
	b, err := action.NewBuilder(nil, []action.Kind{kind("a")}, (*blackbox.Store)(nil), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := b.Prototype("a"); !ok || p.(*spec) == nil {
		t.Error("no prototype")
	}
	if _, ok := b.Prototype("b"); ok {
		t.Error("a prototype of nothing")
	}
	step := func(kind, with string) runbook.StepRun {
		return runbook.StepRun{ID: "s", Def: runbook.Step{ID: "s", Kind: kind, With: with}}
	}
	a, err := b.New(runbook.Run{ID: "r"}, step("a", "text: x # y\nfor: 90s\nport: 2222\n"))
	if err != nil {
		t.Fatal(err)
	}
	if f := a.(fake); *f.spec != (spec{Text: "x", For: runbook.Duration(90 * time.Second), Port: "2222"}) || f.env.Run.ID != "r" || f.env.Step.ID != "s" {
		t.Errorf("%+v", f)
	}
	if _, err := b.New(runbook.Run{}, step("a", "")); err != nil {
		t.Errorf("no configuration at all: %v", err)
	}
	for name, s := range map[string]runbook.StepRun{
		"kind": step("b", ""), "unknown key": step("a", "txet: x"), "doubled key": step("a", "text: x\ntext: y"), "type": step("a", "text: [x]"), "invalid": step("a", "text: bad"),
	} {
		if _, err := b.New(runbook.Run{}, s); runbook.CodeOf(err) != runbook.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBuilderProbesAsTheRunMeansIt(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby", "report")
	b, err := action.NewBuilder(c.Fleet, nil, (*blackbox.Store)(nil), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	run := c.Run
	run.Bindings = map[string][]string{"survivor": {"report"}}
	found := b.Probe(t.Context(), run, []runbook.Probe{{Kind: "ssh", Host: "survivor"}, {Kind: "ssh", Host: "host:standby"}})
	if len(found) != 2 || !found[0].OK || found[0].Host != "report" || found[1].Host != "standby" {
		t.Errorf("%+v", found)
	}
	c.Fleet.Redactor().Add("canary")
	if got := b.Redact("a canary"); strings.Contains(got, "canary") {
		t.Error(got)
	}
}
