package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// api speaks the JSON API as one person, and notes how long each answer takes.
type api struct {
	base, name, token string
	sum               *summary
}

type run struct {
	ID, Scenario, State string
	Choices             []string
	Steps               []step
	Groups              []group
}

type step struct {
	ID, Kind, Group, State, Digest, Note, Evidence string
	Attempt                                        int
	Choices                                        []string
	NeedsReason                                    []string `json:"needs_reason"`
	Form                                           []struct {
		Name, Default, Value string
		Required             bool
	}
	Plan   *struct{ Verdict, Why string }
	Result *struct{ Outcome, Text string }
}

type group struct {
	ID, Digest  string
	Choices     []string
	NeedsReason []string `json:"needs_reason"`
}

type decision struct {
	Step    string            `json:"step,omitempty"`
	Group   string            `json:"group,omitempty"`
	Attempt int               `json:"attempt"`
	Digest  string            `json:"digest"`
	Choice  string            `json:"choice"`
	Reason  string            `json:"reason,omitempty"`
	Fields  map[string]string `json:"fields,omitempty"`
}

// refused is an answer other than 200.
type refused struct {
	status        int
	kind, by, at  string // of a conflict
	message, body string
}

func (e *refused) Error() string { return fmt.Sprintf("%d %s", e.status, e.body) }

var client = &http.Client{Timeout: 60 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func (a api) call(ctx context.Context, method, path string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return fmt.Errorf("encode a request: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, &body)
	if err != nil {
		return fmt.Errorf("ask the bot: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	began := time.Now()
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("ask the bot: %w", err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("read the bot's answer: %w", err)
	}
	a.sum.answered(method, path, time.Since(began))
	if res.StatusCode == http.StatusOK {
		return json.Unmarshal(b, out)
	}
	var e struct {
		Error struct {
			Message  string
			Conflict *struct{ Kind, By, At string }
		}
		Conflict *struct{ Kind, By, At string }
	}
	_ = json.Unmarshal(b, &e) // the status says enough without it
	no := &refused{status: res.StatusCode, message: e.Error.Message, body: string(b)}
	if c := e.Conflict; c != nil {
		no.kind, no.by, no.at = c.Kind, c.By, c.At
	}
	if no.status == http.StatusInternalServerError {
		a.sum.problem("%s %s: %v", method, path, no)
	}
	return no
}

func (a api) run(ctx context.Context, id string) (run, error) {
	var r run
	return r, a.call(ctx, http.MethodGet, "/api/runs/"+id, nil, &r)
}

// start types a command and returns the run that it began or joined.
func (a api) start(ctx context.Context, text string) (string, error) {
	var r struct{ Reply, Run string }
	if err := a.call(ctx, http.MethodPost, "/api/commands", map[string]string{"text": text}, &r); err != nil {
		return "", err
	}
	if r.Run == "" {
		return "", errors.New(r.Reply)
	}
	return r.Run, nil
}

// decide gives an answer, and counts what became of it under the kind of click.
func (a api) decide(ctx context.Context, id, kind string, d decision) error {
	var r run
	err := a.call(ctx, http.MethodPost, "/api/runs/"+id+"/decisions", d, &r)
	told := "taken"
	var no *refused
	switch {
	case errors.As(err, &no) && no.kind != "":
		told = "conflict " + no.kind
		if no.kind == "decided" && (no.by == "" || no.at == "") {
			a.sum.problem("a conflict names nobody or no time: %s", no.body)
		}
	case errors.As(err, &no):
		told = fmt.Sprint(no.status)
	case err != nil:
		told = "no answer"
	}
	a.sum.clicked(kind, told)
	return err
}

// to is an answer to what the card shows now.
func (s step) to(choice string) decision {
	d := decision{Step: s.ID, Attempt: s.Attempt, Digest: s.Digest, Choice: choice}
	if slices.Contains(s.NeedsReason, choice) {
		d.Reason = "soak"
	}
	return d
}

func (s step) why() string {
	text := s.ID + " " + s.State + " " + s.Note + " " + s.Evidence
	if s.Plan != nil {
		text += " | " + s.Plan.Verdict + " " + s.Plan.Why
	}
	if s.Result != nil {
		text += " | " + s.Result.Outcome + " " + s.Result.Text
	}
	return text
}
