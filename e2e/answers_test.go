package e2e

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// refusedWith sees that an answer is refused with a status and a text.
func (c *company) refusedWith(err error, status int, text string) {
	c.t.Helper()
	var no *refused
	if !errors.As(err, &no) || no.Status != status || !strings.Contains(no.Message, text) {
		c.t.Errorf("got %v, want %d with %q", err, status, text)
	}
}

// noticed approves a plan whose world was changed since it was shown: nothing is done, and a new plan is asked for.
func (c *company) noticed(id, stepID string, shown step) step {
	c.t.Helper()
	if err := c.decide(id, shown.to("approve")); err != nil {
		var no *refused
		if !errors.As(err, &no) || no.Status != 409 {
			c.t.Errorf("approve a stale plan of %s: %v", stepID, err)
		}
	}
	var s step
	eventually(c.t, 30*time.Second, "plan "+stepID+" again", func() error {
		r, err := c.run(id)
		if s = r.step(stepID); err == nil && (s.State != "waiting" || s.Attempt == shown.Attempt || s.Plan == nil) {
			err = errors.New(s.why())
		}
		return err
	})
	return s
}

// TestEveryAnswerDoesWhatItSays goes through one recovery with every choice but approve, and through changes of the
// world between plan and click (fault 18, fault 23).
func TestEveryAnswerDoesWhatItSays(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.drill("break", "primary")
	id := c.recover("/recover primary")
	get := func(stepID string) step {
		t.Helper()
		r, err := c.run(id)
		if err != nil {
			t.Fatal(err)
		}
		return r.step(stepID)
	}

	// A skip that could split the brain needs a reason.
	c.until(id, "power-off")
	d := get("power-off").to("skip")
	d.Reason = ""
	c.refusedWith(c.decide(id, d), 422, "needs a reason")
	if s := get("power-off"); s.State != "waiting" {
		t.Errorf("after a refused skip: %s", s.why())
	}
	d.Reason = "the provider's console is down too"
	for range 2 { // the same answer again is success
		if err := c.decide(id, d); err != nil {
			t.Fatal(err)
		}
	}
	c.at(id, "power-off", "skipped")
	other := d
	other.Choice = "approve"
	c.refusedWith(c.decide(id, other), 409, "operator")

	// An nginx file is edited between plan and click.
	r := c.until(id, "nginx-out")
	shown := r.step("nginx-out.nginx1")
	stale, _ := c.yes(r, shown)
	const conf = "etc/nginx/conf.d/10-go-api.conf"
	c.write("nginx1", conf, c.file("nginx1", conf)+"# edited by hand\n")
	if err := c.decide(id, stale); err != nil {
		var no *refused
		if !errors.As(err, &no) || no.Status != 409 {
			t.Errorf("approve a stale plan: %v", err)
		}
	}
	eventually(t, 30*time.Second, "plan nginx1 again", func() error {
		if s := get("nginx-out.nginx1"); s.State != "waiting" || s.Attempt == shown.Attempt {
			return errors.New(s.why())
		}
		return nil
	})
	if text := c.file("nginx1", conf); !strings.HasSuffix(text, "# edited by hand\n") || !strings.Contains(text, c.address("primary")+":8080") {
		t.Errorf("a stale click changed nginx1's file:\n%s", text)
	}

	// The dump is another one than the plan chose; then a restore is rolled back, and its scratch schema is gone.
	c.until(id, "restore")
	shown = get("restore")
	right := "shell/sql_backup/" + c.d.Expected.Dump
	text := c.file("standby", right)
	c.write("standby", right, strings.Replace(text, "-- Dump completed on", "-- edited\n-- Dump completed on", 1))
	c.noticed(id, "restore", shown)
	if n := c.schemas("standby", "speed%"); n != 1 {
		t.Errorf("a stale click left %d schemas", n)
	}
	c.write("standby", right, text)
	c.answer(id, "restore", "retry")
	c.until(id, "restore")
	c.answer(id, "restore", "approve")
	c.at(id, "restore", "held")
	if n := c.schemas("standby", "speed\\_%"); n != 1 {
		t.Errorf("%d scratch schemas while held", n)
	}
	c.answer(id, "restore", "rollback")
	c.at(id, "restore", "rolled_back")
	if n := c.schemas("standby", "speed\\_%"); n != 0 {
		t.Errorf("%d schemas left by a rollback: %s", n, c.mysql("standby", "SHOW DATABASES"))
	}
	if n := c.mysql("standby", "SELECT COUNT(*) FROM speed.orders"); n != "24000" {
		t.Errorf("%s orders after a rollback", n)
	}

	// What needs a skipped step is blocked, names it, and passes only with a reason.
	c.answer(id, "restore", "skip")
	c.until(id, "missing-tables")
	s := get("missing-tables")
	if s.Plan.Verdict != "blocked" || !strings.Contains(s.Plan.Why, "restore") || !slices.Contains(s.NeedsReason, "approve") {
		t.Errorf("without the restore: %s %v", s.why(), s.NeedsReason)
	}
	d = s.to("approve")
	d.Reason = ""
	c.refusedWith(c.decide(id, d), 422, "needs a reason")
	c.answer(id, "restore", "reopen")
	c.until(id, "restore")
	c.answer(id, "restore", "approve")
	c.at(id, "restore", "held")
	c.answer(id, "restore", "commit")
	c.at(id, "restore", "done")

	// A row is changed between plan and click; then the held rows are rolled back, and held again.
	c.until(id, "domain-list")
	shown = get("domain-list")
	c.mysql("standby", "UPDATE speed.t_app_dns SET status=2 WHERE domain='img.example.com'")
	s = c.noticed(id, "domain-list", shown)
	rows := c.mysql("standby", domains)
	if !strings.Contains(rows, "a.example.com\t"+c.address("primary")+"\t1") {
		t.Errorf("a stale click changed rows:\n%s", rows)
	}
	c.answer(id, "domain-list", "approve")
	c.at(id, "domain-list", "held")
	c.answer(id, "domain-list", "rollback")
	s = c.at(id, "domain-list", "rolled_back")
	if now := c.mysql("standby", domains); now != rows || !strings.Contains(s.Note, "operator") {
		t.Errorf("after a rollback (%s):\n%s", s.Note, now)
	}
	c.answer(id, "domain-list", "retry")
	c.until(id, "domain-list")
	c.answer(id, "domain-list", "approve")
	c.at(id, "domain-list", "held")
	c.answer(id, "domain-list", "commit")

	// The config file is edited between plan and click.
	c.until(id, "go-api-config")
	shown = get("go-api-config")
	const config = "wwwroot/go/go-api/config.yaml"
	edited := c.file("standby", config) + "# by hand\n"
	c.write("standby", config, edited)
	c.noticed(id, "go-api-config", shown)
	if c.file("standby", config) != edited {
		t.Error("a stale click changed config.yaml")
	}

	// Deferred for days: the run goes on without the new standby. A running script is cancelled, and run again.
	c.until(id, "new-machine")
	c.answer(id, "new-machine", "defer")
	c.until(id, "backup-run")
	mysqldump := c.gate("standby", "mysqldump", `*`)
	mysqldump.close()
	c.answer(id, "backup-run", "approve")
	eventually(t, 20*time.Second, "the backup begins", func() error {
		if mysqldump.calls("") == 0 {
			return errors.New("not called")
		}
		return nil
	})
	c.answer(id, "backup-run", "cancel")
	s = c.at(id, "backup-run", "unknown", "failed")
	mysqldump.open()
	if s.Note == "" && s.Result == nil {
		t.Errorf("a cancelled step says nothing: %s", s.why())
	}
	c.answer(id, "backup-run", "retry")
	r = c.until(id, "")
	if r.State != "parked" || r.step("new-enrol").State != "deferred" || !slices.ContainsFunc(r.Open, func(o string) bool { return strings.Contains(o, "new machine") }) {
		t.Fatalf("the run is %s: %v", r.State, r.Open)
	}
	c.killBot()
	if _, _, err := c.say("/recover resume " + id); err != nil {
		t.Fatal(err)
	}
	if r = c.until(id, ""); r.State != "done" || r.step("new-roles").State != "done" {
		t.Fatalf("the resumed run is %s: %s", r.State, r.step("new-roles").why())
	}
	c.checkFronts("standby", "spare1")

	// Abort: what is held is rolled back first, a scratch schema as well as rows.
	c.drill("break", "standby")
	abort := func(stepID string) {
		t.Helper()
		c.answer(id, stepID, "approve")
		c.at(id, stepID, "held")
		c.answer(id, stepID, "abort")
		eventually(t, 30*time.Second, "abort", func() error {
			r, err := c.run(id)
			if err == nil && r.State != "aborted" {
				err = errors.New(r.State)
			}
			return err
		})
		if s := get(stepID); s.State != "rolled_back" || !strings.Contains(s.Note, "operator") {
			t.Errorf("after the abort: %s", s.why())
		}
	}
	id = c.recover("/recover primary")
	c.until(id, "restore")
	schemas := c.mysql("spare1", "SHOW DATABASES")
	abort("restore")
	if now := c.mysql("spare1", "SHOW DATABASES"); now != schemas {
		t.Errorf("schemas after the abort:\n%s\nbefore:\n%s", now, schemas)
	}
	id = c.recover("/recover primary")
	c.until(id, "domain-list")
	rows = c.mysql("spare1", domains)
	abort("domain-list")
	if now := c.mysql("spare1", domains); now != rows {
		t.Errorf("rows after the abort:\n%s\nbefore:\n%s", now, rows)
	}
	if out, err := c.recoverbot("audit", "verify"); err != nil {
		t.Errorf("audit verify: %s", out)
	}
}
