package nginx

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/actiontest"
)

const upstreams = "/etc/nginx/conf.d/upstreams.conf"

// front is an nginx host with two application servers behind it, of which primary does not exist any more.
type front struct {
	*actiontest.Company
	t *testing.T
}

func newFront(t *testing.T) front {
	t.Helper()
	c := actiontest.New(t, "nginx1", "nginx2", "primary", "standby")
	f := front{c, t}
	for _, port := range []string{"8080", "8083"} {
		l, err := net.Listen("tcp", c.Host("standby").Address+":"+port)
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "standby:"+port) }))
		_ = s.Listener.Close()
		s.Listener = l
		s.Start()
		t.Cleanup(s.Close)
	}
	for _, host := range []string{"nginx1", "nginx2"} {
		c.WriteFile(host, upstreams, f.text("upstream api {\n    # both\n    server PRIMARY:8080 max_fails=1; # main\n"+
			"    server STANDBY:8080 backup;\n}\nupstream admin { server PRIMARY:8083; }\n"), 0o640)
		c.WriteFile(host, "/etc/nginx/nginx.conf", c.NginxConf(host, fmt.Sprintf(
			"server { listen %s:8000; location / { proxy_pass http://api; } location /admin { proxy_pass http://admin; } }", c.Host(host).Address)), 0o644)
		c.StartNginx(host)
	}
	return f
}

func (f front) text(s string) string {
	return strings.NewReplacer("PRIMARY", f.Host("primary").Address, "STANDBY", f.Host("standby").Address).Replace(s)
}

func (f front) action(spec *Spec, id string) (action.Action, runbook.Job) {
	f.t.Helper()
	if err := spec.Validate(); err != nil {
		f.t.Fatal(err)
	}
	env := f.Env(runbook.Step{ID: id, Kind: "nginx", Host: "host:nginx1"})
	a, err := Kind().New(spec, env)
	if err != nil {
		f.t.Fatal(err)
	}
	return a, f.Job(env)
}

func (f front) plan(a action.Action, verdict runbook.Verdict) runbook.Plan {
	f.t.Helper()
	p, err := a.Plan(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	if p.Verdict != verdict {
		f.t.Fatalf("verdict %s (%+v), want %s", p.Verdict, p.Why, verdict)
	}
	return p
}

func (f front) get(path string) string {
	f.t.Helper()
	tr := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: tr}).Get("http://" + f.Host("nginx1").Address + ":8000" + path)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return string(b)
}

func (f front) evidence(a action.Action, p runbook.Plan, took string) {
	f.t.Helper()
	ev, err := a.(runbook.Looker).Look(f.t.Context(), p, runbook.Job{})
	if err != nil || ev.Took != took {
		f.t.Errorf("evidence %+v, %v, want %s", ev, err, took)
	}
}

func TestRemoveAndAddAgain(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	before := f.ReadFile("nginx1", upstreams)
	a, job := f.action(&Spec{Remove: "primary", Replacement: "standby"}, "out")
	p := f.plan(a, runbook.Ready)
	if d := p.Effect.Exact[0]; d.Format != "diff" || !strings.Contains(d.Text, "-    server "+f.Host("primary").Address+":8080") {
		t.Errorf("card shows %+v", d)
	}
	if again := f.plan(a, runbook.Ready); runbook.Digest("out", "nginx", nil, again.Effect) != runbook.Digest("out", "nginx", nil, p.Effect) {
		t.Error("planning twice gives two digests")
	}
	f.evidence(a, p, runbook.TookNo)
	if got := f.ReadFile("nginx1", upstreams); got != before {
		t.Error("planning changed the file")
	}
	r, err := a.Apply(t.Context(), p, job, actiontest.NewRecorder())
	if err != nil || r.Outcome != runbook.OutcomeDone {
		t.Fatalf("apply: %+v, %v", r, err)
	}
	want := f.text("upstream api {\n    # both\n    # main\n    server STANDBY:8080;\n}\nupstream admin { server STANDBY:8083; }\n")
	if diff := cmp.Diff(want, f.ReadFile("nginx1", upstreams)); diff != "" {
		t.Errorf("file (-want +got):\n%s", diff)
	}
	if got := f.get("/") + f.get("/admin"); got != "standby:8080standby:8083" {
		t.Errorf("through nginx: %s", got)
	}
	info, err := os.Stat(f.Path("nginx1", upstreams))
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(f.Path("nginx1", "/var/lib/recoverbot/backup/"+job.ID()+upstreams)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("backup: %v, %v", info, err)
	}
	if got := f.ReadFile("nginx2", upstreams); got != before {
		t.Error("the other nginx host was changed")
	}
	f.evidence(a, p, runbook.TookYes)
	f.plan(a, runbook.Satisfied)

	f.Run.Steps = append(f.Run.Steps, runbook.StepRun{ID: "out", Def: runbook.Step{ID: "out", Kind: "nginx"}, Host: "nginx1",
		State: runbook.Done, Result: &r})
	back, job := f.action(&Spec{Add: "primary", Port: "8080"}, "in")
	p = f.plan(back, runbook.Ready)
	if r, err := back.Apply(t.Context(), p, job, actiontest.NewRecorder()); err != nil || r.Outcome != runbook.OutcomeDone {
		t.Fatalf("add: %+v, %v", r, err)
	}
	want = f.text("upstream api {\n    # both\n    server PRIMARY:8080 max_fails=1; # main\n    server STANDBY:8080;\n}\nupstream admin { server STANDBY:8083; }\n")
	if diff := cmp.Diff(want, f.ReadFile("nginx1", upstreams)); diff != "" {
		t.Errorf("after adding (-want +got):\n%s", diff)
	}
	f.plan(back, runbook.Satisfied)
}

