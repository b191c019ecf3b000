package restore

import (
	"context"
	"slices"
	"strconv"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
)

// undo exchanges what a restore has put aside back in, by one RENAME. What is live until then is kept in its turn, so
// that nothing that was written since is lost, and an undo can be undone.
type undo struct{ r *restore }

var (
	_ runbook.Action = (*undo)(nil)
	_ runbook.Looker = (*undo)(nil)
)

// Plan shows the kept schema beside what is live.
func (u *undo) Plan(ctx context.Context) (runbook.Plan, error) {
	var p runbook.Plan
	r := u.r
	x, err := r.reach(ctx, "")
	if err != nil {
		return action.Cannot(p, err)
	}
	defer x.s.close()
	schema := x.d.Schema
	p.Summary = runbook.T("restore.undo", "database", schema, "host", x.h.Name, "undone", false)
	all, err := r.keptOn(ctx, x.s.conn, schema)
	if err != nil {
		return action.Cannot(p, sqlError(err, x.h))
	}
	k, err := r.chooseKept(all, schema, x.h)
	p.Summary.Args["undone"] = k.undone
	p.Tables = []runbook.Table{keptTable(all, k.name)}
	if err != nil {
		return action.Cannot(p, err)
	}
	was, err := r.swapInto(ctx, x.c, x.h, k.name)
	if err != nil {
		return action.Cannot(p, err)
	}
	moved := slices.Clone(k.tables)
	if was != nil {
		moved = append(moved, was.Tables...)
	}
	t, err := r.lookAtTarget(ctx, x.h, x.d, moved)
	if err != nil {
		return action.Cannot(p, err)
	}
	e := effect{Database: x.d.Name, Schema: schema, Tables: k.tables, Scratch: k.name, Old: clip(schema) + "_" + keptByUndo + "_MMDDHHMM", Undo: true}
	if was != nil { // tables that came with the restore go with it
		for _, name := range was.Tables {
			if !slices.Contains(k.tables, name) && slices.Contains(t.tables, name) {
				e.Out = append(e.Out, name)
			}
		}
	}
	if p.Effect, err = toEffect(e, x.h.Name, t.identity); err != nil {
		return p, err
	}
	counts, _, err := sizesOf(ctx, x.s.conn, schema)
	if err != nil {
		return action.Cannot(p, sqlError(err, x.h))
	}
	p.Tables = append(p.Tables, beside(e, k, counts))
	p.Verdict = runbook.Ready
	p.Facts = append(p.Facts, runbook.T("restore.undo_kept", "kept", k.name, "at", k.at.Format(time.RFC3339),
		"seconds", r.env.Now().Sub(k.at).Seconds(), "tables", len(k.tables), "rows", k.rows))
	if !t.newest.IsZero() {
		p.Facts = append(p.Facts, runbook.T("restore.fact_newest", "table", t.newestIn, "at", t.newest.UTC().Format(time.RFC3339)))
	}
	var stay []string
	for _, name := range t.tables {
		if !slices.Contains(k.tables, name) && !slices.Contains(e.Out, name) {
			stay = append(stay, name)
		}
	}
	if len(stay) > 0 {
		p.Facts = append(p.Facts, runbook.T("restore.undo_stay", "tables", join(stay)))
	}
	w := problems{&p}
	w.add(true, "restore.undo_loses", "old", e.Old, "undone", k.undone)
	if was == nil {
		w.add(true, "restore.undo_no_record", "kept", k.name)
	}
	if t.replica != "" {
		w.add(true, "restore.replica", "host", x.h.Name, "source", t.replica)
	}
	switch {
	case len(k.tables) == 0:
		p.Verdict, p.Why = runbook.Blocked, runbook.T("restore.kept_bare", "kept", k.name)
	case t.outside != "":
		p.Verdict, p.Why = runbook.Blocked, runbook.T("restore.foreign_key", "table", t.outside)
	}
	return p, nil
}

// beside is about how many rows each table has, kept and live.
func beside(e effect, k kept, live map[string]int64) runbook.Table {
	t := runbook.Table{Name: k.name, Columns: []string{"table", "rows", "rows now"}, Words: true}
	for _, name := range slices.Concat(e.Tables, e.Out) {
		cell := func(counts map[string]int64) string {
			if n, ok := counts[name]; ok {
				return "≈ " + strconv.FormatInt(n, 10)
			}
			return "-"
		}
		t.Rows = append(t.Rows, []string{name, cell(k.counts), cell(live)})
		t.Marks = append(t.Marks, "")
	}
	t.Count = len(t.Rows)
	return t
}

// Apply exchanges the tables. A restore that is under way at the same time is refused by a lock, and so is this one then.
func (u *undo) Apply(ctx context.Context, p runbook.Plan, job runbook.Job, _ runbook.Output) (runbook.Result, error) {
	e, x, err := u.r.asPlanned(ctx, p)
	if err != nil {
		return runbook.Result{}, err
	}
	now, err := tablesOf(ctx, x.s.conn, e.Scratch)
	x.s.close() // before the exchange opens its own
	if err != nil {
		return runbook.Result{}, action.Refuse(sqlError(err, x.h))
	}
	if !slices.Equal(now, e.Tables) {
		return runbook.Result{}, action.Stale("restore.kept_changed", "kept", e.Scratch)
	}
	s, err := u.r.swap(ctx, &held{r: u.r, plan: p, e: e, h: x.h, d: x.d, job: job})
	if err != nil {
		return runbook.Result{}, err
	}
	switch {
	case len(s.notMade) > 0 && !s.failed.IsZero():
		return runbook.Result{Outcome: runbook.OutcomeFailed, Text: s.failed, Open: openObjects(s.notMade)}, nil
	case !s.failed.IsZero():
		return runbook.Result{}, &runbook.Refusal{Text: s.failed}
	}
	k, _ := keptName(e.Schema, e.Scratch, u.r.env.Now().UTC())
	res := runbook.Result{Outcome: runbook.OutcomeDone, Values: map[string]string{"old_schema": s.old},
		Text: runbook.T("restore.undo_done", "undone", k.undone, "database", e.Schema, "host", x.h.Name, "tables", len(e.Tables), "old", s.old)}
	if s.old != "" {
		res.Open = append(res.Open, runbook.OpenItem{Text: openOld(e, s.old, x.h.Name)})
	}
	res.Open = append(res.Open, openObjects(s.notMade)...)
	return res, nil
}

// Look finds out whether the kept tables are live.
func (u *undo) Look(ctx context.Context, p runbook.Plan, job runbook.Job) (runbook.Evidence, error) {
	e, h, d, err := u.r.planned(p)
	if err != nil {
		return runbook.Evidence{}, err
	}
	at, plan, err := u.r.settle(ctx, h, d, e, job)
	if err != nil {
		return runbook.Evidence{}, err
	}
	switch at {
	case stageSwapped:
		return runbook.Evidence{Took: runbook.TookYes, Text: runbook.T("restore.undo_look_done", "kept", e.Scratch, "old", plan.Old, "count", len(plan.Objects))}, nil
	case stageLoaded:
		return runbook.Evidence{Took: runbook.TookNo, Text: runbook.T("restore.undo_look_not", "kept", e.Scratch, "database", e.Schema)}, nil
	}
	return runbook.Evidence{Took: runbook.TookUnclear, Text: runbook.T("restore.undo_look_unclear", "kept", e.Scratch)}, nil
}

// openOld says where old data lies and what becomes of it.
func openOld(e effect, old, host string) runbook.Msg {
	return runbook.T("restore.open_old", "old", old, "host", host, "database", e.Database)
}
