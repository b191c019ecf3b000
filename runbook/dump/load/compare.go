package load

import (
	"context"
	"database/sql"
	"fmt"

	"recoverbot/runbook"
)

// compare holds the scratch schema against what was counted in the dump, and beside the live schema.
func (l *loader) compare(ctx context.Context, s *server, r *Report) error {
	want := map[string]int64{}
	for _, t := range r.Summary.Tables {
		want[t.Name] = t.Rows
	}
	have, err := s.tables(ctx, l.cfg.Scratch)
	if err != nil {
		return err
	}
	live, err := s.tables(ctx, l.cfg.Schema)
	if err != nil {
		return err
	}
	if l.cfg.Rehearsal {
		live = nil
	}
	if len(have) != len(want) {
		return runbook.Errorf(runbook.Invalid, "dump.tables_differ", "want", len(want), "have", len(have))
	}
	for i, t := range r.Summary.Tables {
		if !have[t.Name] {
			return runbook.Errorf(runbook.Invalid, "dump.table_missing", "table", t.Name)
		}
		row := TableReport{Name: t.Name, LiveRows: -1}
		if row.Rows, row.Newest, err = s.count(ctx, l.cfg.Scratch, t.Name); err != nil {
			return err
		}
		if row.Rows != t.Rows {
			return runbook.Errorf(runbook.Invalid, "dump.rows_differ", "table", t.Name, "want", t.Rows, "have", row.Rows)
		}
		if t.Name == l.cfg.NotEmpty && row.Rows == 0 {
			return runbook.Errorf(runbook.Invalid, "dump.table_empty", "table", t.Name)
		}
		var name, create string
		if err := s.conn.QueryRowContext(ctx, "SHOW CREATE TABLE "+quote(l.cfg.Scratch)+"."+quote(t.Name)).Scan(&name, &create); err != nil {
			return fmt.Errorf("show create table: %w", err)
		}
		if live[t.Name] {
			if row.LiveRows, row.LiveNewest, err = s.count(ctx, l.cfg.Schema, t.Name); err != nil {
				return err
			}
		}
		r.Tables = append(r.Tables, row)
		l.progress("compare", int64(i+1), int64(len(r.Summary.Tables)), r.Summary.Statements)
	}
	for t := range live {
		if _, ok := want[t]; !ok {
			r.Extra = append(r.Extra, t)
		}
	}
	return nil
}

func (s *server) tables(ctx context.Context, schema string) (map[string]bool, error) {
	rows, err := s.conn.QueryContext(ctx,
		"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA=? AND TABLE_TYPE IN ('BASE TABLE','SYSTEM VERSIONED')", schema)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	out := map[string]bool{}
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		out[n] = true
	}
	return out, rows.Err()
}

// count counts a table's rows and finds its newest created_at.
func (s *server) count(ctx context.Context, schema, table string) (n int64, newest string, err error) {
	var has int
	if err := s.conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=? AND TABLE_NAME=? AND COLUMN_NAME='created_at'",
		schema, table).Scan(&has); err != nil {
		return 0, "", err
	}
	what := "NULL"
	if has > 0 {
		what = "CAST(MAX(`created_at`) AS CHAR)"
	}
	var at sql.NullString
	err = s.conn.QueryRowContext(ctx, "SELECT COUNT(*), "+what+" FROM "+quote(schema)+"."+quote(table)).Scan(&n, &at)
	return n, at.String, err
}
