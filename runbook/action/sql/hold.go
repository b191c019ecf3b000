package sql

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jmoiron/sqlx"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
)

// opTimeout bounds each statement; lock waits end long before it.
const opTimeout = 15 * time.Second

// begun is a transaction that is open on a pinned connection.
type begun struct {
	db   *sqlx.DB
	conn *sql.Conn
	id   string // CONNECTION_ID()
	trx  string // its transaction in innodb_trx
}

// Hold makes the change and keeps it open. Until COMMIT is sent nothing lasts, so every error is a Refusal.
func (r *rows) Hold(ctx context.Context, p runbook.Plan, _ runbook.Job, _ runbook.Output) (runbook.HeldChange, error) {
	var eff effect
	if err := json.Unmarshal(p.Effect.Data, &eff); err != nil {
		return nil, action.Refuse(fmt.Errorf("decode effect: %w", err))
	}
	db, h, err := r.open(ctx, p, eff)
	if err != nil {
		return nil, err
	}
	b := &begun{db: db}
	k := &held{rows: r, plan: p, eff: eff, host: h, begun: b}
	if err := k.begin(ctx); err != nil {
		b.discard()
		return nil, k.refusal(ctx, err)
	}
	k.watch()
	return k, nil
}

// begin opens the transaction, compares the rows with the plan under lock, and changes them.
func (k *held) begin(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 4*opTimeout, fmt.Errorf("change rows: no answer within %s", 4*opTimeout))
	defer cancel()
	b := k.begun
	if b.conn, err = b.db.DB.Conn(ctx); err != nil {
		return fmt.Errorf("pin a connection: %w", err)
	}
	if err := writable(ctx, b.conn, k.host.Name); err != nil { // it may have become another's replica since it was planned
		return err
	}
	wait := int((k.rows.holdFor + 30*time.Second).Seconds())
	for _, s := range []string{
		fmt.Sprintf("SET SESSION wait_timeout = %d, innodb_lock_wait_timeout = 5, lock_wait_timeout = 5", wait),
		"SET SESSION sql_mode = CONCAT_WS(',', NULLIF(@@session.sql_mode, ''), 'STRICT_ALL_TABLES')",
		"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
		"START TRANSACTION",
	} {
		if _, err := b.conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("begin: %w", err)
		}
	}
	if b.id, err = one(ctx, b.conn, "SELECT CONNECTION_ID()"); err != nil {
		return fmt.Errorf("ask for the connection: %w", err)
	}
	for _, c := range k.eff.Statements {
		for _, q := range []read{c.lock(), c.Match} { // the second for rows that have come since
			_, now, err := query(ctx, b.conn, q.Text, q.Args)
			if err != nil {
				return fmt.Errorf("lock rows of %s: %w", c.Table, err)
			}
			if !sameRows(now, c.Match.Rows) {
				return action.Stale("sql.rows_changed", "table", c.Table)
			}
		}
	}
	if w := k.eff.Whole; w != nil {
		_, now, err := query(ctx, b.conn, w.Text, w.Args)
		if err != nil {
			return fmt.Errorf("read the whole table: %w", err)
		}
		if !sameRows(now, w.Rows) {
			return action.Stale("sql.rows_changed", "table", k.eff.Statements[0].Table)
		}
	}
	if k.rows.afterLock != nil {
		k.rows.afterLock()
	}
	for _, c := range k.eff.Statements {
		args := make([]any, len(c.Args))
		for i, a := range c.Args {
			args[i] = a
		}
		res, err := b.conn.ExecContext(ctx, c.Text, args...)
		if err != nil {
			return fmt.Errorf("change rows of %s: %w", c.Table, err)
		}
		n, err := res.RowsAffected()
		if err != nil {
			return fmt.Errorf("count changed rows of %s: %w", c.Table, err)
		}
		if int(n) != c.Change && (c.Verb != "update" || int(n) != len(c.Match.Rows)) && (c.Verb != "insert" || n < 1) {
			return action.Stale("sql.other_count", "table", c.Table, "planned", c.Change, "now", n)
		}
	}
	if k.after, err = k.reread(ctx, b.conn); err != nil {
		return err
	}
	for i, c := range k.eff.Statements {
		if c.Single && len(k.after[i]) != 1 { // a trigger, or a collation, made something else of it
			return &runbook.Refusal{Text: runbook.T("sql.add_not_found", "table", c.Table, "rows", len(k.after[i]))}
		}
	}
	if b.trx, err = b.transaction(ctx); err != nil {
		return fmt.Errorf("look at the transaction: %w", err)
	}
	return nil
}

