// Package roles is the action that writes down in fleet.yaml what the machines are now: roles assigned, new machines
// added, dead ones retired. Comments and formatting outside the change stay as they are.
package roles

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aymanbagabas/go-udiff"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
)

// Spec is what a step of this kind says under `with:`. Hosts are references, as everywhere.
type Spec struct {
	Assign map[string][]string `yaml:"assign"` // host → all of its roles from now on
	Add    []string            `yaml:"add"`    // machines that the run has enrolled
	Retire []string            `yaml:"retire"` // no role any more, and out of every probe
}

// Validate demands that there is something to write.
func (s *Spec) Validate() error {
	if len(s.Assign)+len(s.Add)+len(s.Retire) == 0 {
		return errors.New("one of assign, add and retire is needed")
	}
	for ref, roles := range s.Assign {
		for _, role := range roles {
			if !rolePattern.MatchString(role) {
				return fmt.Errorf("assign: %q of %s is not a role's name", role, ref)
			}
		}
	}
	return nil
}

// Kind is this kind's entry in the list of actions.
func Kind() action.Kind {
	return action.Kind{
		Name: "roles",
		Spec: func() any { return &Spec{} },
		New: func(spec any, env action.Env) (action.Action, error) {
			return &roles{spec: spec.(*Spec), env: env}, nil
		},
	}
}

type roles struct {
	spec *Spec
	env  action.Env
}

// effect is what an approval is bound to: this file, before and after.
type effect struct {
	Path   string `json:"path"`
	Before string `json:"before"` // hex SHA-256
	After  string `json:"after"`
}

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// change reads the file and works out its new text.
func (r *roles) change() (before, after []byte, want []change, err error) {
	if want, err = r.wanted(); err != nil {
		return nil, nil, nil, err
	}
	path := r.env.Fleet.Config().Path()
	if before, err = os.ReadFile(path); err != nil {
		return nil, nil, nil, &runbook.Error{Code: runbook.Unavailable, Msg: runbook.T("roles.unreadable", "path", path), Err: err}
	}
	after, err = rewrite(before, want)
	if err != nil {
		err = &runbook.Error{Code: runbook.Invalid, Msg: runbook.T("roles.cannot_edit", "path", path), Err: err}
	}
	return before, after, want, err
}

func (r *roles) Plan(ctx context.Context) (runbook.Plan, error) {
	path := r.env.Fleet.Config().Path()
	p := runbook.Plan{Summary: runbook.T("roles.summary", "path", path)}
	before, after, want, err := r.change()
	if err != nil {
		return action.Cannot(p, err)
	}
	if string(before) == string(after) {
		p.Verdict, p.Why = runbook.Satisfied, runbook.T("roles.satisfied", "path", path)
		return p, nil
	}
	temp, err := r.write(path, after, want)
	if err != nil {
		return action.Cannot(p, err)
	}
	_ = os.Remove(temp) // only its validity was asked for
	p.Verdict = runbook.Ready
	if p.Effect.Data, err = json.Marshal(effect{Path: path, Before: hash(before), After: hash(after)}); err != nil {
		return p, fmt.Errorf("encode effect: %w", err)
	}
	name := filepath.Base(path)
	diff := r.env.Fleet.Redactor().Redact(udiff.Unified(name, name, string(before), string(after)))
	p.Effect.Exact = []runbook.Part{{Format: "diff", Label: path, Text: diff}}
	for _, c := range want {
		p.Facts = append(p.Facts, c.msg())
	}
	return p, ctx.Err()
}

// Apply writes the file aside, validates it, puts it in place in one rename, and in force.
func (r *roles) Apply(ctx context.Context, p runbook.Plan, _ runbook.Job, _ action.Output) (runbook.Result, error) {
	var planned effect
	if err := json.Unmarshal(p.Effect.Data, &planned); err != nil {
		return runbook.Result{}, action.Refuse(fmt.Errorf("decode effect: %w", err))
	}
	before, after, want, err := r.change()
	if err != nil {
		return runbook.Result{}, action.Refuse(err)
	}
	path := r.env.Fleet.Config().Path()
	if path != planned.Path || hash(before) != planned.Before || hash(after) != planned.After {
		return runbook.Result{}, action.Stale("roles.changed", "path", path)
	}
	temp, err := r.write(path, after, want)
	if err != nil {
		return runbook.Result{}, action.Refuse(err)
	}
	if err := os.Rename(temp, path); err != nil {
		_ = os.Remove(temp)
		return runbook.Result{}, action.Refuse(&runbook.Error{Code: runbook.Unavailable, Msg: runbook.T("roles.unwritable", "path", path), Err: err})
	}
	syncDir(filepath.Dir(path))
	if err := r.env.Fleet.Reload(ctx); err != nil {
		return runbook.Result{}, fmt.Errorf("put new fleet.yaml in force: %w", err)
	}
	return runbook.Result{Outcome: runbook.OutcomeDone, Text: runbook.T("roles.done", "path", path)}, nil
}

// Resume finds out after a restart which text the file has; it writes nothing.
func (r *roles) Resume(ctx context.Context, p runbook.Plan, job runbook.Job, _ action.Output) (runbook.Result, error) {
	ev, err := r.Look(ctx, p, job)
	if err != nil {
		return runbook.Result{}, err
	}
	switch ev.Took {
	case runbook.TookYes:
		return runbook.Result{Outcome: runbook.OutcomeDone, Text: ev.Text}, nil
	case runbook.TookNo:
		return runbook.Result{}, &runbook.Refusal{Text: ev.Text}
	}
	return runbook.Result{Outcome: runbook.OutcomeUnknown, Text: ev.Text}, nil
}

// Look compares the file with what was planned.
func (r *roles) Look(ctx context.Context, p runbook.Plan, _ runbook.Job) (runbook.Evidence, error) {
	var planned effect
	if err := json.Unmarshal(p.Effect.Data, &planned); err != nil {
		return runbook.Evidence{}, fmt.Errorf("decode effect: %w", err)
	}
	text, err := os.ReadFile(planned.Path)
	if err != nil {
		return runbook.Evidence{}, fmt.Errorf("read fleet: %w", err)
	}
	switch hash(text) {
	case planned.After:
		if err := r.env.Fleet.Reload(ctx); err != nil {
			return runbook.Evidence{}, fmt.Errorf("put fleet.yaml in force: %w", err)
		}
		return runbook.Evidence{Took: runbook.TookYes, Text: runbook.T("roles.seen_after", "path", planned.Path)}, nil
	case planned.Before:
		return runbook.Evidence{Took: runbook.TookNo, Text: runbook.T("roles.seen_before", "path", planned.Path)}, nil
	}
	return runbook.Evidence{Took: runbook.TookUnclear, Text: runbook.T("roles.seen_other", "path", planned.Path)}, nil
}
