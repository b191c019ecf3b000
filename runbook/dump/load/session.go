package load

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"time"

	"github.com/go-sql-driver/mysql"
)

// session is one connection to the server. Statements with rows go past the driver, which would copy each of them.
type session struct {
	db       *sql.DB
	conn     *sql.Conn
	net      net.Conn
	out      *bufio.Writer
	settings string // that are in force, of snapshot
}

func (l *loader) session(ctx context.Context) (*session, error) {
	s := &session{}
	c := mysql.NewConfig()
	c.User, c.Passwd = l.cfg.User, l.cfg.Password
	c.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := l.dial(ctx)
		s.net = conn
		return conn, err
	}
	c.Timeout = 10 * time.Second
	c.MaxAllowedPacket = 0                // ask the server
	c.Logger = log.New(io.Discard, "", 0) // rows can be in what it says
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, fmt.Errorf("configure connection: %w", err)
	}
	s.db = sql.OpenDB(connector)
	s.db.SetMaxOpenConns(1)
	if s.conn, err = s.db.Conn(ctx); err != nil {
		_ = s.db.Close()
		return nil, err
	}
	s.out = bufio.NewWriterSize(s.net, 128<<10)
	if l.cfg.Rehearsal { // nobody needs to repeat what is dropped again
		if err := s.exec(ctx, "SET SESSION sql_log_bin=0"); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

// scratchSession is a session in the scratch schema, with the settings that a load begins with.
func (l *loader) scratchSession(ctx context.Context) (*session, error) {
	s, err := l.session(ctx)
	if err != nil {
		return nil, err
	}
	err = s.enter(ctx, l.cfg.Scratch)
	if err == nil {
		err = s.exec(ctx, "SET SESSION wait_timeout=86400") // for others to be done
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

// note remembers a session that works in the scratch schema.
func (l *loader) note(ctx context.Context, s *session) error {
	var id int64
	if err := s.conn.QueryRowContext(ctx, "SELECT CONNECTION_ID()").Scan(&id); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids = append(l.ids, id)
	return nil
}

func (s *session) enter(ctx context.Context, scratch string) error {
	for _, q := range []string{"USE " + quote(scratch), "SET SESSION foreign_key_checks=0, sql_mode='NO_AUTO_VALUE_ON_ZERO'"} {
		if err := s.exec(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) close() {
	_ = s.conn.Close() // the server rolls back and releases the lock
	_ = s.db.Close()
}

func (s *session) exec(ctx context.Context, query string) error {
	_, err := s.conn.ExecContext(ctx, query)
	return err
}

const (
	comQuery  = 3
	maxPacket = 1<<24 - 1
)

// send executes one statement of n bytes, read from text, and waits for the server's answer.
func (s *session) send(ctx context.Context, text io.Reader, n int64) error {
	stop := context.AfterFunc(ctx, func() { _ = s.net.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	left := n + 1
	for sequence := byte(0); ; sequence++ {
		size := min(left, maxPacket)
		_, _ = s.out.Write([]byte{byte(size), byte(size >> 8), byte(size >> 16), sequence})
		body := size
		if left == n+1 {
			_ = s.out.WriteByte(comQuery)
			body--
		}
		if _, err := io.CopyN(s.out, text, body); err != nil {
			_ = s.net.Close() // half a statement must never be followed by anything
			return fmt.Errorf("send statement: %w", err)
		}
		if left -= size; size < maxPacket {
			break
		}
	}
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("send statement: %w", err)
	}
	return s.answer()
}

// answer reads what the server says to a statement without a result.
func (s *session) answer() error {
	var head [4]byte
	if _, err := io.ReadFull(s.net, head[:]); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	body := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	if _, err := io.ReadFull(s.net, body); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	switch {
	case len(body) > 0 && body[0] == 0:
		return nil
	case len(body) > 2 && body[0] == 0xFF:
		return &mysql.MySQLError{Number: binary.LittleEndian.Uint16(body[1:])} // its text may hold rows
	}
	return errors.New("read answer: not an answer to an INSERT")
}
