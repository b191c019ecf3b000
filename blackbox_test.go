package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"recoverbot/runbook/action/actiontest"
)

func TestBlackBoxCommand(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "nginx1", "primary")
	const secret = "command-canary-1"
	config := "redis:\n  password: " + secret + "\n"
	c.WriteFile("primary", "/wwwroot/go/go-api/config.yaml", config, 0o600)
	c.WriteFile("primary", "/crontab", "0 2 * * * x\n", 0o600)
	c.WriteFile("nginx1", "/etc/nginx/nginx.conf", "events {}\n", 0o644)
	db := c.StartMariaDB("primary")
	c.Exec(db, "CREATE DATABASE speed", "CREATE TABLE speed.t_app_dns (id INT)")
	dir := t.TempDir()
	env := "FLEET_FILE=" + c.FleetFile + "\nSSH_KEY_FILE=" + c.Options().KeyFile + "\nSSH_KNOWN_HOSTS=" + c.KnownHosts() + "\nDATABASE_URL=sqlite://" + dir + "/state/journal.db\n"
	run := func(env string, args ...string) string {
		t.Helper()
		out, err := command(t, map[string]string{"env": env}, args...)
		if err != nil {
			out += "\nerror: " + err.Error()
		}
		return out
	}
	expect := func(out string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(out, want) {
				t.Errorf("want %q in:\n%s", want, out)
			}
		}
	}
	expect(run(env, "blackbox", "list"), "The black box is empty")
	expect(run(env, "blackbox", "show", "primary"), "error: The black box holds nothing yet.")
	expect(run(env, "check"), "The black box is empty", "warning: The black box's key lies beside it")
	if _, err := os.Stat(filepath.Join(dir, "state")); err == nil {
		t.Error("looking made something")
	}
	expect(run(env+"BLACKBOX_KEY=short\n", "blackbox", "take"), "error: BLACKBOX_KEY is too short")

	out := run(env, "blackbox", "take")
	expect(out, "table definition of 2 machines.", "warning: primary: "+c.Path("primary", "/wwwroot/go/go-fly/config.yaml")+" could not be read: it is not there")
	if strings.Contains(out, "error") {
		t.Fatal(out)
	}
	expect(run(env, "blackbox", "list"), "nginx1, primary")
	out = run(env, "blackbox", "show", "primary")
	expect(out, c.Path("primary", "/wwwroot/go/go-api/config.yaml"), "crontab", "Database speed: 1 table, 0 views, 0 rows", "t_app_dns")
	if strings.Contains(out, secret) {
		t.Errorf("show tells a secret:\n%s", out)
	}
	for _, p := range []string{"/wwwroot/go/go-api/config.yaml", c.Path("primary", "/wwwroot/go/go-api/config.yaml")} {
		if got := run(env, "blackbox", "get", "primary", p); got != config {
			t.Errorf("get %s: %q", p, got)
		}
	}
	expect(run(env, "blackbox", "get", "primary", "crontab"), "0 2 * * * x\n")
	expect(run(env, "blackbox", "get", "primary", "speed.t_app_dns"), "CREATE TABLE `t_app_dns`")
	expect(run(env, "blackbox", "get", "primary", "/etc/shadow"), "error: The black box holds no /etc/shadow of primary.")
	expect(run(env, "blackbox", "show", "primari"), "error: The black box holds nothing of primari. It holds: nginx1, primary.")
	expect(run(env, "check"), "The black box is ", " s old.")
	expect(run(env, "blackbox", "show", "primary", "--at", "2999-01-01"), "t_app_dns")
	expect(run(env, "blackbox", "show", "primary", "--at", "2001-01-01 04:30"), "error: The black box held nothing of primary at 2001-01-01")
	expect(run(env, "blackbox", "get", "primary", "crontab", "--at", "yesterday"), "error: --at yesterday is not a time.")
	expect(run(env+"LANGUAGE=zh\n", "blackbox", "show", "primari"), "黑匣子中没有 primari")

	if err := os.Remove(filepath.Join(dir, "state", "blackbox.key")); err != nil {
		t.Fatal(err)
	}
	expect(run(env+"BLACKBOX_KEY=0123456789abcdef\n", "blackbox", "list"), "was encrypted with another key")
	expect(run(env+"BLACKBOX_KEY=0123456789abcdef\n", "check"), "warning: "+dir+"/state/blackbox/", "was encrypted with another key")
}
