package sql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// How the transaction is watched: from another connection, so that the held one stays idle and the server's own
// wait_timeout counts.
const (
	watchEvery    = time.Second
	watchFailures = 3
)

// held is a change that is made in a transaction that waits for COMMIT.
type held struct {
	rows  *rows
	plan  runbook.Plan
	eff   effect
	host  fleet.Host
	begun *begun
	after [][]cells

	mu    sync.Mutex
	ended string // "", "committing", "rolled_back", "lost"
	why   runbook.Msg
	lost  chan error
	stop  context.CancelFunc
	gone  chan struct{} // closed when the watch has ended
}

// Before is the rows as they were.
func (k *held) Before() runbook.Table {
	return k.table("before", func(c change, _ int) []cells { return c.Match.Rows }, "")
}

// After is the rows as only this transaction sees them.
func (k *held) After() runbook.Table {
	return k.table("after", func(_ change, i int) []cells { return k.after[i] }, "changed")
}

// table joins the rows of all statements, under the columns of the one that shows most.
func (k *held) table(name string, rs func(change, int) []cells, mark string) runbook.Table {
	out := runbook.Table{Name: name}
	for _, c := range k.eff.Statements {
		if len(c.Columns) > len(out.Columns) {
			out.Columns = c.Columns
		}
	}
	for i, c := range k.eff.Statements {
		t := shownTable(name, c.Columns, rs(c, i), mark)
		for _, row := range t.Rows {
			line := make([]string, len(out.Columns))
			for j, column := range out.Columns {
				if at := slices.Index(c.Columns, column); at >= 0 {
					line[j] = row[at]
				}
			}
			out.Rows = append(out.Rows, line)
		}
		out.Marks, out.Count = append(out.Marks, t.Marks...), out.Count+t.Count
	}
	return out
}

// Deadline is how long the change is held at most, in seconds.
func (k *held) Deadline() float64 { return k.rows.holdFor.Seconds() }

// Lost delivers the one error that ends the hold without a decision.
func (k *held) Lost() <-chan error { return k.lost }

// watch ends at a decision, at the deadline, or when the transaction is gone.
func (k *held) watch() {
	k.lost = make(chan error, 1)
	k.gone = make(chan struct{})
	ctx, stop := context.WithCancel(context.Background())
	k.stop = stop
	go func() {
		defer close(k.gone)
		deadline := time.NewTimer(k.rows.holdFor)
		defer deadline.Stop()
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		failures := 0
		for {
			select {
			case <-ctx.Done():
				return
			case <-deadline.C:
				k.lose(runbook.T("sql.deadline", "seconds", k.rows.holdFor.Seconds()), nil)
				return
			case <-tick.C:
			}
			there, err := k.there(ctx)
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				if failures++; failures >= watchFailures {
					k.lose(runbook.T("sql.unreachable", "host", k.host.Name), err)
					return
				}
			case !there:
				k.lose(runbook.T("sql.killed", "host", k.host.Name), nil)
				return
			default:
				failures = 0
			}
		}
	}()
}

// there tells whether the server still has the transaction.
func (k *held) there(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 3*time.Second, errors.New("look at the transaction: no answer within 3 s"))
	defer cancel()
	n, err := one(ctx, k.begun.db, "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_id = ? AND trx_mysql_thread_id = ?", k.begun.trx, k.begun.id)
	return n != "0", err
}

// lose ends the hold from within the watch.
func (k *held) lose(why runbook.Msg, err error) {
	k.mu.Lock()
	if k.ended != "" {
		k.mu.Unlock()
		return
	}
	k.ended, k.why = "lost", why
	k.mu.Unlock()
	k.begun.discard()
	k.lost <- &runbook.Error{Code: runbook.Unavailable, Msg: why, Err: err}
}

// end claims the hold for a decision and ends the watch; ok is false where it had ended before.
func (k *held) end(state string) (ok bool) {
	k.mu.Lock()
	ok = k.ended == ""
	if ok {
		k.ended = state
	}
	k.mu.Unlock()
	k.stop()
	<-k.gone
	return ok
}

