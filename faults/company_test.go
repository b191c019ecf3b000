package faults

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"recoverbot/bot/slack/slacktest"
	"recoverbot/drill/server"
	"recoverbot/runbook/action/actiontest"
)

const token = "a-token-of-the-scripted-operator-0001"

// company is the servers of all runs of a test, and where its bot lives.
type company struct {
	*actiontest.Company
	t     *testing.T
	dir   string // of the bot
	base  string // fleet.yaml as it was
	addr  string
	hosts []string
	db    *actiontest.MariaDB // nil in a small one
	nginx map[string]*server.Nginx
	chat  *slacktest.Server // nil: the bot has none
}

var nginxHosts = []string{"nginx1", "nginx2"}

func newCompany(t *testing.T) *company {
	t.Helper()
	c := newSmall(t, append([]string{"standby"}, nginxHosts...)...)
	c.db = c.StartMariaDB("standby")
	for _, h := range nginxHosts {
		c.configure(h)
		c.nginx[h] = c.StartNginx(h)
	}
	return c
}

// newSmall makes one that has neither MariaDB nor nginx.
func newSmall(t *testing.T, hosts ...string) *company {
	t.Helper()
	c := &company{Company: actiontest.New(t, hosts...), t: t, hosts: hosts, nginx: map[string]*server.Nginx{}}
	c.dir = filepath.Join(c.Dir, "bot")
	text, err := os.ReadFile(c.FleetFile)
	c.must(err)
	before, _, _ := strings.Cut(string(text), "services:\n")
	sum := sha256.Sum256([]byte(token))
	c.base = before + "services:\n  - {name: worker, on: [standby]}\npeople:\n  - {name: operator, roles: [viewer, approver, danger], token_hash: \"sha256:" +
		hex.EncodeToString(sum[:]) + "\"}\npolicy: {on_call: [operator]}\nwatch: {every: 0s}\nblack_box: {off: true}\n"
	ip := net.ParseIP(c.Host("standby").Address).To4()
	c.addr = fmt.Sprintf("127.%d.%d.5:8090", ip[1], ip[2])
	c.must(os.MkdirAll(filepath.Join(c.Dir, "runbooks"), 0o755))
	all := map[string][]task{"all": tasks}
	for _, t := range tasks {
		if t.id != "table" && t.id != "blind" { // of kinds that others are of, too
			all["some"] = append(all["some"], t)
		}
		all["only-"+t.id] = []task{t}
	}
	all["turns"] = []task{taskOf("restore"), taskOf("seen"), slow, taskOf("held"), taskOf("blind"), taskOf("copy")}
	all["aborted"] = []task{taskOf("seen"), taskOf("held")}
	all["chat"] = []task{taskOf("seen")}
	all["leave"] = []task{taskOf("seen"), slow}
	for name, steps := range all {
		c.must(os.WriteFile(filepath.Join(c.Dir, "runbooks", name+".yaml"), []byte(scenario(name, steps...)), 0o600))
	}
	c.Unit("standby", "worker", "")
	return c
}

func (c *company) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// configure writes the nginx files of a host, and reports whether they were others.
func (c *company) configure(host string) bool {
	was := c.read(host, "/etc/nginx/conf.d/app.conf")
	a := c.Host(host).Address
	c.WriteFile(host, "/etc/nginx/nginx.conf", c.NginxConf(host, ""), 0o644)
	c.WriteFile(host, "/etc/nginx/conf.d/app.conf", fmt.Sprintf("upstream app {\n    server %s:8080;\n    server 192.0.2.9:8080;\n}\nserver {\n    listen %s:%d;\n    location / { proxy_pass http://app; }\n}\n",
		c.Host("standby").Address, a, actiontest.HTTPPort), 0o644)
	return was != c.read(host, "/etc/nginx/conf.d/app.conf")
}

// dumped is what the operators' backup holds: more orders than are live.
const dumped = "-- MariaDB dump 10.19\n\nDROP TABLE IF EXISTS `counter`;\nCREATE TABLE `counter` (`id` int NOT NULL, `n` int NOT NULL, PRIMARY KEY (`id`)) ENGINE=InnoDB;\nINSERT INTO `counter` VALUES (1,0);\n" +
	"DROP TABLE IF EXISTS `notes`;\nCREATE TABLE `notes` (`id` int NOT NULL AUTO_INCREMENT, `word` varchar(20), PRIMARY KEY (`id`)) ENGINE=InnoDB;\n" +
	"DROP TABLE IF EXISTS `orders`;\nCREATE TABLE `orders` (`id` int NOT NULL, PRIMARY KEY (`id`)) ENGINE=InnoDB;\nINSERT INTO `orders` VALUES (1),(2),(3);\n"

