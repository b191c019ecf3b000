// Package manual is the action that a person does: an instruction and a typed form whose fields later steps use.
package manual

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
)

// Spec is what a step of this kind says under `with:`. A field's default may be a reference.
type Spec struct {
	Instruction runbook.Text    `yaml:"instruction"`
	Form        []runbook.Param `yaml:"form"`
	DoneWhen    []runbook.Probe `yaml:"done_when"` // all hold: it is done already
	Show        []Shown         `yaml:"show"`      // what the person needs to know for it
}

// Shown is a value beside the instruction; one that is empty or not known is left out.
type Shown struct {
	Title runbook.Text `yaml:"title"`
	Value string       `yaml:"value"` // may be a reference
}

// Validate demands an instruction in both languages and usable fields.
func (s *Spec) Validate() error {
	if s.Instruction.EN == "" || s.Instruction.ZH == "" {
		return errors.New("instruction: en and zh are needed")
	}
	seen := map[string]bool{}
	for _, v := range s.Show {
		if v.Title.EN == "" || v.Title.ZH == "" || v.Value == "" {
			return errors.New("show: title (en and zh) and value are needed")
		}
	}
	for _, f := range s.Form {
		if seen[f.Name] || f.Name == "" {
			return fmt.Errorf("form: field %q has no name of its own", f.Name)
		}
		seen[f.Name] = true
		if err := usable(f); err != nil {
			return fmt.Errorf("form: field %s: %w", f.Name, err)
		}
	}
	return nil
}

// Kind is this kind's entry in the list of actions.
func Kind() action.Kind {
	return action.Kind{
		Name: "manual",
		Spec: func() any { return &Spec{} },
		New: func(spec any, env action.Env) (action.Action, error) {
			return &manual{spec: spec.(*Spec), env: env}, nil
		},
	}
}

type manual struct {
	spec *Spec
	env  action.Env
}

type effect struct {
	Instruction runbook.Text      `json:"instruction"`
	Values      map[string]string `json:"values"`
}

func (m *manual) Plan(ctx context.Context) (runbook.Plan, error) {
	p := runbook.Plan{Verdict: runbook.Ready, Summary: runbook.T("manual.summary", "instruction", m.spec.Instruction)}
	eff := effect{Instruction: m.spec.Instruction, Values: map[string]string{}}
	var exact strings.Builder
	var problems []runbook.Msg
	for _, f := range m.spec.Form {
		f.Default = m.fallback(f)
		p.Form = append(p.Form, f)
		v := m.env.Step.Inputs[f.Name]
		if v == "" {
			v = f.Default
		}
		v, problem := m.check(f, v)
		if !problem.IsZero() {
			problems = append(problems, problem)
		}
		eff.Values[f.Name] = v
		if v != "" {
			fmt.Fprintf(&exact, "%s = %s\n", f.Name, v)
		}
	}
	for _, s := range m.spec.Show {
		if v, err := m.env.Value(s.Value); err == nil && v != "" {
			p.Facts = append(p.Facts, runbook.T("manual.shown", "title", s.Title, "value", v))
		}
	}
	shown := len(p.Facts)
	data, err := json.Marshal(eff)
	if err != nil {
		return p, fmt.Errorf("encode effect: %w", err)
	}
	p.Effect.Data, p.Values = data, eff.Values
	if h, err := m.env.Target(); err == nil {
		p.Effect.Host = h.Name
	}
	if exact.Len() > 0 {
		p.Effect.Exact = []runbook.Part{{Format: "text", Text: exact.String()}}
	}
	p.Warnings = problems
	if len(problems) > 0 && len(m.env.Step.Inputs) > 0 {
		p.Verdict, p.Why = runbook.Blocked, problems[0] // the form asks again
	}
	return m.done(ctx, p, shown)
}

// done asks whether somebody has done it already.
func (m *manual) done(ctx context.Context, p runbook.Plan, shown int) (runbook.Plan, error) {
	if len(m.spec.DoneWhen) == 0 || m.env.Unresolved(m.spec.DoneWhen) != nil {
		return p, nil
	}
	for _, f := range m.env.Probe(ctx, m.spec.DoneWhen) {
		if !f.OK {
			p.Facts = append(p.Facts, runbook.T("manual.not_yet", "host", f.Host, "text", f.Text))
		}
	}
	if err := ctx.Err(); err != nil {
		return p, fmt.Errorf("ask probes: %w", err)
	}
	if len(p.Facts) == shown && len(p.Warnings) == 0 {
		p.Verdict, p.Why = runbook.Satisfied, runbook.T("manual.satisfied")
	}
	return p, nil
}

// fallback is a field's default; a reference that has no value yet is an empty default.
func (m *manual) fallback(f runbook.Param) string {
	v, err := m.env.Value(f.Default)
	if err != nil {
		return ""
	}
	return v
}

func (m *manual) check(f runbook.Param, v string) (string, runbook.Msg) {
	f.Default = "" // it was taken already, or is not to be found
	v, problem := f.Answer(strings.TrimSpace(v))
	if problem.IsZero() && f.Type == "host" && v != "" {
		if _, err := m.env.Hosts(v); err != nil {
			return v, runbook.T("manual.bad_host", "field", f.Heading(), "value", v)
		}
	}
	return v, problem
}

// Apply takes the person's word: the fields become values for later steps.
func (m *manual) Apply(_ context.Context, p runbook.Plan, _ runbook.Job, _ action.Output) (runbook.Result, error) {
	var eff effect
	if err := json.Unmarshal(p.Effect.Data, &eff); err != nil {
		return runbook.Result{}, action.Refuse(fmt.Errorf("decode effect: %w", err))
	}
	for _, f := range m.spec.Form {
		if _, problem := m.check(f, eff.Values[f.Name]); !problem.IsZero() {
			return runbook.Result{}, &runbook.Refusal{Text: problem, Stale: true}
		}
	}
	return runbook.Result{Outcome: runbook.OutcomeDone, Text: runbook.T("manual.done"), Values: eff.Values}, nil
}

// Resume is Apply after a restart: there is no effect that could happen twice.
func (m *manual) Resume(ctx context.Context, p runbook.Plan, job runbook.Job, out action.Output) (runbook.Result, error) {
	return m.Apply(ctx, p, job, out)
}
