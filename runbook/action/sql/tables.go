package sql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"github.com/jmoiron/sqlx"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
)

// tables makes tables that are missing. One that is there is never altered: where it differs, that is shown and left open.
type tables struct {
	spec *Spec
	env  action.Env
}

// creation is what an approval is bound to.
type creation struct {
	Database string   `json:"database"`
	Schema   string   `json:"schema"`
	Create   []string `json:"create"` // exact statements
	Names    []string `json:"names"`
	Recalled int      `json:"recalled,omitempty"` // so many of them, the last ones, are the black box's
}

// Plan compares the tables with what is there.
func (t *tables) Plan(ctx context.Context) (runbook.Plan, error) {
	var p runbook.Plan
	h, d, err := place(t.env, t.spec.Database)
	if err != nil {
		return action.Cannot(p, err)
	}
	p.Summary = runbook.T("sql.tables_summary", "host", h.Name, "database", d.Schema)
	c, err := t.env.Fleet.SSH(ctx, h)
	if err != nil {
		return action.Cannot(p, err)
	}
	p.Effect.Host = h.Name
	if p.Effect.Identity, err = c.Identity(ctx); err != nil {
		return action.Cannot(p, err)
	}
	db, err := t.env.Fleet.SQL(ctx, h, d, d.Schema)
	if err != nil {
		return action.Cannot(p, err)
	}
	defer func() { _ = db.Close() }() // only read from
	if err := writable(ctx, db, h.Name); err != nil {
		return action.Cannot(p, err)
	}
	eff := creation{Database: d.Name, Schema: d.Schema}
	found := runbook.Table{Name: d.Schema, Columns: []string{"table", "state"}, Words: true}
	for _, spec := range t.spec.Tables {
		want, err := parseCreate(spec.Create)
		if err != nil {
			return p, fmt.Errorf("read definition of %s: %w", spec.Name, err)
		}
		now, err := showCreate(ctx, db, d.Schema, spec.Name)
		if err != nil {
			return action.Cannot(p, err)
		}
		state, mark := "ok", "ok"
		switch {
		case now == "":
			state, mark = "missing", "bad"
			eff.Create, eff.Names = append(eff.Create, want.text), append(eff.Names, spec.Name)
		default:
			have, err := parseCreate(now)
			if err != nil || !slices.Equal(have.lines, want.lines) {
				state, mark = "different", "bad"
				p.Warnings = append(p.Warnings, runbook.T("sql.table_different", "table", spec.Name, "host", h.Name))
				p.Open = append(p.Open, runbook.OpenItem{Text: runbook.T("sql.table_different", "table", spec.Name, "host", h.Name)})
				p.Tables = append(p.Tables, difference(spec.Name, have, want))
			}
		}
		found.Rows, found.Marks = append(found.Rows, []string{spec.Name, state}), append(found.Marks, mark)
	}
	if t.spec.Recall != "" {
		r, err := t.recall(ctx, &p, db, d)
		if err != nil {
			return action.Cannot(p, err)
		}
		eff.Create, eff.Names, eff.Recalled = append(eff.Create, r.create...), append(eff.Names, r.names...), len(r.names)
		found.Columns = append(found.Columns, "rows then")
		for i := range found.Rows {
			found.Rows[i] = append(found.Rows[i], "")
		}
		for _, row := range r.rows {
			found.Rows, found.Marks = append(found.Rows, row), append(found.Marks, "bad")
		}
	}
	found.Count = len(found.Rows)
	p.Tables = append([]runbook.Table{found}, p.Tables...)
	if len(eff.Create) == 0 {
		p.Verdict, p.Why = runbook.Satisfied, runbook.T("sql.tables_as_wanted", "count", found.Count)
		if n := len(p.Tables) - 1; n > 0 {
			p.Why = runbook.T("sql.tables_some_different", "count", n)
		}
		return p, nil
	}
	if p.Effect.Data, err = json.Marshal(eff); err != nil {
		return p, fmt.Errorf("encode effect: %w", err)
	}
	p.Effect.Exact = []runbook.Part{{Format: "sql", Label: eff.Schema, Text: strings.Join(eff.Create, ";\n") + ";"}}
	p.Facts = append(p.Facts, runbook.T("sql.tables_last"))
	p.Verdict = runbook.Ready
	return p, nil
}

// difference is a line diff of two definitions in normal form.
func difference(name string, have, want definition) runbook.Table {
	t := runbook.Table{Name: name, Columns: []string{"", "definition"}, Words: true}
	before, after := strings.Join(have.lines, "\n")+"\n", strings.Join(want.lines, "\n")+"\n"
	d, err := udiff.ToUnifiedDiff(name, name, before, udiff.Lines(before, after), 0)
	if err != nil {
		return t
	}
	for _, h := range d.Hunks {
		for _, l := range h.Lines {
			sign := map[udiff.OpKind]string{udiff.Delete: "is", udiff.Insert: "wanted"}[l.Kind]
			t.Rows, t.Marks = append(t.Rows, []string{sign, strings.TrimSpace(l.Content)}), append(t.Marks, "")
		}
	}
	t.Count = len(t.Rows)
	return t
}

