package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"

	"recoverbot/runbook"
)

// maxRows bounds what one step may change: more is no repair that a person can look through on a phone.
const maxRows = 500

// queryer is a pool or one pinned connection.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// cells is one row as text; nil is NULL.
type cells []*string

func (c cells) equal(d cells) bool {
	return slices.EqualFunc(c, d, func(a, b *string) bool {
		return a == nil && b == nil || a != nil && b != nil && *a == *b
	})
}

func (c cells) at(i int) string {
	if i < 0 || i >= len(c) || c[i] == nil {
		return ""
	}
	return *c[i]
}

// sameRows compares row by row.
func sameRows(a, b []cells) bool { return slices.EqualFunc(a, b, cells.equal) }

// query reads all rows; more than maxRows is an *runbook.Error.
func query(ctx context.Context, q queryer, text string, args []string) ([]string, []cells, error) {
	bound := make([]any, len(args))
	for i, a := range args {
		bound[i] = a
	}
	rs, err := q.QueryContext(ctx, text, bound...)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = rs.Close() }() // rs.Err tells what went wrong
	columns, err := rs.Columns()
	if err != nil {
		return nil, nil, err
	}
	var out []cells
	for rs.Next() {
		if len(out) == maxRows {
			return nil, nil, runbook.Errorf(runbook.Invalid, "sql.too_many_rows", "max", maxRows)
		}
		row := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rs.Scan(into...); err != nil {
			return nil, nil, err
		}
		c := make(cells, len(row))
		for i := range row {
			if row[i].Valid {
				c[i] = &row[i].String
			}
		}
		out = append(out, c)
	}
	return columns, out, rs.Err()
}

// one reads a single value; "" where there is none.
func one(ctx context.Context, q queryer, text string, args ...string) (string, error) {
	_, rs, err := query(ctx, q, text, args)
	if err != nil || len(rs) == 0 || len(rs[0]) == 0 {
		return "", err
	}
	return rs[0].at(0), nil
}

// table is what is known of a table before it is changed.
type table struct {
	schema, name string
	columns      []string // in order
	selects      []string // the same as they are read: long binary ones as a hash
	key          []string // of the primary key
	triggers     bool
}

func (t table) String() string { return quoted(t.schema) + "." + quoted(t.name) }

func (t table) keyIndex() []int {
	var out []int
	for _, k := range t.key {
		out = append(out, slices.Index(t.columns, k))
	}
	return out
}

func (t table) order() string {
	var out []string
	for _, k := range t.key {
		out = append(out, quoted(k))
	}
	return strings.Join(out, ", ")
}

// inspect looks at a table; one that cannot be changed safely is an *runbook.Error.
func inspect(ctx context.Context, q queryer, schema, name string) (table, error) {
	t := table{schema: schema, name: name}
	full := schema + "." + name
	_, rs, err := query(ctx, q, `SELECT t.table_type, t.engine, e.transactions FROM information_schema.tables t
		LEFT JOIN information_schema.engines e ON e.engine = t.engine WHERE t.table_schema = ? AND t.table_name = ?`, []string{schema, name})
	if err != nil {
		return t, fmt.Errorf("look at table %s: %w", full, err)
	}
	if len(rs) == 0 {
		return t, runbook.Errorf(runbook.NotFound, "sql.no_table", "table", full)
	}
	if rs[0].at(0) != "BASE TABLE" || rs[0].at(2) != "YES" {
		return t, runbook.Errorf(runbook.Invalid, "sql.not_transactional", "table", full, "engine", rs[0].at(1))
	}
	_, rs, err = query(ctx, q, `SELECT column_name, data_type, column_key FROM information_schema.columns
		WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position`, []string{schema, name})
	if err != nil {
		return t, fmt.Errorf("look at columns of %s: %w", full, err)
	}
	for _, r := range rs {
		column := r.at(0)
		if !identifier(column) {
			return t, runbook.Errorf(runbook.Invalid, "sql.odd_column", "table", full, "column", column)
		}
		read := quoted(column)
		switch strings.ToLower(r.at(1)) {
		case "tinyblob", "blob", "mediumblob", "longblob", "binary", "varbinary", "bit", "geometry", "mediumtext", "longtext", "json":
			read = "SHA2(" + quoted(column) + ", 256) AS " + quoted(column)
		}
		t.columns, t.selects = append(t.columns, column), append(t.selects, read)
		if r.at(2) == "PRI" {
			t.key = append(t.key, column)
		}
	}
	if len(t.key) == 0 {
		return t, runbook.Errorf(runbook.Invalid, "sql.no_key", "table", full)
	}
	n, err := one(ctx, q, `SELECT COUNT(*) FROM information_schema.triggers WHERE event_object_schema = ? AND event_object_table = ?`, schema, name)
	if err != nil {
		return t, fmt.Errorf("look at triggers of %s: %w", full, err)
	}
	t.triggers = n != "0"
	return t, nil
}