// reset makes the world as every run finds it.
func (c *company) reset() {
	c.t.Helper()
	c.must(os.RemoveAll(c.dir))
	c.must(os.MkdirAll(c.dir, 0o700))
	c.must(os.WriteFile(filepath.Join(c.dir, "fleet.yaml"), []byte(c.base), 0o600))
	for _, h := range c.hosts {
		for _, p := range []string{"/var/lib/recoverbot", "/root/workdir", "/shell/sql_backup", "/srv", "/systemctl.log"} {
			c.must(os.RemoveAll(c.Path(h, p)))
		}
		c.must(os.MkdirAll(c.Path(h, "/root/workdir"), 0o755))
		c.must(os.MkdirAll(c.Path(h, "/srv"), 0o755))
	}
	c.WriteFile(c.hosts[len(c.hosts)-1], "/srv/source", strings.Repeat("what is copied\n", 50), 0o640)
	c.WriteFile("standby", "/etc/app.conf", "first line\n", 0o640)
	taken := time.Now().Add(-time.Hour)
	name := "/shell/sql_backup/speed-" + taken.Format("20060102150405") + ".sql"
	c.WriteFile("standby", name, dumped+"-- Dump completed on "+taken.Format("2006-01-02 15:04:05")+"\n", 0o644)
	c.must(os.Chtimes(c.Path("standby", name), taken, taken))
	for h, n := range c.nginx {
		if c.configure(h) {
			c.must(syscall.Kill(n.Pid(), syscall.SIGHUP))
		}
	}
	if c.db == nil {
		return
	}
	for _, s := range c.schemas("speed%") {
		c.Exec(c.db, "DROP DATABASE `"+s+"`")
	}
	c.Exec(c.db, "CREATE DATABASE speed", "CREATE TABLE speed.counter (id int NOT NULL, n int NOT NULL, PRIMARY KEY (id))", "INSERT INTO speed.counter VALUES (1,0)",
		"CREATE TABLE speed.notes (id int NOT NULL AUTO_INCREMENT, word varchar(20), PRIMARY KEY (id))",
		"CREATE TABLE speed.orders (id int NOT NULL, PRIMARY KEY (id))", "INSERT INTO speed.orders VALUES (1)")
}

func (c *company) schemas(like string) []string {
	c.t.Helper()
	if c.db == nil {
		return nil
	}
	var out []string
	c.must(c.db.DB.Select(&out, "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE ?", like))
	return out
}

func (c *company) read(host, path string) string {
	b, err := os.ReadFile(c.Path(host, path))
	if err != nil {
		return "none"
	}
	return string(b)
}

func (c *company) number(query string) string {
	c.t.Helper()
	if c.db == nil {
		return "none"
	}
	var n string
	if err := c.db.DB.Get(&n, query); err != nil {
		return "none"
	}
	return n
}

func (c *company) line() string      { return c.read("standby", "/root/workdir/seen") }
func (c *company) blindLine() string { return c.read("standby", "/root/workdir/blind") }
func (c *company) counter() string   { return c.number("SELECT n FROM speed.counter WHERE id = 1") }
func (c *company) notes() string     { return c.number("SELECT COUNT(*) FROM speed.notes") }
func (c *company) made() string      { return c.number("SELECT COUNT(*) FROM speed.made") }
func (c *company) config() string    { return c.read("standby", "/etc/app.conf") }
func (c *company) slowLine() string  { return c.read("standby", "/root/workdir/slow") }
func (c *company) copied() string    { return c.read("standby", "/srv/copied") }

// restored is which data is live, and how many times data was put aside.
func (c *company) restored() string {
	return c.number("SELECT COUNT(*) FROM speed.orders") + " orders, " + fmt.Sprint(len(c.schemas("speed\\_old%"))) + " kept"
}

func (c *company) upstreams() string {
	var b strings.Builder
	for _, h := range c.hosts[1:] {
		text := c.read(h, "/etc/nginx/conf.d/app.conf")
		fmt.Fprintf(&b, "%s %s\n", h, strings.ReplaceAll(text, c.Host(h).Address, h))
	}
	return b.String()
}

func (c *company) restarts() string {
	return fmt.Sprint(strings.Count(c.read("standby", "/systemctl.log"), "restart worker"))
}

func (c *company) roles() string {
	b, _ := os.ReadFile(filepath.Join(c.dir, "fleet.yaml")) // it is never away
	_, standby, _ := strings.Cut(string(b), "- name: standby\n")
	_, roles, _ := strings.Cut(standby, "roles: ")
	roles, _, _ = strings.Cut(roles, "\n")
	return fmt.Sprint(len(b) > len(c.base)-50, " ", roles)
}
