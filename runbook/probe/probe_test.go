package probe_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/probe"
)

// serve answers HTTP on the host's address.
func serve(t *testing.T, c *actiontest.Company, host string, port int, h http.Handler) {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", c.Host(host).Address, port))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	_ = s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
}

func ask(t *testing.T, c *actiontest.Company, p runbook.Probe) runbook.Finding {
	t.Helper()
	if p.Timeout == 0 {
		p.Timeout = runbook.Duration(20 * time.Second) // the machine may be busy; slowness is not what these tests ask
	}
	env := c.Env(runbook.Step{ID: "s", Kind: "check"})
	found := probe.Run(t.Context(), c.Fleet, env.Hosts, []runbook.Probe{p})
	if len(found) != 1 {
		t.Fatalf("%d findings of %+v", len(found), p)
	}
	return found[0]
}

func expect(t *testing.T, c *actiontest.Company, want string, p runbook.Probe) {
	t.Helper()
	if f := ask(t, c, p); f.Text.ID != want {
		t.Errorf("%s: got %s %v, want %s", p.Kind, f.Text.ID, f.Text.Args, want)
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "primary", "standby", "nginx1", "report")
	db := c.StartMariaDB("standby")
	redis := c.StartRedis("standby")
	c.WriteFile("nginx1", "/etc/nginx/nginx.conf", c.NginxConf("nginx1", fmt.Sprintf(
		"server { listen %s:%d; location / { proxy_pass http://%s:8080; } }", c.Host("nginx1").Address, actiontest.HTTPPort, c.Host("primary").Address)), 0o644)
	nginx := c.StartNginx("nginx1")
	c.Unit("standby", "go-api", "")
	var health atomic.Int32
	health.Store(200)
	serve(t, c, "standby", 8080, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(health.Load())) }))

	t.Run("ssh", func(t *testing.T) {
		expect(t, c, "probe.ssh_up", runbook.Probe{Kind: "ssh", Host: "standby"})
	})
	t.Run("tcp", func(t *testing.T) {
		expect(t, c, "probe.tcp_up", runbook.Probe{Kind: "tcp", Host: "standby", Port: 8080})
		expect(t, c, "probe.tcp_up", runbook.Probe{Kind: "tcp", Host: "standby", Port: 8080, From: "nginx1"})
		expect(t, c, "probe.tcp_down", runbook.Probe{Kind: "tcp", Host: "primary", Port: 8080})
		if f := ask(t, c, runbook.Probe{Kind: "tcp", Host: "primary", Port: 8080, From: "nginx1", Expect: "down"}); !f.OK || f.Up {
			t.Errorf("expected down: %+v", f)
		}
	})
	t.Run("http and service", func(t *testing.T) {
		expect(t, c, "probe.http_up", runbook.Probe{Kind: "http", Host: "standby", Service: "go-api"})
		expect(t, c, "probe.service_stopped", runbook.Probe{Kind: "service", Host: "standby", Service: "go-api"})
		c.WriteFile("standby", "/units/go-api.active", "", 0o644)
		expect(t, c, "probe.service_up", runbook.Probe{Kind: "service", Host: "standby", Service: "go-api"})
		health.Store(503)
		expect(t, c, "probe.service_unhealthy", runbook.Probe{Kind: "service", Host: "standby", Service: "go-api"})
		expect(t, c, "probe.http_status", runbook.Probe{Kind: "http", Host: "standby", Service: "go-api", From: "nginx1"})
		expect(t, c, "probe.http_up", runbook.Probe{Kind: "http", Host: "standby", Port: 8080}) // any answer
		health.Store(200)
	})
	t.Run("mysql", func(t *testing.T) {
		expect(t, c, "probe.mysql_down", runbook.Probe{Kind: "mysql", Host: "primary"})
		expect(t, c, "probe.mysql_up", runbook.Probe{Kind: "mysql", Host: "standby"})
		c.Exec(db, "SET GLOBAL read_only = 1")
		expect(t, c, "probe.mysql_read_only", runbook.Probe{Kind: "mysql", Host: "standby", Database: "speed"})
		c.Exec(db, "SET GLOBAL read_only = 0", "CHANGE MASTER TO master_host='127.0.0.1', master_user='x', master_password='x'")
		expect(t, c, "probe.mysql_replica", runbook.Probe{Kind: "mysql", Host: "standby"})
		c.Exec(db, "RESET SLAVE ALL")
	})
	t.Run("domains", func(t *testing.T) {
		c.Exec(db, "CREATE DATABASE speed", "CREATE TABLE speed.t_app_dns (id INT, ip VARCHAR(40), status INT)",
			fmt.Sprintf("INSERT INTO speed.t_app_dns VALUES (1, '%s', 1), (2, '%s', 1), (3, 'x', 1)", c.Host("primary").Address, c.Host("standby").Address))
		p := runbook.Probe{Kind: "domains", Host: "standby", Down: []string{"primary"}}
		expect(t, c, "probe.domains_listed", p)
		c.Exec(db, fmt.Sprintf("UPDATE speed.t_app_dns SET status = 2 WHERE ip = '%s'", c.Host("primary").Address))
		expect(t, c, "probe.domains_clear", p)
		c.Exec(db, "INSERT INTO speed.t_app_dns VALUES (4, 'primary.internal', 1)") // the same machine by another name
		expect(t, c, "probe.domains_listed", p)
		p = runbook.Probe{Kind: "domains", Host: "standby", Down: []string{"primary"}, Up: []string{"standby", "host:nginx1"}}
		expect(t, c, "probe.domains_both", p)
		c.Exec(db, "DELETE FROM speed.t_app_dns WHERE id = 4")
		expect(t, c, "probe.domains_missing", p)
		p.Up = p.Up[:1]
		expect(t, c, "probe.domains_right", p)
		p.Down = nil
		expect(t, c, "probe.domains_up", p)
		p.Up = nil
		expect(t, c, "probe.domains_unknown", p)
	})
	t.Run("redis", func(t *testing.T) {
		expect(t, c, "probe.redis_down", runbook.Probe{Kind: "redis", Host: "primary"})
		expect(t, c, "probe.redis_up", runbook.Probe{Kind: "redis", Host: "standby"})
		cl := c.Client("standby")
		r, err := cl.Run(t.Context(), fleet.Command{Script: `redis-cli -h "$H" replicaof 127.0.0.1 1`, Env: map[string]string{"H": c.Host("standby").Address}})
		if err != nil || r.Exit != 0 {
			t.Fatalf("%+v %v", r, err)
		}
		expect(t, c, "probe.redis_replica", runbook.Probe{Kind: "redis", Host: "standby"})
		if err := redis.Kill(); err != nil {
			t.Fatal(err)
		}
		expect(t, c, "probe.redis_down", runbook.Probe{Kind: "redis", Host: "standby"})
	})
	t.Run("disk", func(t *testing.T) {
		expect(t, c, "probe.disk_ok", runbook.Probe{Kind: "disk", Host: "report", Free: "1MB"})
		expect(t, c, "probe.disk_low", runbook.Probe{Kind: "disk", Host: "report", Path: "/shell/sql_backup", Free: "900000 TB"})
		expect(t, c, "probe.disk_low", runbook.Probe{Kind: "disk", Host: "report", Free: "100%"})
		expect(t, c, "probe.disk_unknown", runbook.Probe{Kind: "disk", Host: "report", Free: "much"})
		expect(t, c, "probe.disk_unknown", runbook.Probe{Kind: "disk", Host: "report", Path: "/nowhere", Free: "1MB"})
	})
	t.Run("nginx", func(t *testing.T) {
		p := runbook.Probe{Kind: "nginx", Host: "nginx1"}
		expect(t, c, "probe.nginx_up", p) // though it answers 502: its upstream is dead
		c.WriteFile("nginx1", "/etc/nginx/conf.d/bad.conf", "upstreem x {}\n", 0o644)
		expect(t, c, "probe.nginx_bad_config", p)
		c.WriteFile("nginx1", "/etc/nginx/conf.d/bad.conf", "", 0o644)
		if err := nginx.Kill(); err != nil {
			t.Fatal(err)
		}
		expect(t, c, "probe.nginx_no_master", p)
	})
	t.Run("dump", func(t *testing.T) {
		since := time.Now().Add(-time.Hour).Truncate(time.Second)
		stamp := func(at time.Time) string { return "-- Dump completed on " + at.Format("2006-01-02 15:04:05") + "\n" }
		name := func(at time.Time) string { return "/shell/sql_backup/speed-" + at.Format("2006-01-02_15-04") + ".sql" }
		p := runbook.Probe{Kind: "dump", Host: "report", Database: "speed"}
		expect(t, c, "probe.dump_none", p)
		old := since.Add(-30 * time.Minute)
		c.WriteFile("report", name(old), "INSERT;\n"+stamp(old), 0o644)
		expect(t, c, "probe.dump_ok", p)
		p.Since = since.UTC().Format(time.RFC3339)
		expect(t, c, "probe.dump_old", p)
		c.WriteFile("report", name(old.Add(time.Minute)), "INSERT;\n"+stamp(since.Add(time.Minute)), 0o644) // began before
		expect(t, c, "probe.dump_old", p)
		c.WriteFile("report", name(since.Add(20*time.Minute)), "INSERT;\n", 0o644)
		expect(t, c, "probe.dump_incomplete", p)
		// What was last written long before is not even unpacked.
		ancient := "/shell/sql_backup/speed-old.sql.gz"
		c.WriteFile("report", ancient, "", 0o644)
		c.WriteFile("report", "/bin/gzip", "#!/bin/sh\necho \"$*\" >>"+c.Path("report", "/unpacked")+"\n", 0o755)
		for _, at := range []time.Time{since.Add(-48 * time.Hour), since.Add(-23 * time.Hour)} {
			if err := os.Chtimes(c.Path("report", ancient), at, at); err != nil {
				t.Fatal(err)
			}
			expect(t, c, "probe.dump_incomplete", p)
			if unpacked := c.Exists("report", "/unpacked"); unpacked != at.After(since.Add(-24*time.Hour)) {
				t.Errorf("written %s before: unpacked %v", since.Sub(at), unpacked)
			}
		}
		c.WriteFile("report", name(since.Add(10*time.Minute)), "INSERT;\n"+stamp(since.Add(11*time.Minute)), 0o644)
		expect(t, c, "probe.dump_ok", p)
	})
	t.Run("tls", func(t *testing.T) {
		expect(t, c, "probe.tls_down", runbook.Probe{Kind: "tls", Host: "standby", Port: 8080, Name: "example.com"})
	})
	t.Run("silent", func(t *testing.T) {
		if f := ask(t, c, runbook.Probe{Kind: "silent", Host: "standby"}); f.OK || !f.Up {
			t.Errorf("a living host: %+v", f)
		}
	})
	t.Run("bad references", func(t *testing.T) {
		expect(t, c, "probe.unknown_kind", runbook.Probe{Kind: "nonsense", Host: "standby"})
		expect(t, c, "fleet.unknown_host", runbook.Probe{Kind: "ssh", Host: "nobody"})
		expect(t, c, "fleet.unknown_service", runbook.Probe{Kind: "service", Host: "standby", Service: "nothing"})
	})
}