// writable refuses a server that is read-only, or a Galera node without quorum.
func writable(ctx context.Context, q queryer, host string) error {
	ro, err := one(ctx, q, "SELECT @@global.read_only")
	if err != nil {
		return fmt.Errorf("ask for read_only: %w", err)
	}
	if ro != "0" {
		return runbook.Errorf(runbook.Unavailable, "sql.read_only", "host", host)
	}
	_, on, err := query(ctx, q, "SHOW GLOBAL VARIABLES LIKE 'wsrep_on'", nil)
	if err != nil {
		return fmt.Errorf("ask for wsrep_on: %w", err)
	}
	if len(on) == 0 || on[0].at(1) != "ON" {
		return nil
	}
	_, st, err := query(ctx, q, "SHOW GLOBAL STATUS LIKE 'wsrep_cluster_status'", nil)
	if err != nil {
		return fmt.Errorf("ask for wsrep_cluster_status: %w", err)
	}
	if len(st) > 0 && st[0].at(1) != "Primary" {
		return runbook.Errorf(runbook.Unavailable, "sql.non_primary", "host", host, "status", st[0].at(1))
	}
	return nil
}

// blockers lists open transactions of others that lock rows. An account that may not ask gets none.
func blockers(ctx context.Context, q queryer) runbook.Table {
	t := runbook.Table{Name: "blockers", Columns: []string{"connection", "user", "from", "seconds", "rows locked"}, Words: true}
	_, rs, err := query(ctx, q, `SELECT x.trx_mysql_thread_id, p.user, p.host, TIMESTAMPDIFF(SECOND, x.trx_started, NOW()), x.trx_rows_locked
		FROM information_schema.innodb_trx x LEFT JOIN information_schema.processlist p ON p.id = x.trx_mysql_thread_id
		WHERE x.trx_mysql_thread_id <> CONNECTION_ID() AND x.trx_mysql_thread_id > 0 AND (x.trx_rows_locked > 0 OR x.trx_rows_modified > 0)
		ORDER BY x.trx_started`, nil)
	if err != nil {
		return t
	}
	for _, r := range rs {
		t.Rows = append(t.Rows, []string{r.at(0), r.at(1), r.at(2), r.at(3), r.at(4)})
	}
	t.Count = len(t.Rows)
	return t
}

// named is a blocker in one line, for a refusal.
func named(t runbook.Table) string {
	var out []string
	for _, r := range t.Rows[:min(3, len(t.Rows))] {
		out = append(out, fmt.Sprintf("%s (%s@%s, %s s)", r[0], r[1], r[2], r[3]))
	}
	if len(out) == 0 {
		return "?"
	}
	return strings.Join(out, ", ")
}

// number is the server's error number; 0 where the error is not the server's.
func number(err error) int {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		return int(my.Number)
	}
	return 0
}

// shownTable is rows for people; mark is for each row.
func shownTable(name string, columns []string, rs []cells, mark string) runbook.Table {
	t := runbook.Table{Name: name, Columns: columns, Count: len(rs)}
	for _, r := range rs[:min(len(rs), 100)] {
		line := make([]string, len(r))
		for i := range r {
			line[i] = "NULL"
			if r[i] != nil {
				line[i] = clip(*r[i])
			}
		}
		t.Rows = append(t.Rows, line)
		t.Marks = append(t.Marks, mark)
	}
	return t
}

func clip(s string) string {
	if r := []rune(s); len(r) > 120 {
		return string(r[:120]) + "…"
	}
	return s
}
