package blackbox_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/action/edit/rewrite"
	"recoverbot/runbook/blackbox"
)

const secret = "collect-canary-1"

func collector(c *actiontest.Company) *blackbox.Collector {
	limits := blackbox.DefaultLimits
	limits.HostTime, limits.CountTime = 5*time.Second, 5*time.Second
	return &blackbox.Collector{Fleet: c.Fleet, Now: time.Now, Limits: limits}
}

func ids(problems []runbook.Msg) []string {
	var out []string
	for _, p := range problems {
		out = append(out, p.ID)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func file(t *testing.T, c *actiontest.Company, h *blackbox.Host, host, path string) string {
	t.Helper()
	for _, f := range h.Files {
		if f.Path == c.Path(host, path) {
			return string(f.Content)
		}
	}
	return "not held"
}

func company(t *testing.T) *actiontest.Company {
	c := actiontest.New(t, "nginx1", "primary", "standby", "spare1")
	for _, s := range []string{"go-api", "go-upload", "go-fly", "go-admin"} {
		c.WriteFile("primary", "/wwwroot/go/"+s+"/config.yaml", "mysql:\n  password: "+secret+"\n", 0o640)
	}
	c.WriteFile("primary", "/shell/database_backup_speed.py", "PASSWORD = '"+secret+"'\n", 0o700)
	c.WriteFile("primary", "/crontab", "0 2 * * * python3 /shell/database_backup_speed.py\n", 0o600)
	c.WriteFile("standby", "/wwwroot/go/go-api/config.yaml", "standby's own\n", 0o600)
	c.WriteFile("nginx1", "/etc/nginx/nginx.conf", "include sites-enabled/*;\n", 0o644)
	c.WriteFile("nginx1", "/etc/nginx/sites-available/a", "server {}\n", 0o644)
	for link, to := range map[string]string{"sites-enabled/a": "../sites-available/a", "sites-enabled/broken": "nowhere", "all": "."} {
		p := c.Path("nginx1", "/etc/nginx/"+link)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, p); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func TestCollect(t *testing.T) {
	t.Parallel()
	c := company(t)
	db := c.StartMariaDB("primary")
	c.Exec(db, "CREATE DATABASE speed", "CREATE TABLE speed.t_app_dns (id INT PRIMARY KEY, ip VARCHAR(40), domain VARCHAR(90), status INT, note TEXT)",
		"INSERT INTO speed.t_app_dns VALUES (1, '192.0.2.21', 'a.example', 1, NULL), (2, '192.0.2.22', 'b.example', 2, 'x')",
		"CREATE TABLE speed.orders (id INT PRIMARY KEY AUTO_INCREMENT, created_at TIMESTAMP NOT NULL)",
		"SET time_zone='+00:00'; INSERT INTO speed.orders (created_at) VALUES ('2026-11-22 02:00:00'), ('2026-11-22 03:00:00')",
		"CREATE TABLE speed.`odd``name; drop` (a INT)", "CREATE VIEW speed.v AS SELECT id FROM speed.orders")
	c.WriteFile("nginx1", "/etc/nginx/ssl/bad\x1bname", "x", 0o600)
	c.WriteFile("nginx1", "/etc/nginx/huge", strings.Repeat("x", 1<<20+1), 0o600)
	box, err := blackbox.Open(blackbox.Options{Dir: filepath.Join(c.Dir, "blackbox"), KeyFile: filepath.Join(c.Dir, "blackbox.key"),
		Learn: c.Fleet.Redactor().Add, Secrets: rewrite.Secrets})
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadDir(c.Path("primary", "/wwwroot/go/go-api"))
	if err != nil {
		t.Fatal(err)
	}
	s := collector(c).Collect(t.Context())
	if _, err := box.Save(s); err != nil {
		t.Fatal(err)
	}
	if got := s.Names(); !slices.Equal(got, []string{"nginx1", "primary", "standby"}) || len(s.Problems) != 0 {
		t.Fatalf("hosts %v, problems %v", got, s.Problems)
	}
	if all, err := json.Marshal(s.AllProblems()); err != nil || strings.Contains(string(all), secret) || strings.Contains(c.Fleet.Redactor().Redact(secret), "canary") {
		t.Errorf("a secret shows: %s %v", all, err)
	}
	if after, _ := os.ReadDir(c.Path("primary", "/wwwroot/go/go-api")); len(after) != len(before) {
		t.Error("something was written on the host")
	}

	p, ok := box.Latest("primary")
	if !ok {
		t.Fatal("primary is not held")
	}
	if got := file(t, c, p, "primary", "/wwwroot/go/go-api/config.yaml"); !strings.Contains(got, secret) {
		t.Errorf("config: %q", got)
	}
	if got := file(t, c, p, "primary", "/shell/database_backup_speed.py"); !strings.Contains(got, secret) {
		t.Errorf("script: %q", got)
	}
	if !strings.Contains(p.Crontab, "0 2 * * *") {
		t.Errorf("crontab: %q", p.Crontab)
	}
	if got := ids(p.Problems); !slices.Equal(got, []string{"blackbox.unread"}) || !slices.Equal(p.Unread, []string{c.Path("primary", "/wwwroot/go/go-job/config.yaml")}) {
		t.Errorf("problems %v, unread %v", p.Problems, p.Unread)
	}
	d := p.Databases["speed"]
	if d == nil || len(d.Tables) != 3 || len(d.Views) != 1 || !strings.Contains(d.Views[0].Create, "VIEW") {
		t.Fatalf("database: %+v", d)
	}
	for _, x := range d.Tables {
		want := map[string]int64{"orders": 2, "t_app_dns": 2, "odd`name; drop": 0}[x.Name]
		if !x.Exact || x.Rows != want || !strings.HasPrefix(x.Create, "CREATE TABLE") {
			t.Errorf("table: %+v", x)
		}
		if x.Name == "orders" && x.Newest.Format(time.RFC3339) != "2026-11-22T03:00:00Z" {
			t.Errorf("newest: %s", x.Newest)
		}
	}
	if len(d.Domain) != 3 || !slices.Equal(d.Domain[0], []string{"id", "ip", "domain", "status", "note"}) || d.Domain[2][2] != "b.example" {
		t.Errorf("domains: %v", d.Domain)
	}

	n, _ := box.Latest("nginx1")
	if got := file(t, c, n, "nginx1", "/etc/nginx/sites-enabled/a"); got != "server {}\n" || len(n.Files) != 3 {
		t.Errorf("nginx: %q, %d files", got, len(n.Files))
	}
	if got := ids(n.Problems); !slices.Equal(got, []string{"blackbox.bad_link", "blackbox.left_out", "blackbox.strange_name"}) {
		t.Errorf("problems of nginx: %v", n.Problems)
	}
	for _, m := range n.Problems {
		if text, _ := m.Args["name"].(string); strings.Contains(text, "\x1b") {
			t.Errorf("a hostile name is shown raw: %q", text)
		}
	}

	// A dead machine, a dead MySQL: the rest is held, and what was held of these stays.
	if err := db.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := c.SSHD("nginx1").Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	c.WriteFile("primary", "/wwwroot/go/go-api/config.yaml", "newer\n", 0o640)
	began := time.Now()
	s = collector(c).Collect(t.Context())
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("a frozen machine cost %s", took)
	}
	if got := s.Names(); !slices.Equal(got, []string{"primary", "standby"}) || !slices.Equal(ids(s.Problems), []string{"blackbox.host_unread"}) {
		t.Errorf("hosts %v, problems %v", got, s.Problems)
	}
	if _, err := box.Save(s); err != nil {
		t.Fatal(err)
	}
	p, _ = box.Latest("primary")
	if file(t, c, p, "primary", "/wwwroot/go/go-api/config.yaml") != "newer\n" || p.Databases["speed"] == nil || len(p.Databases["speed"].Tables) != 3 {
		t.Errorf("after MySQL died: %+v", p.Databases)
	}
	if n, ok := box.Latest("nginx1"); !ok || len(n.Files) != 3 {
		t.Error("nginx1 is lost")
	}
}

func TestCollectWithinLimits(t *testing.T) {
	t.Parallel()
	c := company(t)
	for _, n := range []string{"1", "2", "3"} {
		c.WriteFile("nginx1", "/etc/nginx/conf.d/"+n, strings.Repeat(n, 3000), 0o600)
	}
	x := collector(c)
	x.Limits.Host = 8000
	s := x.Collect(t.Context())
	if n := s.Hosts["nginx1"]; n.Bytes() > 8000 || !slices.Contains(ids(n.Problems), "blackbox.left_out") {
		t.Errorf("%d bytes of a host: %v", n.Bytes(), n.Problems)
	}
	x.Limits.Snapshot = 5000
	s = x.Collect(t.Context())
	total := 0
	for _, h := range s.Hosts {
		total += h.Bytes()
	}
	if total > 5000 || len(s.Hosts) != 3 || file(t, c, s.Hosts["primary"], "primary", "/wwwroot/go/go-api/config.yaml") == "not held" {
		t.Errorf("%d bytes of %d hosts", total, len(s.Hosts))
	}
}

// Counting stops at its budget; then the server's estimate stands.
func TestEstimates(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "primary")
	db := c.StartMariaDB("primary")
	c.Exec(db, "CREATE DATABASE speed", "CREATE TABLE speed.t_app_dns (id INT)", "INSERT INTO speed.t_app_dns VALUES (1)")
	x := collector(c)
	x.Limits.CountTime = 0
	d := x.Collect(t.Context()).Hosts["primary"].Databases["speed"]
	if d == nil || len(d.Tables) != 1 || d.Tables[0].Exact || d.Tables[0].Create == "" {
		t.Errorf("%+v", d)
	}
}

// A table that somebody has locked costs a short wait, not the round.
func TestLockedTable(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "primary")
	db := c.StartMariaDB("primary")
	c.Exec(db, "CREATE DATABASE speed", "CREATE TABLE speed.t_app_dns (id INT)", "CREATE TABLE speed.locked (id INT)")
	conn, err := db.DB.Connx(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "LOCK TABLES speed.locked WRITE"); err != nil {
		t.Fatal(err)
	}
	d := collector(c).Collect(t.Context()).Hosts["primary"].Databases["speed"]
	if d == nil || len(d.Tables) != 2 || d.Tables[0].Exact || !d.Tables[1].Exact || len(d.Domain) != 1 {
		t.Errorf("%+v", d)
	}
}

func TestRetiredMachinesAreLeftAlone(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "primary", "standby")
	text, err := os.ReadFile(c.FleetFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.FleetFile, []byte(strings.Replace(string(text), "- name: standby\n", "- name: standby\n    retired: true\n", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Fleet.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := collector(c).Collect(t.Context()); !slices.Equal(s.Names(), []string{"primary"}) || len(s.Problems) != 0 {
		t.Errorf("hosts %v, problems %v", s.Names(), s.Problems)
	}
}
