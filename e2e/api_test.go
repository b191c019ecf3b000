package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"recoverbot/drill/jsonapi"
)

// api speaks the JSON API as one person.
type api struct{ base, token, language string }

type run struct {
	ID, State string
	Bindings  map[string][]string
	Choices   []string
	Steps     []step
	Groups    []group
	Open      []string
}

type step struct {
	ID, Kind, Host, Group, State, Digest, Note, Evidence string
	Attempt                                              int
	Choices                                              []string
	NeedsReason                                          []string `json:"needs_reason"`
	DecidedBy                                            string   `json:"decided_by"`
	Form                                                 []struct {
		Name, Default, Value string
		Required             bool
	}
	Plan *struct {
		Summary, Text, Verdict, Why, Hint string
		Warnings, Facts                   []string
		Tables                            []json.RawMessage
	}
	Hold *struct {
		Deadline time.Time
		Durable  bool
	}
	Result *struct{ Outcome, Text, Output string }
}

type (
	group    = jsonapi.Group
	decision = jsonapi.Decision
	refused  = jsonapi.Refused
)

var httpClient = &http.Client{Timeout: 40 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func (a api) call(method, path string, in, out any) error {
	c := jsonapi.Client{Base: a.base, Token: a.token, Language: a.language, Timeout: 40 * time.Second}
	return c.Call(context.Background(), method, path, in, out)
}

// say types a command and returns the reply and the run that it is about.
func (a api) say(text string) (string, string, error) {
	var r struct{ Reply, Run string }
	err := a.call(http.MethodPost, "/api/commands", map[string]string{"text": text}, &r)
	return r.Reply, r.Run, err
}

func (a api) run(id string) (run, error) {
	var r run
	return r, a.call(http.MethodGet, "/api/runs/"+id, nil, &r)
}

func (a api) decide(id string, d decision) error {
	var r run
	return a.call(http.MethodPost, "/api/runs/"+id+"/decisions", d, &r)
}

// decide gives an answer as the test's person does.
func (c *company) decide(id string, d decision) error {
	if c.hand != nil {
		return c.hand(id, d)
	}
	return c.api.decide(id, d)
}

func (r run) step(id string) step {
	for _, s := range r.Steps {
		if s.ID == id {
			return s
		}
	}
	return step{}
}

// to is an answer to what the card shows now.
func (s step) to(choice string) decision {
	d := decision{Step: s.ID, Attempt: s.Attempt, Digest: s.Digest, Choice: choice}
	if slices.Contains(s.NeedsReason, choice) {
		d.Reason = "test"
	}
	return d
}

// why is all that the card says of how it stands.
func (s step) why() string {
	parts := []string{s.ID, s.State, s.Note, s.Evidence}
	if s.Plan != nil {
		parts = append(parts, s.Plan.Verdict, s.Plan.Why, strings.Join(s.Plan.Warnings, " "))
	}
	if s.Result != nil {
		parts = append(parts, s.Result.Outcome, s.Result.Text, s.Result.Output)
	}
	return strings.Join(parts, " | ")
}

// recover starts a run.
func (c *company) recover(command string) string {
	c.t.Helper()
	reply, id, err := c.say(command)
	if err != nil || id == "" {
		c.t.Fatalf("%s: %q %v", command, reply, err)
	}
	return id
}

// at waits until a step is in one of the states, answering nothing.
func (c *company) at(id, stepID string, states ...string) step {
	c.t.Helper()
	var s step
	eventually(c.t, 120*time.Second, stepID+" "+strings.Join(states, "|"), func() error {
		r, err := c.run(id)
		if err != nil {
			return err
		}
		if s = r.step(stepID); slices.Contains(states, s.State) {
			return nil
		}
		return errors.New(s.why())
	})
	return s
}

// answer decides on what the step shows now.
func (c *company) answer(id, stepID, choice string) {
	c.t.Helper()
	r, err := c.run(id)
	if err == nil {
		err = c.decide(id, r.step(stepID).to(choice))
	}
	if err != nil {
		c.t.Fatalf("%s %s: %v: %s", choice, stepID, err, r.step(stepID).why())
	}
}

// until says yes to everything that comes before a step, and returns when that waits to be approved or is over.
// An empty step means the end of the run.
func (c *company) until(id, stepID string) run {
	c.t.Helper()
	var r run
	eventually(c.t, 240*time.Second, "come to "+stepID, func() error {
		var err error
		if r, err = c.run(id); err != nil {
			return err
		}
		if r.State != "open" {
			if stepID != "" {
				c.t.Fatalf("the run is %s before %s", r.State, stepID)
			}
			return nil
		}
		standing := ""
		for _, s := range r.Steps {
			if s.Group != "" && s.Group == stepID {
				if slices.ContainsFunc(r.Groups, func(g group) bool { return g.ID == stepID && slices.Contains(g.Choices, "approve") }) {
					return nil
				}
				continue
			}
			if s.ID == stepID {
				if slices.Contains(s.Choices, "approve") || slices.Contains(s.NeedsReason, "approve") || slices.Contains([]string{"done", "skipped", "held", "executing"}, s.State) {
					return nil
				}
				if s.State == "failed" || s.State == "unknown" {
					c.t.Fatalf("%s", s.why())
				}
			}
			switch s.State {
			case "done", "skipped", "deferred", "pending", "planning":
				continue
			}
			if standing == "" {
				standing = s.why()
			}
			if d, ok := c.yes(r, s); ok {
				if err := c.decide(id, d); err != nil {
					var no *refused
					if errors.As(err, &no) && no.Status == http.StatusConflict || !errors.As(err, &no) {
						return err // it moved on meanwhile
					}
					c.t.Fatalf("%s %s%s: %v", d.Choice, d.Step, d.Group, err)
				}
				return errors.New("answered " + s.ID)
			}
		}
		return errors.New(standing)
	})
	return r
}

// yes is what a calm operator answers who wants to go on.
func (c *company) yes(r run, s step) (decision, bool) {
	switch s.State {
	case "held":
		return s.to("commit"), slices.Contains(s.Choices, "commit")
	case "unverified":
		return s.to("look"), true
	case "waiting":
		if s.Group != "" {
			for _, g := range r.Groups {
				if g.ID == s.Group && slices.Contains(g.Choices, "approve") {
					d := decision{Group: g.ID, Digest: g.Digest, Choice: "approve"}
					if slices.Contains(g.NeedsReason, "approve") {
						d.Reason = "test"
					}
					return d, true
				}
			}
			return decision{}, false
		}
		if slices.Contains(s.Choices, "input") {
			d := s.to("input")
			d.Fields = map[string]string{}
			for _, f := range s.Form {
				if f.Name == "user" && f.Value == "" {
					d.Fields[f.Name] = c.d.SSHUser
				} else if f.Required && f.Value == "" {
					d.Fields[f.Name] = f.Default
				}
			}
			if len(d.Fields) > 0 && s.Kind == "manual" {
				return d, true
			}
		}
		if s.Kind == "check" && s.Plan != nil {
			return s.to("retry"), true
		}
		if slices.Contains(s.Choices, "approve") {
			return s.to("approve"), true
		}
	case "failed", "rolled_back", "unknown":
		c.t.Fatalf("%s", s.why())
	}
	return decision{}, false
}
