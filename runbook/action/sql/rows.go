package sql

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/fleet"
)

// rows changes rows: of the statements of the step, or of the domain list.
type rows struct {
	spec    *Spec
	env     action.Env
	holdFor time.Duration
	// beforeCommit, afterLock let tests break in at the two moments that matter.
	beforeCommit, afterLock func()
}

// effect is what an approval is bound to.
type effect struct {
	Database   string   `json:"database"`
	Schema     string   `json:"schema"`
	Statements []change `json:"statements"`
	Whole      *read    `json:"whole,omitempty"` // of the domain list: all of it, since the choice was made by it
}

// change is one statement with the rows that it meets.
type change struct {
	Verb    string   `json:"verb"`
	Text    string   `json:"text"`
	Args    []string `json:"args"`
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
	Match   read     `json:"match"`  // the rows as planned, locked and compared before the change
	Change  int      `json:"change"` // how many of them are not yet as wanted
	After   read     `json:"after"`  // reads the same rows afterwards, by primary key; Rows is empty
	Wanted  *read    `json:"wanted,omitempty"`
	Single  bool     `json:"single,omitempty"` // of an insert: After finds one row then, the new one
}

// read is a query and what it gave.
type read struct {
	Text string   `json:"text"`
	Args []string `json:"args"`
	Rows []cells  `json:"rows,omitempty"`
}

// Holds tells the engine to hold the change: always for the domain list.
func (r *rows) Holds() bool { return r.spec.TwoPhase || r.spec.DomainList != nil }

// Plan reads the rows that match now.
func (r *rows) Plan(ctx context.Context) (runbook.Plan, error) {
	var p runbook.Plan
	h, d, err := place(r.env, r.spec.Database)
	if err != nil {
		return action.Cannot(p, err)
	}
	p.Summary = runbook.T("sql.summary", "host", h.Name, "database", d.Schema)
	c, err := r.env.Fleet.SSH(ctx, h)
	if err != nil {
		return action.Cannot(p, err)
	}
	p.Effect.Host = h.Name
	if p.Effect.Identity, err = c.Identity(ctx); err != nil {
		return action.Cannot(p, err)
	}
	db, err := r.env.Fleet.SQL(ctx, h, d, d.Schema)
	if err != nil {
		return action.Cannot(p, err)
	}
	defer func() { _ = db.Close() }() // only read from
	if err := writable(ctx, db, h.Name); err != nil {
		return action.Cannot(p, err)
	}
	eff := effect{Database: d.Name, Schema: d.Schema}
	if r.spec.DomainList != nil {
		p, err = r.domains(ctx, p, db, &eff)
	} else {
		p, err = r.statements(ctx, p, db, &eff)
	}
	if err != nil {
		return action.Cannot(p, err)
	}
	if p.Verdict != runbook.Ready {
		return p, nil
	}
	if p.Effect.Data, err = json.Marshal(eff); err != nil {
		return p, fmt.Errorf("encode effect: %w", err)
	}
	p.Effect.Exact = exact(eff, r.Holds())
	if b := blockers(ctx, db); b.Count > 0 {
		p.Tables = append(p.Tables, b)
		p.Facts = append(p.Facts, runbook.T("sql.blockers", "count", b.Count, "names", named(b)))
	}
	if r.Holds() {
		p.Facts = append(p.Facts, runbook.T("sql.will_hold", "seconds", r.holdFor.Seconds()))
	}
	return p, nil
}

