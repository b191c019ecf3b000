package copy

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/blackbox"
)

type box map[string]*blackbox.Host

func (b box) Latest(host string) (*blackbox.Host, bool) {
	h, ok := b[host]
	return h, ok
}

// held is a black box with files of the primary.
func held(c *actiontest.Company, at time.Time, files map[string]string) box {
	h := &blackbox.Host{At: at}
	for _, p := range slices.Sorted(maps.Keys(files)) {
		h.Files = append(h.Files, blackbox.File{Path: c.Path("primary", p), Mode: 0o640, At: at, Content: []byte(files[p])})
	}
	return box{"primary": h}
}

func TestFromTheBlackBox(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "primary", "standby", "report")
	at := time.Date(2026, 11, 23, 4, 30, 0, 0, time.UTC)
	const secret = "box-canary-7"
	files := map[string]string{"/wwwroot/go/go-fly/config.yaml": "redis: {password: " + secret + "}\n",
		"/etc/nginx/conf.d/a.conf": "a", "/etc/nginx/conf.d/b.conf": "b", "/etc/nginx/conf.d2": "not below"}
	c.Box = held(c, at, files)
	if err := c.SSHD("primary").Kill(); err != nil {
		t.Fatal(err)
	}
	a, env := build(t, c, `files:
- {from: [primary, report, "blackbox:primary"], path: $service.go-fly.config, to_path: $service.go-fly.config}
- {from: ["blackbox:host:primary"], path: /etc/nginx/conf.d, to_path: /etc/nginx/conf.d}
`)
	p := plan(t, a, runbook.Ready)
	shown, err := json.Marshal(p)
	if err != nil || strings.Contains(string(shown), secret) {
		t.Errorf("the plan tells a secret: %s %v", shown, err)
	}
	if copied(p) != 3 || !strings.HasPrefix(p.Effect.Exact[0].Text, "blackbox:primary:") || p.Summary.Args["source"].(runbook.Msg).Args["at"] != at {
		t.Errorf("plan: %s", shown)
	}
	digest := runbook.Digest("copy", "copy", nil, p.Effect)

	// A newer copy with the same bytes is the same plan; one with other bytes is another.
	c.Box = held(c, at.Add(24*time.Hour), files)
	newer, _ := build(t, c, "files: [{from: [\"blackbox:primary\"], path: /wwwroot/go/go-fly/config.yaml, to_path: /wwwroot/go/go-fly/config.yaml}, "+
		"{from: [\"blackbox:primary\"], path: /etc/nginx/conf.d, to_path: /etc/nginx/conf.d}]")
	if again := runbook.Digest("copy", "copy", nil, plan(t, newer, runbook.Ready).Effect); again != digest {
		t.Error("only the time changed, and the digest with it")
	}
	files["/etc/nginx/conf.d/b.conf"] = "changed"
	c.Box = held(c, at.Add(24*time.Hour), files)
	for name, b := range map[string]box{"changed": held(c, at, files), "gone": {}} {
		c.Box = b
		other, env := build(t, c, "files: [{from: [standby], path: /x, to_path: /x}]")
		var r *runbook.Refusal
		if _, err := other.Apply(t.Context(), p, c.Job(env), actiontest.NewRecorder()); !errors.As(err, &r) || !r.Stale {
			t.Errorf("%s: %v", name, err)
		}
		if c.Exists("standby", "/etc/nginx/conf.d/a.conf") || c.Exists("standby", "/wwwroot/go/go-fly/config.yaml") {
			t.Fatalf("%s: a refused copy changed the target", name)
		}
	}

	// The rest of an interrupted attempt is in the way of nothing.
	c.WriteFile("standby", "/etc/nginx/conf.d/.a.conf."+sum([]byte("a"))[:16]+".part", "half", 0o600)
	res, err := a.Apply(t.Context(), p, c.Job(env), actiontest.NewRecorder())
	if err != nil || res.Outcome != runbook.OutcomeDone || res.Values["source"] != "blackbox:primary" {
		t.Fatalf("apply: %+v %v", res, err)
	}
	for p, want := range map[string]string{"/wwwroot/go/go-fly/config.yaml": "redis: {password: " + secret + "}\n", "/etc/nginx/conf.d/a.conf": "a", "/etc/nginx/conf.d/b.conf": "b"} {
		if got := c.ReadFile("standby", p); got != want {
			t.Errorf("%s: %q", p, got)
		}
		if info, err := os.Stat(c.Path("standby", p)); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("%s: %v %v", p, info, err)
		}
	}
	if left, _ := os.ReadDir(c.Path("standby", "/etc/nginx/conf.d")); len(left) != 2 {
		t.Errorf("left: %v", left)
	}
	if ev, err := a.(runbook.Looker).Look(t.Context(), p, c.Job(env)); err != nil || ev.Took != runbook.TookYes {
		t.Errorf("look after: %+v %v", ev, err)
	}
	plan(t, a, runbook.Satisfied)
}

func TestOptional(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "primary", "standby")
	const with = `files:
- {from: ["blackbox:primary"], path: /nothing, to_path: /nothing}
`
	a, _ := build(t, c, with)
	if p := plan(t, a, runbook.Blocked); p.Why.ID != "copy.nowhere" || p.Why.Args["tried"] != "blackbox:primary" || p.Facts[0].Args["why"].(runbook.Msg).ID != "copy.box_empty" {
		t.Errorf("blocked: %+v", p)
	}
	a, _ = build(t, c, with+"optional: true\n")
	if p := plan(t, a, runbook.Satisfied); p.Why.ID != "copy.nothing" {
		t.Errorf("satisfied: %+v", p)
	}
	c.WriteFile("primary", "/there", "x", 0o600)
	a, env := build(t, c, with+"- {from: [primary], path: /there, to_path: /there}\noptional: true\n")
	p := plan(t, a, runbook.Ready)
	if _, err := a.Apply(t.Context(), p, c.Job(env), actiontest.NewRecorder()); err != nil || c.ReadFile("standby", "/there") != "x" {
		t.Errorf("apply: %v", err)
	}
}

// What is there needs no source, and a host that hangs costs its time once, however many files are looked for there.
func TestOnlyMissingNeedsNoSource(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "primary", "standby")
	c.WriteFile("standby", "/shell/backup.py", "print(1)\n", 0o644)
	if err := c.SSHD("primary").Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	a, _ := build(t, c, `only_missing: true
files: [{from: [primary], path: /shell/backup.py, to_path: /shell/backup.py}]
`)
	if p := plan(t, a, runbook.Satisfied); p.Why.ID != "copy.present" {
		t.Errorf("there already: %+v", p)
	}
	a, _ = build(t, c, `optional: true
files:
- {from: [primary], path: /a, to_path: /a}
- {from: [primary], path: /b, to_path: /b}
- {from: [primary], path: /c, to_path: /c}
- {from: [primary], path: /d, to_path: /d}
`)
	began := time.Now()
	if p := plan(t, a, runbook.Satisfied); len(p.Facts) != 5 { // four left out, one host tried
		t.Errorf("nowhere: %+v", p.Facts)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("a hanging host cost %s", took)
	}
}
