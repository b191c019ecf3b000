package e2e

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// rehosted is a service's configuration with redis and MySQL elsewhere; comments and everything else stay.
func rehosted(text, from, to string) string {
	for _, before := range []string{"@tcp(", "addr: ", `addr: "`, "host: ", `host: "`} {
		text = strings.ReplaceAll(text, before+from, before+to)
	}
	return text
}

// silent sees that nothing on a host serves or writes, nor starts again at boot.
func (c *company) silent(host string) {
	c.t.Helper()
	for _, port := range []string{"3306", "6379", "8080", "8081", "8082", "8083", "8084"} {
		if conn, err := net.DialTimeout("tcp", net.JoinHostPort(c.address(host), port), time.Second); err == nil {
			conn.Close()
			c.t.Errorf("%s:%s answers still", host, port)
		}
	}
	if left, _ := filepath.Glob(c.path(host, "etc/systemd/system/multi-user.target.wants/*")); len(left) > 0 {
		c.t.Errorf("at its next boot %s starts %v", host, left)
	}
}

// isBack waits for the alert of a machine that must not write and does.
func (c *company) isBack(host, state string) {
	c.t.Helper()
	eventually(c.t, 90*time.Second, host+" is back: "+state, func() error {
		var alerts []alert
		if err := c.call("GET", "/api/alerts", nil, &alerts); err != nil {
			return err
		}
		for _, a := range alerts {
			if a.Host == host && a.Scenario == "" && (a.State == "resolved") == (state == "resolved") {
				return nil
			}
		}
		return fmt.Errorf("%+v", alerts)
	})
}

