package fleet_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/fleet"
)

func TestSQL(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "a")
	db := c.StartMariaDB("a")
	c.Exec(db, "CREATE DATABASE speed", "CREATE TABLE speed.t (at DATETIME, s TEXT)", "INSERT INTO speed.t VALUES ('2026-11-22 03:00:00', 'x')",
		"CREATE USER app@'%' IDENTIFIED BY 'sql-canary'", "GRANT ALL ON speed.* TO app@'%'")
	h := c.Host("a")
	for name, d := range map[string]fleet.Database{
		"socket": {Name: "speed"},
		"port":   {Name: "speed", Port: actiontest.MySQLPort, User: "app", Password: "sql-canary"},
	} {
		t.Run(name, func(t *testing.T) {
			x, err := c.Fleet.SQL(t.Context(), h, d, "speed")
			if err != nil {
				t.Fatal(err)
			}
			defer x.Close()
			var row struct {
				At time.Time
				S  string
			}
			if err := x.GetContext(t.Context(), &row, "SELECT at, s FROM t WHERE s = ?", "x"); err != nil || row.At.Format(time.RFC3339) != "2026-11-22T03:00:00Z" {
				t.Errorf("%+v, %v", row, err)
			}
			if _, err := x.ExecContext(t.Context(), "DO 1; DO 2"); err == nil {
				t.Error("two statements in one were taken")
			}
			var ids [2]int64 // a pinned connection stays the same one
			conn, err := x.Connx(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for i := range ids {
				if err := conn.GetContext(t.Context(), &ids[i], "SELECT CONNECTION_ID()"); err != nil {
					t.Fatal(err)
				}
			}
			if ids[0] != ids[1] {
				t.Error("reconnected")
			}
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			began := time.Now()
			if _, err := x.ExecContext(ctx, "DO SLEEP(30)"); err == nil || time.Since(began) > 5*time.Second {
				t.Errorf("a deadline: %v after %s", err, time.Since(began))
			}
		})
	}
	for name, tc := range map[string]struct {
		d      fleet.Database
		schema string
		want   string
	}{
		"wrong password": {fleet.Database{Name: "speed", Port: actiontest.MySQLPort, User: "app", Password: "wrong-canary"}, "speed", "fleet.sql_denied"},
		"no schema":      {fleet.Database{Name: "speed"}, "nothing", "fleet.sql_no_schema"},
		"no socket":      {fleet.Database{Name: "speed", Socket: "/nowhere.sock"}, "speed", "fleet.sql_unreachable"},
		"no port":        {fleet.Database{Name: "speed", Port: 1}, "speed", "fleet.sql_unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.Fleet.SQL(t.Context(), h, tc.d, tc.schema)
			if msgID(err) != tc.want || strings.Contains(fmt.Sprintf("%v %+v", err, err), "canary") {
				t.Errorf("want %s, got %v", tc.want, err)
			}
		})
	}
	if err := db.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := c.Fleet.SQL(ctx, h, fleet.Database{Name: "speed"}, ""); runbook.CodeOf(err) != runbook.Unavailable || time.Since(began) > 5*time.Second {
		t.Errorf("frozen: %v after %s", err, time.Since(began))
	}
}

// Tunnels have deadlines, pass much data unchanged, and reach what the host calls localhost.
func TestDial(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "a")
	l, err := net.Listen("tcp", net.JoinHostPort(c.Host("a").Address, "9000"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // an echo server, until the listener is closed
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn); _ = conn.Close() }()
		}
	}()
	cl := c.Client("a")
	for _, addr := range []string{"localhost:9000", "127.0.0.1:9000", c.Host("a").Address + ":9000"} {
		conn, err := cl.Dial(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(addr, err)
		}
		text := strings.Repeat("0123456789", 100_000)
		go func() { _, _ = io.WriteString(conn, text) }()
		got := make([]byte, len(text))
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != text {
			t.Error(addr, err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		_, err = conn.Read(got)
		if ne, ok := err.(net.Error); !ok || !ne.Timeout() {
			t.Errorf("read past the deadline: %v", err)
		}
		_ = conn.Close()
	}
	if _, err := cl.Dial(t.Context(), "tcp", "localhost:1"); err == nil {
		t.Error("a closed port was dialled")
	}
}