func (r *rows) statements(ctx context.Context, p runbook.Plan, db *sqlx.DB, eff *effect) (runbook.Plan, error) {
	matched, changing := 0, 0
	for _, st := range r.spec.Statements {
		args, err := r.values(st.Args)
		if err != nil {
			return p, err
		}
		var show *read
		if st.Show != nil {
			a, err := r.values(st.Show.Args)
			if err != nil {
				return p, err
			}
			show = &read{Text: st.Show.Text, Args: a}
		}
		c, t, err := prepare(ctx, db, eff.Schema, st.Text, args, show)
		if err != nil {
			return p, err
		}
		if t.triggers {
			p.Warnings = append(p.Warnings, runbook.T("sql.triggers", "table", c.Table))
		}
		p.Tables = append(p.Tables, shownTable(c.Table, c.Columns, c.Match.Rows, "match"))
		if c.Verb == "update" && len(c.Match.Rows) == 0 {
			_, all, err := query(ctx, db, "SELECT "+strings.Join(t.selects, ", ")+" FROM "+t.String()+" ORDER BY "+t.order()+" LIMIT 50", nil)
			if err != nil {
				return p, fmt.Errorf("read table %s: %w", c.Table, err)
			}
			p.Tables = append(p.Tables[:len(p.Tables)-1], shownTable(c.Table, c.Columns, all, ""))
			p.Verdict, p.Why = runbook.Blocked, runbook.T("sql.no_rows", "statement", shown(c.Text, c.Args))
			return p, nil
		}
		if c.Change > 0 { // what is as wanted already is left alone
			eff.Statements = append(eff.Statements, c)
		}
		changing += c.Change
		matched += max(len(c.Match.Rows), c.Change)
	}
	if changing == 0 {
		p.Verdict, p.Why = runbook.Satisfied, runbook.T("sql.as_wanted")
		return p, nil
	}
	if want, err := parseExpect(r.spec.ExpectRows); err != nil || !want.holds(matched) {
		p.Verdict, p.Why = runbook.Blocked, runbook.T("sql.unexpected_rows", "rows", matched, "expected", r.spec.ExpectRows)
		return p, nil
	}
	p.Verdict = runbook.Ready
	p.Summary = runbook.T("sql.summary_rows", "host", p.Effect.Host, "database", eff.Schema, "rows", changing)
	return p, nil
}

