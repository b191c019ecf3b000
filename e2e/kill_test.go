package e2e

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// frozenWrites makes a host's MySQL take no writes until the returned function is called.
func (c *company) frozenWrites(host string) func() {
	c.t.Helper()
	m := mysql.NewConfig()
	m.User, m.Passwd, m.Net, m.Addr = c.d.Hosts[host].MySQL.User, c.d.Hosts[host].MySQL.Password, "unix", c.d.Hosts[host].MySQL.Socket
	connector, err := mysql.NewConnector(m)
	if err != nil {
		c.t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(c.t.Context(), "FLUSH TABLES WITH READ LOCK"); err != nil {
		c.t.Fatal(err)
	}
	return func() {
		if err := db.Close(); err != nil { // the lock goes with its connection
			c.t.Error(err)
		}
	}
}

func (c *company) schemas(host, like string) int {
	c.t.Helper()
	return len(strings.Fields(c.mysql(host, "SHOW DATABASES LIKE '"+like+"'")))
}

// leads sees that an unknown outcome says what was found and leaves a person a way on.
func (c *company) leads(id, stepID string) {
	c.t.Helper()
	var s step
	eventually(c.t, 15*time.Second, "evidence of "+stepID, func() error {
		r, err := c.run(id)
		if s = r.step(stepID); err == nil && (s.Note == "" || s.Evidence == "") {
			err = errors.New("an unknown outcome says too little: " + s.why())
		}
		return err
	})
	for _, choice := range []string{"look", "done", "retry", "skip", "abort"} {
		if !slices.Contains(s.Choices, choice) {
			c.t.Errorf("%s is unknown without the choice %s: %v", s.ID, choice, s.Choices)
		}
	}
	unexplained := s.to("done")
	unexplained.Reason = ""
	c.refusedWith(c.decide(id, unexplained), 422, "needs a reason")
}

// TestTheBotDiesAtEveryKindOfMoment kills it again and again in one run, which goes on from the journal each time and
// does nothing twice (fault 3).
func TestTheBotDiesAtEveryKindOfMoment(t *testing.T) {
	t.Parallel()
	c := start(t)
	before := map[string]map[string]string{"nginx1": c.nginxFiles("nginx1"), "nginx2": c.nginxFiles("nginx2")}
	c.drill("break", "primary")
	id := c.recover("/recover primary")

	// While a step waits: the same card waits again, and its code still counts.
	c.until(id, "power-off")
	r, err := c.run(id)
	if err != nil {
		t.Fatal(err)
	}
	card := r.step("power-off")
	c.killBot()
	if s := c.at(id, "power-off", "waiting"); s.Attempt != card.Attempt || s.Digest != card.Digest {
		t.Errorf("the card changed by a restart: %d %s, was %d %s", s.Attempt, s.Digest, card.Attempt, card.Digest)
	}
	// Right after an answer: it was taken, or the same answer is taken now.
	if err := c.decide(id, card.to("approve")); err != nil {
		t.Fatal(err)
	}
	c.killBot()
	if s := c.at(id, "power-off", "done", "unknown"); s.State == "unknown" {
		c.leads(id, s.ID)
		c.answer(id, "power-off", "done")
	}

	// While nginx is edited: as soon as the first file is changed.
	r = c.until(id, "nginx-out")
	d, ok := c.yes(r, r.step("nginx-out.nginx1"))
	if !ok {
		t.Fatal(r.step("nginx-out.nginx1").why())
	}
	if err := c.decide(id, d); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); c.file("nginx1", "etc/nginx/conf.d/10-go-api.conf") == before["nginx1"]["/etc/nginx/conf.d/10-go-api.conf"]; {
		if time.Now().After(deadline) {
			t.Fatal("nginx1's file does not change")
		}
	}
	c.killBot()
	for _, member := range []string{"nginx-out.nginx1", "nginx-out.nginx2"} {
		if s := c.at(id, member, "done", "unknown"); s.State == "unknown" {
			c.leads(id, s.ID)
			c.answer(id, member, "retry")
			if s = c.at(id, member, "waiting", "done"); s.State == "waiting" {
				c.answer(id, member, "approve")
			}
			c.at(id, member, "done")
		}
	}

	// While a dump is loaded: the job on the host goes on and is followed again.
	c.until(id, "restore")
	thaw := c.frozenWrites("standby")
	c.answer(id, "restore", "approve")
	eventually(t, 20*time.Second, "the load begins", func() error {
		if c.mysql("standby", "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for%lock%'") == "0" {
			return errors.New("nothing waits for the lock")
		}
		return nil
	})
	c.killBot()
	c.at(id, "restore", "executing")
	thaw()
	if s := c.at(id, "restore", "held", "unknown"); s.State != "held" {
		t.Fatalf("after a restart while loading: %s", s.why())
	}
	// While it is held.
	c.killBot()
	eventually(t, 20*time.Second, "the held change is found again, and says so", func() error {
		r, err := c.run(id)
		if s := r.step("restore"); err == nil && (s.State != "held" || s.Note == "") {
			err = errors.New(s.why())
		}
		return err
	})
	if n := c.mysql("standby", "SELECT COUNT(*) FROM speed.orders"); n != "24000" {
		t.Errorf("%s orders are live before the commit", n)
	}
	eventually(t, 20*time.Second, "commit the held restore", func() error {
		r, err := c.run(id)
		if err != nil {
			return err
		}
		return c.decide(id, r.step("restore").to("commit"))
	})
	c.at(id, "restore", "done")
	if n := c.schemas("standby", "speed\\_%"); n != 1 {
		t.Errorf("%d schemas beside the live one, want the old one alone: %s", n, c.mysql("standby", "SHOW DATABASES"))
	}

	// While rows are held: the server rolls them back, and the card says so.
	c.until(id, "domain-list")
	rows := c.mysql("standby", domains)
	c.answer(id, "domain-list", "approve")
	c.at(id, "domain-list", "held")
	c.killBot()
	s := c.at(id, "domain-list", "rolled_back")
	if !strings.Contains(s.Note, "rolled it back, nothing changed") {
		t.Errorf("a lost hold says %q", s.Note)
	}
	if now := c.mysql("standby", domains); now != rows {
		t.Errorf("rows after the rollback:\n%s\nbefore:\n%s", now, rows)
	}
	c.answer(id, "domain-list", "retry")

	// Right after an edit was approved.
	c.until(id, "go-api-config")
	c.answer(id, "go-api-config", "approve")
	c.killBot()
	switch s := c.at(id, "go-api-config", "done", "unknown"); {
	case s.State == "unknown" && strings.Contains(c.file("standby", "wwwroot/go/go-api/config.yaml"), "tcp(localhost:3306)"):
		c.leads(id, s.ID)
		c.answer(id, "go-api-config", "done")
	case s.State == "unknown":
		c.leads(id, s.ID)
		c.answer(id, "go-api-config", "retry")
	}

	// While a service is restarted: once, not twice.
	c.until(id, "go-api-restart")
	systemctl := c.gate("standby", "systemctl", `*restart*`)
	systemctl.close()
	c.answer(id, "go-api-restart", "approve")
	eventually(t, 20*time.Second, "the restart begins", func() error {
		if systemctl.calls("restart") == 0 {
			return errors.New("not called")
		}
		return nil
	})
	c.killBot()
	systemctl.open()
	c.at(id, "go-api-restart", "done")
	if n := systemctl.calls("restart"); n != 1 {
		t.Errorf("go-api was restarted %d times", n)
	}

	// While the backup runs: one dump, not two.
	c.until(id, "backup-run")
	mysqldump := c.gate("standby", "mysqldump", `*`)
	mysqldump.close()
	crontab, err := c.sh("standby", "crontab -l && crontab -r") // only the bot's own run counts
	if err != nil {
		t.Fatal(crontab)
	}
	c.answer(id, "backup-run", "approve")
	eventually(t, 20*time.Second, "the backup begins", func() error {
		if mysqldump.calls("") == 0 {
			return errors.New("not called")
		}
		return nil
	})
	began := mysqldump.calls("")
	c.killBot()
	mysqldump.open()
	c.at(id, "backup-run", "done")
	if n := mysqldump.calls(""); n != began {
		t.Errorf("the backup ran %d times more", n-began)
	}

	if r := c.until(id, ""); r.State != "done" {
		t.Fatalf("the run is %s", r.State)
	}
	for _, n := range []string{"nginx1", "nginx2"} {
		c.checkNginx(n, "primary", before[n])
	}
	c.checkFronts("standby", "spare1")
	if n := c.mysql("standby", "SELECT COUNT(*) FROM speed.orders WHERE id <= 30000"); n != fmt.Sprint(c.d.Expected.Orders) {
		t.Errorf("%s orders", n)
	}
	if out, err := c.recoverbot("audit", "verify"); err != nil {
		t.Errorf("audit verify: %s", out)
	}
	if out, err := c.recoverbot("report", id); err != nil || !strings.Contains(out, "domain") {
		t.Errorf("report: %s", out)
	}
}
