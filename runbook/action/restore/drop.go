package restore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
)

// drop ends the keeping of a schema: only ever of one that a person names, and that an exchange has put aside.
type drop struct{ r *restore }

var (
	_ runbook.Action = (*drop)(nil)
	_ runbook.Looker = (*drop)(nil)
)

// Plan shows what would be gone.
func (a *drop) Plan(ctx context.Context) (runbook.Plan, error) {
	var p runbook.Plan
	r := a.r
	x, err := r.reach(ctx, "")
	if err != nil {
		return action.Cannot(p, err)
	}
	defer x.s.close()
	wanted := r.env.Run.Params["kept"]
	p.Summary = runbook.T("restore.drop", "kept", printable(wanted), "host", x.h.Name)
	all, err := r.keptOn(ctx, x.s.conn, x.d.Schema)
	if err != nil {
		return action.Cannot(p, sqlError(err, x.h))
	}
	p.Tables = []runbook.Table{keptTable(all, wanted)}
	i := slices.IndexFunc(all, func(k kept) bool { return k.name == wanted })
	if i < 0 {
		_, err := r.chooseKept(nil, x.d.Schema, x.h)
		if wanted != "" {
			_, err = r.chooseKept(all, x.d.Schema, x.h)
		}
		return action.Cannot(p, err)
	}
	k := all[i]
	e := effect{Database: x.d.Name, Schema: x.d.Schema, Scratch: k.name, Tables: k.tables, Drop: true}
	identity, err := x.c.Identity(ctx)
	if err != nil {
		return action.Cannot(p, err)
	}
	if p.Effect, err = toEffect(e, x.h.Name, identity); err != nil {
		return p, err
	}
	p.Facts = []runbook.Msg{
		runbook.T("restore.undo_kept", "kept", k.name, "at", k.at.Format(time.RFC3339), "seconds", r.env.Now().Sub(k.at).Seconds(),
			"tables", len(k.tables), "rows", k.rows),
		runbook.T("restore.drop_frees", "bytes", k.bytes),
	}
	p.Warnings, p.Danger, p.Verdict = []runbook.Msg{runbook.T("restore.drop_final", "kept", k.name)}, true, runbook.Ready
	return p, nil
}

// Apply drops the schema.
func (a *drop) Apply(ctx context.Context, p runbook.Plan, _ runbook.Job, _ runbook.Output) (runbook.Result, error) {
	e, x, err := a.r.asPlanned(ctx, p)
	if err != nil {
		return runbook.Result{}, err
	}
	defer x.s.close()
	if _, ok := keptName(e.Schema, e.Scratch, a.r.env.Now().UTC()); !ok {
		return runbook.Result{}, action.Stale("restore.kept_changed", "kept", e.Scratch)
	}
	if err := x.s.lock(ctx, e.Schema); err != nil {
		return runbook.Result{}, action.Refuse(err)
	}
	now, err := tablesOf(ctx, x.s.conn, e.Scratch)
	if err != nil {
		return runbook.Result{}, action.Refuse(sqlError(err, x.h))
	}
	if !slices.Equal(now, e.Tables) {
		return runbook.Result{}, action.Stale("restore.kept_changed", "kept", e.Scratch)
	}
	if err := x.s.exec(ctx, "DROP DATABASE "+quote(e.Scratch)); err != nil {
		if left, lerr := tablesOf(ctx, x.s.conn, e.Scratch); number(err) != 0 && lerr == nil && slices.Equal(left, e.Tables) {
			return runbook.Result{}, &runbook.Refusal{Text: runbook.T("restore.drop_failed", "kept", e.Scratch, "number", number(err)), Err: err}
		}
		return runbook.Result{}, fmt.Errorf("drop kept schema: %w", err)
	}
	return runbook.Result{Outcome: runbook.OutcomeDone, Text: runbook.T("restore.drop_done", "kept", e.Scratch, "host", x.h.Name)}, nil
}

// Look finds out whether the schema is gone.
func (a *drop) Look(ctx context.Context, p runbook.Plan, _ runbook.Job) (runbook.Evidence, error) {
	e, x, err := a.r.asPlanned(ctx, p)
	if err != nil {
		return runbook.Evidence{}, err
	}
	defer x.s.close()
	var there int
	err = x.s.conn.GetContext(ctx, &there, "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME=?", e.Scratch)
	if err != nil {
		return runbook.Evidence{}, sqlError(err, x.h)
	}
	left, err := tablesOf(ctx, x.s.conn, e.Scratch)
	if err != nil {
		return runbook.Evidence{}, sqlError(err, x.h)
	}
	text := runbook.T("restore.drop_look", "kept", e.Scratch, "there", there > 0, "left", len(left), "all", len(e.Tables))
	switch {
	case there == 0:
		return runbook.Evidence{Took: runbook.TookYes, Text: text}, nil
	case slices.Equal(left, e.Tables):
		return runbook.Evidence{Took: runbook.TookNo, Text: text}, nil
	}
	return runbook.Evidence{Took: runbook.TookUnclear, Text: text}, nil
}
