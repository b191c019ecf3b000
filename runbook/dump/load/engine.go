package load

import (
	"context"
	"database/sql"
	"fmt"

	"recoverbot/runbook"
	"recoverbot/runbook/dump"
)

// ownEngines refuses tables that the server made with an engine whose rows live elsewhere, whatever led to that. It looks
// at all tables where none is named.
func (s *session) ownEngines(ctx context.Context, scratch, table string) error {
	query, args := "SELECT TABLE_NAME, ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA=? AND TABLE_TYPE<>'VIEW'", []any{scratch}
	if table != "" {
		query, args = query+" AND TABLE_NAME=?", append(args, table)
	}
	rows, err := s.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("list engines: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		var engine sql.NullString
		if err := rows.Scan(&name, &engine); err != nil {
			return fmt.Errorf("list engines: %w", err)
		}
		if !dump.Engine(engine.String) {
			return runbook.Errorf(runbook.Invalid, "dump.table_elsewhere", "statement", "CREATE TABLE "+quote(name))
		}
	}
	return rows.Err()
}