// Rollback undoes the change; closing the connection does it where the server cannot be told. Again is harmless.
func (k *held) Rollback(context.Context) error {
	if k.end("rolled_back") {
		k.begun.discard()
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended == "committing" {
		return runbook.Errorf(runbook.Conflicting, "sql.committed_already")
	}
	return nil
}

// Commit makes the change last. If the connection breaks meanwhile the rows are read again before anything is claimed.
func (k *held) Commit(ctx context.Context) (runbook.Result, error) {
	if !k.end("committing") {
		why := k.why
		if why.IsZero() {
			why = runbook.T("sql.rolled_back")
		}
		return runbook.Result{Outcome: runbook.OutcomeFailed, Text: why}, nil
	}
	defer k.begun.discard()
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), opTimeout, fmt.Errorf("commit: no answer within %s", opTimeout))
	defer cancel()
	id, err := one(ctx, k.begun.conn, "SELECT CONNECTION_ID()")
	if err != nil || id != k.begun.id {
		return runbook.Result{Outcome: runbook.OutcomeFailed, Text: runbook.T("sql.killed", "host", k.host.Name)}, nil
	}
	var changed *runbook.Error
	if err := writable(ctx, k.begun.conn, k.host.Name); errors.As(err, &changed) { // while the change was held
		return runbook.Result{Outcome: runbook.OutcomeFailed, Text: changed.Msg}, nil
	}
	if k.rows.beforeCommit != nil {
		k.rows.beforeCommit()
	}
	_, err = k.begun.conn.ExecContext(ctx, "COMMIT")
	switch n := number(err); {
	case err == nil:
		return k.done("sql.done"), nil
	case n == 1213 || n == 1205:
		return runbook.Result{Outcome: runbook.OutcomeFailed, Text: runbook.T("sql.deadlock", "host", k.host.Name)}, nil
	}
	return k.settle(ctx, err)
}

func (k *held) done(id string) runbook.Result {
	after := k.After()
	return runbook.Result{Outcome: runbook.OutcomeDone, Text: runbook.T(id, "rows", after.Count, "host", k.host.Name, "database", k.eff.Schema),
		Values: map[string]string{"rows": fmt.Sprint(after.Count)}, Tables: []runbook.Table{after}}
}

// settle finds out what became of a COMMIT that was not answered: it waits until the old transaction is gone, and
// compares the rows with before and after.
func (k *held) settle(ctx context.Context, lost error) (runbook.Result, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*opTimeout)
	defer cancel()
	k.begun.discard()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		now, err := k.afterwards(ctx)
		switch {
		case err != nil: // not reachable, or still there: try again
		case same(now, k.after):
			return k.done("sql.done_after_loss"), nil
		case k.asBefore(now):
			return runbook.Result{Outcome: runbook.OutcomeFailed, Text: runbook.T("sql.lost_commit", "host", k.host.Name)}, nil
		default:
			return runbook.Result{}, fmt.Errorf("commit: rows are neither as before nor as after: %w", lost)
		}
		select {
		case <-ctx.Done():
			return runbook.Result{}, fmt.Errorf("commit: %w", errors.Join(lost, err))
		case <-tick.C:
		}
	}
}

// afterwards reads the rows on a new connection, once the old transaction is gone.
func (k *held) afterwards(ctx context.Context) ([][]cells, error) {
	db, err := k.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }() // only read from
	n, err := one(ctx, db, "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_id = ? AND trx_mysql_thread_id = ?", k.begun.trx, k.begun.id)
	if err != nil {
		return nil, err
	}
	if n != "0" { // the server may never learn that the connection is gone
		_, _ = db.ExecContext(ctx, "KILL "+k.begun.id) // seen the next time
		return nil, errors.New("the transaction is still open")
	}
	return k.reread(ctx, db)
}

func (k *held) asBefore(now [][]cells) bool {
	for i, c := range k.eff.Statements {
		if !sameRows(now[i], c.Match.Rows) {
			return false
		}
	}
	return true
}

func same(a, b [][]cells) bool {
	for i := range a {
		if !sameRows(a[i], b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}
