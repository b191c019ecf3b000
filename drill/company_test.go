package drill

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"recoverbot/drill/service"
	"recoverbot/runbook/fleet"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == service.Subcommand {
		os.Exit(service.Main(os.Args[2:]))
	}
	if dir := os.Getenv("DRILL_TEST_CHILD"); dir != "" {
		child(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// child starts a company in another process and waits to be killed.
func child(dir string) {
	c, err := Build(dir, os.Args[0])
	if err == nil {
		err = c.Start(context.Background())
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "ready"), []byte(c.must("primary").Address), 0o600)
	}
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
	select {}
}

func started(t *testing.T) *Company {
	t.Helper()
	c, err := Build(t.TempDir(), os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	begin := time.Now()
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("started in %s", time.Since(begin))
	return c
}

// shell runs a script as the bot's sessions do, but without sshd.
func shell(t *testing.T, h *Host, script string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
	cmd.Env = h.env()
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func TestTheCompanyIsConsistent(t *testing.T) {
	t.Parallel()
	c := started(t)
	if err := c.writeConfiguration(configuration{httpAddr: "127.0.0.1:1", language: "en", people: []Person{{Name: "colleague", Slack: "U02"}, {Name: "carol", Slack: "U03", Telegram: 42}}}); err != nil {
		t.Fatal(err)
	}
	cfg, err := fleet.LoadConfig(c.fleetFile(), func(string) string { return "secret" })
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Hosts) != 9 || len(cfg.WithRole("backup")) != 3 || len(cfg.WithRole("spare")) != 3 {
		t.Errorf("fleet.yaml: %d hosts", len(cfg.Hosts))
	}
	for i, want := range []string{"operator ", "colleague U02", "carol U03"} {
		if p := cfg.People[i]; p.Name+" "+p.Slack != want || (p.Telegram == 42) != (i == 2) || len(p.Roles) != 2 || (p.TokenHash == "") != (i == 2) || cfg.Policy.OnCall[i] != p.Name {
			t.Errorf("person %d is %+v, want %s", i, p, want)
		}
	}
	primary, standby := c.must("primary"), c.must("standby")
	count := func(h *Host, q string) int {
		t.Helper()
		out, err := shell(t, h, `mysql -N -e "`+q+`"`)
		if err != nil {
			t.Fatalf("%s: %s: %v", h.Name, out, err)
		}
		n, _ := strconv.Atoi(out)
		return n
	}
	if n := count(primary, "select count(*) from speed.orders"); n < 30500 {
		t.Errorf("orders on the primary: %d", n)
	}
	if n := count(standby, "select count(*) from speed.orders"); n != 24000 {
		t.Errorf("orders on the standby: %d, want the outdated 24000", n)
	}
	if n := count(primary, "select count(*) from speed.t_app_dns where ip='"+primary.Address+"' and status=1"); n != 2 {
		t.Errorf("rows of the primary in t_app_dns: %d", n)
	}
	for _, h := range []*Host{c.must("nginx1"), c.must("nginx2")} {
		if out, err := shell(t, h, "nginx -t && nginx -s reload"); err != nil {
			t.Errorf("nginx of %s: %s", h.Name, out)
		}
	}
	if out, err := shell(t, primary, "systemctl is-active mariadb redis-server go-job && systemctl is-enabled go-api && systemctl restart go-api && crontab -l"); err != nil || !strings.Contains(out, "database_backup_speed.py") {
		t.Errorf("primary's tools: %s %v", out, err)
	}
	if out, err := shell(t, c.must("spare1"), "systemctl is-active mariadb; systemctl cat go-api"); err == nil {
		t.Errorf("a bare spare has services: %s", out)
	}
	if out, err := shell(t, primary, "python3 $HOME/../shell/database_backup_speed.py"); err != nil {
		t.Errorf("the backup script: %s", out)
	}
	for _, name := range []string{"standby", "report", "hongkong"} {
		found, _ := filepath.Glob(c.must(name).path("shell/sql_backup/speed-" + time.Now().Format("2006") + "*.sql"))
		newest := found[len(found)-1]
		b, err := os.ReadFile(newest)
		if err != nil || !trailer.Match(b) || strings.Contains(string(b), "CREATE TABLE `user_logs`") {
			t.Errorf("newest dump on %s, %s: incomplete or with user_logs (%v)", name, newest, err)
		}
	}
}

func TestBreakAndHeal(t *testing.T) {
	t.Parallel()
	c := started(t)
	if err := c.Break("primary", "freeze"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := get(ctx, "http://"+c.must("primary").Address+":8080/healthz"); err == nil {
		t.Error("a frozen host answers")
	}
	if err := c.Heal(ctx, "primary"); err != nil {
		t.Fatal(err)
	}
	if err := c.Break("primary", "partial"); err != nil {
		t.Fatal(err)
	}
	if err := get(ctx, c.frontURL(c.must("nginx1"))+"/"); err == nil {
		t.Error("the company answers without its MySQL")
	}
	ctx, cancel = context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := c.Break("primary", "kill"); err != nil {
		t.Fatal(err)
	}
	if err := c.Heal(ctx, "primary"); err != nil {
		t.Fatal(err)
	}
	if err := c.answering(ctx); err != nil {
		t.Error(err)
	}
}

func TestASpareBecomesAStandby(t *testing.T) {
	t.Parallel()
	c := started(t)
	spare, report := c.must("spare1"), c.must("report")
	if out, err := shell(t, report, "cp -r $HOME/workdir "+spare.path("root/workdir")); err != nil {
		t.Fatal(out)
	}
	for range 2 { // it may run again
		if out, err := shell(t, spare, "PRIMARY=192.0.2.1 WORKDIR=$HOME/workdir sh "+filepath.Join(c.Dir, "provision/standby.sh")); err != nil {
			t.Fatalf("provision: %s", out)
		}
	}
	if out, err := shell(t, spare, "mysql -N -e 'select user from mysql.user' && systemctl is-active mariadb redis-server && systemctl is-enabled go-api"); err != nil || !strings.Contains(out, "speed_app") {
		t.Errorf("after provisioning: %s %v", out, err)
	}
}

func TestNothingOutlivesAKillOfTheDrill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "DRILL_TEST_CHILD="+dir)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	var address string
	if err := until(ctx, func() error {
		b, err := os.ReadFile(filepath.Join(dir, "ready"))
		address = string(b)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	base := strings.TrimSuffix(address, ".21")
	if err := until(ctx, func() error { return free(base) }); err != nil {
		t.Errorf("still listening: %v", err)
	}
	if err := until(ctx, func() error {
		out, _ := exec.Command("sh", "-c", `grep -lzF "`+dir+`" /proc/[0-9]*/environ 2>/dev/null | head -n 3`).Output()
		if len(out) > 0 {
			return &os.PathError{Op: "still running", Path: string(out), Err: os.ErrExist}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestADrillKnowsItsOwnNames(t *testing.T) {
	t.Parallel()
	c := &Company{hosts: []*Host{{Name: "primary", Address: "127.0.9.21"}, {Name: "spare1", Address: "127.0.9.41"}}}
	ctx, cancel := context.WithCancel(t.Context())
	defer c.work.Wait()
	defer cancel()
	if err := c.serveNames(ctx, &c.work); err != nil {
		t.Fatal(err)
	}
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", c.resolver())
	}}
	if got, err := r.LookupHost(ctx, "SPARE1.drill.test"); err != nil || len(got) != 1 || got[0] != "127.0.9.41" {
		t.Errorf("spare1: %v %v", got, err)
	}
	var e *net.DNSError
	if got, err := r.LookupHost(ctx, "spare9.drill.test."); !errors.As(err, &e) || !e.IsNotFound {
		t.Errorf("spare9: %v %v", got, err)
	}
	for _, bad := range []string{"", "123456789012", "123456789012\x05ab", "123456789012\x02ab\x00\x00", "123456789012\xc0\x0c\x00\x01\x00\x01"} {
		if answer, err := c.nameAnswer([]byte(bad)); err == nil {
			t.Errorf("%q: %q", bad, answer)
		}
	}
}
