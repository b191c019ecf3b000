package edit

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/actiontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const configPath = "/wwwroot/go/go-api/config.yaml"

func config(host string) string {
	return "# primary " + host + "\r\nredis:\r\n  addr: " + host + ":6379\r\nmysql:\r\n  dsn: go_api:C4nary@tcp(" + host + ":3306)/speed # dsn\r\n"
}

func build(t *testing.T, c *actiontest.Company, s *Spec) (action.Action, action.Env) {
	t.Helper()
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	env := c.Env(runbook.Step{ID: "s", Kind: "edit", Host: "standby"})
	a, err := Kind().New(s, env)
	if err != nil {
		t.Fatal(err)
	}
	return a, env
}

func plan(t *testing.T, a action.Action, want runbook.Verdict) runbook.Plan {
	t.Helper()
	p, err := a.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p.Verdict != want {
		t.Fatalf("verdict %s (%v), want %s", p.Verdict, p.Why, want)
	}
	return p
}

func refused(t *testing.T, err error, id string, stale bool) {
	t.Helper()
	var r *runbook.Refusal
	if !errors.As(err, &r) || r.Text.ID != id || r.Stale != stale {
		t.Fatalf("got %v, want %s (stale %v)", err, id, stale)
	}
}

// files lists what lies beside the configuration file.
func files(t *testing.T, c *actiontest.Company) []string {
	t.Helper()
	es, err := os.ReadDir(filepath.Dir(c.Path("standby", configPath)))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range es {
		out = append(out, e.Name())
	}
	return out
}

