package ssh_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/action/ssh"
	"recoverbot/runbook/fleet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func build(t *testing.T, c *actiontest.Company, spec ssh.Spec) (action.Action, runbook.Job) {
	t.Helper()
	if err := spec.Validate(); err != nil {
		t.Fatal(err)
	}
	env := c.Env(runbook.Step{ID: "s", Kind: "ssh", Host: "standby"})
	a, err := ssh.Kind().New(&spec, env)
	if err != nil {
		t.Fatal(err)
	}
	return a, c.Job(env)
}

func plan(t *testing.T, a action.Action, want runbook.Verdict) runbook.Plan {
	t.Helper()
	p, err := a.Plan(t.Context())
	if err != nil || p.Verdict != want {
		t.Fatalf("plan %s (%+v), %v; want %s", p.Verdict, p.Why, err, want)
	}
	return p
}

// TestValuesAreDataAndTheScriptRunsOnce: fault 31.
func TestValuesAreDataAndTheScriptRunsOnce(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	c.Run.Params["p"] = `$(touch owned); "x" 'y'`
	a, job := build(t, c, ssh.Spec{
		Script: "echo run >> \"$DIR/ran\"; printf '%s\\n' \"$P\"\n",
		Env:    map[string]string{"P": "$param.p", "DIR": "$path.standby.workdir"},
		Look:   `[ -f "$DIR/ran" ] || exit 3`, Facts: "echo seen $P", Satisfied: "exit 1",
	})
	p := plan(t, a, runbook.Ready)
	if c.Exists("standby", "/root/workdir/ran") {
		t.Fatal("planning ran the script")
	}
	if p.Effect.Identity == "" || p.Effect.Exact[1].Format != "env" || !strings.Contains(p.Effect.Exact[1].Text, `P=$(touch owned)`) {
		t.Errorf("effect %+v", p.Effect)
	}
	look := func(want string) {
		t.Helper()
		ev, err := a.(action.Looker).Look(t.Context(), p, job)
		if err != nil || ev.Took != want {
			t.Fatalf("look %+v, %v; want %s", ev, err, want)
		}
	}
	look(runbook.TookNo)
	var refusal *runbook.Refusal
	if _, err := a.(action.Resumer).Resume(t.Context(), p, job, actiontest.NewRecorder()); !errors.As(err, &refusal) {
		t.Fatalf("resume of a job that never ran: %v", err)
	}
	if _, err := a.Apply(t.Context(), p, job, actiontest.NewRecorder()); !errors.As(err, &refusal) || c.Exists("standby", "/root/workdir/ran") {
		t.Fatalf("a job runs after people were told that it never did: %v", err)
	}
	job.Attempt++
	for range 2 { // the second one follows the first one's job
		out := actiontest.NewRecorder()
		r, err := a.Apply(t.Context(), p, job, out)
		if err != nil || r.Outcome != runbook.OutcomeDone || out.Text() != c.Run.Params["p"]+"\n" {
			t.Fatalf("%+v %v %q", r, err, out.Text())
		}
	}
	if got := c.ReadFile("standby", "/root/workdir/ran"); got != "run\n" {
		t.Errorf("ran %q", got)
	}
	look(runbook.TookYes)
}

// TestFailureTellsTheLastLines keeps the tail of the output, without escapes and secrets (fault 10).
func TestFailureTellsTheLastLines(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	c.Fleet.Redactor().Add("canary-secret")
	a, job := build(t, c, ssh.Spec{Script: "printf 'bad \\033[31mthing canary-secret\\n' >&2\nexit 7\n"})
	r, err := a.Apply(t.Context(), plan(t, a, runbook.Ready), job, actiontest.NewRecorder())
	if err != nil || r.Outcome != runbook.OutcomeFailed || r.Text.Args["exit"] != 7 {
		t.Fatalf("%+v %v", r, err)
	}
	if got := r.Text.Args["output"]; got != "bad [31mthing <redacted>" {
		t.Errorf("output %q", got)
	}
}

