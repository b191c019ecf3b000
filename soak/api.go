package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"recoverbot/drill/jsonapi"
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

type (
	group    = jsonapi.Group
	decision = jsonapi.Decision
	refused  = jsonapi.Refused
)

var client = &http.Client{Timeout: 60 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func (a api) call(ctx context.Context, method, path string, in, out any) error {
	began := time.Now()
	err := jsonapi.Client{Base: a.base, Token: a.token, Timeout: 60 * time.Second}.Call(ctx, method, path, in, out)
	var no *refused
	answered := errors.As(err, &no)
	if err == nil || answered {
		a.sum.answered(method, path, time.Since(began))
	}
	if answered && no.Status == http.StatusInternalServerError {
		a.sum.problem("%s %s: %v: %s", method, path, no, no.Body)
	}
	return err
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
	case errors.As(err, &no) && no.Kind != "":
		told = "conflict " + no.Kind
		if no.Kind == "decided" && (no.By == "" || no.At == "") {
			a.sum.problem("a conflict names nobody or no time: %s", no.Body)
		}
	case errors.As(err, &no):
		told = fmt.Sprint(no.Status)
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