// TestEdit: fault 5.
func TestEdit(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "primary", "standby", "report")
	dead := c.Host("primary").Address
	before, after := config(dead), strings.ReplaceAll(config(dead), "addr: "+dead, "addr: localhost")
	after = strings.ReplaceAll(after, "tcp("+dead, "tcp(localhost")
	spec := func() *Spec {
		return &Spec{Path: "$service.go-api.config", Rehost: []Rehost{{From: "primary", To: "localhost"}}}
	}
	at := c.Path("standby", configPath)

	t.Run("rehost", func(t *testing.T) {
		c.WriteFile("standby", configPath, before, 0o640)
		a, env := build(t, c, spec())
		p := plan(t, a, runbook.Ready)
		diff := p.Effect.Exact[0].Text
		if strings.Contains(diff+string(p.Effect.Data), "C4nary") || !strings.Contains(diff, "+  addr: localhost:6379") {
			t.Errorf("diff\n%s", diff)
		}
		res, err := a.Apply(t.Context(), p, c.Job(env), actiontest.NewRecorder())
		if err != nil || res.Outcome != runbook.OutcomeDone {
			t.Fatal(res, err)
		}
		if got := c.ReadFile("standby", configPath); got != after {
			t.Errorf("got %q", got)
		}
		if info, err := os.Stat(at); err != nil || info.Mode().Perm() != 0o640 {
			t.Error(info.Mode(), err)
		}
		if info, err := os.Stat(res.Values["backup"]); err != nil || info.Mode().Perm() != 0o600 {
			t.Error(info, err)
		}
		if want := c.Path("standby", "/var/lib/recoverbot/backup/"+c.Job(env).ID()+configPath); res.Values["backup"] != want {
			t.Errorf("backup in %s, want %s", res.Values["backup"], want)
		}
		if old, err := os.ReadFile(res.Values["backup"]); err != nil || string(old) != before {
			t.Errorf("backup %q %v", old, err)
		}
		if got := files(t, c); len(got) != 1 {
			t.Errorf("left over: %v", got)
		}
		plan(t, a, runbook.Satisfied)
		if e, err := a.(runbook.Looker).Look(t.Context(), p, c.Job(env)); err != nil || e.Took != runbook.TookYes {
			t.Error(e, err)
		}
		_, err = a.Apply(t.Context(), p, c.Job(env), actiontest.NewRecorder())
		refused(t, err, "edit.changed", true)
		if e := c.Fleet.Redactor().Redact("x C4nary"); strings.Contains(e, "C4nary") {
			t.Error("the password is not redacted")
		}
		must(t, os.RemoveAll(c.Path("standby", "/var/lib/recoverbot/backup")))
	})
	t.Run("changed meanwhile", func(t *testing.T) {
		c.WriteFile("standby", configPath, before, 0o640)
		a, env := build(t, c, spec())
		p := plan(t, a, runbook.Ready)
		c.WriteFile("standby", configPath, before+"# x\n", 0o640)
		_, err := a.Apply(t.Context(), p, c.Job(env), actiontest.NewRecorder())
		refused(t, err, "edit.changed", true)
		if e, err := a.(runbook.Looker).Look(t.Context(), p, c.Job(env)); err != nil || e.Took != runbook.TookUnclear {
			t.Error(e, err)
		}
		if got := files(t, c); len(got) != 1 || c.ReadFile("standby", configPath) != before+"# x\n" {
			t.Errorf("files %v", got)
		}
	})
	t.Run("verify refuses", func(t *testing.T) {
		c.WriteFile("standby", configPath, before, 0o640)
		s := spec()
		s.Verify = `grep -q localhost "$FILE" && echo seen && exit 3`
		a, env := build(t, c, s)
		p := plan(t, a, runbook.Ready)
		must(t, os.WriteFile(asideOf(at), []byte("of a bot that was killed"), 0o600))
		out := actiontest.NewRecorder()
		_, err := a.Apply(t.Context(), p, c.Job(env), out)
		refused(t, err, "edit.not_verified", false)
		if got := files(t, c); len(got) != 1 || c.ReadFile("standby", configPath) != before || !strings.Contains(out.Text(), "seen") {
			t.Errorf("files %v, output %q", got, out.Text())
		}
		if c.Exists("standby", "/var/lib/recoverbot/backup") {
			t.Error("the copy of the old file is left")
		}
		if e, err := a.(runbook.Looker).Look(t.Context(), p, c.Job(env)); err != nil || e.Took != runbook.TookNo {
			t.Error(e, err)
		}
	})
	t.Run("cannot write", func(t *testing.T) {
		c.WriteFile("standby", configPath, before, 0o640)
		a, env := build(t, c, spec())
		p := plan(t, a, runbook.Ready)
		must(t, os.MkdirAll(asideOf(at)+"/x", 0o755)) // in the way of the new file
		_, err := a.Apply(t.Context(), p, c.Job(env), actiontest.NewRecorder())
		refused(t, err, "edit.not_written", false)
		if got := files(t, c); len(got) != 2 || c.ReadFile("standby", configPath) != before {
			t.Errorf("files %v", got)
		}
		must(t, os.RemoveAll(asideOf(at)))
	})
	t.Run("links", func(t *testing.T) {
		must(t, os.Remove(at))
		c.WriteFile("standby", "/etc/real.yaml", before, 0o600)
		must(t, os.Symlink(c.Path("standby", "/etc/real.yaml"), at))
		a, env := build(t, c, spec())
		if res, err := a.Apply(t.Context(), plan(t, a, runbook.Ready), c.Job(env), actiontest.NewRecorder()); err != nil || res.Outcome != runbook.OutcomeDone {
			t.Fatal(res, err)
		}
		if info, err := os.Lstat(at); err != nil || info.Mode()&fs.ModeSymlink == 0 || c.ReadFile("standby", "/etc/real.yaml") != after {
			t.Error(info, err)
		}
		must(t, os.Remove(at))
		must(t, os.Symlink(".", at))
		a, _ = build(t, c, spec())
		plan(t, a, runbook.Blocked)
		must(t, os.Remove(at))
	})
	t.Run("no file", func(t *testing.T) {
		s := spec()
		a, _ := build(t, c, s)
		plan(t, a, runbook.Blocked)
		s.Optional = true
		a, _ = build(t, c, s)
		if p := plan(t, a, runbook.Satisfied); !p.Absent {
			t.Errorf("it counts as done: %+v", p)
		}
	})
	t.Run("broken YAML", func(t *testing.T) {
		c.WriteFile("standby", configPath, "a: [ "+dead+"\n", 0o600)
		a, _ := build(t, c, spec())
		plan(t, a, runbook.Blocked)
	})
	t.Run("list of hosts", func(t *testing.T) {
		c.WriteFile("standby", "/shell/b.py", "TARGETS = [\n    '"+c.Host("standby").Address+"',\n    'x.example.com',\n]\n", 0o755)
		a, env := build(t, c, &Spec{Path: "/shell/b.py", ListHosts: &ListSpec{List: "TARGETS", Hosts: []string{"backup"}, Optional: []string{"new"}, Except: []string{"standby"}},
			Verify: `python3 -c 'import os; compile(open(os.environ["FILE"]).read(), "x", "exec")'`})
		res, err := a.Apply(t.Context(), plan(t, a, runbook.Ready), c.Job(env), actiontest.NewRecorder())
		if err != nil || res.Outcome != runbook.OutcomeDone {
			t.Fatal(res, err)
		}
		if got, want := c.ReadFile("standby", "/shell/b.py"), "TARGETS = [\n    'x.example.com',\n    '"+c.Host("report").Address+"',\n]\n"; got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]Spec{
		"no path":   {AddLine: []string{"x"}},
		"no change": {Path: "/x"},
		"rehost":    {Path: "/x", Rehost: []Rehost{{From: "a"}}},
		"list":      {Path: "/x", ListHosts: &ListSpec{List: "L"}},
		"two lines": {Path: "/x", AddLine: []string{"a\nb"}},
		"template":  {Path: "/x", AddLine: []string{"a"}, Verify: "x {{.y}}"},
	} {
		if err := s.Validate(); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
