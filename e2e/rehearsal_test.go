package e2e

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// rehearsal is a run of the scenario that nobody waits for.
func (c *company) rehearsal() (run, bool) {
	c.t.Helper()
	var runs []struct{ ID, Scenario string }
	if err := c.call("GET", "/api/runs", nil, &runs); err != nil {
		return run{}, false // the bot starts
	}
	for _, x := range runs { // the newest first
		if x.Scenario == "rehearse-restore" {
			r, err := c.run(x.ID)
			return r, err == nil
		}
	}
	return run{}, false
}

// restorable sees that a rehearsal says what it measured, and has left everything as it was.
func (c *company) restorable(r run, schemas, live string) {
	c.t.Helper()
	s := r.step("rehearse")
	want := regexp.MustCompile(`^Restorable: ` + regexp.QuoteMeta(c.d.Expected.Dump) + ` of \w+, 5 tables, \d+ rows, newest [-0-9]+ [:0-9]+\. Loaded in \d+(\.\d)? (s|ms) on standby at low priority \(\d\.\d MB`)
	if r.State != "done" || s.Result == nil || !want.MatchString(s.Result.Text) {
		c.t.Errorf("the rehearsal is %s: %s", r.State, s.why())
	}
	if now := c.mysql("standby", "SHOW DATABASES"); now != schemas {
		c.t.Errorf("a rehearsal left\n%s\nwhere there was\n%s", now, schemas)
	}
	if now := c.data("standby"); now != live {
		c.t.Errorf("a rehearsal changed what is live: %s, was %s", now, live)
	}
}

// rehearses tries the newest dump on the standby, by the schedule of fleet.yaml and then by a person at a terminal.
func (c *company) rehearses() {
	c.t.Helper()
	schemas, live := c.mysql("standby", "SHOW DATABASES"), c.data("standby")
	due := time.Now().Add(95 * time.Second).Truncate(time.Minute) // the bot starts again before, also where all is slow
	c.fleet(func(text string) string {
		return text + "\nrehearsal:\n  at: " + due.Format(`"15:04"`) + "\n  approved_by: [colleague]\n"
	})
	ends(c.t)
	var r run
	eventually(c.t, time.Until(due)+60*time.Second, "the rehearsal of "+due.Format("15:04"), func() error {
		var ok bool
		if r, ok = c.rehearsal(); !ok || r.State == "open" {
			return errors.New(r.State + r.step("rehearse").why())
		}
		return nil
	})
	c.restorable(r, schemas, live)
	if d := c.decided(r.ID, "rehearse"); d.By.Name != "colleague" || d.By.Platform != "fleet.yaml" || d.Data["choice"] != "approve" ||
		d.Data["digest"] != r.step("rehearse").Digest || !strings.Contains(d.Data["reason"], "standing approval in fleet.yaml") {
		c.t.Errorf("the standing approval stands in the journal as %+v", d)
	}

	if out, err := c.recoverbot("plan", "rehearse-restore"); err != nil || !strings.Contains(out, "Last rehearsal, ") {
		c.t.Errorf("a plan beside the bot knows of no rehearsal: %v\n%s", err, out)
	}
	s := c.screen("rehearse restore --as operator")
	s.sees(`Last rehearsal`)
	code := s.sees(`drop +speed_rehearsal_(?s:.*?)abort\s+([0-9a-f]{4})`)
	s.types("approve " + code)
	s.sees(`✅ 1/1 (?s:.*?)Restorable:\s+` + regexp.QuoteMeta(c.d.Expected.Dump))
	s.sees(`Restorable:(?s:.*?)The run has ended`) // on the closing card, too
	s.ends()
	if again, ok := c.rehearsal(); !ok || again.ID == r.ID {
		c.t.Error("the terminal has begun nothing")
	} else {
		c.restorable(again, schemas, live)
	}
}

// takesBack commits a restore that was rolled back, undoes it, and drops what the undo has put aside.
func (c *company) takesBack(id string) {
	c.t.Helper()
	before := c.data("standby")
	c.answer(id, "restore", "retry")
	s := c.until(id, "restore").step("restore")
	if facts := strings.Join(s.Plan.Facts, "\n"); !strings.Contains(facts, "Last rehearsal, ") || !strings.Contains(facts, c.d.Expected.Dump+" was restorable") {
		c.t.Errorf("the restore says of the rehearsals\n%s", facts)
	}
	c.answer(id, "restore", "approve")
	c.at(id, "restore", "held")
	c.answer(id, "restore", "commit")
	c.at(id, "restore", "done")
	restored := c.data("standby")
	if restored == before {
		c.t.Fatalf("a committed restore changed nothing: %s", before)
	}
	if err := c.decide(id, decision{Choice: "abort"}); err != nil {
		c.t.Fatal(err)
	}
	kept := c.mysql("standby", `SHOW DATABASES LIKE 'speed\_old\_%'`)
	if r, err := c.run(id); err != nil || !strings.Contains(strings.Join(r.Open, "\n"), "undo-restore on=standby kept="+kept) {
		c.t.Errorf("the run that has ended does not say how %q comes back: %v %v", kept, r.Open, err)
	}

	id = c.recover("/recover undo-restore on=standby")
	s = c.until(id, "undo").step("undo")
	unexplained := s.to("approve")
	unexplained.Reason = ""
	c.refusedWith(c.decide(id, unexplained), 422, "needs a reason")
	c.answer(id, "undo", "approve")
	c.finished(id)
	if now := c.data("standby"); now != before {
		c.t.Errorf("undone: %s, was %s", now, before)
	}

	aside := c.mysql("standby", `SHOW DATABASES LIKE 'speed\_%'`)
	if !regexp.MustCompile(`^speed_undone_\d{8}$`).MatchString(aside) {
		c.t.Fatalf("put aside: %q", aside)
	}
	if n := c.mysql("standby", "SELECT COUNT(*) FROM "+aside+".orders"); n != fmt.Sprint(c.d.Expected.Orders) {
		c.t.Errorf("the undo has kept %s orders", n)
	}
	id = c.recover("/recover drop-kept on=standby kept=" + aside)
	c.until(id, "drop")
	c.answer(id, "drop", "approve")
	c.finished(id)
	if n := c.schemas("standby", "speed%"); n != 1 || c.data("standby") != before {
		c.t.Errorf("after drop-kept: %s", c.mysql("standby", "SHOW DATABASES"))
	}
}
