package faults

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"recoverbot/drill/jsonapi"
)

type run struct {
	ID, State string
	Steps     []step
	Groups    []group
}

type step struct {
	ID, Group, State, Digest, Note, Evidence string
	Attempt                                  int
	Choices                                  []string
	NeedsReason                              []string `json:"needs_reason"`
	Form                                     []struct {
		Name, Default, Value string
		Required             bool
	}
	Plan   *struct{ Summary, Verdict, Why string }
	Result *struct{ Outcome, Text string }
}

type (
	group    = jsonapi.Group
	decision = jsonapi.Decision
	refused  = jsonapi.Refused
)

func (c *company) call(method, path string, in, out any) error {
	return jsonapi.Client{Base: "http://" + c.addr, Token: token, Timeout: 15 * time.Second}.Call(context.Background(), method, path, in, out)
}

// operator is the scripted person of one run.
type operator struct {
	c             *company
	b             *bot
	before, after map[string]string // traces by task; after is nil in the undisturbed run
	turns         map[string]string // choices instead of the usual one, by step and state, once each
	looked        map[string]bool
	unknowns      int
	marked        int // outcomes that the operator had to tell
	problems      []string
}

func (o *operator) complain(s step, text string) {
	o.problems = append(o.problems, text+": "+s.why())
}

func (s step) why() string {
	parts := []string{s.ID, s.State, fmt.Sprint(s.Attempt), strings.Join(s.Choices, " "), s.Note, s.Evidence}
	if s.Plan != nil {
		parts = append(parts, s.Plan.Verdict, s.Plan.Why)
	}
	if s.Result != nil {
		parts = append(parts, s.Result.Outcome, s.Result.Text)
	}
	return strings.Join(parts, " | ")
}

// to is an answer to what the card shows now.
func (s step) to(choice string) decision {
	d := decision{Step: s.ID, Attempt: s.Attempt, Digest: s.Digest, Choice: choice}
	if slices.Contains(s.NeedsReason, choice) {
		d.Reason = "test"
	}
	return d
}

// took reports whether the world shows the step's effect; known is false where a trace is neither as before nor as after.
func (o *operator) took(s step) (took, known bool) {
	t := taskOf(s.ID)
	if t.trace == nil {
		return false, true
	}
	before, after, now := member(s, o.before[t.id]), member(s, o.after[t.id]), member(s, t.trace(o.c))
	return now == after, now == after || now == before
}

// member is the part of a group's trace that belongs to one step.
func member(s step, trace string) string {
	_, host, ok := strings.Cut(s.ID, ".")
	if !ok {
		return trace
	}
	_, part, _ := strings.Cut(trace, host+" ")
	part, _, _ = strings.Cut(part, "nginx2 ")
	return part
}

// patience is how long nothing may change in a run.
const patience = time.Minute

// goOn works on the run until it has ended.
func (o *operator) goOn(scenario string) (run, error) {
	var r run
	var last error
	id := ""
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	for since := time.Now(); time.Since(since) < patience; <-tick.C {
		select {
		case <-o.b.done:
			return r, o.b.ended
		default:
		}
		if id == "" {
			if id, last = o.begin(scenario); last != nil {
				continue
			}
		}
		var now run
		if last = o.c.call(http.MethodGet, "/api/runs/"+id, nil, &now); last != nil {
			continue
		}
		if !reflect.DeepEqual(r, now) {
			since = time.Now()
		}
		if r = now; r.State == "parked" {
			var reply struct{ Reply string }
			last = o.c.call(http.MethodPost, "/api/commands", map[string]string{"text": "/recover resume " + id}, &reply)
			continue
		}
		if r.State != "open" {
			return r, nil
		}
		var no *refused
		last = o.answer(r)
		if errors.As(last, &no) && no.Status != http.StatusConflict && no.Status < 500 {
			return r, last
		}
	}
	var cards []string
	for _, s := range r.Steps {
		cards = append(cards, s.why())
	}
	return r, fmt.Errorf("the run stands still: %v\n%s", last, strings.Join(cards, "\n"))
}

// begin starts the run, unless it was started by a bot that died before it could say so.
func (o *operator) begin(scenario string) (string, error) {
	var list []run
	if err := o.c.call(http.MethodGet, "/api/runs", nil, &list); err != nil {
		return "", err
	}
	if len(list) > 0 {
		return list[0].ID, nil
	}
	var reply struct{ Reply, Run string }
	err := o.c.call(http.MethodPost, "/api/commands", map[string]string{"text": "/recover " + scenario}, &reply)
	if err == nil && reply.Run == "" {
		err = errors.New(reply.Reply)
	}
	return reply.Run, err
}

// answer gives one answer, where one is asked for.
func (o *operator) answer(r run) error {
	for _, s := range r.Steps {
		d, ok := o.decide(r, s)
		if !ok {
			continue
		}
		var now run
		return o.c.call(http.MethodPost, "/api/runs/"+r.ID+"/decisions", d, &now)
	}
	return nil
}

func (o *operator) decide(r run, s step) (decision, bool) {
	if choice, ok := o.turns[s.ID+" "+s.State]; ok && slices.Contains(append(s.Choices, s.NeedsReason...), choice) {
		delete(o.turns, s.ID+" "+s.State)
		return s.to(choice), true
	}
	can := func(choice string) bool { return slices.Contains(s.Choices, choice) }
	switch s.State {
	case "waiting":
		return o.approve(r, s)
	case "held":
		return s.to("commit"), can("commit")
	case "unverified":
		return s.to("look"), can("look")
	case "failed", "rolled_back":
		if took, known := o.took(s); o.after != nil && (took || !known) {
			o.complain(s, "the bot says that nothing was changed, and the world shows that it was")
		}
		return s.to("retry"), can("retry")
	case "unknown":
		return o.tell(s)
	}
	return decision{}, false
}

func (o *operator) approve(r run, s step) (decision, bool) {
	if s.Group != "" {
		for _, g := range r.Groups {
			if g.ID == s.Group && slices.Contains(g.Choices, "approve") {
				return decision{Group: g.ID, Digest: g.Digest, Choice: "approve"}, true
			}
		}
	}
	if slices.Contains(s.Choices, "input") {
		d := s.to("input")
		d.Fields = map[string]string{}
		for _, f := range s.Form {
			if f.Required && f.Value == "" {
				d.Fields[f.Name] = "word"
			}
		}
		if len(d.Fields) > 0 {
			return d, true
		}
	}
	if slices.Contains(s.Choices, "approve") {
		return s.to("approve"), true
	}
	return s.to("retry"), slices.Contains(s.Choices, "retry") && s.Plan != nil // blocked, for what a fault left behind
}

// tell looks for evidence once; where that does not tell, it compares the world.
func (o *operator) tell(s step) (decision, bool) {
	key := fmt.Sprint(s.ID, s.Attempt)
	if s.Evidence == "" || !slices.Contains(s.Choices, "look") {
		return decision{}, false // the bot is looking
	}
	if !o.looked[key] {
		o.looked[key] = true
		o.unknowns++
		return s.to("look"), true
	}
	o.marked++
	took, known := o.took(s)
	if !known {
		o.complain(s, "neither before nor after")
	}
	if took {
		return s.to("done"), true
	}
	return s.to("retry"), true
}
