package e2e

import (
	"errors"
	"strings"
	"time"
)

// recovers drives a recovery of the primary by presses in Telegram, while Slack shows the same run, until its standby has
// been found. What comes then is more than a group of Telegram takes in a few minutes: it is answered by the API.
func (g *telegramRoom) recovers(w *workspace, command string) run {
	c := g.c
	c.t.Helper()
	c.hand = g.hand
	id := g.recover(tgOps1, command)
	c.until(id, "power-off")
	g.asksTwice(id, "power-off")
	c.until(id, "domain-list")
	g.races(w, id, "domain-list")
	if err := c.decide(id, c.proposed(c.until(id, "new-machine").step("new-machine"))); err != nil {
		c.t.Fatal(err)
	}
	c.until(id, "new-enrol")
	c.hand = nil
	r := c.until(id, "")
	g.inTime(id)
	g.ends(id)
	for _, stepID := range []string{"power-off", "restore", "domain-list", "go-api-restart", "new-machine"} {
		g.toldStep(id, r.step(stepID))
	}
	g.inPlace()
	g.withinLimits()
	g.c.kept(g.secrets(), g.said())
	return r
}

// asksTwice: a dangerous button does nothing until the same person presses it once more.
func (g *telegramRoom) asksTwice(id, stepID string) {
	g.c.t.Helper()
	m := g.sees("step/"+id+"/"+stepID, "Abort run")
	for _, user := range []string{tgOps1, tgOps2} {
		g.refuses(user, m, "Abort run", twice)
	}
	g.refuses(tgStranger, m, "Approve", "I do not know you")
}

// races: two people give different answers in Slack and in Telegram in the same instant.
func (g *telegramRoom) races(w *workspace, id, stepID string) {
	c := g.c
	c.t.Helper()
	key := "step/" + id + "/" + stepID
	mine, theirs := g.sees(key, "Approve"), w.sees(key, "Skip")
	before := len(w.Private(ops2))
	var query string
	c.atOnce(
		func() (err error) { query, err = g.Press(tgOps1, mine.Chat, mine.ID, "Approve"); return err },
		func() error { return w.Click(ops2, room, theirs.TS, "Skip") },
	)
	s := c.at(id, stepID, "held", "skipped")
	d := c.decided(id, stepID)
	told := g.toast(tgOps1, query)
	by := "approved by operator (Telegram) "
	if s.State == "held" {
		w.told(ops2, before, "Already decided by operator (Telegram) at ")
	} else {
		by = "skipped by colleague (Slack) "
		if !told.Alert || !strings.Contains(told.Text, "Already decided by colleague (Slack) at ") {
			c.t.Errorf("who came too late is told %q", told.Text)
		}
	}
	c.t.Logf("%s first: %s", d.By.Platform, told.Text)
	eventually(c.t, 30*time.Second, "both chats show who decided", func() error {
		in, _ := g.card(key)
		also, _ := w.card(key)
		if !strings.Contains(in.Text, by) || !strings.Contains(w.Plain(also), by) {
			return errors.New(in.Text + "\n" + w.Plain(also))
		}
		return nil
	})
	if s.State == "skipped" {
		g.press(tgOps1, key, "Do it now")
		c.until(id, stepID)
	}
}
