// Package check is the action that only looks: it asks its probes while planning. All well needs no click; a failure
// waits for a person, who may go on all the same with a reason.
package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
)

// Spec is what a step of this kind says under `with:`.
type Spec struct {
	Probes []runbook.Probe `yaml:"probes"`
}

// Validate demands at least one probe.
func (s *Spec) Validate() error {
	if len(s.Probes) == 0 {
		return errors.New("probes: at least one is needed")
	}
	return nil
}

// Kind is this kind's entry in the list of actions.
func Kind() action.Kind {
	return action.Kind{
		Name: "check",
		Spec: func() any { return &Spec{} },
		New: func(spec any, env action.Env) (action.Action, error) {
			return &check{spec: spec.(*Spec), env: env}, nil
		},
	}
}

type check struct {
	spec *Spec
	env  action.Env
}

// effect is what an approval is bound to: what was asked, and exactly which answers were bad.
type effect struct {
	Asked   []string `json:"asked"`
	Failing []string `json:"failing"`
}

func (c *check) Plan(ctx context.Context) (runbook.Plan, error) {
	p := runbook.Plan{Summary: runbook.T("check.summary", "count", len(c.spec.Probes))}
	if err := c.env.Unresolved(c.spec.Probes); err != nil {
		return action.Cannot(p, err)
	}
	found := c.ask(ctx)
	if err := ctx.Err(); err != nil {
		return p, fmt.Errorf("ask probes: %w", err)
	}
	eff := judge(found)
	data, err := json.Marshal(eff)
	if err != nil {
		return p, fmt.Errorf("encode effect: %w", err)
	}
	p.Effect = runbook.Effect{Data: data, Exact: []runbook.Part{{Format: "text", Text: eff.exact()}}}
	p.Tables = []runbook.Table{table(found)}
	for _, f := range found {
		m := runbook.T("check.finding", "host", f.Host, "what", subject(f.Probe), "text", f.Text)
		if f.OK {
			p.Facts = append(p.Facts, m)
		} else {
			p.Warnings = append(p.Warnings, m)
		}
	}
	p.Verdict, p.Why = runbook.Satisfied, runbook.T("check.all_pass", "count", len(found))
	if n := len(eff.Failing); n > 0 {
		p.Verdict, p.Danger = runbook.Ready, true
		p.Why = runbook.Msg{}
		p.Summary = runbook.T("check.failing", "failing", n, "count", len(found))
		p.Hint = runbook.Retry
	}
	return p, nil
}

// Apply goes on in spite of failures: it asks again, and only accepts what was shown.
func (c *check) Apply(ctx context.Context, p runbook.Plan, _ runbook.Job, _ runbook.Output) (runbook.Result, error) {
	var planned effect
	if err := json.Unmarshal(p.Effect.Data, &planned); err != nil {
		return runbook.Result{}, action.Refuse(fmt.Errorf("decode effect: %w", err))
	}
	found := c.ask(ctx)
	if err := ctx.Err(); err != nil {
		return runbook.Result{}, action.Refuse(fmt.Errorf("ask probes: %w", err))
	}
	now := judge(found)
	for _, f := range now.Failing {
		if !slices.Contains(planned.Failing, f) {
			return runbook.Result{}, action.Stale("check.new_failure", "what", f)
		}
	}
	r := runbook.Result{Tables: []runbook.Table{table(found)}}
	if len(now.Failing) == 0 {
		r.Outcome, r.Text = runbook.OutcomeUnchanged, runbook.T("check.all_pass", "count", len(found))
		return r, nil
	}
	r.Outcome, r.Text = runbook.OutcomeDone, runbook.T("check.accepted", "failing", len(now.Failing))
	return r, nil
}

// Resume asks again after a restart: there is no effect that could happen twice.
func (c *check) Resume(ctx context.Context, p runbook.Plan, job runbook.Job, out action.Output) (runbook.Result, error) {
	return c.Apply(ctx, p, job, out)
}

// ask ends a little before ctx does: probes that keep trying (`within`) must not cost the answers of the others.
func (c *check) ask(ctx context.Context) []runbook.Finding {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-margin))
		defer cancel()
	}
	return c.env.Probe(ctx, c.spec.Probes)
}

const margin = 2 * time.Second

func judge(found []runbook.Finding) effect {
	eff := effect{Asked: []string{}, Failing: []string{}}
	for _, f := range found {
		name := f.Host + " " + subject(f.Probe)
		eff.Asked = append(eff.Asked, name)
		if !f.OK {
			eff.Failing = append(eff.Failing, name)
		}
	}
	return eff
}

func (e effect) exact() string {
	var b strings.Builder
	for _, a := range e.Asked {
		mark := "ok   "
		if slices.Contains(e.Failing, a) {
			mark = "FAIL "
		}
		b.WriteString(mark + a + "\n")
	}
	return b.String()
}

// subject names what a probe asks, in the words of the scenario: "http :8080/health", "redis down".
func subject(p runbook.Probe) string {
	parts := []string{p.Kind}
	for _, s := range []string{p.Service, p.Database, p.Name} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	where := p.Path
	if p.Port != 0 {
		where = ":" + strconv.Itoa(p.Port) + where
	}
	if where != "" {
		parts = append(parts, where)
	}
	if p.Free != "" {
		parts = append(parts, p.Free)
	}
	if p.From != "" {
		parts = append(parts, "from "+p.From)
	}
	if p.Expect == "down" {
		parts = append(parts, "down")
	}
	return strings.Join(parts, " ")
}

func table(found []runbook.Finding) runbook.Table {
	t := runbook.Table{Name: "checks", Columns: []string{"host", "check", "result", "ms"}, Count: len(found), Words: true}
	for _, f := range found {
		result, mark := "ok", "ok"
		if !f.OK {
			result, mark = "FAIL", "bad"
		}
		t.Rows = append(t.Rows, []string{f.Host, subject(f.Probe), result, strconv.FormatInt(f.Took.Milliseconds(), 10)})
		t.Marks = append(t.Marks, mark)
	}
	return t
}