func (r *rows) values(refs []string) ([]string, error) {
	out := make([]string, len(refs))
	for i, ref := range refs {
		v, err := r.env.Value(ref)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// prepare parses a statement, looks at its table and reads the rows that match.
func prepare(ctx context.Context, q queryer, schema, text string, args []string, show *read) (change, table, error) {
	c := change{Text: strings.TrimRight(strings.TrimSpace(text), "; \t\r\n"), Args: args}
	p, err := parse(text)
	if err != nil {
		return c, table{}, &runbook.Error{Code: runbook.Invalid, Msg: runbook.T("sql.refused_text", "problem", err.Error()), Err: err}
	}
	if p.schema == "" {
		p.schema = schema
	}
	c.Verb = p.verb
	t, err := inspect(ctx, q, p.schema, p.table)
	if err != nil {
		return c, t, err
	}
	c.Table = p.schema + "." + p.table
	if p.verb == "insert" {
		c.Match, c.After = *show, *show
		c.Columns, c.Match.Rows, err = query(ctx, q, show.Text, show.Args)
		if err != nil {
			return c, t, fmt.Errorf("read rows of %s: %w", c.Table, err)
		}
		if len(c.Match.Rows) == 0 {
			c.Change = 1
		}
		return c, t, nil
	}
	c.Columns = t.columns
	whereArgs := args[p.setArgs:]
	list := strings.Join(t.selects, ", ")
	c.Match = read{Text: "SELECT " + list + " FROM " + t.String() + " WHERE " + p.where + " ORDER BY " + t.order(), Args: whereArgs}
	if _, c.Match.Rows, err = query(ctx, q, c.Match.Text, c.Match.Args); err != nil {
		return c, t, refusedText(c, err)
	}
	where, keys := byKey(t, c.Match.Rows)
	c.After = read{Text: "SELECT " + list + " FROM " + t.String() + " WHERE " + where + " ORDER BY " + t.order(), Args: keys}
	c.Change = len(c.Match.Rows)
	if p.verb == "delete" || c.Change == 0 {
		return c, t, nil
	}
	var as []string
	for _, s := range p.sets {
		as = append(as, quoted(s.column)+" <=> ("+s.value+")")
	}
	c.Wanted = &read{Text: "SELECT COUNT(*) FROM " + t.String() + " WHERE (" + where + ") AND " + strings.Join(as, " AND "), Args: append(append([]string(nil), keys...), args[:p.setArgs]...)}
	n, err := one(ctx, q, c.Wanted.Text, c.Wanted.Args...)
	if err != nil {
		return c, t, refusedText(c, err)
	}
	already := 0
	if _, err := fmt.Sscan(n, &already); err != nil {
		return c, t, fmt.Errorf("count rows of %s: %w", c.Table, err)
	}
	c.Change -= already
	return c, t, nil
}

func refusedText(c change, err error) error {
	if n := number(err); n != 0 {
		return &runbook.Error{Code: runbook.Invalid, Msg: runbook.T("sql.server_refused", "number", n), Err: err}
	}
	return fmt.Errorf("read rows of %s: %w", c.Table, err)
}

// byKey is a condition that finds exactly these rows again, whatever else changes.
func byKey(t table, rs []cells) (string, []string) {
	if len(rs) == 0 {
		return "1 = 0", nil
	}
	var names, row []string
	for _, k := range t.key {
		names, row = append(names, quoted(k)), append(row, "?")
	}
	one := "(" + strings.Join(row, ", ") + ")"
	var args []string
	for _, r := range rs {
		for _, i := range t.keyIndex() {
			args = append(args, r.at(i))
		}
	}
	return "(" + strings.Join(names, ", ") + ") IN (" + strings.TrimSuffix(strings.Repeat(one+", ", len(rs)), ", ") + ")", args
}

// exact is the card's exact part, of the effect alone: the statements with their values quoted for reading.
func exact(eff effect, held bool) []runbook.Part {
	var lines []string
	for _, c := range eff.Statements {
		lines = append(lines, shown(c.Text, c.Args)+";")
	}
	text := "begin;\n" + strings.Join(lines, "\n")
	if !held {
		text += "\ncommit;"
	}
	return []runbook.Part{{Format: "sql", Label: eff.Schema, Text: text}}
}

// Apply changes the rows in one transaction, without a pause before COMMIT.
func (r *rows) Apply(ctx context.Context, p runbook.Plan, job runbook.Job, out runbook.Output) (runbook.Result, error) {
	h, err := r.Hold(ctx, p, job, out)
	if err != nil {
		return runbook.Result{}, err
	}
	return h.Commit(ctx)
}

// Look reads the rows again.
func (r *rows) Look(ctx context.Context, p runbook.Plan, _ runbook.Job) (runbook.Evidence, error) {
	var eff effect
	if err := json.Unmarshal(p.Effect.Data, &eff); err != nil {
		return runbook.Evidence{}, fmt.Errorf("decode effect: %w", err)
	}
	db, h, err := r.open(ctx, p, eff)
	if err != nil {
		return runbook.Evidence{}, err
	}
	defer func() { _ = db.Close() }() // only read from
	yes, no := true, true
	for _, c := range eff.Statements {
		_, now, err := query(ctx, db, c.After.Text, c.After.Args)
		if err != nil {
			return runbook.Evidence{}, fmt.Errorf("read rows of %s: %w", c.Table, err)
		}
		no = no && sameRows(now, c.Match.Rows)
		switch c.Verb {
		case "insert":
			yes = yes && len(now) > 0
		case "delete":
			yes = yes && len(now) == 0
		default:
			n, err := one(ctx, db, c.Wanted.Text, c.Wanted.Args...)
			if err != nil {
				return runbook.Evidence{}, fmt.Errorf("read rows of %s: %w", c.Table, err)
			}
			yes = yes && n == fmt.Sprint(len(c.Match.Rows))
		}
	}
	switch {
	case yes && !no:
		return runbook.Evidence{Took: runbook.TookYes, Text: runbook.T("sql.look_new", "host", h.Name)}, nil
	case no && !yes:
		return runbook.Evidence{Took: runbook.TookNo, Text: runbook.T("sql.look_old", "host", h.Name)}, nil
	}
	return runbook.Evidence{Took: runbook.TookUnclear, Text: runbook.T("sql.look_other", "host", h.Name)}, nil
}

// open reaches the database of a plan again; another machine behind the name is refused as stale.
func (r *rows) open(ctx context.Context, p runbook.Plan, eff effect) (*sqlx.DB, fleet.Host, error) {
	h, d, err := place(r.env, eff.Database)
	if err != nil {
		return nil, h, action.Refuse(err)
	}
	if h.Name != p.Effect.Host || d.Schema != eff.Schema {
		return nil, h, action.Stale("sql.other_host", "planned", p.Effect.Host, "now", h.Name)
	}
	if _, err := r.env.Connect(ctx, h, p.Effect.Identity); err != nil {
		return nil, h, err
	}
	db, err := r.env.Fleet.SQL(ctx, h, d, d.Schema)
	if err != nil {
		return nil, h, action.Refuse(err)
	}
	return db, h, nil
}
