package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const rowsOfDomains = "SELECT * FROM speed.t_app_dns ORDER BY id"

// lines are a query's rows.
func (c *company) lines(host, query string) []string {
	c.t.Helper()
	return strings.Split(c.mysql(host, query), "\n")
}

// fleet changes fleet.yaml as a person does, and starts the bot with it.
func (c *company) fleet(change func(string) string) {
	c.t.Helper()
	b, err := os.ReadFile(c.d.Fleet)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(c.d.Fleet, []byte(change(string(b))), 0o600); err != nil {
		c.t.Fatal(err)
	}
	c.killBot()
}

// roles compares what fleet.yaml says of hosts with patterns.
func (c *company) roles(want map[string]string) {
	c.t.Helper()
	b, err := os.ReadFile(c.d.Fleet)
	if err != nil {
		c.t.Fatal(err)
	}
	for host, roles := range want {
		if !regexp.MustCompile(`name: ` + host + `\n(    .*\n)*?    roles: ` + roles).Match(b) {
			c.t.Errorf("%s has not the roles %s:\n%s", host, roles, b)
		}
	}
}

// proposed is a form with what it proposes, and the user of the drill.
func (c *company) proposed(s step) decision {
	d := s.to("input")
	d.Fields = map[string]string{}
	for _, f := range s.Form {
		d.Fields[f.Name] = f.Default
	}
	d.Fields["user"] = c.d.SSHUser
	return d
}

// newMachine enters the first spare with its domain where a step asks for a machine, and returns its name.
func (c *company) newMachine(id, stepID string) string {
	c.t.Helper()
	d := c.proposed(c.until(id, stepID).step(stepID))
	d.Fields["domain"] = d.Fields["name"] + ".drill.test"
	if err := c.decide(id, d); err != nil {
		c.t.Fatalf("%s: %v", stepID, err)
	}
	return d.Fields["name"]
}

// heldRows lets a step change the domain list: nobody else sees it before the commit, and afterwards the list is what
// want makes of it.
func (c *company) heldRows(id, stepID, on string, want func(before []string) []string) {
	c.t.Helper()
	c.until(id, stepID)
	before := c.lines(on, rowsOfDomains)
	c.answer(id, stepID, "approve")
	c.at(id, stepID, "held")
	if now := c.lines(on, rowsOfDomains); !slices.Equal(now, before) {
		c.t.Errorf("%s: others see what is held:\n%s", stepID, strings.Join(now, "\n"))
	}
	c.answer(id, stepID, "commit")
	c.at(id, stepID, "done")
	if now, want := c.lines(on, rowsOfDomains), want(before); !slices.Equal(now, want) {
		c.t.Errorf("%s: the domain list is\n%s\nwant\n%s", stepID, strings.Join(now, "\n"), strings.Join(want, "\n"))
	}
}

// taken is the list without a machine: its rows have status 2, and nothing else is changed.
func taken(address string) func([]string) []string {
	return func(before []string) []string {
		out := slices.Clone(before)
		for i, row := range out {
			if cells := strings.Split(row, "\t"); cells[2] == address {
				cells[3] = "2"
				out[i] = strings.Join(cells, "\t")
			}
		}
		return out
	}
}

// joined sees that the list has one row more than before, right in every column.
func (c *company) joined(on, host, remark string, before []string) {
	c.t.Helper()
	now := c.lines(on, rowsOfDomains)
	if len(now) != len(before)+1 || !slices.Equal(now[:len(before)], before) {
		c.t.Errorf("%s joined the list:\n%s\nbefore:\n%s", host, strings.Join(now, "\n"), strings.Join(before, "\n"))
		return
	}
	row := strings.Split(now[len(before)], "\t")
	created, err := time.ParseInLocation(time.DateTime, row[5], time.Local)
	if err != nil || time.Since(created).Abs() > 10*time.Minute {
		c.t.Errorf("the new row of %s was created at %s", host, row[5])
	}
	row[5] = "now"
	want := []string{fmt.Sprint(len(now)), host + ".drill.test", c.address(host), "1", remark, "now", "NULL"}
	if !slices.Equal(row, want) {
		c.t.Errorf("the new row is %q, want %q", row, want)
	}
}

