package service_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/action/service"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func build(t *testing.T, c *actiontest.Company, spec service.Spec) (action.Action, runbook.Job) {
	t.Helper()
	if err := spec.Validate(); err != nil {
		t.Fatal(err)
	}
	env := c.Env(runbook.Step{ID: "s", Kind: "service", Host: "standby"})
	a, err := service.Kind().New(&spec, env)
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

// health answers on go-api's health URL on the host; it answers 502 until well is set.
func health(t *testing.T, c *actiontest.Company, well *atomic.Bool) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(c.Host("standby").Address, "8080"))
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" || !well.Load() {
			w.WriteHeader(http.StatusBadGateway)
		}
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
}

func TestRestartUntilHealthy(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	c.Unit("standby", "go-api", "")
	var well atomic.Bool
	health(t, c, &well)
	a, job := build(t, c, service.Spec{Service: "go-api", Do: "restart", Within: runbook.Duration(20 * time.Second)})
	p := plan(t, a, runbook.Ready)
	if got := p.Effect.Exact[0].Text; !strings.Contains(got, "systemctl restart") || !strings.Contains(got, "systemctl enable") {
		t.Errorf("command %q", got)
	}
	if active, _ := c.UnitState("standby", "go-api"); active {
		t.Fatal("planning started it")
	}
	out := actiontest.NewRecorder()
	go func() { // it becomes well once somebody has seen that it is not
		for range out.Changed() {
			if len(out.Reports()) > 0 {
				well.Store(true)
				return
			}
		}
	}()
	r, err := a.Apply(t.Context(), p, job, out)
	if err != nil || r.Outcome != runbook.OutcomeDone {
		t.Fatalf("%+v %v", r, err)
	}
	if active, enabled := c.UnitState("standby", "go-api"); !active || !enabled {
		t.Error("not active and enabled")
	}
	if ev, err := a.(action.Looker).Look(t.Context(), p, job); err != nil || ev.Took != runbook.TookYes {
		t.Errorf("%+v %v", ev, err)
	}
	if r, err := a.(action.Resumer).Resume(t.Context(), p, job, actiontest.NewRecorder()); err != nil || r.Outcome != runbook.OutcomeDone {
		t.Errorf("%+v %v", r, err)
	}
	restarts := 0
	for _, l := range c.SystemctlLog("standby") {
		if strings.HasPrefix(l, "restart") {
			restarts++
		}
	}
	if restarts != 1 {
		t.Errorf("%d restarts", restarts)
	}
	b, _ := build(t, c, service.Spec{Service: "go-api", Do: "start"})
	plan(t, b, runbook.Satisfied)
}

func TestNotHealthyInTimeFails(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	c.Unit("standby", "go-api", "")
	a, job := build(t, c, service.Spec{Service: "go-api", Do: "start", Within: runbook.Duration(time.Second)})
	r, err := a.Apply(t.Context(), plan(t, a, runbook.Ready), job, actiontest.NewRecorder())
	if err != nil || r.Outcome != runbook.OutcomeFailed || r.Text.ID != "service.not_as_wanted" {
		t.Fatalf("%+v %v", r, err)
	}
}

func TestFailingCommandFails(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	c.Unit("standby", "go-job", "echo 'no such binary' >&2; exit 5")
	a, job := build(t, c, service.Spec{Service: "go-job", Do: "start"})
	r, err := a.Apply(t.Context(), plan(t, a, runbook.Ready), job, actiontest.NewRecorder())
	if err != nil || r.Outcome != runbook.OutcomeFailed || !strings.Contains(fmt.Sprint(r.Text.Args["output"]), "no such binary") {
		t.Fatalf("%+v %v", r, err)
	}
}

