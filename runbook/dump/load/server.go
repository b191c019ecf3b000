package load

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"recoverbot/runbook"
	"recoverbot/runbook/dump"
)

// server is the one connection that loads.
type server struct {
	db      *sql.DB
	conn    *sql.Conn
	scratch string
	packet  int64
}

func (l *loader) open() (*sql.DB, error) {
	c := mysql.NewConfig()
	c.User, c.Passwd = l.cfg.User, l.cfg.Password
	c.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return l.dial(ctx) }
	c.Timeout = 10 * time.Second
	c.MaxAllowedPacket = 0                // ask the server
	c.Logger = log.New(io.Discard, "", 0) // rows can be in what it says
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, fmt.Errorf("configure connection: %w", err)
	}
	return sql.OpenDB(connector), nil
}

func (l *loader) connect(ctx context.Context) (*server, error) {
	db, err := l.open()
	if err != nil {
		return nil, err
	}
	s := &server{db: db, scratch: l.cfg.Scratch}
	if s.conn, err = db.Conn(ctx); err != nil {
		_ = db.Close()
		return nil, err
	}
	var got sql.NullInt64
	err = s.conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, 0)", LockName(l.cfg.Schema, l.cfg.Rehearsal)).Scan(&got)
	if err == nil && got.Int64 != 1 {
		err = runbook.Errorf(runbook.Unavailable, "dump.another_load")
	}
	if err == nil {
		err = s.conn.QueryRowContext(ctx, "SELECT @@max_allowed_packet").Scan(&s.packet)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
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

func (s *server) close() {
	_ = s.conn.Close() // the server rolls back and releases the lock
	_ = s.db.Close()
}

func (s *server) exec(ctx context.Context, query string) error {
	_, err := s.conn.ExecContext(ctx, query)
	return err
}

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// makeScratch makes an empty scratch schema; what an earlier attempt left there is dropped.
func (s *server) makeScratch(ctx context.Context, d dump.Summary) error {
	if int64(d.Longest) >= s.packet {
		return runbook.Errorf(runbook.Invalid, "dump.packet", "have", s.packet, "need", int64(d.Longest))
	}
	create := "CREATE DATABASE " + quote(s.scratch)
	if simple(d.Charset) {
		create += " CHARACTER SET " + d.Charset
	}
	if simple(d.Collate) {
		create += " COLLATE " + d.Collate
	}
	for _, q := range []string{
		"DROP DATABASE IF EXISTS " + quote(s.scratch), create, "USE " + quote(s.scratch),
		"SET SESSION foreign_key_checks=0, sql_mode='NO_AUTO_VALUE_ON_ZERO', wait_timeout=86400",
	} {
		if err := s.exec(ctx, q); err != nil {
			return err
		}
	}
	return nil
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

func (s *server) finish(ctx context.Context) error {
	for _, q := range []string{"UNLOCK TABLES", "COMMIT", "SET SESSION autocommit=1, foreign_key_checks=1"} {
		if err := s.exec(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// missingDefiners lists the objects whose definer has no account on this server.
func (s *server) missingDefiners(ctx context.Context, objects []dump.Object) ([]dump.Object, error) {
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

// dropScratch cleans up on a connection of its own: the one that loaded may be gone.
func (l *loader) dropScratch() error {
	db, err := l.open()
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	var got sql.NullInt64 // another helper may be at work: then the schema is its
	if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, 5)", LockName(l.cfg.Schema, l.cfg.Rehearsal)).Scan(&got); err != nil || got.Int64 != 1 {
		return err
	}
	_, err = conn.ExecContext(ctx, "DROP DATABASE IF EXISTS "+quote(l.cfg.Scratch))
	return err
}

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
	return &runbook.Error{Code: runbook.Invalid, Msg: runbook.T("dump.server_error", "number", int64(m.Number), "table", table), Err: err}
}