// join lets a step put a new machine on the domain list.
func (c *company) join(id, stepID, on, host, remark string) {
	c.t.Helper()
	s := c.until(id, stepID).step(stepID)
	if len(s.Plan.Warnings) > 0 {
		c.t.Errorf("%s warns: %s", stepID, s.Plan.Warnings)
	}
	before := c.lines(on, rowsOfDomains)
	c.answer(id, stepID, "approve")
	c.at(id, stepID, "held")
	if now := c.lines(on, rowsOfDomains); !slices.Equal(now, before) {
		c.t.Errorf("others see a held row:\n%s", strings.Join(now, "\n"))
	}
	c.answer(id, stepID, "commit")
	c.at(id, stepID, "done")
	c.joined(on, host, remark, before)
}

// tree reads all files of a host below a directory, links followed; those that begin with a dot are left out.
func (c *company) tree(host, below string) map[string]string {
	c.t.Helper()
	out := map[string]string{}
	root := c.path(host, below)
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			return err
		}
		b, err := os.ReadFile(p)
		out[strings.TrimPrefix(p, root)] = string(b)
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// sameNginx sees that a new nginx is the other one but for where it listens, and serves everything by each way.
func (c *company) sameNginx(host, like string) {
	c.t.Helper()
	got, want := c.tree(host, "etc/nginx"), c.tree(like, "etc/nginx")
	for name, text := range want {
		if text = strings.ReplaceAll(text, "listen "+c.address(like)+":", "listen "+c.address(host)+":"); got[name] != text {
			c.t.Errorf("%s of %s is\n%s\nwant\n%s", name, host, got[name], text)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			c.t.Errorf("%s has %s, which %s has not", host, name, like)
		}
	}
	if out, err := c.sh(host, "nginx -t && systemctl is-enabled nginx"); err != nil {
		c.t.Errorf("nginx of %s: %s", host, out)
	}
	for _, path := range []string{"/", "/upload/", "/admin/", "/fly/"} {
		for _, port := range []string{"8000", "8080"} {
			if _, err := answers("http://" + c.address(host) + ":" + port + path); err != nil {
				c.t.Errorf("through %s: %v", host, err)
			}
		}
	}
	if err := c.byName(host, host+".drill.test"); err != nil {
		c.t.Errorf("through %s by name: %v", host, err)
	}
}

// finished sees that a run went through without anything left out.
func (c *company) finished(id string) {
	c.t.Helper()
	r := c.until(id, "")
	if r.State != "done" {
		c.t.Fatalf("the run is %s", r.State)
	}
	for _, s := range r.Steps {
		if s.State != "done" {
			c.t.Errorf("%s", s.why())
		}
	}
}