// transaction is the server's id of the open transaction. InnoDB shows the list of transactions anew only where nobody has
// read it for 100 ms, and without the id nothing could be told of the transaction later.
func (b *begun) transaction(ctx context.Context) (string, error) {
	tick := time.NewTicker(150 * time.Millisecond)
	defer tick.Stop()
	for {
		id, err := one(ctx, b.conn, "SELECT trx_id FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = ?", b.id)
		if err != nil || id != "" {
			return id, err
		}
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// lock reads the planned rows by primary key and locks these alone, so that a lock on any other row is no hindrance.
func (c change) lock() read {
	if c.Verb == "insert" {
		return c.Match
	}
	return read{Text: strings.Replace(c.After.Text, " WHERE ", " FORCE INDEX (PRIMARY) WHERE ", 1) + " FOR UPDATE", Args: c.After.Args}
}

// reread reads the changed rows again, statement by statement.
func (k *held) reread(ctx context.Context, q queryer) ([][]cells, error) {
	var out [][]cells
	for _, c := range k.eff.Statements {
		_, rs, err := query(ctx, q, c.After.Text, c.After.Args)
		if err != nil {
			return nil, fmt.Errorf("read changed rows of %s: %w", c.Table, err)
		}
		out = append(out, rs)
	}
	return out, nil
}

// refusal says why nothing was changed.
func (k *held) refusal(ctx context.Context, err error) error {
	var r *runbook.Refusal
	if errors.As(err, &r) {
		return r
	}
	switch n := number(err); n {
	case 0:
		var e *runbook.Error
		if errors.As(err, &e) {
			return &runbook.Refusal{Text: e.Msg, Err: err}
		}
		return &runbook.Refusal{Text: runbook.T("sql.lost_early", "host", k.host.Name), Err: err}
	case 1205:
		return &runbook.Refusal{Text: runbook.T("sql.lock_wait", "host", k.host.Name, "names", k.holders(ctx)), Err: err}
	case 1213:
		return &runbook.Refusal{Text: runbook.T("sql.deadlock", "host", k.host.Name), Stale: true, Err: err}
	case 1062:
		return &runbook.Refusal{Text: runbook.T("sql.key_taken"), Err: err}
	default:
		if column := columnOf(err); column != "" {
			return &runbook.Refusal{Text: runbook.T("sql.value_refused", "column", column, "number", n), Err: err}
		}
		return &runbook.Refusal{Text: runbook.T("sql.server_refused", "number", n), Err: err}
	}
}

var refusedColumn = regexp.MustCompile("column (?:`[^`]*`\\.`[^`]*`\\.)?[`']([A-Za-z0-9_$-]{1,64})[`'] at row \\d+$")

// columnOf is the column whose value the server did not take; the rest of its text may hold values.
func columnOf(err error) string {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		if m := refusedColumn.FindStringSubmatch(my.Message); m != nil {
			return m[1]
		}
	}
	return ""
}

// holders names who has rows locked, on a connection of its own.
func (k *held) holders(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), opTimeout)
	defer cancel()
	db, err := k.open(ctx)
	if err != nil {
		return "?"
	}
	defer func() { _ = db.Close() }() // only read from
	return named(blockers(ctx, db))
}

func (k *held) open(ctx context.Context) (*sqlx.DB, error) {
	_, d, err := place(k.rows.env, k.eff.Database)
	if err != nil {
		return nil, err
	}
	return k.rows.env.Fleet.SQL(ctx, k.host, d, k.eff.Schema)
}

// discard rolls back as well as it can and closes all connections, upon which the server rolls back by itself.
func (b *begun) discard() {
	if b.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		_, _ = b.conn.ExecContext(ctx, "ROLLBACK") // closing does the same
		cancel()
		_ = b.conn.Close()
	}
	_ = b.db.Close()
}