// TestBothServersDie rebuilds from nothing, while the bot dies again and again and the old machines come back.
func TestBothServersDie(t *testing.T) {
	begins(t)
	t.Parallel()
	c := start(t)
	primary, standby := c.address("primary"), c.address("standby")
	// What really runs differs from the templates of the install files.
	c.write("primary", "wwwroot/go/go-upload/config.yaml", c.file("primary", "wwwroot/go/go-upload/config.yaml")+"# 上次改动：限速 / tuned by hand\n")
	if out, err := c.recoverbot("blackbox", "take"); err != nil {
		t.Fatal(out)
	}
	// The newest complete dump is in Hong Kong alone. Newer ones by name and by date are broken off.
	right := "shell/sql_backup/" + c.d.Expected.Dump
	text := c.file("hongkong", right)
	for _, h := range []string{"standby", "report"} {
		if err := os.Remove(c.path(h, right)); err != nil {
			t.Fatal(err)
		}
	}
	c.write("report", "shell/sql_backup/speed-"+time.Now().Format("20060102150405")+".sql", text[:len(text)*9/10])
	older, err := filepath.Glob(c.path("report", "shell/sql_backup/speed-*-*-*_*.sql"))
	if err != nil || len(older) != 1 { // complete, older by its name and its own words, and the newest by its date
		t.Fatalf("%v %v", older, err)
	}
	data := c.data("primary")
	before := map[string]map[string]string{"nginx1": c.nginxFiles("nginx1"), "nginx2": c.nginxFiles("nginx2")}
	c.drill("break", "primary")
	c.drill("break", "standby", "--how", "freeze") // it takes connections and never answers
	id := c.recover("/recover both")

	if s := c.until(id, "machine").step("survey"); s.State != "done" || !strings.Contains(s.why()+s.Plan.Summary, c.d.Expected.Dump+" on hongkong") {
		t.Errorf("the survey: %s", s.why())
	}
	c.drill("break", "standby") // for good: each look at a frozen machine takes its time
	if name := c.newMachine(id, "machine"); name != "spare1" {
		t.Fatalf("the first spare is %s", name)
	}

	// The bot dies while the new machine is installed: that goes on, and is followed again.
	c.until(id, "provision")
	systemctl := c.gate("spare1", "systemctl", `*enable*`)
	systemctl.close()
	c.answer(id, "provision", "approve")
	eventually(t, 60*time.Second, "the installation begins", func() error {
		if systemctl.calls("enable") == 0 {
			return errors.New("not yet")
		}
		return nil
	})
	c.killBot()
	systemctl.open()
	c.at(id, "provision", "done")
	if n := systemctl.calls("enable --now mariadb"); n != 1 {
		t.Errorf("the new machine was installed %d times", n)
	}

	// The dump is read and loaded; the bot dies while that is held.
	if s := c.until(id, "restore").step("restore"); !strings.Contains(s.Plan.Summary, c.d.Expected.Dump) || !strings.Contains(s.Plan.Summary+tables(s), "hongkong") {
		t.Errorf("the dump chosen: %s", s.why())
	}
	c.answer(id, "restore", "approve")
	c.at(id, "restore", "held")
	c.killBot()
	eventually(t, 60*time.Second, "commit what is held", func() error {
		r, err := c.run(id)
		if s := r.step("restore"); err == nil && (s.State != "held" || !slices.Contains(s.Choices, "commit")) {
			err = errors.New(s.why())
		}
		if err != nil {
			return err
		}
		if n := c.mysql("spare1", "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'speed'"); n != "0" {
			t.Errorf("%s tables are live before the commit", n)
		}
		return c.decide(id, r.step("restore").to("commit"))
	})
	c.at(id, "restore", "done")
	if got := c.data("spare1"); got != data {
		t.Errorf("restored: %s, the dump has %s", got, data)
	}
	if n := c.mysql("spare1", "SELECT MAX(id) FROM speed.orders"); n != fmt.Sprint(c.d.Expected.Orders) {
		t.Errorf("the newest order is %s", n)
	}
	if n := c.schemas("spare1", "speed%"); n != 1 {
		t.Errorf("%d schemas: %s", n, c.mysql("spare1", "SHOW DATABASES"))
	}

	// The machine that joins the domain list: the bot dies while the row is held, so that the server forgets it.
	c.until(id, "domain-add")
	list := c.lines("spare1", rowsOfDomains)
	for _, row := range list {
		if cells := strings.Split(row, "\t"); (cells[2] == primary || cells[2] == standby) && cells[3] != "2" {
			t.Errorf("a dead machine is on the list: %s", row)
		}
	}
	c.answer(id, "domain-add", "approve")
	c.at(id, "domain-add", "held")
	c.killBot()
	if s := c.at(id, "domain-add", "rolled_back"); !strings.Contains(s.Note, "rolled it back, nothing changed") {
		t.Errorf("a lost row: %s", s.Note)
	}
	if now := c.lines("spare1", rowsOfDomains); !slices.Equal(now, list) {
		t.Errorf("after the server rolled back:\n%s", strings.Join(now, "\n"))
	}
	c.answer(id, "domain-add", "retry")
	c.until(id, "domain-add")
	c.answer(id, "domain-add", "approve")
	c.at(id, "domain-add", "held")
	c.answer(id, "domain-add", "commit")
	c.at(id, "domain-add", "done")
	if now := c.lines("spare1", rowsOfDomains); len(now) != len(list)+1 || !slices.Equal(now[:len(list)], list) || !strings.Contains(now[len(list)], "spare1.drill.test\t"+c.address("spare1")+"\t1\t") {
		t.Errorf("one row more was wanted:\n%s", strings.Join(now, "\n"))
	}

	// The old primary boots again, with everything on it.
	c.drill("heal", "primary")
	c.isBack("primary", "firing")
	back := func(host string) func(card) bool {
		return func(x card) bool { return strings.Contains(x.Title, host) && x.Priority == 0 }
	}
	if run := c.console().press("fence", back("primary")); run != id {
		t.Errorf("Fence is about the run %q, want %s", run, id)
	}
	s := c.until(id, "fence.primary").step("fence.primary")
	if s.State != "waiting" || s.Plan == nil {
		t.Errorf("the step that fences: %s", s.why())
	}
	c.isBack("primary", "firing") // until nothing there writes

	name := c.newMachine(id, "new-machine")
	c.mysql("spare1", "INSERT INTO speed.orders (id, user_id, product, amount_cents, state) VALUES (999999, 7, 'marker', 1, 'paid')")
	c.until(id, "new-roles")
	c.isBack("primary", "resolved")
	c.silent("primary")
	c.finished(id)

	for _, h := range []string{"report", "hongkong", name} {
		c.waitForBackup(h, "marker")
	}
	for _, n := range []string{"nginx1", "nginx2"} {
		c.checkNginx(n, "primary", before[n])
		c.checkNginx(n, "standby", before[n])
	}
	c.checkFronts("spare1", name)
	for service, port := range map[string]string{"go-api": "8080", "go-upload": "8081", "go-fly": "8082", "go-admin": "8083", "go-job": "8084"} {
		res, err := http.Get("http://" + c.address("spare1") + ":" + port + "/healthz")
		if err != nil {
			t.Errorf("%s: %v", service, err)
			continue
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", service, res.Status)
		}
		config := "wwwroot/go/" + service + "/config.yaml"
		if got, want := c.file("spare1", config), rehosted(c.file("primary", config), primary, "localhost"); got != want {
			t.Errorf("%s of %s is\n%s\nwant\n%s", config, service, got, want)
		}
	}
	if n := c.mysql("spare1", "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema='speed'"); n != "6" {
		t.Errorf("%s tables, want 6 with user_logs", n)
	}
	if got, want := targets(c.file("spare1", "shell/database_backup_speed.py")), []string{c.address("report"), c.address("hongkong"), c.address(name)}; !slices.Equal(got, want) {
		t.Errorf("backups go to %v, want %v", got, want)
	}
	if crontab, err := c.sh("spare1", "crontab -l"); err != nil || strings.Count(crontab, "database_backup_speed.py") != 1 {
		t.Errorf("the crontab: %s %v", crontab, err)
	}
	c.roles(map[string]string{"primary": `\[ *\]`, "standby": `\[ *\]`, "spare1": `\[primary\]`, name: `\[(standby, backup|backup, standby)\]`})

	// The run is over; the old standby boots, and goes on as if nothing had been.
	c.drill("heal", "standby")
	c.isBack("standby", "firing")
	fence := c.console().press("fence", back("standby"))
	if fence == "" || fence == id {
		t.Fatalf("Fence starts the run %q", fence)
	}
	if r := c.until(fence, ""); r.State != "done" || r.step("fence").Host != "standby" {
		t.Errorf("the run that fences is %s", r.State)
	}
	c.silent("standby")
	c.isBack("standby", "resolved")
	c.checkFronts("spare1", name)
	if out, err := c.recoverbot("audit", "verify"); err != nil {
		t.Errorf("audit verify: %s", out)
	}
}

// data is a checksum of what a dump holds: all rows of some tables up to its newest order.
func (c *company) data(host string) string {
	c.t.Helper()
	var parts []string
	for table, columns := range map[string]string{
		"orders": "id, user_id, product, amount_cents, state, note, created_at", "users": "id, email, nickname, balance_cents, created_at",
		"payments": "id, order_id, channel, HEX(payload), created_at", "settings": "name, value",
	} {
		where := ""
		if table == "orders" {
			where = fmt.Sprintf(" WHERE id <= %d", c.d.Expected.Orders)
		}
		parts = append(parts, table+" "+c.mysql(host, "SELECT COUNT(*), SUM(CRC32(CONCAT_WS('|', "+columns+"))) FROM speed."+table+where))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