// TestLostConnectionDoesNotRunAgain drops the connection in mid-command (fault 8).
func TestLostConnectionDoesNotRunAgain(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	a, job := build(t, c, ssh.Spec{Script: "echo begun\nwhile [ ! -f \"$D/go\" ]; do sleep 0.1; done\necho run >> \"$D/ran\"\n",
		Env: map[string]string{"D": "$path.standby.workdir"}})
	p := plan(t, a, runbook.Ready)
	out := actiontest.NewRecorder()
	type end struct {
		r   runbook.Result
		err error
	}
	ended := make(chan end, 1)
	go func() {
		r, err := a.Apply(t.Context(), p, job, out)
		ended <- end{r, err}
	}()
	for !strings.Contains(out.Text(), "begun") {
		select {
		case <-out.Changed():
		case <-time.After(20 * time.Second):
			t.Fatal("the script does not begin")
		}
	}
	first := c.Client("standby")
	_, err := first.Run(t.Context(), fleet.Command{Script: `p=$PPID; while [ "$(cat /proc/$p/comm)" = sh ] || [ "$(cat /proc/$p/comm)" = bash ]; do p=$(cut -d' ' -f4 /proc/$p/stat); done; kill -9 $p`})
	if err == nil {
		t.Fatal("the connection did not break")
	}
	<-first.Lost()
	c.WriteFile("standby", "/root/workdir/go", "", 0o644)
	e := <-ended
	if e.err != nil || e.r.Outcome != runbook.OutcomeDone || c.ReadFile("standby", "/root/workdir/ran") != "run\n" {
		t.Fatalf("%+v: %v", e.r, e.err)
	}
}

