package load

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-sql-driver/mysql"

	"recoverbot/runbook"
)

// compare holds the scratch schema against what was read in the dump, and beside the live schema. tables are those of
// the dump, counted.
func (l *loader) compare(ctx context.Context, tables []*table, live *live, r *Report) error {
	s := l.judge
	l.status.phase("compare", int64(len(l.summary.Tables)))
	have, err := s.tables(ctx, l.cfg.Scratch)
	if err != nil {
		return err
	}
	if len(have) != len(l.summary.Tables) {
		return runbook.Errorf(runbook.Invalid, "dump.tables_differ", "want", len(l.summary.Tables), "have", len(have))
	}
	loaded := map[string]*table{}
	for _, t := range tables {
		loaded[t.Name] = t
	}
	there, err := live.wait(ctx)
	if err != nil {
		return err
	}
	for _, want := range l.summary.Tables {
		t := loaded[want.Name]
		if t == nil || !slices.Contains(have, want.Name) {
			return runbook.Errorf(runbook.Invalid, "dump.table_missing", "table", want.Name)
		}
		if t.report.Rows != want.Rows {
			return runbook.Errorf(runbook.Invalid, "dump.rows_differ", "table", t.Name, "want", want.Rows, "have", t.report.Rows)
		}
		if t.Name == l.cfg.NotEmpty && want.Rows == 0 {
			return runbook.Errorf(runbook.Invalid, "dump.table_empty", "table", t.Name)
		}
		if shape, err := s.shape(ctx, l.cfg.Scratch, t.Name); err != nil {
			return err
		} else if t.shape.create != "" && !shape.holds(t.shape) {
			return runbook.Errorf(runbook.Invalid, "dump.shape_differs", "table", t.Name)
		}
		if x, ok := there[t.Name]; ok {
			t.report.LiveRows, t.report.LiveNewest = x.Rows, x.Newest
			delete(there, t.Name)
		}
		r.Tables = append(r.Tables, t.report)
		l.status.done.Add(1)
	}
	for name := range there {
		r.Extra = append(r.Extra, name)
	}
	slices.Sort(r.Extra)
	return l.compareObjects(ctx, s)
}

// compareObjects looks for every view, trigger and routine of the dump.
func (l *loader) compareObjects(ctx context.Context, s *session) error {
	rows, err := s.conn.QueryContext(ctx, "SELECT 'view', TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA=?"+
		" UNION ALL SELECT 'trigger', TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA=?"+
		" UNION ALL SELECT LOWER(ROUTINE_TYPE), ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA=?",
		l.cfg.Scratch, l.cfg.Scratch, l.cfg.Scratch)
	if err != nil {
		return fmt.Errorf("list objects: %w", err)
	}
	defer func() { _ = rows.Close() }()
	have := map[[2]string]bool{}
	for rows.Next() {
		var kind, name string
		if err := rows.Scan(&kind, &name); err != nil {
			return fmt.Errorf("list objects: %w", err)
		}
		have[[2]string{kind, name}] = true
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list objects: %w", err)
	}
	for _, o := range l.summary.Objects {
		switch o.Kind {
		case "view", "trigger", "procedure", "function":
			if !have[[2]string{o.Kind, o.Name}] {
				return runbook.Errorf(runbook.Invalid, "dump.object_missing", "kind", o.Kind, "name", o.Name)
			}
		}
	}
	return nil
}

// live is the count of the live tables' rows, which goes on while the dump is checked.
type live struct {
	done   sync.WaitGroup
	stop   context.CancelFunc
	tables map[string]TableReport
	err    error
}

func (l *loader) countLive(ctx context.Context) *live {
	ctx, cancel := context.WithCancel(ctx)
	c := &live{tables: map[string]TableReport{}}
	c.stop = func() { cancel(); c.done.Wait() }
	if !l.cfg.Rehearsal {
		c.done.Go(func() { c.err = c.count(ctx, l) })
	}
	return c
}

func (c *live) count(ctx context.Context, l *loader) error {
	s, err := l.session(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	names, err := s.tables(ctx, l.cfg.Schema)
	if err != nil {
		return err
	}
	for _, name := range names {
		t := TableReport{Name: name}
		var said *mysql.MySQLError
		if t.Rows, t.Newest, err = s.count(ctx, l.cfg.Schema, name); errors.As(err, &said) {
			t.Rows = -1 // a damaged table is a reason to restore, not one to refuse it
		} else if err != nil {
			return err
		}
		c.tables[name] = t
	}
	return nil
}

func (c *live) wait(ctx context.Context) (map[string]TableReport, error) {
	c.done.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return c.tables, c.err
}

func (s *session) tables(ctx context.Context, schema string) ([]string, error) {
	rows, err := s.conn.QueryContext(ctx,
		"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA=? AND TABLE_TYPE IN ('BASE TABLE','SYSTEM VERSIONED') ORDER BY 1", schema)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, rows.Err()
}

// count counts a table's rows and finds its newest created_at: in one pass over the table, where no key leads to it.
func (s *session) count(ctx context.Context, schema, table string) (n int64, newest string, err error) {
	var has, indexed int
	if err := s.conn.QueryRowContext(ctx, "SELECT COUNT(*), (SELECT COUNT(*) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA=? AND TABLE_NAME=?"+
		" AND COLUMN_NAME='created_at' AND SEQ_IN_INDEX=1) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=? AND TABLE_NAME=? AND COLUMN_NAME='created_at'",
		schema, table, schema, table).Scan(&has, &indexed); err != nil {
		return 0, "", err
	}
	newestOf, from := "NULL", " FROM "+quote(schema)+"."+quote(table)
	switch {
	case indexed > 0:
		newestOf = "(SELECT CAST(MAX(`created_at`) AS CHAR)" + from + ")"
	case has > 0:
		newestOf = "CAST(MAX(`created_at`) AS CHAR)"
	}
	var at sql.NullString
	err = s.conn.QueryRowContext(ctx, "SELECT COUNT(*), "+newestOf+from).Scan(&n, &at)
	return n, at.String, err
}

// shape is how the server shows a table, apart from its AUTO_INCREMENT, which rows may only raise.
type shape struct {
	create  string // "": not known
	counter uint64
}

// holds reports whether s is was, and gives no number again that was given before.
func (s shape) holds(was shape) bool { return s.create == was.create && s.counter >= was.counter }

var counterOption = regexp.MustCompile(`^(\) ENGINE=\w+ )AUTO_INCREMENT=(\d+) `)

func (s *session) shape(ctx context.Context, schema, table string) (shape, error) {
	var name, create string
	if err := s.conn.QueryRowContext(ctx, "SHOW CREATE TABLE "+quote(schema)+"."+quote(table)).Scan(&name, &create); err != nil {
		return shape{}, fmt.Errorf("show create table: %w", err)
	}
	return shapeOf(create), nil
}

func shapeOf(create string) shape {
	i := strings.LastIndex(create, "\n)") + 1 // comments cannot hold a line's end here: the server escapes it
	options := create[i:]
	m := counterOption.FindStringSubmatch(options)
	if m == nil {
		return shape{create: create}
	}
	n, _ := strconv.ParseUint(m[2], 10, 64) // digits
	return shape{create: create[:i] + m[1] + options[len(m[0]):], counter: n}
}

// sharable reports whether a table's rows may come in any order: a primary key puts them in theirs.
func sharable(shape string) bool {
	i := strings.LastIndex(shape, "\n)") + 1
	return strings.Contains(shape, "\n  PRIMARY KEY (") && strings.HasPrefix(shape[i:], ") ENGINE=InnoDB") && !strings.Contains(shape[i:], "VERSIONING")
}
