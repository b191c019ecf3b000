package blackbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jmoiron/sqlx"

	"recoverbot/runbook/fleet"
)

const (
	maxTables    = 2000
	maxDomains   = 5000
	oneCount     = 10 * time.Second // for counting one table
	createWithin = 2                // seconds to wait for a table that is being altered
)

// reader reads one database on one pinned connection, which can write nothing.
type reader struct {
	conn   *sqlx.Conn
	schema string
	maria  bool
	out    *Host
	room   int // bytes that the host may still take
}

// database reads one database of the host; where that fails midway nothing of it is kept, and an older copy stands.
func (c *Collector) database(ctx context.Context, cfg *fleet.Config, h fleet.Host, d fleet.Database, out *Host) {
	ctx, cancel := context.WithTimeout(ctx, c.Limits.HostTime+c.Limits.CountTime)
	defer cancel()
	got, err := c.tables(ctx, cfg, h, d, out)
	if err != nil {
		out.Unasked = append(out.Unasked, d.Name)
		out.problem("blackbox.database_unread", "database", d.Name, "why", why(errors.Join(err, ctx.Err())))
		return
	}
	if out.Databases == nil {
		out.Databases = map[string]*Database{}
	}
	out.Databases[d.Name] = got
}

func (c *Collector) tables(ctx context.Context, cfg *fleet.Config, h fleet.Host, d fleet.Database, out *Host) (*Database, error) {
	db, err := c.Fleet.SQL(ctx, h, d, d.Schema)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }() // only read from
	conn, err := db.Connx(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	r := &reader{conn: conn, schema: d.Schema, out: out, room: c.Limits.Host - out.Bytes()}
	var version string
	if err := conn.GetContext(ctx, &version, "SELECT VERSION()"); err != nil {
		return nil, err
	}
	r.maria = strings.Contains(version, "MariaDB")
	for _, s := range []string{"SET SESSION TRANSACTION READ ONLY", fmt.Sprintf("SET SESSION lock_wait_timeout = %d", createWithin)} {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return nil, err
		}
	}
	got := &Database{At: c.Now().UTC(), Schema: d.Schema}
	if err := r.define(ctx, got); err != nil {
		return nil, err
	}
	if cfg.DomainList.Database == d.Name {
		if err := r.domains(ctx, cfg.DomainList.Table, got); err != nil {
			return nil, err
		}
	}
	return got, r.count(ctx, got, c.Limits.CountTime)
}

// define lists tables and views with their definitions and estimates.
func (r *reader) define(ctx context.Context, got *Database) error {
	var found []struct {
		Name string        `db:"TABLE_NAME"`
		Type string        `db:"TABLE_TYPE"`
		Rows sql.NullInt64 `db:"TABLE_ROWS"`
	}
	err := r.conn.SelectContext(ctx, &found, "SELECT TABLE_NAME, TABLE_TYPE, TABLE_ROWS FROM information_schema.TABLES "+
		"WHERE TABLE_SCHEMA=? AND TABLE_TYPE IN ('BASE TABLE','SYSTEM VERSIONED','VIEW') ORDER BY TABLE_NAME", r.schema)
	if err != nil {
		return err
	}
	if len(found) > maxTables {
		r.out.problem("blackbox.too_many_tables", "count", len(found), "max", maxTables)
		found = found[:maxTables]
	}
	for _, f := range found {
		t := Table{Name: f.Name, Rows: f.Rows.Int64}
		what := "TABLE"
		if f.Type == "VIEW" {
			what = "VIEW"
		}
		rows, err := r.texts(ctx, "SHOW CREATE "+what+" "+r.quoted(f.Name), 1)
		switch {
		case err != nil && !refused(err):
			return err
		case err != nil || len(rows) != 2 || len(rows[1]) < 2:
			r.out.problem("blackbox.definition_unread", "table", shown(f.Name))
		case len(rows[1][1]) > r.room:
			r.out.problem("blackbox.left_out", "path", shown(f.Name), "bytes", len(rows[1][1]))
		default:
			t.Create = rows[1][1]
			r.room -= len(t.Create) + len(t.Name)
		}
		if what == "VIEW" {
			got.Views = append(got.Views, t)
		} else {
			got.Tables = append(got.Tables, t)
		}
	}
	return nil
}