// One frozen host costs its own probe's time only, and counts as silent although it accepts connections.
func TestFrozenHost(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "primary", "standby")
	if err := c.SSHD("primary").Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	c.Client("standby")
	env := c.Env(runbook.Step{ID: "s", Kind: "check"})
	began := time.Now()
	second := runbook.Duration(time.Second)
	found := probe.Run(t.Context(), c.Fleet, env.Hosts, []runbook.Probe{
		{Kind: "silent", Host: "primary", Timeout: second}, {Kind: "ssh", Host: "primary", Timeout: second},
		{Kind: "mysql", Host: "primary", Timeout: second}, {Kind: "ssh", Host: "standby", Timeout: 10 * second},
		{Kind: "ssh", Host: "primary", Timeout: second, Expect: "down"},
	})
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("took %s", took)
	}
	for i, ok := range []bool{true, false, false, true, true} {
		if found[i].OK != ok {
			t.Errorf("%d: %+v", i, found[i])
		}
	}
	if found[1].Took > 3*time.Second {
		t.Errorf("a probe with a timeout of 1 s took %s", found[1].Took)
	}
}

// A proxy that waits for hanging machines is alive; one that hangs itself is not.
func TestProxyThatWaits(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	serve(t, c, "standby", 8080, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	p := runbook.Probe{Kind: "http", Host: "standby", Port: 8080, Timeout: runbook.Duration(4 * time.Second)}
	if f := ask(t, c, p); !f.Up || f.Text.ID != "probe.http_waits" {
		t.Errorf("a waiting proxy: %+v", f)
	}
	p.Status = 200
	if f := ask(t, c, p); f.Up {
		t.Errorf("what must answer 200: %+v", f)
	}
	mute, err := net.Listen("tcp", c.Host("standby").Address+":8081") // accepts by the kernel alone, as a frozen machine does
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	p.Status, p.Port, p.Timeout = 0, 8081, runbook.Duration(time.Second)
	if f := ask(t, c, p); f.Up {
		t.Errorf("a frozen proxy: %+v", f)
	}
}

// Where a name means no machine, none of them is up.
func TestNobodyIsDown(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	nobody := func(...string) ([]fleet.Host, error) { return nil, nil }
	for _, p := range []runbook.Probe{{Kind: "mysql", Host: "second", Expect: "down"}, {Kind: "silent", Host: "second"}, {Kind: "ssh", Host: "second"}} {
		found := probe.Run(t.Context(), c.Fleet, nobody, []runbook.Probe{p})
		if want := p.Kind != "ssh"; len(found) != 1 || found[0].OK != want || found[0].Up || found[0].Text.ID != "probe.no_host" {
			t.Errorf("%s: %+v", p.Kind, found)
		}
	}
}

func TestRoundsAndWithin(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	var asked atomic.Int32
	serve(t, c, "standby", 8080, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n := asked.Add(1); n == 1 || n == 3 { // bad, good, bad, good, good …
			w.WriteHeader(502)
		}
	}))
	p := runbook.Probe{Kind: "http", Host: "standby", Port: 8080, Status: 200, Rounds: 2, Within: runbook.Duration(time.Minute)}
	if f := ask(t, c, p); !f.OK || asked.Load() != 5 {
		t.Errorf("%+v after %d tries", f, asked.Load())
	}
	asked.Store(0)
	p.Within = 0
	if f := ask(t, c, p); f.OK || asked.Load() != 1 {
		t.Errorf("without within: %+v after %d tries", f, asked.Load())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.Within = runbook.Duration(time.Hour)
	env := c.Env(runbook.Step{ID: "s", Kind: "check"})
	if f := probe.Run(ctx, c.Fleet, env.Hosts, []runbook.Probe{p}); f[0].OK {
		t.Error("a cancelled probe passed")
	}
}

