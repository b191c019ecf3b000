package restore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/pkg/sftp"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// target is what was found on the host that the dump goes to.
type target struct {
	identity string
	free     int64
	room     int64 // for the copy of a dump that is brought
	copied   int64 // of it lies there already
	binlog   bool
	dir      string      // for the helper, where it is not stateDir
	barred   runbook.Msg // why the helper will not run here
	replica  string      // the source that it replicates from, "" for none
	tables   []string
	newest   time.Time // newest row of a table with created_at
	newestIn string
	outside  string // a table outside of the dump whose foreign key points into it
}

type sftpFree interface {
	StatVFS(path string) (*sftp.StatVFS, error)
}

func statFree(c sftpFree, path string) (int64, error) {
	v, err := c.StatVFS(path)
	if err != nil {
		return 0, err
	}
	return int64(v.Bavail * v.Frsize), nil //nolint:gosec // no disk has 8 EiB
}

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// lookAtTarget asks the target's database; dumped are the tables that would be replaced.
func (r *restore) lookAtTarget(ctx context.Context, h fleet.Host, d fleet.Database, dumped []string) (target, error) {
	var t target
	c, err := r.env.Fleet.SSH(ctx, h)
	if err != nil {
		return t, err
	}
	if t.identity, err = c.Identity(ctx); err != nil {
		return t, err
	}
	db, err := r.env.Fleet.SQL(ctx, h, d, "")
	if err != nil {
		return t, err
	}
	defer func() { _ = db.Close() }()
	var dir string
	if err := db.QueryRowxContext(ctx, "SELECT @@datadir, @@log_bin").Scan(&dir, &t.binlog); err != nil {
		return t, sqlError(err, h)
	}
	s, err := c.SFTP(ctx)
	if err != nil {
		return t, err
	}
	defer func() { _ = s.Close() }()
	if t.free, err = r.free(s, dir); err != nil {
		return t, fmt.Errorf("look at free disk: %w", err)
	}
	t.dir, t.barred = r.way(ctx, h, c)
	t.replica = replicaOf(ctx, db)
	if t.tables, err = tablesOf(ctx, db, d.Schema); err != nil {
		return t, sqlError(err, h)
	}
	if err := t.findNewest(ctx, db, d.Schema); err != nil {
		return t, sqlError(err, h)
	}
	return t, t.findOutside(ctx, db, d.Schema, dumped)
}

func sqlError(err error, h fleet.Host) error {
	return &runbook.Error{Code: runbook.Unavailable, Msg: runbook.T("restore.mysql_failed", "host", h.Name), Err: err}
}

func replicaOf(ctx context.Context, db *sqlx.DB) string {
	rows, err := db.QueryxContext(ctx, "SHOW SLAVE STATUS")
	if err != nil { // not allowed, or a server that only knows SHOW REPLICA STATUS
		if rows, err = db.QueryxContext(ctx, "SHOW REPLICA STATUS"); err != nil {
			return ""
		}
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		return ""
	}
	m := map[string]any{}
	if rows.MapScan(m) != nil {
		return "?"
	}
	for _, k := range []string{"Master_Host", "Source_Host"} {
		if v, ok := m[k].([]byte); ok {
			return string(v)
		}
	}
	return "?"
}

// tablesOf lists tables and sequences, not views: what RENAME TABLE can move.
func tablesOf(ctx context.Context, q sqlx.QueryerContext, schema string) ([]string, error) {
	var out []string
	err := sqlx.SelectContext(ctx, q, &out, "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA=? "+
		"AND TABLE_TYPE IN ('BASE TABLE','SYSTEM VERSIONED','SEQUENCE') ORDER BY TABLE_NAME", schema)
	return out, err
}

// findNewest looks at the last row, by primary key, of tables with created_at: cheap on any size.
func (t *target) findNewest(ctx context.Context, db *sqlx.DB, schema string) error {
	var found []struct {
		Table string `db:"TABLE_NAME"`
		Key   string `db:"COLUMN_NAME"`
	}
	err := db.SelectContext(ctx, &found, "SELECT c.TABLE_NAME, k.COLUMN_NAME FROM information_schema.COLUMNS c "+
		"JOIN information_schema.KEY_COLUMN_USAGE k ON k.TABLE_SCHEMA=c.TABLE_SCHEMA AND k.TABLE_NAME=c.TABLE_NAME "+
		"AND k.CONSTRAINT_NAME='PRIMARY' AND k.ORDINAL_POSITION=1 "+
		"WHERE c.TABLE_SCHEMA=? AND c.COLUMN_NAME='created_at' AND c.DATA_TYPE IN ('timestamp','datetime') LIMIT 20", schema)
	if err != nil {
		return err
	}
	for _, f := range found {
		var at sql.NullFloat64
		err := db.GetContext(ctx, &at, "SELECT UNIX_TIMESTAMP(created_at) FROM "+quote(schema)+"."+quote(f.Table)+" ORDER BY "+quote(f.Key)+" DESC LIMIT 1")
		if err != nil || !at.Valid { // an empty table
			continue
		}
		if when := time.Unix(int64(at.Float64), 0); when.After(t.newest) {
			t.newest, t.newestIn = when, f.Table
		}
	}
	return nil
}

// findOutside finds a foreign key that would follow a replaced table into the old schema.
func (t *target) findOutside(ctx context.Context, db *sqlx.DB, schema string, dumped []string) error {
	var keys []struct {
		Schema string `db:"TABLE_SCHEMA"`
		Table  string `db:"TABLE_NAME"`
		To     string `db:"REFERENCED_TABLE_NAME"`
	}
	err := db.SelectContext(ctx, &keys, "SELECT TABLE_SCHEMA, TABLE_NAME, REFERENCED_TABLE_NAME FROM information_schema.KEY_COLUMN_USAGE "+
		"WHERE REFERENCED_TABLE_SCHEMA=?", schema)
	if err != nil {
		return err
	}
	for _, k := range keys {
		replaced := k.Schema == schema && slices.Contains(dumped, k.Table)
		_, kept := keptName(schema, k.Schema, time.Now())
		if !replaced && slices.Contains(dumped, k.To) && !kept && !strings.HasPrefix(k.Schema, clip(schema)+"_new_") {
			t.outside = k.Schema + "." + k.Table
		}
	}
	return nil
}
