package check_test

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/action/check"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func build(t *testing.T, c *actiontest.Company, probes ...runbook.Probe) action.Action {
	t.Helper()
	spec := &check.Spec{Probes: probes}
	if err := spec.Validate(); err != nil {
		t.Fatal(err)
	}
	a, err := check.Kind().New(spec, c.Env(runbook.Step{ID: "s", Kind: "check"}))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAllWellNeedsNoClick(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby", "report")
	p, err := build(t, c, runbook.Probe{Kind: "ssh", Host: "backup"}).Plan(t.Context())
	if err != nil || p.Verdict != runbook.Satisfied || len(p.Tables[0].Rows) != 2 || p.Tables[0].Marks[0] != "ok" {
		t.Fatalf("%+v %v", p, err)
	}
}

func TestFailureIsADangerThatIsBoundToWhatFails(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby", "report")
	_ = c.SSHD("report").Kill()
	a := build(t, c, runbook.Probe{Kind: "ssh", Host: "backup"}, runbook.Probe{Kind: "tcp", Host: "standby", Port: 9})
	p, err := a.Plan(t.Context())
	if err != nil || p.Verdict != runbook.Ready || !p.Danger || len(p.Warnings) != 2 || len(p.Facts) != 1 ||
		p.Summary.ID != "check.failing" || p.Summary.Args["failing"] != 2 || p.Summary.Args["count"] != 3 {
		t.Fatalf("%+v %v", p, err)
	}
	again, err := a.Plan(t.Context())
	if err != nil || runbook.Digest("s", "check", nil, p.Effect) != runbook.Digest("s", "check", nil, again.Effect) {
		t.Error("the same findings give another digest")
	}
	r, err := a.Apply(t.Context(), p, runbook.Job{}, nil)
	if err != nil || r.Outcome != runbook.OutcomeDone || r.Text.ID != "check.accepted" {
		t.Fatalf("%+v %v", r, err)
	}
	_ = c.SSHD("standby").Kill()
	var refusal *runbook.Refusal
	if _, err := a.Apply(t.Context(), p, runbook.Job{}, nil); !errors.As(err, &refusal) || !refusal.Stale {
		t.Fatalf("accepted a failure that was not shown: %v", err)
	}
	c.RestartSSHD("standby")
	c.RestartSSHD("report")
	well := build(t, c, runbook.Probe{Kind: "ssh", Host: "backup"})
	r, err = well.Apply(t.Context(), p, runbook.Job{}, nil)
	if err != nil || r.Outcome != runbook.OutcomeUnchanged {
		t.Fatalf("%+v %v", r, err)
	}
}

func TestWaitsForAMachineThatIsNotEnrolled(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	c.Run.Steps = []runbook.StepRun{{ID: "take-in", Def: runbook.Step{ID: "take-in", Kind: "enrol"}}}
	p, err := build(t, c, runbook.Probe{Kind: "ssh", Host: "new"}).Plan(t.Context())
	if err != nil || p.Verdict != runbook.Provisional || len(p.Needs) != 1 || p.Needs[0] != "take-in" {
		t.Fatalf("%+v %v", p, err)
	}
	p, err = build(t, c, runbook.Probe{Kind: "ssh", Host: "nobody"}).Plan(t.Context())
	if err != nil || p.Verdict != runbook.Blocked {
		t.Fatalf("%+v %v", p, err)
	}
}

func TestSpec(t *testing.T) {
	t.Parallel()
	if (&check.Spec{}).Validate() == nil {
		t.Error("a check of nothing is valid")
	}
}
