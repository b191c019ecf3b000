package paper

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aymanbagabas/go-udiff"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

func sh(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.Output()
	return string(out), err
}

// A sed script made of a diff gives the new text, and leaves lines alone that have changed since.
func TestSed(t *testing.T) {
	t.Parallel()
	const old = "upstream a {\n    server 192.0.2.1:80;  # *.[x]$ \\ / 主\n    server 192.0.2.2:80 backup;\n}\n\nlast {\n\tproxy_pass http://192.0.2.1/;\n}\n"
	for name, after := range map[string]string{
		"delete":         strings.Replace(old, "    server 192.0.2.1:80;  # *.[x]$ \\ / 主\n", "", 1),
		"change":         strings.ReplaceAll(old, "192.0.2.1", "192.0.2.9"),
		"indent":         strings.Replace(old, "\tproxy", "        proxy", 1),
		"append":         strings.Replace(old, "backup;\n", "backup;\n    server 192.0.2.3:80; # a\\b & c\n", 1),
		"first":          "# new\n" + old,
		"last":           old + "# end\n",
		"more lines":     strings.Replace(old, "    server 192.0.2.2:80 backup;\n", "    one;\n    two;\n    three;\n", 1),
		"fewer lines":    strings.Replace(old, "    server 192.0.2.1:80;  # *.[x]$ \\ / 主\n    server 192.0.2.2:80 backup;\n", "    one;\n", 1),
		"nothing":        old,
		"after an empty": strings.Replace(old, "}\n\nlast", "}\n\nmore;\nlast", 1),
	} {
		script, by := Sed(udiff.Unified("f", "f", old, after))
		if len(by) > 0 {
			t.Errorf("%s: by hand: %v", name, by)
		}
		got, err := sh(t, old, "sed", script)
		if err != nil || got != after {
			t.Errorf("%s: %v\n%s\ngave\n%s", name, err, script, got)
		}
	}
	script, _ := Sed(udiff.Unified("f", "f", old, strings.Replace(old, "    server 192.0.2.2:80 backup;\n", "", 1)))
	changed := strings.Replace(old, "192.0.2.2", "192.0.2.3", 1)
	if got, err := sh(t, changed, "sed", script); err != nil || got != changed {
		t.Errorf("a line that is another one now was changed: %v\n%s", err, got)
	}
	if script, by := Sed("--- f\n+++ f\n@@ -4 +4 @@\n-a •••@old\n+a •••@new\n"); script != "" || len(by) != 1 || by[0] != 4 {
		t.Errorf("a hidden secret: %q %v", script, by)
	}
}

func TestRehost(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ from, to, text, want string }{
		{"192.0.2.1", "localhost", "a: 192.0.2.1:80,192.0.2.1 192.0.2.11 1192.0.2.1 192x0y2z1", "a: localhost:80,localhost 192.0.2.11 1192.0.2.1 192x0y2z1"},
		{"app-primary", "192.0.2.9", "u:p@tcp(app-primary:3306)/x my-app-primary app-primary.local app-primary", "u:p@tcp(192.0.2.9:3306)/x my-app-primary app-primary.local 192.0.2.9"},
	} {
		x := Rehost(tc.from, tc.to)
		if got, err := sh(t, tc.text, "sed", "-E", "-e", x, "-e", x); err != nil || strings.TrimSuffix(got, "\n") != tc.want {
			t.Errorf("%s: %v %q", tc.from, err, got)
		}
	}
}

// Nothing that a value holds is expanded, on either side, and no text ends its own here-document.
func TestScriptsArriveAsTheyAre(t *testing.T) {
	t.Parallel()
	const hostile = "'; touch /nowhere\n$(echo x) `echo x` ${HOME} \"\\\nRB_END\nRB_END1\n} </dev/null\n"
	u := Unknown("new")
	script := Assign("V", hostile) + "printf %s \"$V\"; echo " + Quote(u.Address+" "+u.DNSIP.String()) + "\ncat\n"
	host := fleet.Host{Name: "h", Address: "192.0.2.1", Port: 22, User: "root"}
	text := On(&fleet.Config{}, host, runbook.Typed{Script: script}, []string{"old", "new"})
	all := "ssh() { shift 9; \"$@\"; }\nNEW_ADDRESS=192.0.2.7 NEW_DNS_IP=192.0.2.8\n" + text + "echo local\n"
	if got, err := sh(t, "", "sh", "-c", all); err != nil || got != hostile+"192.0.2.7 192.0.2.8\nlocal\n" {
		t.Errorf("%v\n%s\ngave\n%q", err, all, got)
	}
	if got, err := sh(t, "", "sh", "-c", strings.Replace(all, "NEW_ADDRESS=192.0.2.7", "", 1)); strings.Contains(got, "192.0.2.8") {
		t.Errorf("it ran without the address: %v %q", err, got)
	}
	own := Own("echo http://"+u.Address+":80/ 'x "+u.Address+" y' "+u.Address, []string{"new"})
	if got, err := sh(t, "", "sh", "-c", "NEW_ADDRESS=192.0.2.7\n"+own); err != nil || got != "http://192.0.2.7:80/ x 192.0.2.7 y 192.0.2.7\n" {
		t.Errorf("%v %s: %q", err, own, got)
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	cfg := &fleet.Config{Hosts: []fleet.Host{
		{Name: "gate", Address: "2001:db8::1", Port: 2222, User: "ops"},
		{Name: "inner", Address: "192.0.2.2", Port: 22, User: "root", Jump: "gate"},
		{Name: "deep", Address: "192.0.2.3", Port: 22, User: "root", Jump: "inner"},
	}}
	if got, want := Login(cfg, cfg.Hosts[2]), patience+"-p 22 -J 'ops@[2001:db8::1]:2222,root@192.0.2.2:22' root@192.0.2.3"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := Login(cfg, Unknown("new-1")); got != patience+`-p "${NEW_1_PORT:?}" "${NEW_1_USER:?}@${NEW_1_ADDRESS:?}"` {
		t.Error(got)
	}
}

// A script that stops at its first failure stops there on paper, too, and is not called well.
func TestJudged(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"set -eu\nfalse\necho went on": "FAILED\n", "set -e\nexit 3": "FAILED\n", "set -e\necho done": "done\nOK\n", "echo a; exit 0": "a\nOK\n",
	} {
		for _, shell := range []string{"sh", "bash"} {
			if got, err := sh(t, "", shell, "-c", Judged(script)); err != nil || got != want {
				t.Errorf("%s: %q gave %q %v", shell, script, got, err)
			}
		}
	}
}

// Where the old file cannot be kept, it is not touched.
func TestKeepOrLeave(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := filepath.Join(dir, "config.yaml")
	if err := errors.Join(os.WriteFile(f, []byte("old\n"), 0o600), os.WriteFile(filepath.Join(dir, "taken"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	_, err := sh(t, "", "sh", "-c", "F="+Quote(f)+"\n"+Keep(filepath.Join(dir, "taken"))+"cat \"$SAVED\" | sed s/old/new/ >\"$F\"\n")
	if text, rerr := os.ReadFile(f); err == nil || rerr != nil || string(text) != "old\n" {
		t.Errorf("%v %v %q", err, rerr, text)
	}
}