func TestRetireInOrder(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	for _, u := range []string{"go-job", "go-api"} {
		c.Unit("standby", u, "")
		c.WriteFile("standby", "/units/"+u+".active", "", 0o644)
		c.WriteFile("standby", "/units/"+u+".enabled", "", 0o644)
	}
	a, job := build(t, c, service.Spec{Services: []string{"go-job", "go-fly", "go-api"}, Do: "retire", Within: runbook.Duration(5 * time.Second)})
	p := plan(t, a, runbook.Ready)
	if strings.Contains(p.Effect.Exact[0].Text, "go-fly") {
		t.Error("a service that is not installed would be stopped")
	}
	r, err := a.Apply(t.Context(), p, job, actiontest.NewRecorder())
	if err != nil || r.Outcome != runbook.OutcomeDone {
		t.Fatalf("%+v %v", r, err)
	}
	for _, u := range []string{"go-job", "go-api"} {
		if active, enabled := c.UnitState("standby", u); active || enabled {
			t.Errorf("%s is still there", u)
		}
	}
	plan(t, a, runbook.Satisfied)
	log := strings.Join(c.SystemctlLog("standby"), "\n")
	if strings.Index(log, "disable go-api") > strings.Index(log, "stop go-job") { // so that a stop that hangs leaves nothing to come back
		t.Errorf("order:\n%s", log)
	}
	if strings.Index(log, "stop go-job") > strings.Index(log, "stop go-api") {
		t.Errorf("order:\n%s", log)
	}
}

func TestNotInstalledIsOpen(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	a, _ := build(t, c, service.Spec{Service: "go-fly", Do: "start", Prove: true, Optional: true})
	p := plan(t, a, runbook.Satisfied)
	if len(p.Open) != 1 || p.Why.ID != "service.not_installed" {
		t.Errorf("%+v", p)
	}
	a, _ = build(t, c, service.Spec{Service: "go-fly", Do: "start", Prove: true}) // what must run is not done by not being there
	if p := plan(t, a, runbook.Blocked); len(p.Open) != 0 || p.Why.ID != "service.not_installed" {
		t.Errorf("%+v", p)
	}
}

const appYAML = `# go-api
mysql:
  dsn: "app:canary-pw@tcp(localhost:3306)/speed?charset=utf8mb4"
fly: "app:canary-pw@tcp(localhost:3306)/fly"
redis: {addr: "localhost:6379", db: 1}
`

func TestProve(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	c.Unit("standby", "go-api", "")
	c.WriteFile("standby", "/wwwroot/go/go-api/config.yaml", appYAML, 0o644)
	var well atomic.Bool
	well.Store(true)
	health(t, c, &well)
	db := c.StartMariaDB("standby")
	spec := service.Spec{Service: "go-api", Do: "restart", Prove: true, Within: runbook.Duration(10 * time.Second)}
	blocked := func(why string) {
		t.Helper()
		a, _ := build(t, c, spec)
		p := plan(t, a, runbook.Blocked)
		inner, _ := p.Why.Args["why"].(runbook.Msg)
		if inner.ID != why {
			t.Fatalf("blocked by %+v, want %s", p.Why, why)
		}
		if strings.Contains(fmt.Sprint(p), "canary") {
			t.Fatal("the plan has the password")
		}
	}
	blocked("service.mysql_denied")
	c.Exec(db, "CREATE DATABASE speed", "CREATE TABLE speed.t (id INT AUTO_INCREMENT PRIMARY KEY, a INT NOT NULL, b INT GENERATED ALWAYS AS (a+1) STORED)",
		"INSERT INTO speed.t (a) VALUES (1)", "CREATE USER app@'%' IDENTIFIED BY 'canary-pw'", "GRANT SELECT ON speed.* TO app@'%'")
	blocked("service.mysql_no_right")
	c.Exec(db, "GRANT ALL ON speed.* TO app@'%'", "SET GLOBAL read_only = 1")
	blocked("service.mysql_read_only")
	c.Exec(db, "SET GLOBAL read_only = 0")
	blocked("service.redis_unreachable")
	c.StartRedis("standby")

	a, job := build(t, c, spec)
	p := plan(t, a, runbook.Ready)
	if len(p.Open) != 1 { // fly is not there
		t.Errorf("open %+v", p.Open)
	}
	if strings.Contains(fmt.Sprint(p), "canary") || c.Fleet.Redactor().Redact("canary-pw") != "<redacted>" {
		t.Error("the password shows")
	}
	var next, rows int
	if err := errors.Join(db.DB.Get(&next, "SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA='speed' AND TABLE_NAME='t'"),
		db.DB.Get(&rows, "SELECT COUNT(*) FROM speed.t")); err != nil || next != 2 || rows != 1 {
		t.Errorf("the proof left a trace: %d %d %v", next, rows, err)
	}
	c.WriteFile("standby", "/wwwroot/go/go-api/config.yaml", appYAML+"# edited\n", 0o644)
	var refusal *runbook.Refusal
	if _, err := a.Apply(t.Context(), p, job, actiontest.NewRecorder()); !errors.As(err, &refusal) || !refusal.Stale {
		t.Fatalf("applied on another config: %v", err)
	}
	if active, _ := c.UnitState("standby", "go-api"); active {
		t.Fatal("it was restarted all the same")
	}
	p = plan(t, a, runbook.Ready)
	r, err := a.Apply(t.Context(), p, job, actiontest.NewRecorder())
	if err != nil || r.Outcome != runbook.OutcomeDone || len(r.Open) != 1 {
		t.Fatalf("%+v %v", r, err)
	}
}