// TestAnotherMachine puts another machine behind the address between plan and click: its key is not the pinned one (fault
// 7), and also after people have pinned it, it is not the machine that the approval was for (fault 12).
func TestAnotherMachine(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	a, job := build(t, c, ssh.Spec{Script: "echo ran >> \"$D/ran\"\n", Env: map[string]string{"D": "$path.standby.workdir"}})
	p := plan(t, a, runbook.Ready)
	if err := c.SSHD("standby").Kill(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(c.Dir, "sshd-standby", "host_ed25519")); err != nil {
		t.Fatal(err)
	}
	c.RestartSSHD("standby")
	stopped := func(id string, stale bool) {
		t.Helper()
		var refusal *runbook.Refusal
		if _, err := a.Apply(t.Context(), p, job, actiontest.NewRecorder()); !errors.As(err, &refusal) || refusal.Text.ID != id || refusal.Stale != stale {
			t.Errorf("want %s, got %v", id, err)
		}
		if _, err := a.(action.Resumer).Resume(t.Context(), p, job, actiontest.NewRecorder()); runbook.CodeOf(err) != runbook.Forbidden {
			t.Errorf("resumed on another machine: %v", err)
		}
		if c.Exists("standby", "/root/workdir/ran") || c.Exists("standby", "/var/lib/recoverbot/jobs") {
			t.Error("something was written to another machine")
		}
	}
	stopped("fleet.changed_key", false)
	if err := os.Remove(c.KnownHosts()); err != nil {
		t.Fatal(err)
	}
	presented, err := c.Fleet.PresentedKey(t.Context(), c.Host("standby"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Fleet.Pin(t.Context(), c.Host("standby"), presented); err != nil {
		t.Fatal(err)
	}
	stopped("action.other_identity", true)
	if ev, err := a.(action.Looker).Look(t.Context(), p, job); err != nil || ev.Took != runbook.TookUnclear {
		t.Errorf("another machine says what came of it: %+v, %v", ev, err)
	}
}

// TestAClone: at the address is by now a machine with the same host key, made from one image, that calls itself otherwise. It is
// not the one that the approval was for (fault 12).
func TestAClone(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	a, job := build(t, c, ssh.Spec{Script: "echo ran >> \"$D/ran\"\n", Env: map[string]string{"D": "$path.standby.workdir"}})
	p := plan(t, a, runbook.Ready)
	if err := c.SSHD("standby").Kill(); err != nil {
		t.Fatal(err)
	}
	c.WriteFile("standby", "/bin/uname", "#!/bin/sh\necho another\n", 0o755)
	c.RestartSSHD("standby")
	var refusal *runbook.Refusal
	if _, err := a.Apply(t.Context(), p, job, actiontest.NewRecorder()); !errors.As(err, &refusal) || refusal.Text.ID != "action.other_identity" || !refusal.Stale {
		t.Errorf("a clone took the step: %v", err)
	}
	if c.Exists("standby", "/root/workdir/ran") || c.Exists("standby", "/var/lib/recoverbot/jobs") {
		t.Error("something was written to a clone")
	}
	if ev, err := a.(action.Looker).Look(t.Context(), p, job); err != nil || ev.Took != runbook.TookUnclear {
		t.Errorf("a clone says what came of it: %+v, %v", ev, err)
	}
}

// TestAMachineIsRenamed: a script may give the machine another name, as provisioning does. The job is found again where it
// began (fault 8).
func TestAMachineIsRenamed(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	a, job := build(t, c, ssh.Spec{Script: "echo ran >> \"$D/ran\"\n", Env: map[string]string{"D": "$path.standby.workdir"}})
	p := plan(t, a, runbook.Ready)
	if r, err := a.Apply(t.Context(), p, job, actiontest.NewRecorder()); err != nil || r.Outcome != runbook.OutcomeDone {
		t.Fatalf("%+v %v", r, err)
	}
	if err := c.SSHD("standby").Kill(); err != nil {
		t.Fatal(err)
	}
	c.WriteFile("standby", "/bin/uname", "#!/bin/sh\necho renamed\n", 0o755)
	c.RestartSSHD("standby")
	if r, err := a.(action.Resumer).Resume(t.Context(), p, job, actiontest.NewRecorder()); err != nil || r.Outcome != runbook.OutcomeDone {
		t.Errorf("found again: %+v %v", r, err)
	}
	if ev, err := a.(action.Looker).Look(t.Context(), p, job); err != nil || ev.Took != runbook.TookYes {
		t.Errorf("looked at: %+v, %v", ev, err)
	}
	if got := c.ReadFile("standby", "/root/workdir/ran"); got != "ran\n" {
		t.Errorf("ran %q", got)
	}
}

func TestDeadMachineIsUnknown(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	a, job := build(t, c, ssh.Spec{Script: "echo begun\nexec sleep 600\n"})
	p := plan(t, a, runbook.Ready)
	out := actiontest.NewRecorder()
	ended := make(chan error, 1)
	go func() {
		_, err := a.Apply(t.Context(), p, job, out)
		ended <- err
	}()
	<-out.Changed()
	_ = c.SSHD("standby").Kill() // everything on the machine ends, as in a power cut
	c.RestartSSHD("standby")
	err := <-ended
	var refusal *runbook.Refusal
	if err == nil || errors.As(err, &refusal) || runbook.CodeOf(err) == runbook.Unavailable { // unavailable is tried again for ever
		t.Fatalf("%v", err)
	}
	if ev, err := a.(action.Looker).Look(t.Context(), p, job); err != nil || ev.Took != runbook.TookUnclear {
		t.Errorf("%+v %v", ev, err)
	}
}

func TestCancelStopsTheJob(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	a, job := build(t, c, ssh.Spec{Script: "echo begun\nexec sleep 600\n"})
	p := plan(t, a, runbook.Ready)
	out := actiontest.NewRecorder()
	ended := make(chan runbook.Result, 1)
	go func() {
		r, _ := a.Apply(context.WithoutCancel(t.Context()), p, job, out)
		ended <- r
	}()
	<-out.Changed()
	if err := a.(runbook.Canceler).Cancel(t.Context(), p, job); err != nil {
		t.Fatal(err)
	}
	select {
	case r := <-ended:
		if r.Outcome != runbook.OutcomeFailed {
			t.Errorf("%+v", r)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("not stopped")
	}
}

func TestSatisfiedProvisionalBlocked(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	a, _ := build(t, c, ssh.Spec{Script: "exit 1", Satisfied: "exit 0"})
	plan(t, a, runbook.Satisfied)
	a, _ = build(t, c, ssh.Spec{Script: "echo $X", Env: map[string]string{"X": "$param.later"}})
	p := plan(t, a, runbook.Provisional)
	if len(p.Needs) != 1 || p.Effect.Exact[0].Text != "echo $X" {
		t.Errorf("%+v", p)
	}
	a, _ = build(t, c, ssh.Spec{Provision: "standby"})
	plan(t, a, runbook.Blocked)
	_ = c.SSHD("standby").Kill()
	a, _ = build(t, c, ssh.Spec{Script: "exit 0"})
	plan(t, a, runbook.Blocked)
}

// TestProvisionGetsSecretsThatNobodySees: fault 40.
func TestProvisionGetsSecretsThatNobodySees(t *testing.T) {
	c := actiontest.New(t, "standby")
	t.Setenv("RB_TEST_PASSWORD", "canary-42")
	text, err := os.ReadFile(c.FleetFile)
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, "provision:\n  standby: {script: install.sh, env: [RB_TEST_PASSWORD]}\n"...)
	if err := errors.Join(os.WriteFile(c.FleetFile, text, 0o600),
		os.WriteFile(filepath.Join(c.Dir, "install.sh"), []byte("echo \"got $RB_TEST_PASSWORD in $WORKDIR\"; echo \"$RB_TEST_PASSWORD\" > \"$WORKDIR/pw\"\n"), 0o600),
		c.Fleet.Reload(t.Context())); err != nil {
		t.Fatal(err)
	}
	a, job := build(t, c, ssh.Spec{Provision: "standby", Env: map[string]string{"WORKDIR": "$path.standby.workdir"}})
	p := plan(t, a, runbook.Ready)
	for _, part := range p.Effect.Exact {
		if strings.Contains(part.Text, "canary") {
			t.Errorf("shown: %s", part.Text)
		}
	}
	if !strings.Contains(p.Effect.Exact[1].Text, "RB_TEST_PASSWORD=<redacted>") || strings.Contains(string(p.Effect.Data), "canary") {
		t.Errorf("%+v", p.Effect)
	}
	r, err := a.Apply(t.Context(), p, job, actiontest.NewRecorder())
	if err != nil || r.Outcome != runbook.OutcomeDone || c.ReadFile("standby", "/root/workdir/pw") != "canary-42\n" {
		t.Fatalf("%+v %v", r, err)
	}
	if c.Fleet.Redactor().Redact("canary-42") != "<redacted>" {
		t.Error("the secret is not known to the redactor")
	}
	o := c.Options()
	o.Getenv = func(name string) string { return map[string]string{"RB_TEST_PASSWORD": "of-the-env-file"}[name] }
	settings, err := fleet.Open(c.FleetFile, o)
	if err != nil {
		t.Fatal(err)
	}
	defer settings.Close()
	own := c.Fleet
	c.Fleet = settings
	a, job = build(t, c, ssh.Spec{Provision: "standby", Env: map[string]string{"WORKDIR": "$path.standby.workdir"}})
	job.Attempt = 2
	if r, err := a.Apply(t.Context(), plan(t, a, runbook.Ready), job, actiontest.NewRecorder()); err != nil || c.ReadFile("standby", "/root/workdir/pw") != "of-the-env-file\n" {
		t.Fatalf("a variable of the settings does not reach the script: %+v %v", r, err)
	}
	c.Fleet = own
	a, _ = build(t, c, ssh.Spec{Provision: "standby", Env: map[string]string{"WORKDIR": "$path.standby.workdir"}})
	if err := os.WriteFile(filepath.Join(c.Dir, "install.sh"), []byte("echo other"), 0o600); err != nil {
		t.Fatal(err)
	}
	var refusal *runbook.Refusal
	if _, err := a.Apply(t.Context(), p, runbook.Job{Run: "other", Step: "s", Attempt: 1}, actiontest.NewRecorder()); !errors.As(err, &refusal) || !refusal.Stale {
		t.Errorf("another script was run: %v", err)
	}
}

func TestSpec(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]ssh.Spec{
		"nothing": {}, "both": {Script: "a", Provision: "b"}, "template": {Script: "echo {{.X}}"},
		"template in look": {Script: "a", Look: "{{ x }}"}, "name": {Script: "a", Env: map[string]string{"a b": "x"}},
		"loader": {Script: "a", Env: map[string]string{"LD_PRELOAD": "x"}}, "path": {Script: "a", Env: map[string]string{"PATH": "x"}},
	} {
		if s.Validate() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
