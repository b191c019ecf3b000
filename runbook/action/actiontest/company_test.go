package actiontest_test

import (
	"bytes"
	"strings"
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/fleet"
)

// A company answers as its doc comment promises: shims, MySQL through the socket, files below the root.
func TestCompany(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "primary", "standby", "nginx1")
	db := c.StartMariaDB("standby")
	c.Exec(db, "CREATE DATABASE speed", "CREATE TABLE speed.t (a INT)", "INSERT INTO speed.t VALUES (7)")
	c.Unit("standby", "go-api", `[ "$1" != restart ]`)

	cl := c.Client("standby")
	run := func(script string) fleet.Ran {
		t.Helper()
		r, err := cl.Run(t.Context(), fleet.Command{Script: script})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := run("mysql -N speed -e 'select a from t'"); strings.TrimSpace(r.Stdout) != "7" {
		t.Errorf("mysql shim: %+v", r)
	}
	if r := run("systemctl start go-api && systemctl enable go-api && systemctl is-active --quiet go-api && ! systemctl restart go-api && ! systemctl start nothing"); r.Exit != 0 {
		t.Errorf("systemctl shim: %+v", r)
	}
	if active, enabled := c.UnitState("standby", "go-api"); !active || !enabled {
		t.Error("go-api is not active and enabled")
	}
	if r := run("echo '0 2 * * * x' | crontab - && crontab -l"); r.Stdout != "0 2 * * * x\n" {
		t.Errorf("crontab shim: %+v", r)
	}

	env := c.Env(runbook.Step{ID: "s", Kind: "sql", Host: "standby"})
	h, err := env.Target()
	if err != nil || h.Name != "standby" {
		t.Fatalf("target %v, %v", h.Name, err)
	}
	d, _ := c.Fleet.Config().Database("speed")
	remote, err := c.Fleet.SQL(t.Context(), h, d, d.Schema)
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()
	var a int
	if err := remote.GetContext(t.Context(), &a, "SELECT a FROM t WHERE a = ?", 7); err != nil || a != 7 {
		t.Fatalf("select: %d, %v", a, err)
	}

	out := actiontest.NewRecorder()
	job := c.Job(env)
	started, err := cl.StartJob(t.Context(), fleet.JobSpec{ID: job.ID(), Script: "echo hello"})
	if err != nil || !started {
		t.Fatal(started, err)
	}
	st, err := cl.FollowJob(t.Context(), job.ID(), 0, out)
	if err != nil || st != (fleet.JobState{Status: fleet.JobExited}) || out.Text() != "hello\n" {
		t.Fatalf("%+v %v %q", st, err, out.Text())
	}
	if !bytes.Contains([]byte(cl.JobDir(job.ID())), []byte(c.Path("standby", "/var/lib"))) {
		t.Error("job directory is not below the host's root")
	}
}