// domains reads the domain list.
func (r *reader) domains(ctx context.Context, table string, got *Database) error {
	rows, err := r.texts(ctx, fmt.Sprintf("SELECT * FROM %s LIMIT %d", r.quoted(table), maxDomains+1), maxDomains)
	if err != nil && !refused(err) {
		return err
	}
	size := 0
	for _, row := range rows {
		for _, cell := range row {
			size += len(cell)
		}
	}
	switch {
	case err != nil:
		r.out.problem("blackbox.domains_unread", "table", table)
	case size > r.room:
		r.out.problem("blackbox.left_out", "path", table, "bytes", size)
	default:
		got.Domain = rows
	}
	return nil
}

// count counts the rows of tables, the smallest first, and looks when the last was made; what the budget does not allow
// keeps the server's estimate.
func (r *reader) count(ctx context.Context, got *Database, budget time.Duration) error {
	keys, err := r.dated(ctx)
	if err != nil {
		return err
	}
	order := make([]*Table, len(got.Tables))
	for i := range got.Tables {
		order[i] = &got.Tables[i]
	}
	slices.SortStableFunc(order, func(a, b *Table) int { return int(max(-1, min(1, a.Rows-b.Rows))) })
	end := time.Now().Add(budget)
	for _, t := range order {
		var n int64
		err := r.within(ctx, end, &n, "COUNT(*) FROM "+r.quoted(t.Name))
		if err == nil {
			t.Rows, t.Exact = n, true
		}
		if err != nil && !refused(err) {
			return err
		}
		if keys[t.Name] == "" {
			continue
		}
		var at sql.NullFloat64
		err = r.within(ctx, end, &at, "UNIX_TIMESTAMP(created_at) FROM "+r.quoted(t.Name)+" ORDER BY "+quoted(keys[t.Name])+" DESC LIMIT 1")
		if err == nil && at.Valid && at.Float64 > 0 {
			sec, frac := math.Modf(at.Float64)
			t.Newest = time.Unix(int64(sec), int64(frac*1e6)*1000).UTC()
		}
		if err != nil && !refused(err) && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	return nil
}

// dated tells the first column of the primary key of each table with created_at: the last row by it is cheap on any size.
func (r *reader) dated(ctx context.Context) (map[string]string, error) {
	var found []struct {
		Table string `db:"TABLE_NAME"`
		Key   string `db:"COLUMN_NAME"`
	}
	err := r.conn.SelectContext(ctx, &found, "SELECT c.TABLE_NAME, k.COLUMN_NAME FROM information_schema.COLUMNS c "+
		"JOIN information_schema.KEY_COLUMN_USAGE k ON k.TABLE_SCHEMA=c.TABLE_SCHEMA AND k.TABLE_NAME=c.TABLE_NAME "+
		"AND k.CONSTRAINT_NAME='PRIMARY' AND k.ORDINAL_POSITION=1 "+
		"WHERE c.TABLE_SCHEMA=? AND c.COLUMN_NAME='created_at' AND c.DATA_TYPE IN ('timestamp','datetime')", r.schema)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, f := range found {
		out[f.Table] = f.Key
	}
	return out, nil
}

// errNoTime is a statement for which the budget has no time left.
var errNoTime = &mysql.MySQLError{Number: 3024, Message: "budget spent"}

// within asks for one value under the server's own time limit, which ends the statement without ending the connection.
func (r *reader) within(ctx context.Context, end time.Time, v any, what string) error {
	limit := min(oneCount, time.Until(end))
	if limit < 10*time.Millisecond {
		return errNoTime
	}
	text := fmt.Sprintf("SELECT /*+ MAX_EXECUTION_TIME(%d) */ %s", limit.Milliseconds(), what)
	if r.maria {
		text = fmt.Sprintf("SET STATEMENT max_statement_time=%.3f FOR SELECT %s", limit.Seconds(), what)
	}
	return r.conn.GetContext(ctx, v, text)
}

// texts reads up to max rows as text behind a row of the columns' names.
func (r *reader) texts(ctx context.Context, query string, max int) ([][]string, error) {
	rows, err := r.conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what went wrong
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	out := [][]string{columns}
	for rows.Next() {
		if len(out) > max {
			r.out.problem("blackbox.too_many_rows", "max", max)
			break
		}
		cells := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		row := make([]string, len(columns))
		for i := range cells {
			row[i] = cells[i].String
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

func (r *reader) quoted(name string) string { return quoted(r.schema) + "." + quoted(name) }

func quoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// refused reports whether the server itself declined a statement: the connection lives, and the next may do.
func refused(err error) bool {
	var my *mysql.MySQLError
	return errors.As(err, &my)
}