// The whole fleet is asked within the deadline, however much of it is dead or frozen.
func TestDiagnose(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "nginx1", "primary", "standby", "report", "spare1")
	for _, name := range []string{"standby", "report", "nginx1", "spare1"} {
		c.Client(name) // dialled before, so that a busy machine does not spoil the levels
	}
	if err := c.SSHD("primary").Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := c.SSHD("spare1").Kill(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	reports := probe.Diagnose(t.Context(), c.Fleet)
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("took %s", took)
	}
	want := map[string]probe.Level{"nginx1": probe.ServiceDown, "primary": probe.Silent, "standby": probe.SSHOnly, "report": probe.Well, "spare1": probe.Silent}
	for _, r := range reports {
		if r.Level != want[r.Host.Name] {
			t.Errorf("%s: %s, want %s: %+v", r.Host.Name, r.Level, want[r.Host.Name], r.Findings)
		}
	}
	if len(reports) != len(want) {
		t.Errorf("%d reports", len(reports))
	}
}

// A spare that nobody has enrolled is not broken; any other machine without a pinned key is, and so is a changed key.
func TestDiagnoseSpares(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "report", "spare1", "spare2", "spare3")
	c.Client("spare3") // log in while its key is still known
	known, err := os.ReadFile(c.KnownHosts())
	if err != nil {
		t.Fatal(err)
	}
	var keep []string
	for _, l := range strings.SplitAfter(string(known), "\n") {
		switch {
		case strings.HasPrefix(l, "["+c.Host("spare3").Address+"]"):
			keep = append(keep, l, strings.Replace(l, c.Host("spare3").Address, c.Host("spare2").Address, 1))
		}
	}
	if err := os.WriteFile(c.KnownHosts(), []byte(strings.Join(keep, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	want := map[string]probe.Level{"report": probe.NoLogin, "spare1": probe.Unenrolled, "spare2": probe.NoLogin, "spare3": probe.Well}
	for _, r := range probe.Diagnose(t.Context(), c.Fleet) {
		if r.Level != want[r.Host.Name] {
			t.Errorf("%s: %s, want %s: %+v", r.Host.Name, r.Level, want[r.Host.Name], r.Findings)
		}
		for _, f := range r.Findings {
			if r.Level == probe.Unenrolled && !f.Up {
				t.Errorf("%s counts as bad: %+v", r.Host.Name, f)
			}
		}
	}
}

// Of a retired machine only what writes counts, and an address that another machine has taken over is not asked.
func TestRetired(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "primary", "standby")
	text, err := os.ReadFile(c.FleetFile)
	if err != nil {
		t.Fatal(err)
	}
	retired := strings.Replace(string(text), "    roles: [primary]\n", "    retired: true\n", 1)
	if err := os.WriteFile(c.FleetFile, []byte(retired), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Fleet.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	listed := func() bool {
		for _, r := range probe.Diagnose(t.Context(), c.Fleet) {
			if r.Host.Name == "primary" {
				return r.Level == probe.Returned
			}
		}
		return false
	}
	if listed() {
		t.Error("a fenced machine whose SSH answers counts as back")
	}
	serve(t, c, "primary", 8081, http.NotFoundHandler())
	if !listed() {
		t.Error("a service of the retired machine answers, and nobody says so")
	}
	cfg := *c.Fleet.Config()
	cfg.Hosts = append([]fleet.Host{{Name: "new", Address: c.Host("primary").Address}}, cfg.Hosts...)
	if ps := probe.Retired(&cfg); len(ps) != 0 {
		t.Errorf("asks another machine: %+v", ps)
	}
}