// showCreate is a table's definition; "" where there is none. A view of that name counts as a different table.
func showCreate(ctx context.Context, db *sqlx.DB, schema, name string) (string, error) {
	_, rs, err := query(ctx, db, "SHOW CREATE TABLE "+quoted(schema)+"."+quoted(name), nil)
	if number(err) == 1146 {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look at table %s: %w", name, err)
	}
	if len(rs) == 0 {
		return "", fmt.Errorf("look at table %s: no answer", name)
	}
	return rs[0].at(1), nil
}

// Apply makes the tables one by one; each lasts at once.
func (t *tables) Apply(ctx context.Context, p runbook.Plan, _ runbook.Job, _ runbook.Output) (runbook.Result, error) {
	var r runbook.Result
	var eff creation
	if err := json.Unmarshal(p.Effect.Data, &eff); err != nil {
		return r, action.Refuse(fmt.Errorf("decode effect: %w", err))
	}
	h, d, err := place(t.env, eff.Database)
	if err != nil {
		return r, action.Refuse(err)
	}
	if h.Name != p.Effect.Host || d.Schema != eff.Schema {
		return r, action.Stale("sql.other_host", "planned", p.Effect.Host, "now", h.Name)
	}
	if _, err := t.env.Connect(ctx, h, p.Effect.Identity); err != nil {
		return r, err
	}
	db, err := t.env.Fleet.SQL(ctx, h, d, d.Schema)
	if err != nil {
		return r, action.Refuse(err)
	}
	defer func() { _ = db.Close() }() // every statement was answered
	for _, name := range eff.Names {
		now, err := showCreate(ctx, db, eff.Schema, name)
		if err != nil {
			return r, action.Refuse(err)
		}
		if now != "" {
			return r, action.Stale("sql.table_appeared", "table", name)
		}
	}
	conn, err := db.DB.Conn(ctx)
	if err != nil {
		return r, action.Refuse(err)
	}
	defer func() { _ = conn.Close() }() // back to a pool that is closed next
	session := "SET SESSION lock_wait_timeout = 10"
	if eff.Recalled > 0 { // as a dump does: references in any order, defaults of a less strict server
		session += ", foreign_key_checks = 0, sql_mode = 'NO_ENGINE_SUBSTITUTION'"
	}
	if _, err := conn.ExecContext(ctx, session); err != nil {
		return r, action.Refuse(err)
	}
	var made []string
	for i, text := range eff.Create {
		_, err := conn.ExecContext(ctx, text)
		switch {
		case err == nil:
			made = append(made, eff.Names[i])
			continue
		case number(err) == 0:
			return r, fmt.Errorf("create table %s: %w", eff.Names[i], err)
		case len(made) == 0:
			return r, &runbook.Refusal{Text: runbook.T("sql.server_refused", "number", number(err)), Err: err}
		}
		r.Outcome = runbook.OutcomeFailed
		r.Text = runbook.T("sql.tables_partly", "made", strings.Join(made, ", "), "failed", eff.Names[i], "number", number(err))
		return r, nil
	}
	r.Outcome, r.Open = runbook.OutcomeDone, p.Open
	r.Text = runbook.T("sql.tables_done", "names", strings.Join(made, ", "), "host", h.Name)
	return r, nil
}

// Look looks whether the tables are there.
func (t *tables) Look(ctx context.Context, p runbook.Plan, _ runbook.Job) (runbook.Evidence, error) {
	var eff creation
	if err := json.Unmarshal(p.Effect.Data, &eff); err != nil {
		return runbook.Evidence{}, fmt.Errorf("decode effect: %w", err)
	}
	h, d, err := place(t.env, eff.Database)
	if err != nil {
		return runbook.Evidence{}, err
	}
	if h.Name != p.Effect.Host {
		return runbook.Evidence{}, errors.New("look at tables: the step is about another host now")
	}
	db, err := t.env.Fleet.SQL(ctx, h, d, d.Schema)
	if err != nil {
		return runbook.Evidence{}, err
	}
	defer func() { _ = db.Close() }() // only read from
	there := 0
	for _, name := range eff.Names {
		now, err := showCreate(ctx, db, eff.Schema, name)
		if err != nil {
			return runbook.Evidence{}, err
		}
		if now != "" {
			there++
		}
	}
	e := runbook.Evidence{Took: runbook.TookUnclear, Text: runbook.T("sql.look_tables", "there", there, "count", len(eff.Names))}
	switch there {
	case len(eff.Names):
		e.Took = runbook.TookYes
	case 0:
		e.Took = runbook.TookNo
	}
	return e, nil
}
