package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestAWholeRecoveryInTelegram recovers the primary by presses alone, at the pace that Telegram's limits allow.
func TestAWholeRecoveryInTelegram(t *testing.T) {
	begins(t)
	t.Parallel()
	w, g := startChats(t, superGroup)
	c := w.c
	c.hand = g.hand
	c.drill("break", "primary")
	g.calls("primary", tgOps1)
	id := g.recover(tgOps1, "/recover primary")
	c.until(id, "power-off")
	g.abortsTwice(id, "power-off")
	id = g.recover(tgOps1, "/recover primary")
	c.until(id, "domain-list")
	g.races(w, id, "domain-list")
	c.at(id, "domain-list", "held")
	g.calls("rolls back by itself", tgOps1)
	for _, stepID := range []string{"new-config", "backup-schedule"} { // each part takes minutes at this pace
		c.until(id, stepID)
	}
	c.finished(id)
	c.checkFronts("standby", "spare1")
	g.toldAll(id)
}

// toldAll sees that Telegram tells what people decided as the journal has it, and that nobody had to wait for a question.
// Cards of what nobody was asked come when there is room.
func (g *telegramRoom) toldAll(id string) {
	g.c.t.Helper()
	r, err := g.c.run(id)
	if err != nil {
		g.c.t.Fatal(err)
	}
	g.inTime(id)
	g.ends(id)
	for _, s := range r.Steps {
		if _, asked := g.c.lastDecision(id, s.ID); asked {
			g.toldStep(id, s)
		}
	}
	g.inPlace()
	g.withinLimits()
	g.c.kept(g.secrets(), g.said())
}

// abortsTwice: a dangerous button does nothing until the same person presses it once more.
func (g *telegramRoom) abortsTwice(id, stepID string) {
	c := g.c
	c.t.Helper()
	const label = "Abort run"
	m := g.sees("step/"+id+"/"+stepID, label)
	for _, user := range []string{tgOps1, tgOps2} {
		g.refuses(user, m, label, twice)
	}
	g.refuses(tgStranger, m, "Approve", "I do not know you")
	g.taps(tgOps1, m, label)
	eventually(c.t, 20*time.Second, "abort", func() error {
		if r, err := c.run(id); err != nil || r.State != "aborted" {
			return fmt.Errorf("%s %w", r.State, err)
		}
		return nil
	})
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
	eventually(c.t, 75*time.Second, "both chats show who decided", func() error {
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
		c.answer(id, stepID, "approve")
	}
}
