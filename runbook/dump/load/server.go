package load

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"

	"recoverbot/runbook"
	"recoverbot/runbook/dump"
)

// begin opens the session that keeps other loads of the schema away for as long as it lives.
func (l *loader) begin(ctx context.Context) (*session, error) {
	s, err := l.session(ctx)
	if err != nil {
		return nil, err
	}
	var got sql.NullInt64
	var packet int64
	err = s.conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, 0)", LockName(l.cfg.Schema, l.cfg.Rehearsal)).Scan(&got)
	if err == nil && got.Int64 != 1 {
		err = runbook.Errorf(runbook.Unavailable, "dump.another_load")
	}
	if err == nil {
		err = s.conn.QueryRowContext(ctx, "SELECT @@max_allowed_packet").Scan(&packet)
	}
	if err == nil && int64(l.summary.Longest) >= packet {
		err = runbook.Errorf(runbook.Invalid, "dump.packet", "have", packet, "need", int64(l.summary.Longest))
	}
	if err == nil { // a connection that is gone without the server's knowing must not keep the lock
		err = s.exec(ctx, "SET SESSION wait_timeout=120")
	}
	if err == nil {
		err = l.note(ctx, s)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// stayAlive keeps the server from giving up a session that has nothing to do, until the returned function is called.
// Nothing else may use the session meanwhile: rows go past the driver, which would write into their midst.
func (s *session) stayAlive(ctx context.Context) func() {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(30 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				_ = s.conn.PingContext(ctx)
			}
		}
	})
	return func() { cancel(); done.Wait() }
}

// LockName is the lock of the server that a load holds: only one at a time is for a schema. A rehearsal has its own, so
// that a recovery need not wait for it.
func LockName(schema string, rehearsal bool) string {
	name := "recoverbot_load_" + schema
	if rehearsal {
		name = "recoverbot_rehearse_" + schema
	}
	return name[:min(len(name), 64)]
}

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// makeScratch makes an empty scratch schema; what an earlier attempt left there is dropped.
func (s *session) makeScratch(ctx context.Context, scratch string, d dump.Summary) error {
	create := "CREATE DATABASE " + quote(scratch)
	if simple(d.Charset) {
		create += " CHARACTER SET " + d.Charset
	}
	if simple(d.Collate) {
		create += " COLLATE " + d.Collate
	}
	if err := s.end(ctx, scratch, nil); err != nil { // who has the lock knows that nobody else is at work there
		return err
	}
	for _, q := range []string{"DROP DATABASE IF EXISTS " + quote(scratch), create} {
		if err := s.exec(ctx, q); err != nil {
			return err
		}
	}
	return s.enter(ctx, scratch)
}

// simple reports whether a name of a character set can stand in SQL as it is.
func simple(name string) bool {
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return name != ""
}

// missingDefiners lists the objects whose definer has no account on this server.
func (s *session) missingDefiners(ctx context.Context, objects []dump.Object) ([]dump.Object, error) {
	var out []dump.Object
	for _, o := range objects {
		if o.Definer == "" {
			continue
		}
		i := strings.LastIndexByte(o.Definer, '@')
		var n int
		err := s.conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM mysql.user WHERE User=? AND Host=?", o.Definer[:i], o.Definer[i+1:]).Scan(&n)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			out = append(out, o)
		}
	}
	return out, nil
}

// dropScratch cleans up on a connection of its own: those that loaded may be gone, or the server may still be at work
// for them.
func (l *loader) dropScratch() error {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	s, err := l.session(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.end(ctx, l.cfg.Scratch, l.ids); err != nil { // one of them has the lock
		return err
	}
	var got sql.NullInt64 // another helper may be at work: then the schema is its
	if err := s.conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, 5)", LockName(l.cfg.Schema, l.cfg.Rehearsal)).Scan(&got); err != nil {
		return err
	}
	if got.Int64 != 1 {
		return runbook.Errorf(runbook.Unavailable, "dump.another_load")
	}
	if err := s.end(ctx, l.cfg.Scratch, nil); err != nil {
		return err
	}
	return s.exec(ctx, "DROP DATABASE IF EXISTS "+quote(l.cfg.Scratch))
}

// end ends the connections that are in a scratch schema: those with these ids only, where there are any. The ids of a
// server that was started again since may be anybody's.
func (s *session) end(ctx context.Context, scratch string, ids []int64) error {
	rows, err := s.conn.QueryContext(ctx, "SELECT ID FROM information_schema.PROCESSLIST WHERE DB=? AND ID<>CONNECTION_ID()", scratch)
	if err != nil {
		return fmt.Errorf("list connections: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var found []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return fmt.Errorf("list connections: %w", err)
		}
		if len(ids) == 0 || slices.Contains(ids, id) {
			found = append(found, id)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list connections: %w", err)
	}
	for _, id := range found {
		_ = s.exec(ctx, fmt.Sprintf("KILL CONNECTION %d", id)) // gone already, perhaps
	}
	return nil
}

// notTheDump are errors that a server gives whatever the statement is: too many connections (1040), no memory (1037,
// 1038, 1041), accounts and rights (1044, 1045, 1142, 1227), shutdown (1053), locks (1205, 1213), a connection or
// statement that somebody ended (1317, 1927, 1969, 3024), read-only (1290, 1792, 1836).
var notTheDump = []uint16{1037, 1038, 1040, 1041, 1044, 1045, 1053, 1142, 1205, 1213, 1227, 1290, 1317, 1792, 1836, 1927, 1969, 3024}

// failure turns an error of the server into a text without the data that the server may quote in its message.
func failure(err error, table string) *runbook.Error {
	var m *mysql.MySQLError
	switch {
	case errors.Is(err, context.Canceled):
		return &runbook.Error{Code: runbook.Unavailable, Msg: runbook.T("dump.canceled"), Err: err}
	case !errors.As(err, &m):
		return &runbook.Error{Code: runbook.Unavailable, Msg: runbook.T("dump.server_gone"), Err: err}
	case m.Number == 1021 || m.Number == 1114 || m.Number == 3 || m.Number == 1026:
		return &runbook.Error{Code: runbook.Unavailable, Msg: runbook.T("dump.disk_full", "number", int64(m.Number)), Err: err}
	}
	if slices.Contains(notTheDump, m.Number) {
		return &runbook.Error{Code: runbook.Unavailable, Msg: runbook.T("dump.server_refused", "number", int64(m.Number)), Err: err}
	}
	return &runbook.Error{Code: runbook.Invalid, Msg: runbook.T("dump.server_error", "number", int64(m.Number), "table", table), Err: err}
}
