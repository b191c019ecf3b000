package journal

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"recoverbot/runbook"
)

// OpenReader opens an existing journal for reading only, beside the process that writes it. It is NotFound where there
// is no file, Invalid where the file is something else, and Unavailable where it cannot be read.
func OpenReader(ctx context.Context, dsn string, now func() time.Time) (*Journal, error) {
	path, err := filePath(dsn)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, &runbook.Error{Code: runbook.NotFound, Msg: runbook.T("journal.no_file", "path", path), Err: err}
	}
	j := &Journal{now: now}
	if j.readers, err = connect(path, "_pragma=query_only(1)"); err != nil {
		return nil, err
	}
	var tables int
	err = j.readers.GetContext(ctx, &tables,
		`SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('runs', 'steps', 'decisions', 'events', 'alerts')`)
	switch {
	case err != nil:
		err = &runbook.Error{Code: runbook.Unavailable, Msg: runbook.T("audit.unreadable", "path", path, "why", err.Error()), Err: err}
	case tables != 5:
		err = runbook.Errorf(runbook.Invalid, "audit.no_journal", "path", path)
	default:
		return j, nil
	}
	_ = j.Close() // the error that matters is err
	return nil, err
}

// sound asks SQLite for damage that a walk along the tables might not meet, and finds triggers and views that the
// migrations did not make, or no longer all that they did.
func sound(ctx context.Context, tx *sqlx.Tx) (found, err error) {
	var damage string
	if err := tx.GetContext(ctx, &damage, `PRAGMA integrity_check(1)`); err != nil {
		return nil, fmt.Errorf("check file: %w", err)
	}
	if damage != "ok" {
		return &runbook.Error{Code: runbook.Unavailable, Msg: runbook.T("audit.damaged", "why", strings.Join(strings.Fields(damage), " "))}, nil
	}
	var stored []struct{ Name, Sql string }
	if err := tx.SelectContext(ctx, &stored, `SELECT name, sql FROM sqlite_master WHERE type IN ('trigger', 'view') ORDER BY name`); err != nil {
		return nil, fmt.Errorf("select triggers: %w", err)
	}
	made, err := migrationText()
	if err != nil {
		return nil, err
	}
	for _, s := range stored {
		if !strings.Contains(made, s.Sql) {
			return broken("audit.trigger", "name", s.Name), nil
		}
	}
	if len(stored) != strings.Count(made, "CREATE TRIGGER") {
		return broken("audit.trigger", "name", ""), nil
	}
	return typed(ctx, tx)
}

// audited are the tables whose rows events tell of, and events.
var audited = []string{"events", "runs", "steps", "decisions", "alerts"}

// typed finds values of another type than their column's. They read the same here, but SQLite finds no run whose state is
// the bytes "open".
func typed(ctx context.Context, tx *sqlx.Tx) (found, err error) {
	for _, table := range audited {
		var columns []struct{ Name, Type string }
		if err := tx.SelectContext(ctx, &columns, `SELECT name, type FROM pragma_table_info(?)`, table); err != nil {
			return nil, fmt.Errorf("select columns of %s: %w", table, err)
		}
		for _, c := range columns {
			var other int
			err := tx.GetContext(ctx, &other, fmt.Sprintf(`SELECT count(*) FROM %q WHERE typeof(%q) <> lower(?)`, table, c.Name), c.Type)
			if err != nil {
				return nil, fmt.Errorf("look for types in %s: %w", table, err)
			}
			if other > 0 {
				return broken("audit.type", "table", table, "column", c.Name), nil
			}
		}
	}
	return nil, nil
}

func migrationText() (string, error) {
	names, err := migrations.ReadDir("migrations/sqlite")
	if err != nil {
		return "", fmt.Errorf("read migrations: %w", err)
	}
	var all strings.Builder
	for _, name := range names {
		text, err := migrations.ReadFile("migrations/sqlite/" + name.Name())
		if err != nil {
			return "", fmt.Errorf("read migrations: %w", err)
		}
		all.Write(text)
	}
	return all.String(), nil
}
