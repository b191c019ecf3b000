package copy

import (
	"errors"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/actiontest"
)

// copied counts what a plan is to copy: it names each file once, in its effect.
func copied(p runbook.Plan) int {
	if len(p.Tables) > 0 {
		return -1
	}
	return 1 + strings.Count(p.Effect.Exact[0].Text, "\n")
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func build(t *testing.T, c *actiontest.Company, with string) (runbook.Action, action.Env) {
	t.Helper()
	env := c.Env(runbook.Step{ID: "copy", Kind: "copy", Host: "standby"})
	k := Kind()
	spec := k.Spec()
	if err := action.Decode(with, spec); err != nil {
		t.Fatal(err)
	}
	a, err := k.New(spec, env)
	if err != nil {
		t.Fatal(err)
	}
	return a, env
}

func plan(t *testing.T, a runbook.Action, want runbook.Verdict) runbook.Plan {
	t.Helper()
	p, err := a.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p.Verdict != want {
		t.Fatalf("plan is %s (%s %v), want %s", p.Verdict, p.Why.ID, p.Why.Args, want)
	}
	return p
}

func TestCopy(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby", "report", "hongkong")
	big := strings.Repeat("0123456789abcdef", 700_000) // three windows
	c.WriteFile("report", "/root/workdir/app/bin/go-api", big, 0o755)
	c.WriteFile("report", "/root/workdir/app/with space\"and'quote", "x", 0o640)
	c.WriteFile("report", "/root/workdir/app/empty", "", 0o600)
	c.WriteFile("report", "/root/workdir/backup.py", "print(1)\n", 0o700)
	if err := os.Symlink("/etc/passwd", c.Path("report", "/root/workdir/app/link")); err != nil {
		t.Fatal(err)
	}
	const with = `files:
- {from: [hongkong, report], path: /root/workdir/app, to_path: /root/workdir/app}
- {from: [hongkong, report], path: /root/workdir/backup.py, to_path: $path.standby.backup_script}
`
	a, env := build(t, c, with)
	p := plan(t, a, runbook.Ready)
	if copied(p) != 4 || len(p.Facts) != 2 || len(p.Warnings) != 1 || p.Warnings[0].ID != "copy.skipped" {
		t.Errorf("plan: %+v", p)
	}
	if ev, err := a.(runbook.Looker).Look(t.Context(), p, c.Job(env)); err != nil || ev.Took != runbook.TookNo {
		t.Errorf("look before: %+v %v", ev, err)
	}
	// What an interrupted attempt left: one good window, and a bad one.
	items, err := planned(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range items {
		if strings.HasSuffix(it.To, "go-api") {
			c.WriteFile("standby", "/root/workdir/app/bin/.go-api."+it.SHA256[:16]+".part", big[:4<<20]+strings.Repeat("?", 100), 0o600)
		}
	}
	out := actiontest.NewRecorder()
	res, err := a.Apply(t.Context(), p, c.Job(env), out)
	if err != nil || res.Outcome != runbook.OutcomeDone {
		t.Fatalf("apply: %+v %v", res, err)
	}
	if got := c.ReadFile("standby", "/root/workdir/app/bin/go-api"); got != big {
		t.Error("the large file differs")
	}
	if got := c.ReadFile("standby", "/shell/database_backup_speed.py"); got != "print(1)\n" {
		t.Errorf("script: %q", got)
	}
	for path, mode := range map[string]os.FileMode{"/root/workdir/app/bin/go-api": 0o755, "/root/workdir/app/with space\"and'quote": 0o640} {
		if info, err := os.Stat(c.Path("standby", path)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", path, info, err)
		}
	}
	if c.Exists("standby", "/root/workdir/app/link") {
		t.Error("a link was followed")
	}
	if left, _ := os.ReadDir(c.Path("standby", "/root/workdir/app/bin")); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
	if n := len(out.Reports()); n < 3 || out.Reports()[n-1].Done != out.Reports()[n-1].Total {
		t.Errorf("progress: %+v", out.Reports())
	}
	if ev, err := a.(runbook.Looker).Look(t.Context(), p, c.Job(env)); err != nil || ev.Took != runbook.TookYes {
		t.Errorf("look after: %+v %v", ev, err)
	}
	plan(t, a, runbook.Satisfied)

	c.WriteFile("standby", "/shell/database_backup_speed.py", "edited here\n", 0o700)
	only, _ := build(t, c, with+"only_missing: true\n")
	plan(t, only, runbook.Satisfied)
	p = plan(t, a, runbook.Ready)
	refuse := func(what string) {
		t.Helper()
		var r *runbook.Refusal
		if _, err := a.Apply(t.Context(), p, c.Job(env), out); !errors.As(err, &r) || !r.Stale {
			t.Errorf("%s: %v", what, err)
		}
	}
	c.WriteFile("report", "/root/workdir/backup.py", "print(2)\n", 0o700)
	refuse("changed source")
	if err := os.Remove(c.Path("report", "/root/workdir/backup.py")); err != nil {
		t.Fatal(err)
	}
	refuse("gone source")
	c.WriteFile("report", "/root/workdir/backup.py", "print(1)\n", 0o700)
	c.WriteFile("standby", "/shell/database_backup_speed.py", "edited again\n", 0o700)
	refuse("changed target")
	if got := c.ReadFile("standby", "/shell/database_backup_speed.py"); got != "edited again\n" {
		t.Errorf("a refused copy changed the target: %q", got)
	}
}

func TestNowhere(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby", "report")
	a, _ := build(t, c, "files: [{from: [report], path: /root/workdir/nothing, to_path: /x}]")
	if p := plan(t, a, runbook.Blocked); p.Why.ID != "copy.nowhere" || p.Why.Args["tried"] != "report" {
		t.Errorf("why: %+v", p.Why)
	}
	c.WriteFile("report", "/root/workdir/f", "x", 0o600)
	c.WriteFile("standby", "/x/y", "", 0o600)
	a, _ = build(t, c, "files: [{from: [report], path: /root/workdir/f, to_path: /x}]")
	if p := plan(t, a, runbook.Blocked); p.Why.ID != "copy.in_the_way" {
		t.Errorf("why: %+v", p.Why)
	}
	for _, with := range []string{"files: []", "files: [{from: [report], path: x, to_path: /x}]", "files: [{from: [report], path: /a/../b, to_path: /x}]",
		"files: [{from: [], path: /x, to_path: /x}]", "files: [{from: [report], path: /x, to_path: /x, mode: 7}]"} {
		if action.Decode(with, &Spec{}) == nil {
			t.Errorf("taken: %s", with)
		}
	}
}
