package copy

import (
	"os"
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
)

// A link within the directory becomes a file with the same text; one that leads out of it, or nowhere, is left out.
func TestLinksWithinADirectory(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "nginx1", "standby")
	c.WriteFile("nginx1", "/etc/nginx/sites-available/app", "server { }\n", 0o640)
	c.WriteFile("nginx1", "/etc/secret", "secret\n", 0o600)
	c.WriteFile("nginx1", "/etc/nginx/sites-enabled/own", "server { } # own\n", 0o600)
	for name, to := range map[string]string{"app": "../sites-available/app", "out": "../../secret", "gone": "../sites-available/gone", "dir": "../sites-available"} {
		if err := os.Symlink(to, c.Path("nginx1", "/etc/nginx/sites-enabled/"+name)); err != nil {
			t.Fatal(err)
		}
	}
	a, env := build(t, c, "files: [{from: [\"host:nginx1\"], path: /etc/nginx, to_path: /etc/nginx}]")
	p := plan(t, a, runbook.Ready)
	if copied(p) != 3 || len(p.Warnings) != 1 || p.Warnings[0].Args["count"] != 3 {
		t.Errorf("plan: %+v", p)
	}
	if res, err := a.Apply(t.Context(), p, c.Job(env), actiontest.NewRecorder()); err != nil || res.Outcome != runbook.OutcomeDone {
		t.Fatalf("apply: %+v %v", res, err)
	}
	if got := c.ReadFile("standby", "/etc/nginx/sites-enabled/app"); got != "server { }\n" {
		t.Errorf("app: %q", got)
	}
	for _, name := range []string{"out", "gone", "dir"} {
		if c.Exists("standby", "/etc/nginx/sites-enabled/"+name) {
			t.Errorf("%s was followed", name)
		}
	}
	plan(t, a, runbook.Satisfied)
}