func TestMemberOfAGroup(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	c.Unit("standby", "go-job", "")
	env := c.Env(runbook.Step{ID: "s", Kind: "service", Host: "standby"})
	env.Step.Member = "go-job"
	a, err := service.Kind().New(&service.Spec{Service: "member", Do: "stop"}, env)
	if err != nil {
		t.Fatal(err)
	}
	plan(t, a, runbook.Satisfied) // it does not run
	c.WriteFile("standby", "/units/go-job.active", "", 0o644)
	p := plan(t, a, runbook.Ready)
	r, err := a.Apply(t.Context(), p, c.Job(env), actiontest.NewRecorder())
	if active, _ := c.UnitState("standby", "go-job"); err != nil || r.Outcome != runbook.OutcomeDone || active {
		t.Fatalf("%+v %v", r, err)
	}
}

func TestSpec(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]service.Spec{
		"nothing": {Do: "start"}, "both": {Service: "a", Services: []string{"b"}, Do: "start"}, "verb": {Service: "a", Do: "reload"},
		"prove what is stopped": {Service: "a", Do: "stop", Prove: true}, "time": {Service: "a", Do: "start", Within: -1},
	} {
		if s.Validate() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A stopped service that would come back at the next boot is not fenced.
func TestRetireProvesThatItStaysDown(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	for _, u := range []string{"redis-server", "mysql"} { // known without being in fleet.yaml
		c.Unit("standby", u, "")
		c.WriteFile("standby", "/units/"+u+".enabled", "", 0o644)
	}
	spec := service.Spec{Services: []string{"redis", "mysql"}, Do: "retire", Within: runbook.Duration(time.Second)}
	a, job := build(t, c, spec)
	p := plan(t, a, runbook.Ready)
	c.WriteFile("standby", "/bin/systemctl", strings.Replace(c.ReadFile("standby", "/bin/systemctl"), `disable) rm -f "$d.enabled"`, `disable) :`, 1), 0o755)
	r, err := a.Apply(t.Context(), p, job, actiontest.NewRecorder())
	if err != nil || r.Outcome != runbook.OutcomeFailed || r.Text.ID != "service.not_as_wanted" || r.Text.Args["why"].(runbook.Msg).ID != "service.still_enabled" {
		t.Fatalf("%+v %v", r, err)
	}
}
