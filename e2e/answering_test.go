package e2e

import (
	"net/http"
	"time"
)

// labels are what the buttons of a waiting card say.
var labels = map[string]string{"approve": "Approve", "commit": "Commit", "rollback": "Roll back", "look": "Look again", "retry": "Look again", "input": "Enter values"}

// answering is an answer that a person is about to give in a chat: by which button of which card, and how the run stood.
type answering struct {
	c                      *company
	d                      decision
	run                    run
	user, card, key, label string
}

// answering finds the button for an answer: one person approves, another commits.
func (c *company) answering(id string, d decision, approver, committer string) (answering, error) {
	r, err := c.run(id)
	if err != nil {
		return answering{}, err
	}
	a := answering{c: c, d: d, run: r, user: approver, card: r.cardOf(d.Step), label: labels[d.Choice]}
	if d.Choice == "commit" {
		a.user = committer
	}
	if d.Group != "" {
		a.card = d.Group
	}
	a.key = "step/" + id + "/" + a.card
	if s := r.step(d.Step).State; d.Choice == "retry" && (s == "failed" || s == "rolled_back") {
		a.label = "Try again"
	}
	return a, nil
}

// seen waits until a chat shows the button. The error says that by then the run shows another plan.
func (a answering) seen(within time.Duration, where string, look func() error) error {
	a.c.t.Helper()
	moved := false
	eventually(a.c.t, within, "see ["+a.label+"] in "+where+" on "+a.key, func() error {
		now, err := a.c.run(a.run.ID)
		if err != nil {
			return err
		}
		if moved = now.digest(a.d) != a.d.Digest; moved {
			return nil
		}
		return look()
	})
	if moved {
		return &refused{Status: http.StatusConflict, Message: "another plan is shown by now"}
	}
	return nil
}

// cardOf is the card of a step: its own, or that of its group.
func (r run) cardOf(stepID string) string {
	if group := r.step(stepID).Group; group != "" {
		return group
	}
	return stepID
}

// question is a step that began to ask.
type question struct {
	event
	card string
	over time.Time // when it asked no more, or other members of the group began to ask
}

// questions are all of a run, as the journal has them.
func (c *company) questions(id string) (out []question) {
	c.t.Helper()
	r, err := c.run(id)
	if err != nil {
		c.t.Fatal(err)
	}
	events := c.events()
	for i, e := range events {
		if e.RunID != id || e.Kind != "step.moved" || e.Data["to"] == e.Data["from"] || e.Data["to"] != "waiting" && e.Data["to"] != "held" {
			continue
		}
		q := question{event: e, card: r.cardOf(e.StepID), over: e.At.Add(time.Hour)}
		for _, next := range events[i+1:] {
			if next.RunID == id && next.Kind == "step.moved" && (next.StepID == e.StepID || q.card != e.StepID && r.cardOf(next.StepID) == q.card) {
				q.over = next.At
				break
			}
		}
		out = append(out, q)
	}
	return out
}
