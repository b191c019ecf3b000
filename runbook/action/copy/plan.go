package copy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/fleet"
)

// errNowhere marks the error of a file that no candidate has.
var errNowhere = errors.New("found nowhere")

const shown = 40 // rows of the table; the digest covers all

// Plan finds the files and compares them with what the target has.
func (c *copier) Plan(ctx context.Context) (runbook.Plan, error) {
	var p runbook.Plan
	target, err := c.env.Target()
	if err != nil {
		return action.Cannot(p, err)
	}
	p.Effect.Host = target.Name
	p.Summary = runbook.T("copy.summary_none", "host", target.Name)
	client, err := c.env.Fleet.SSH(ctx, target)
	if err != nil {
		return action.Cannot(p, err)
	}
	var items []item
	names := map[string]any{} // of sources
	silent := map[string]error{}
	there := 0
	for _, f := range c.spec.Files {
		if c.spec.OnlyMissing { // what is there needs no source
			ok, err := c.there(ctx, client, f, target)
			if err != nil {
				return action.Cannot(p, err)
			}
			if ok {
				there++
				continue
			}
		}
		src, err := c.find(ctx, &p, f, target, silent)
		if c.spec.Optional && errors.Is(err, errNowhere) {
			p.Facts = append(p.Facts, runbook.T("copy.left_out", "path", f.Path))
			continue
		}
		if err != nil {
			return action.Cannot(p, err)
		}
		items = append(items, src.items...)
		for _, it := range src.items {
			names[it.Source] = sourceName(it, src)
		}
		if len(src.skipped) > 0 {
			p.Warnings = append(p.Warnings, runbook.T("copy.skipped", "host", src.host.Name, "count", len(src.skipped), "first", src.skipped[0]))
		}
	}
	paths := make([]string, len(items))
	for i, it := range items {
		paths[i] = it.To
	}
	have, err := present(ctx, client, paths)
	if err != nil {
		return action.Cannot(p, err)
	}
	table := runbook.Table{Name: "files", Columns: []string{"from", "file", "size", "to", "now"}, Count: len(items), Words: true}
	var todo []item
	var total int64
	for _, it := range items {
		it.Before = have[it.To]
		state, mark := "missing", "changed"
		switch {
		case it.Before == it.SHA256:
			state, mark = "same", "ok"
		case it.Before != "" && c.spec.OnlyMissing:
			state, mark = "present", "ok"
		case it.Before != "":
			state = "differs"
		}
		if mark != "ok" {
			todo = append(todo, it)
			total += it.Size
		}
		if len(table.Rows) < shown {
			table.Rows = append(table.Rows, []string{it.Source, it.From, strconv.FormatInt(it.Size, 10), it.To, state})
			table.Marks = append(table.Marks, mark)
		}
	}
	if len(items) == 0 && there > 0 {
		p.Verdict, p.Why = runbook.Satisfied, runbook.T("copy.present", "host", target.Name, "count", there)
		return p, nil
	}
	if len(items) == 0 {
		p.Verdict, p.Why = runbook.Satisfied, runbook.T("copy.nothing", "host", target.Name)
		return p, nil
	}
	if len(todo) == 0 {
		p.Tables = []runbook.Table{table}
		p.Verdict, p.Why = runbook.Satisfied, runbook.T("copy.present", "host", target.Name, "count", len(items))
		return p, nil
	}
	p.Verdict = runbook.Ready
	if kept := len(items) - len(todo); kept > 0 { // the others are in the effect, one by one
		p.Facts = append(p.Facts, runbook.T("copy.kept", "host", target.Name, "count", kept))
	}
	p.Summary = runbook.T("copy.summary", "host", target.Name, "count", len(todo), "bytes", total, "source", names[todo[0].Source])
	data, err := json.Marshal(todo)
	if err != nil {
		return p, fmt.Errorf("encode effect: %w", err)
	}
	identity, err := client.Identity(ctx)
	if err != nil {
		return action.Cannot(p, err)
	}
	p.Effect = runbook.Effect{Host: target.Name, Identity: identity, Data: data, Exact: exact(todo, target.Name)}
	return p, nil
}

// there reports whether the target has the one file that f means; of a directory, the source says what belongs in it.
func (c *copier) there(ctx context.Context, client *fleet.Client, f File, target fleet.Host) (bool, error) {
	to, err := c.on(target, f.ToPath)
	if err != nil {
		return false, err
	}
	s, err := client.SFTP(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = s.Close() }()
	info, err := s.Stat(to)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look at %s: %w", to, err)
	}
	return info.Mode().IsRegular(), nil
}

// find asks the candidates in order. A host that did not answer is not asked for the next file: silent remembers it.
func (c *copier) find(ctx context.Context, p *runbook.Plan, f File, target fleet.Host, silent map[string]error) (*source, error) {
	candidates, err := c.candidates(f.From)
	if err != nil {
		return nil, err
	}
	var tried []string
	for _, k := range candidates {
		err, known := silent[k.name()]
		var src *source
		if !known {
			src, err = c.look(ctx, k, f, target)
		}
		if err == nil {
			if k.box {
				p.Facts = append(p.Facts, runbook.T("copy.box_at", "host", k.Name, "at", src.at))
			}
			return src, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var needs *action.NeedsError
		if errors.As(err, &needs) {
			return nil, err
		}
		if runbook.CodeOf(err) == runbook.Unavailable {
			silent[k.name()] = err
		}
		var e *runbook.Error
		why := runbook.T("copy.host_failed", "host", k.name())
		if errors.As(err, &e) {
			why = e.Msg
		}
		tried = append(tried, k.name())
		if !known {
			p.Facts = append(p.Facts, runbook.T("copy.tried", "host", k.name(), "why", why))
		}
	}
	nowhere := runbook.Errorf(runbook.NotFound, "copy.nowhere", "path", f.Path, "tried", strings.Join(tried, ", "))
	nowhere.Err = errNowhere
	return nil, nowhere
}

// exact renders the effect.
func exact(items []item, host string) []runbook.Part {
	var b strings.Builder
	for _, it := range items {
		was := "new"
		if it.Before != "" {
			was = "replaces sha256 " + it.Before[:12]
		}
		fmt.Fprintf(&b, "%s:%s → %s:%s  %d bytes, mode %04o, sha256 %s, %s\n", it.Source, it.From, host, it.To, it.Size, it.Mode, it.SHA256[:12], was)
	}
	return []runbook.Part{{Format: "files", Text: strings.TrimRight(b.String(), "\n")}}
}
