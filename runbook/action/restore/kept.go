package restore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/fleet"
)

// What was live before an exchange is kept in a schema of its own; its name says when, in UTC.
const (
	keptByRestore = "old"
	keptByUndo    = "undone"
)

var keptSuffix = regexp.MustCompile(`^_(` + keptByRestore + `|` + keptByUndo + `)_(\d\d)(\d\d)(\d\d)(\d\d)(_\d+)?$`)

// kept is a schema that an exchange has put aside.
type kept struct {
	name   string
	at     time.Time
	undone bool // by an undo, not by a restore
	rows   int64
	bytes  int64
	tables []string
	counts map[string]int64 // about, by table
}

// keptName reads the name of a kept schema; ok is false for any other name.
func keptName(schema, name string, now time.Time) (k kept, ok bool) {
	rest, mine := strings.CutPrefix(strings.ToLower(name), strings.ToLower(clip(schema)))
	m := keptSuffix.FindStringSubmatch(rest)
	if !mine || m == nil {
		return k, false
	}
	var n [4]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+2]) // digits only
	}
	at := time.Date(now.Year(), time.Month(n[0]), n[1], n[2], n[3], 0, 0, time.UTC)
	if at.After(now.Add(24 * time.Hour)) {
		at = at.AddDate(-1, 0, 0)
	}
	return kept{name: name, at: at, undone: m[1] == keptByUndo}, true
}

// keptOn lists the kept schemas of a database, the newest first.
func (r *restore) keptOn(ctx context.Context, db sqlx.QueryerContext, schema string) ([]kept, error) {
	var names []string
	if err := sqlx.SelectContext(ctx, db, &names, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA ORDER BY SCHEMA_NAME"); err != nil {
		return nil, err
	}
	var out []kept
	for _, name := range names {
		k, ok := keptName(schema, name, r.env.Now().UTC())
		if !ok {
			continue
		}
		var err error
		if k.tables, err = tablesOf(ctx, db, name); err != nil {
			return nil, err
		}
		if k.counts, k.bytes, err = sizesOf(ctx, db, name); err != nil {
			return nil, err
		}
		for _, n := range k.counts {
			k.rows += n
		}
		out = append(out, k)
	}
	slices.SortStableFunc(out, func(a, b kept) int { return b.at.Compare(a.at) })
	return out, nil
}

// sizesOf is about how many rows each table has, as the server estimates it, and how many bytes all of them take.
func sizesOf(ctx context.Context, db sqlx.QueryerContext, schema string) (map[string]int64, int64, error) {
	var rows []struct {
		Name  string        `db:"TABLE_NAME"`
		Rows  sql.NullInt64 `db:"TABLE_ROWS"`
		Bytes sql.NullInt64 `db:"BYTES"`
	}
	err := sqlx.SelectContext(ctx, db, &rows, "SELECT TABLE_NAME, TABLE_ROWS, DATA_LENGTH+INDEX_LENGTH AS BYTES FROM information_schema.TABLES "+
		"WHERE TABLE_SCHEMA=? AND TABLE_TYPE IN ('BASE TABLE','SYSTEM VERSIONED')", schema)
	counts, total := map[string]int64{}, int64(0)
	for _, x := range rows {
		counts[x.Name] = x.Rows.Int64
		total += x.Bytes.Int64
	}
	return counts, total, err
}

// chooseKept is the kept schema that the run's parameter names, else the newest that a restore has put aside.
func (r *restore) chooseKept(all []kept, schema string, h fleet.Host) (kept, error) {
	wanted := r.env.Run.Params["kept"]
	for _, k := range all {
		if k.name == wanted || wanted == "" && !k.undone && len(k.tables) > 0 {
			return k, nil
		}
	}
	var names []string
	for _, k := range all {
		names = append(names, k.name)
	}
	if wanted != "" {
		return kept{}, runbook.Errorf(runbook.NotFound, "restore.kept_unknown", "kept", printable(wanted), "host", h.Name, "known", strings.Join(names, ", "))
	}
	return kept{}, runbook.Errorf(runbook.NotFound, "restore.kept_none", "database", schema, "host", h.Name, "known", strings.Join(names, ", "))
}

// keptTable shows the kept schemas, the chosen one first.
func keptTable(all []kept, chosen string) runbook.Table {
	t := runbook.Table{Name: "kept", Columns: []string{"schema", "kept since", "rows", "size"}, Count: len(all), Words: true}
	for _, mine := range []bool{true, false} {
		for _, k := range all {
			if (k.name == chosen) != mine {
				continue
			}
			mark := ""
			if mine {
				mark = "match"
			}
			t.Rows = append(t.Rows, []string{k.name, k.at.Format(time.RFC3339), "≈ " + strconv.FormatInt(k.rows, 10), strconv.FormatInt(k.bytes, 10)})
			t.Marks = append(t.Marks, mark)
		}
	}
	return t
}

// swapInto finds the plan, left on the host, of the exchange that made a kept schema; nil where none is there any more.
func (r *restore) swapInto(ctx context.Context, c *fleet.Client, h fleet.Host, name string) (*swapPlan, error) {
	s, err := c.SFTP(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }()
	dir := h.Path(stateDir)
	files, err := s.ReadDirContext(ctx, dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), swapSuffix) || !f.Mode().IsRegular() {
			continue
		}
		in, err := s.Open(path.Join(dir, f.Name()))
		if err != nil {
			continue
		}
		text, err := io.ReadAll(io.LimitReader(in, 64<<20))
		_ = in.Close()
		p := &swapPlan{}
		if err == nil && json.Unmarshal(text, p) == nil && p.Old == name {
			return p, nil
		}
	}
	return nil, nil
}

// reached is the target with a connection to its database, which close ends.
type reached struct {
	h fleet.Host
	d fleet.Database
	c *fleet.Client
	s *session
}

func (r *restore) reach(ctx context.Context, identity string) (x reached, err error) {
	if x.d, err = r.database(); err != nil {
		return x, err
	}
	if x.h, err = r.env.Target(); err != nil {
		return x, err
	}
	if x.c, err = r.env.Connect(ctx, x.h, identity); err != nil {
		return x, err
	}
	x.s, err = r.session(ctx, x.h, x.d)
	return x, err
}

// asPlanned is reach for whoever carries out a plan: where the target is another one now, that is a refusal.
func (r *restore) asPlanned(ctx context.Context, p runbook.Plan) (effect, reached, error) {
	e, h, d, err := r.planned(p)
	if err != nil {
		return e, reached{}, action.Refuse(err)
	}
	x, err := r.reach(ctx, p.Effect.Identity)
	if err != nil {
		return e, x, action.Refuse(err)
	}
	x.h, x.d = h, d
	return e, x, nil
}
