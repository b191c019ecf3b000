package copy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/transfer"
)

func planned(p runbook.Plan) ([]item, error) {
	var items []item
	if err := json.Unmarshal(p.Effect.Data, &items); err != nil {
		return nil, fmt.Errorf("decode effect: %w", err)
	}
	return items, nil
}

// Apply copies the planned files, each one whole or not at all.
func (c *copier) Apply(ctx context.Context, p runbook.Plan, _ runbook.Job, out runbook.Output) (runbook.Result, error) {
	items, err := planned(p)
	if err != nil {
		return runbook.Result{}, action.Refuse(err)
	}
	target, err := c.env.Target()
	if err != nil {
		return runbook.Result{}, action.Refuse(err)
	}
	if target.Name != p.Effect.Host {
		return runbook.Result{}, action.Stale("copy.plan_of_other", "host", p.Effect.Host)
	}
	to, err := c.env.Connect(ctx, target, p.Effect.Identity)
	if err != nil {
		return runbook.Result{}, err
	}
	if err := unchanged(ctx, to, items); err != nil {
		return runbook.Result{}, err
	}
	boxed, err := c.boxed(items)
	if err != nil {
		return runbook.Result{}, err
	}
	from, err := c.sources(ctx, items)
	if err != nil {
		return runbook.Result{}, err
	}
	var total, before int64
	for _, it := range items {
		total += it.Size
	}
	for i, it := range items {
		progress := func(done int64) {
			out.Progress(runbook.Progress{Done: before + done, Total: total, Unit: "bytes", Text: runbook.T("copy.progress", "file", path.Base(it.To))})
		}
		var err error
		if content, ok := boxed[it]; ok {
			if err = transfer.Write(ctx, to, it.To, os.FileMode(it.Mode), content); err == nil {
				progress(it.Size)
			}
		} else {
			err = transfer.Run(ctx, transfer.Job{
				From: from[it.Source], To: to, FromPath: it.From, ToPath: it.To, Size: it.Size, SHA256: it.SHA256, Mode: os.FileMode(it.Mode),
				Progress: progress,
				Redial: func(ctx context.Context) (*fleet.Client, *fleet.Client, error) {
					h, err := c.env.Host("host:" + it.Source)
					if err != nil {
						return nil, nil, err
					}
					source, err := c.env.Connect(ctx, h, it.Identity)
					if err != nil {
						return nil, nil, err
					}
					again, err := c.env.Connect(ctx, target, p.Effect.Identity)
					return source, again, err
				},
			})
		}
		if errors.Is(err, transfer.ErrUnclear) {
			return runbook.Result{}, err
		}
		if err != nil {
			return stopped(i, len(items), it, err)
		}
		before += it.Size
	}
	return runbook.Result{Outcome: runbook.OutcomeDone, Text: runbook.T("copy.done", "host", target.Name, "count", len(items), "bytes", total),
		Values: map[string]string{"files": strconv.Itoa(len(items)), "bytes": strconv.FormatInt(total, 10), "source": items[0].Source}}, nil
}

// stopped says how far it got: the files before are in place, this one and those after are as they were.
func stopped(done, all int, it item, err error) (runbook.Result, error) {
	if done == 0 {
		r := action.Refuse(err)
		r.Stale = runbook.CodeOf(err) == runbook.Conflicting
		if r.Text.ID == "action.refused" {
			r.Text = runbook.T("copy.failed_first", "file", path.Base(it.To))
		}
		return runbook.Result{}, r
	}
	return runbook.Result{Outcome: runbook.OutcomeFailed, Text: runbook.T("copy.failed", "done", done, "count", all, "file", path.Base(it.To))}, nil
}

// unchanged refuses where the target no longer has what the plan saw there.
func unchanged(ctx context.Context, to *fleet.Client, items []item) error {
	paths := make([]string, len(items))
	for i, it := range items {
		paths[i] = it.To
	}
	have, err := present(ctx, to, paths)
	if err != nil {
		return action.Refuse(err)
	}
	for _, it := range items {
		if have[it.To] != it.Before {
			return action.Stale("copy.target_changed", "path", it.To)
		}
	}
	return nil
}

// sources connects to every source and refuses where a file there is not what was planned.
func (c *copier) sources(ctx context.Context, items []item) (map[string]*fleet.Client, error) {
	clients, paths, want := map[string]*fleet.Client{}, map[string][]string{}, map[string][]string{}
	for _, it := range items {
		if strings.HasPrefix(it.Source, boxPrefix) {
			continue
		}
		paths[it.Source] = append(paths[it.Source], it.From)
		want[it.Source] = append(want[it.Source], it.SHA256)
		if clients[it.Source] != nil {
			continue
		}
		h, err := c.env.Host("host:" + it.Source)
		if err != nil {
			return nil, action.Refuse(err)
		}
		if clients[it.Source], err = c.env.Connect(ctx, h, it.Identity); err != nil {
			return nil, err
		}
	}
	for host, client := range clients {
		sums, err := transfer.Hashes(ctx, client, paths[host])
		for i := range sums {
			if err == nil && sums[i] != want[host][i] {
				return nil, action.Stale("copy.source_changed", "file", path.Base(paths[host][i]))
			}
		}
		if err != nil {
			var e *runbook.Error
			if errors.As(err, &e) {
				return nil, action.Refuse(err)
			}
			return nil, action.Stale("copy.source_gone", "host", host) // a file that was there cannot be hashed any more
		}
	}
	return clients, nil
}

// Look compares the planned files by hash.
func (c *copier) Look(ctx context.Context, p runbook.Plan, _ runbook.Job) (runbook.Evidence, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	items, err := planned(p)
	if err != nil {
		return runbook.Evidence{}, err
	}
	target, err := c.env.Host("host:" + p.Effect.Host)
	if err != nil {
		return runbook.Evidence{}, err
	}
	to, err := c.env.Connect(ctx, target, p.Effect.Identity)
	if err != nil {
		return runbook.Evidence{}, err
	}
	paths := make([]string, len(items))
	for i, it := range items {
		paths[i] = it.To
	}
	have, err := present(ctx, to, paths)
	if err != nil {
		return runbook.Evidence{}, err
	}
	n, same := 0, 0
	for _, it := range items {
		if have[it.To] == it.SHA256 {
			n++
		} else if have[it.To] == it.Before {
			same++
		}
	}
	text := runbook.T("copy.look", "host", target.Name, "done", n, "count", len(items))
	switch {
	case n == len(items):
		return runbook.Evidence{Took: runbook.TookYes, Text: text}, nil
	case same == len(items):
		return runbook.Evidence{Took: runbook.TookNo, Text: text}, nil
	}
	return runbook.Evidence{Took: runbook.TookUnclear, Text: text}, nil
}