// TestNginxThenStandbyThenNginx replaces an nginx, then the standby, then the other nginx, whose domains a person edits in
// the back-end.
func TestNginxThenStandbyThenNginx(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.fleet(func(text string) string {
		return strings.Replace(text, `schedule: "* * * * *"`, `schedule: "0 2 * * *"`, 1)
	})
	nginx1, standby := c.address("nginx1"), c.address("standby")
	crontab := c.file("primary", "var/spool/cron/crontabs/root")
	orders := c.mysql("primary", "SELECT COUNT(*) FROM speed.orders WHERE id <= 30000")

	c.drill("break", "nginx2")
	others := visit(t, c.d.Fronts[0])
	id := c.recover("/recover nginx which=nginx2")
	c.heldRows(id, "domain-list", "primary", taken(c.address("nginx2")))
	if name := c.newMachine(id, "new-machine"); name != "spare1" {
		t.Fatalf("the first spare is %s", name)
	}
	c.join(id, "new-domain", "primary", "spare1", "nginx 2")
	c.finished(id)
	asked, lost := others.home()
	t.Logf("nginx2 died: %d of %d requests through nginx1 lost", lost, asked)
	if lost != 0 || asked == 0 {
		t.Errorf("%d of %d requests through nginx1 were lost", lost, asked)
	}
	c.sameNginx("spare1", "nginx1")
	c.roles(map[string]string{"nginx1": `\[nginx\]`, "spare1": `\[nginx\]`, "nginx2": `\[ *\]`})
	c.d.Fronts[1] = "http://" + c.address("spare1") + ":8000"
	// From here on nobody asks the nginx that was for anything.
	old := c.trap("nginx2", "8000", "8443")

	// The standby.
	c.drill("break", "standby")
	before := map[string]map[string]string{"nginx1": c.nginxFiles("nginx1"), "spare1": c.nginxFiles("spare1")}
	fronts := []*visitors{visit(t, c.d.Fronts[0]), visit(t, "http://"+c.address("spare1")+":8000")}
	id = c.recover("/recover standby")
	c.heldRows(id, "domain-list", "primary", taken(standby))
	if name := c.newMachine(id, "new-machine"); name != "spare2" {
		t.Fatalf("the next spare is %s", name)
	}
	c.join(id, "new-domain", "primary", "spare2", "应用服务器备")
	c.mysql("primary", "INSERT INTO speed.orders (id, user_id, product, amount_cents, state) VALUES (999999, 7, 'marker', 1, 'paid')")
	c.finished(id)
	for i, v := range fronts {
		asked, lost := v.home()
		t.Logf("the standby died: %d of %d requests lost", lost, asked)
		if lost != 0 || asked == 0 {
			t.Errorf("front %d lost %d of %d requests", i, lost, asked)
		}
	}
	for _, n := range []string{"nginx1", "spare1"} {
		c.checkNginx(n, "standby", before[n])
		if !strings.Contains(c.file(n, "etc/nginx/conf.d/10-go-api.conf"), "server "+c.address("spare2")+":8080") {
			t.Errorf("%s sends nothing to the new standby", n)
		}
	}
	if host, err := answers("http://" + c.address("spare2") + ":8080/"); err != nil || host != "spare2" {
		t.Errorf("the new standby is %q: %v", host, err)
	}
	for _, h := range []string{"report", "hongkong", "spare2"} {
		c.waitForBackup(h, "marker")
	}
	if got, want := targets(c.file("primary", "shell/database_backup_speed.py")), []string{c.address("report"), c.address("hongkong"), c.address("spare2")}; !slices.Equal(got, want) {
		t.Errorf("backups go to %v, want %v", got, want)
	}
	if now := c.file("primary", "var/spool/cron/crontabs/root"); now != crontab {
		t.Errorf("the crontab was %q, is %q", crontab, now)
	}
	if now := c.mysql("primary", "SELECT COUNT(*) FROM speed.orders WHERE id <= 30000"); now != orders {
		t.Errorf("%s orders, were %s", now, orders)
	}
	c.roles(map[string]string{"primary": `\[primary\]`, "spare2": `\[(standby, backup|backup, standby)\]`, "standby": `\[ *\]`})
	if n := old.calls.Load(); n != 0 {
		t.Errorf("the nginx that was got %d calls", n)
	}
	old.close()

	// The other nginx, and a person at the back-end.
	c.fleet(func(text string) string {
		text = strings.Replace(text, "domain_list:\n", "domain_list:\n  admin: https://admin.example.com/dns\n", 1)
		return text + "\ndns_via:\n  nginx: admin\n"
	})
	c.drill("break", "nginx1")
	id = c.recover("/recover nginx which=nginx1")
	s := c.until(id, "domain-list-admin").step("domain-list-admin")
	if shown := tables(s); !strings.Contains(shown, "https://admin.example.com/dns") || !strings.Contains(shown, nginx1) {
		t.Errorf("the person is shown %s", shown)
	}
	list := c.lines("primary", rowsOfDomains)
	c.answer(id, "domain-list-admin", "approve")
	c.at(id, "domain-list-seen", "planning") // it looks again and again until the person has done it
	if now := c.lines("primary", rowsOfDomains); !slices.Equal(now, list) {
		t.Errorf("the bot edited the list itself:\n%s", strings.Join(now, "\n"))
	}
	c.mysql("primary", "UPDATE speed.t_app_dns SET status = 2 WHERE ip = '"+nginx1+"'")
	c.at(id, "domain-list-seen", "done")
	c.newMachine(id, "new-machine")
	s = c.until(id, "new-domain-admin").step("new-domain-admin")
	if shown := tables(s); !strings.Contains(shown, c.address("spare3")) || !strings.Contains(shown, "spare3.drill.test") {
		t.Errorf("the person is shown %s", shown)
	}
	c.mysql("primary", "INSERT INTO speed.t_app_dns (domain, ip, remark) VALUES ('spare3.drill.test', '"+c.address("spare3")+"', 'by hand')")
	c.answer(id, "new-domain-admin", "approve")
	c.finished(id)
	c.sameNginx("spare3", "spare1")
	c.roles(map[string]string{"nginx1": `\[ *\]`, "spare3": `\[nginx\]`})
	if out, err := c.recoverbot("audit", "verify"); err != nil {
		t.Errorf("audit verify: %s", out)
	}
}

// targets are the machines in the list of the backup script.
func targets(script string) []string {
	var out []string
	_, list, _ := strings.Cut(script, "TARGETS = [")
	list, _, _ = strings.Cut(list, "]")
	for line := range strings.Lines(list) {
		live, _, _ := strings.Cut(line, "#")
		if _, rest, ok := strings.Cut(live, `"`); ok {
			host, _, _ := strings.Cut(rest, `"`)
			out = append(out, host)
		}
	}
	return out
}
