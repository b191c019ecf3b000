package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const domains = "SELECT domain, ip, status FROM speed.t_app_dns ORDER BY id"

func (c *company) address(host string) string { return c.d.Hosts[host].Address }

// answers asks a URL and returns the host that served it.
func answers(url string) (string, error) {
	res, err := httpClient.Get(url)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		return "", fmt.Errorf("%s: %s %s %v", url, res.Status, b, err)
	}
	var body struct{ Host string }
	return body.Host, json.Unmarshal(b, &body)
}

// nginxFiles are all files that an nginx includes, by name.
func (c *company) nginxFiles(host string) map[string]string {
	c.t.Helper()
	out := map[string]string{}
	for _, pattern := range []string{"etc/nginx/*.conf", "etc/nginx/conf.d/*.conf", "etc/nginx/sites-enabled/*"} {
		names, _ := filepath.Glob(c.path(host, pattern))
		for _, n := range names {
			b, err := os.ReadFile(n)
			if err != nil {
				c.t.Fatal(err)
			}
			out[strings.TrimPrefix(n, c.path(host, ""))] = string(b)
		}
	}
	return out
}

func comments(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if _, comment, ok := strings.Cut(line, "#"); ok {
			out = append(out, strings.TrimSpace(comment))
		}
	}
	return out
}

// checkNginx sees that a dead machine is in no live line, that comments of lines that live are kept, and that nginx
// itself accepts its files.
func (c *company) checkNginx(host, dead string, before map[string]string) {
	c.t.Helper()
	if out, err := c.sh(host, "nginx -t"); err != nil {
		c.t.Errorf("nginx -t on %s: %s", host, out)
	}
	for name, text := range c.nginxFiles(host) {
		var kept []string // of lines that did not name the dead machine
		for line := range strings.Lines(before[name]) {
			if live, _, _ := strings.Cut(line, "#"); !strings.Contains(live, c.address(dead)+":") {
				kept = append(kept, comments(line)...)
			}
		}
		now := comments(text)
		for _, k := range kept {
			if !slices.Contains(now, k) {
				c.t.Errorf("%s %s lost its comment %q", host, name, k)
			}
		}
		for line := range strings.Lines(text) {
			if live, _, _ := strings.Cut(line, "#"); strings.Contains(live, c.address(dead)+":") {
				c.t.Errorf("%s %s still names %s: %s", host, name, dead, line)
			}
		}
	}
}

// checkFronts sees that one host serves everything through both nginx.
func (c *company) checkFronts(hosts ...string) {
	c.t.Helper()
	for _, front := range c.d.Fronts {
		for _, path := range []string{"/", "/upload/", "/admin/", "/fly/"} {
			host, err := answers(front + path)
			if err != nil || !slices.Contains(hosts, host) {
				c.t.Errorf("%s%s is served by %q: %v", front, path, host, err)
			}
		}
	}
}