func TestChangedSinceThePlan(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, job := f.action(&Spec{Remove: "primary", Replacement: "standby"}, "out")
	p := f.plan(a, runbook.Ready)
	text := f.ReadFile("nginx1", upstreams) + "# somebody was here\n"
	f.WriteFile("nginx1", upstreams, text, 0o640)
	_, err := a.Apply(t.Context(), p, job, actiontest.NewRecorder())
	var refusal *runbook.Refusal
	if !errors.As(err, &refusal) || !refusal.Stale {
		t.Fatalf("apply: %v", err)
	}
	if got := f.ReadFile("nginx1", upstreams); got != text {
		t.Error("the file was changed all the same")
	}
	f.evidence(a, p, runbook.TookUnclear)
}

func TestRefusedConfigurationIsTakenBack(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, job := f.action(&Spec{Remove: "primary", Replacement: "standby"}, "out")
	p := f.plan(a, runbook.Ready)
	before := f.ReadFile("nginx1", upstreams)
	// Valid when it was planned; a new file makes what will be tested invalid, and belongs to no edit.
	f.WriteFile("nginx1", "/etc/nginx/conf.d/z.conf", "upstream api { server 192.0.2.1:1; }\n", 0o644)
	r, err := a.Apply(t.Context(), p, job, actiontest.NewRecorder())
	if err != nil || r.Outcome != runbook.OutcomeFailed || r.Text.ID != "nginx.refused" || !strings.Contains(fmt.Sprint(r.Text.Args["why"]), "duplicate upstream") {
		t.Fatalf("apply: %+v, %v", r, err)
	}
	if got := f.ReadFile("nginx1", upstreams); got != before {
		t.Errorf("not restored:\n%s", got)
	}
	if got := f.get("/"); got != "standby:8080" {
		t.Errorf("nginx stopped working: %s", got)
	}
	if p := f.plan(a, runbook.Blocked); p.Why.ID != "nginx.broken" {
		t.Errorf("why %+v", p.Why)
	}
}

func TestBlocked(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "nginx1", "primary", "standby")
	f := front{c, t}
	a, _ := f.action(&Spec{Remove: "primary"}, "out")
	if p := f.plan(a, runbook.Blocked); p.Why.ID != "nginx.unreadable" {
		t.Errorf("no configuration: %+v", p.Why)
	}
	c.WriteFile("nginx1", "/etc/nginx/nginx.conf", c.NginxConf("nginx1", "server { listen "+c.Host("nginx1").Address+":8000; }"), 0o644)
	if p := f.plan(a, runbook.Blocked); p.Why.ID != "nginx.no_master" {
		t.Errorf("nothing runs: %+v", p.Why)
	}
	n := c.StartNginx("nginx1")
	f.plan(a, runbook.Satisfied)
	in, _ := f.action(&Spec{Add: "primary", Port: "8080"}, "in")
	if p := f.plan(in, runbook.Satisfied); p.Why.ID != "nginx.no_upstream" {
		t.Errorf("no upstream: %+v", p.Why)
	}
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	f.plan(a, runbook.Blocked)
}

func TestSymbolicLinksStay(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	available := f.Path("nginx1", "/etc/nginx/available.conf")
	if err := os.Rename(f.Path("nginx1", upstreams), available); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(available, f.Path("nginx1", upstreams)); err != nil {
		t.Fatal(err)
	}
	f.WriteFile("nginx1", "/etc/nginx/.available.conf.recoverbot-new", "left by a bot that was killed", 0o600)
	a, job := f.action(&Spec{Remove: "primary"}, "out")
	p := f.plan(a, runbook.Ready)
	if len(p.Open) != 1 || p.Open[0].Text.ID != "nginx.left_in" {
		t.Errorf("open: %+v", p.Open)
	}
	r, err := a.Apply(t.Context(), p, job, actiontest.NewRecorder())
	if err != nil || r.Outcome != runbook.OutcomeDone || len(r.Open) != 1 {
		t.Fatalf("apply: %+v, %v", r, err)
	}
	info, err := os.Lstat(f.Path("nginx1", upstreams))
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link became %v, %v", info.Mode(), err)
	}
	want := f.text("upstream api {\n    # both\n    # main\n    server STANDBY:8080;\n}\nupstream admin { server PRIMARY:8083; }\n")
	if diff := cmp.Diff(want, f.ReadFile("nginx1", "/etc/nginx/available.conf")); diff != "" {
		t.Errorf("file (-want +got):\n%s", diff)
	}
	if f.Exists("nginx1", "/etc/nginx/.available.conf.recoverbot-new") {
		t.Error("the file aside was left")
	}
}

func TestFilesThatAreNotLoadedYet(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.WriteFile("nginx1", upstreams, f.text("upstream api { server STANDBY:8080; }\nupstream admin { server STANDBY:8083; }\n"), 0o640)
	later := time.Now().Add(5 * time.Second) // well after the workers began
	if err := os.Chtimes(f.Path("nginx1", upstreams), later, later); err != nil {
		t.Fatal(err)
	}
	a, job := f.action(&Spec{Remove: "primary", Replacement: "standby"}, "out")
	p := f.plan(a, runbook.Ready)
	if p.Summary.ID != "nginx.reload_only" {
		t.Errorf("summary %+v", p.Summary)
	}
	f.evidence(a, p, runbook.TookUnclear)
	if r, err := a.Apply(t.Context(), p, job, actiontest.NewRecorder()); err != nil || r.Outcome != runbook.OutcomeDone {
		t.Errorf("apply: %+v, %v", r, err)
	}
}
