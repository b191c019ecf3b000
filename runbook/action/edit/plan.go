package edit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/edit/rewrite"
)

// Plan reads the file and shows the diff.
func (e *edit) Plan(ctx context.Context) (runbook.Plan, error) {
	var p runbook.Plan
	h, err := e.env.Target()
	if err != nil {
		return action.Cannot(p, err)
	}
	name, err := e.path(h)
	if err != nil {
		return action.Cannot(p, err)
	}
	p.Summary = runbook.T("edit.summary", "path", name, "host", h.Name)
	ops, err := e.ops()
	if err != nil {
		return action.Cannot(p, err)
	}
	c, err := e.env.Fleet.SSH(ctx, h)
	if err != nil {
		return action.Cannot(p, err)
	}
	p.Effect.Host = h.Name
	if p.Effect.Identity, err = c.Identity(ctx); err != nil {
		return action.Cannot(p, err)
	}
	files, err := c.SFTP(ctx)
	if err != nil {
		return action.Cannot(p, err)
	}
	defer func() { _ = files.Close() }() // nothing was written
	f, err := read(files, h, name)
	if err != nil {
		return action.Cannot(p, err)
	}
	if !f.found {
		p.Verdict, p.Why = runbook.Blocked, runbook.T("edit.no_file", "path", name, "host", h.Name)
		if e.spec.Optional {
			p.Verdict, p.Absent = runbook.Satisfied, true
		}
		return p, nil
	}
	e.env.Fleet.Redactor().Add(rewrite.Secrets(f.path, string(f.text))...)
	after, err := rewritten(f, ops)
	if err != nil {
		return action.Cannot(p, err)
	}
	for _, op := range ops {
		if lines := leftover(f.path, after, op); op.Kind == "rehost" && len(lines) > 0 {
			p.Warnings = append(p.Warnings, runbook.T("edit.still_named", "host", op.From[0], "lines", numbers(lines)))
		}
	}
	if string(after) == string(f.text) {
		p.Verdict, p.Why = runbook.Satisfied, runbook.T("edit.as_wanted", "path", name, "host", h.Name)
		return p, nil
	}
	eff := effect{Path: f.path, Link: f.link, Before: f.hash(), After: hash(after), Ops: ops, Verify: e.spec.Verify,
		Diff: rewrite.Diff(f.path, string(f.text), string(after))}
	if p.Effect.Data, err = json.Marshal(eff); err != nil {
		return p, fmt.Errorf("encode effect: %w", err)
	}
	p.Effect.Exact = exact(eff)
	p.Verdict = runbook.Ready
	p.Facts = append(p.Facts, runbook.T("edit.backup_fact"))
	if f.link != "" {
		p.Facts = append(p.Facts, runbook.T("edit.link_fact", "link", f.link, "path", f.path))
	}
	return p, nil
}

// exact is the card's exact part, of the effect alone.
func exact(eff effect) []runbook.Part {
	parts := []runbook.Part{{Format: "diff", Label: eff.Path, Text: eff.Diff}}
	if eff.Verify != "" {
		parts = append(parts, runbook.Part{Format: "script", Label: "verify", Text: eff.Verify})
	}
	return parts
}

// rewritten is the new text. What cannot be done is an *runbook.Error.
func rewritten(f file, ops []rewrite.Op) ([]byte, error) {
	after, err := rewrite.Do(f.path, f.text, ops)
	var list *rewrite.ListError
	switch {
	case errors.Is(err, rewrite.ErrBinary):
		return nil, runbook.Errorf(runbook.Invalid, "edit.not_text", "path", f.path)
	case errors.As(err, &list):
		return nil, runbook.Errorf(runbook.Invalid, "edit.list_"+list.Problem, "list", list.List, "path", f.path)
	case err != nil:
		return nil, fmt.Errorf("rewrite %s: %w", f.path, err)
	}
	if err := rewrite.Check(f.path, f.text, after, ops); err != nil {
		return nil, &runbook.Error{Code: runbook.Invalid, Msg: runbook.T("edit.bad_syntax", "path", f.path), Err: err}
	}
	return after, nil
}

func leftover(name string, text []byte, op rewrite.Op) []int {
	return rewrite.Mentions(rewrite.FormatOf(path.Base(name)), string(text), op.From)
}

func numbers(lines []int) string {
	var out []string
	for _, n := range lines {
		out = append(out, strconv.Itoa(n))
	}
	return strings.Join(out, ", ")
}

// Look compares the file with the hashes of the plan.
func (e *edit) Look(ctx context.Context, p runbook.Plan, _ runbook.Job) (runbook.Evidence, error) {
	var eff effect
	if err := json.Unmarshal(p.Effect.Data, &eff); err != nil {
		return runbook.Evidence{}, fmt.Errorf("decode effect: %w", err)
	}
	h, err := e.env.Target()
	if err != nil {
		return runbook.Evidence{}, err
	}
	c, err := e.env.Connect(ctx, h, p.Effect.Identity)
	if err != nil {
		return runbook.Evidence{}, err
	}
	files, err := c.SFTP(ctx)
	if err != nil {
		return runbook.Evidence{}, fmt.Errorf("look at %s: %w", eff.Path, err)
	}
	defer func() { _ = files.Close() }() // nothing was written
	f, err := read(files, h, eff.Path)
	if err != nil {
		return runbook.Evidence{}, err
	}
	switch f.hash() {
	case eff.After:
		return runbook.Evidence{Took: runbook.TookYes, Text: runbook.T("edit.look_new", "path", eff.Path)}, nil
	case eff.Before:
		return runbook.Evidence{Took: runbook.TookNo, Text: runbook.T("edit.look_old", "path", eff.Path)}, nil
	}
	return runbook.Evidence{Took: runbook.TookUnclear, Text: runbook.T("edit.look_other", "path", eff.Path)}, nil
}