// TestTwoFailuresInARow recovers the primary by clicks in Slack, then by the API the machine that took its place.
func TestTwoFailuresInARow(t *testing.T) {
	t.Parallel()
	w := startSlack(t)
	c := w.c
	c.hand = w.hand
	c.watchProcesses(t)
	primary, standby := c.address("primary"), c.address("standby")
	configBefore := c.file("standby", "wwwroot/go/go-api/config.yaml")
	nginxBefore := map[string]map[string]string{"nginx1": c.nginxFiles("nginx1"), "nginx2": c.nginxFiles("nginx2")}
	w.loses("chat.postMessage") // the answer to its first card
	c.drill("break", "primary")
	w.calls("alert/", "primary", ops1)
	id := w.slash(ops1, "primary")

	c.until(id, "power-off")
	w.refusesStrangers(id, "power-off")
	w.hearsOnce(id, "power-off")
	c.until(id, "nginx-out")
	w.changesConnection(id)
	c.until(id, "restore")
	w.losesConnection(id, "restore")
	c.at(id, "restore", "held")
	if n := c.mysql("standby", "SELECT COUNT(*) FROM speed.orders"); n != "24000" {
		t.Errorf("a held restore shows others %s orders, want the old 24000", n)
	}
	c.answer(id, "restore", "commit")
	c.at(id, "restore", "done")
	if n := c.mysql("standby", "SELECT COUNT(*), MAX(id) FROM speed.orders"); n != fmt.Sprintf("%d\t%d", c.d.Expected.Orders, c.d.Expected.Orders) {
		t.Errorf("restored orders: %s", n)
	}

	c.until(id, "missing-tables")
	w.diesAfterHearing(id, "missing-tables")

	c.until(id, "domain-list")
	before := strings.Split(c.mysql("standby", domains), "\n")
	c.answer(id, "domain-list", "approve")
	s := c.at(id, "domain-list", "held")
	if left := time.Until(s.Hold.Deadline); s.Hold.Durable || left < 2*time.Minute || left > 3*time.Minute {
		t.Errorf("the held rows have %s", left)
	}
	if now := strings.Split(c.mysql("standby", domains), "\n"); !slices.Equal(now, before) {
		t.Errorf("others see a held change:\n%v\n%v", before, now)
	}
	w.calls("nudge/"+id+"/domain-list/", "rolls back by itself", ops1)
	c.answer(id, "domain-list", "commit")
	c.at(id, "domain-list", "done")
	want := map[string]string{
		"a.example.com\t" + primary + "\t1": "2", "img.example.com\t" + primary + "\t1": "2",
		"cdn2.example.com\t" + c.address("nginx2") + "\t2": "1", // up, but down in the dump
	}
	for i, row := range strings.Split(c.mysql("standby", domains), "\n") {
		expect := before[i]
		if to, ok := want[expect]; ok {
			expect = expect[:len(expect)-1] + to
		}
		if row != expect {
			t.Errorf("t_app_dns has %q, want %q", row, expect)
		}
	}

	// A backup of the schedule brings this to the new standby while the last steps are answered.
	c.until(id, "others-config")
	c.mysql("standby", "INSERT INTO speed.orders (id, user_id, product, amount_cents, state) VALUES (999999, 7, 'marker', 1, 'paid')")
	r := c.until(id, "")
	if r.State != "done" {
		t.Fatalf("the run is %s", r.State)
	}
	for _, s := range r.Steps {
		if s.State != "done" {
			t.Errorf("%s", s.why())
		}
	}
	wantConfig := strings.Replace(configBefore, "tcp("+primary+":3306)", "tcp(localhost:3306)", 1)
	wantConfig = strings.Replace(wantConfig, "addr: "+primary+":6379", "addr: localhost:6379", 1)
	if got := c.file("standby", "wwwroot/go/go-api/config.yaml"); got != wantConfig || got == configBefore {
		t.Errorf("go-api's config.yaml is\n%s", got)
	}
	for _, n := range []string{"nginx1", "nginx2"} {
		c.checkNginx(n, "primary", nginxBefore[n])
	}
	c.checkFronts("standby", "spare1")
	if n := c.mysql("standby", "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema='speed'"); n != "6" {
		t.Errorf("%s tables, want 6 with user_logs", n)
	}
	fleet, err := os.ReadFile(c.d.Fleet)
	if err != nil {
		t.Fatal(err)
	}
	for host, roles := range map[string]string{"standby": `\[.*primary.*\]`, "spare1": `\[.*standby.*\]`, "primary": `\[ *\]`} {
		if !regexp.MustCompile(`name: ` + host + `\n(    .*\n)*?    roles: ` + roles).Match(fleet) {
			t.Errorf("%s has not the roles %s:\n%s", host, roles, fleet)
		}
	}
	if !strings.HasPrefix(string(fleet), "# The drill's company.") {
		t.Error("fleet.yaml lost its comment")
	}
	if crontab, err := c.sh("standby", "crontab -l"); err != nil || strings.Count(crontab, "database_backup_speed.py") != 1 {
		t.Errorf("the standby's crontab: %s %v", crontab, err)
	}
	if script := c.file("standby", "shell/database_backup_speed.py"); strings.Contains(script, `"`+standby+`"`) || !strings.Contains(script, c.address("spare1")) {
		t.Errorf("the backup script sends to itself, or not to the new standby:\n%s", script)
	}
	if out, err := c.recoverbot("audit", "verify"); err != nil {
		t.Errorf("audit verify: %s", out)
	}

	// The next failure, on what the first left behind. The backup of the schedule must be what comes back.
	c.waitForBackup("spare1", "marker")
	w.toldAll(id) // by now
	c.hand = nil
	c.drill("break", "standby")
	id = c.recover("/recover primary")
	if r := c.until(id, ""); r.State != "done" {
		t.Fatalf("the second run is %s", r.State)
	}
	if n := c.mysql("spare1", "SELECT COUNT(*) FROM speed.orders WHERE product = 'marker'"); n != "1" {
		t.Error("the second recovery did not restore the newest scheduled backup")
	}
	for _, n := range []string{"nginx1", "nginx2"} {
		c.checkNginx(n, "primary", nginxBefore[n])
		c.checkNginx(n, "standby", nginxBefore[n])
	}
	c.checkFronts("spare1", "spare2")
	up := c.mysql("spare1", "SELECT COUNT(*) FROM speed.t_app_dns WHERE status = 1 AND ip IN ('"+primary+"','"+standby+"')")
	if up != "0" {
		t.Errorf("%s rows of dead machines are up", up)
	}
}

// waitForBackup waits until cron has brought a complete dump with a text in it to a host.
func (c *company) waitForBackup(host, text string) {
	c.t.Helper()
	eventually(c.t, 75*time.Second, "a scheduled backup on "+host, func() error {
		names, err := filepath.Glob(c.path(host, "shell/sql_backup/speed-*.sql"))
		if err != nil {
			return err
		}
		for _, n := range names {
			b, err := os.ReadFile(n)
			if err == nil && strings.Contains(string(b), text) && strings.Contains(string(b[max(0, len(b)-200):]), "-- Dump completed on") {
				return nil
			}
		}
		return fmt.Errorf("not among %d", len(names))
	})
}
