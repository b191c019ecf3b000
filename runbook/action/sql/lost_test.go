package sql

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
)

// rolledBack wants that a commit of a change which is gone claims nothing, and that no row has changed.
func (w *world) rolledBack(h runbook.HeldChange, id string) {
	w.t.Helper()
	res, err := h.Commit(w.t.Context())
	if err != nil || res.Outcome != runbook.OutcomeFailed || res.Text.ID != id || w.statuses() != "1 1 2 1" {
		w.t.Errorf("%v %v, rows %s; want %s", res, err, w.statuses(), id)
	}
}

// TestCutOffWhileHeld cuts the bot off from a change that it holds: without a word of it the server rolls back once its
// wait_timeout is over, which is a little longer than the bot's own deadline (fault 13).
func TestCutOffWhileHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(ips...)
	r, env := w.rows(operators("192.0.2.2"), nil)
	h := w.hold(r, env)
	conn := h.(*held).begun.conn
	if got, err := one(t.Context(), conn, "SELECT @@session.wait_timeout"); err != nil || got != "210" {
		t.Errorf("wait_timeout is %s, %v", got, err)
	}
	if _, err := conn.ExecContext(t.Context(), "SET SESSION wait_timeout = 1"); err != nil {
		t.Fatal(err)
	}
	if err := w.SSHD("standby").Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	w.until("SELECT COUNT(*) FROM information_schema.innodb_trx", "0")
	if got := w.text("SELECT COUNT(*) FROM information_schema.innodb_trx"); got != "0" {
		t.Errorf("%s transactions are still open", got)
	}
	if err := w.SSHD("standby").Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	lost(t, h, "sql.killed")
	w.rolledBack(h, "sql.killed")
}

// TestRestartedWhileHeld restarts the server under a held change, and in the very COMMIT. Nothing reconnects silently:
// the change is gone (fault 14), and after a COMMIT the rows of the new server tell (fault 15).
func TestRestartedWhileHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(ips...)
	r, env := w.rows(operators("192.0.2.2"), nil)
	restart := func() {
		if err := w.db.Kill(); err != nil {
			t.Fatal(err)
		}
		w.db = w.StartMariaDB("standby")
	}
	h := w.hold(r, env)
	restart()
	w.rolledBack(h, "sql.killed")
	h = w.hold(r, env)
	r.beforeCommit = restart
	w.rolledBack(h, "sql.lost_commit")
}

// TestLostCommit loses the COMMIT on the wire, or its answer, while the server keeps the connection open. The bot reads
// the rows on a new connection and says what really happened (fault 15).
func TestLostCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text, err := os.ReadFile(w.FleetFile)
	if err != nil {
		t.Fatal(err)
	}
	through := strings.Replace(string(text), "  - name: speed\n", "  - name: speed\n    socket: /run/mysqld/deaf.sock\n", 1)
	if err := os.WriteFile(w.FleetFile, []byte(through), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.Fleet.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		late     bool
		outcome  runbook.Outcome
		id, rows string
	}{
		{true, runbook.OutcomeFailed, "sql.lost_commit", "1 1 2 1"},
		{false, runbook.OutcomeDone, "sql.done_after_loss", "1 2 2 1"},
	} {
		w.fill(ips...)
		_ = os.Remove(w.Path("standby", "/run/mysqld/deaf.sock"))
		d := w.NewDeaf("standby", "/run/mysqld/deaf.sock", "/run/mysqld/mysqld.sock", "\x03COMMIT", c.late)
		r, env := w.rows(operators("192.0.2.2"), nil)
		h := w.hold(r, env)
		res, err := h.Commit(t.Context())
		if err != nil || !d.Cut.Load() || res.Outcome != c.outcome || res.Text.ID != c.id || w.statuses() != c.rows {
			t.Errorf("COMMIT lost %v: %v %v, rows %s", c.late, res, err, w.statuses())
		}
	}
}

// TestChangedServer makes the server something else between the plan and the last click.
func TestChangedServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, env := w.rows(operators("192.0.2.2"), nil)

	t.Run("read-only since the plan", func(t *testing.T) {
		w.fill(ips...)
		p := plan(t, r, runbook.Ready)
		w.Exec(w.db, "SET GLOBAL read_only=1")
		_, err := r.Hold(t.Context(), p, w.Job(env), actiontest.NewRecorder())
		refused(t, err, "sql.read_only", false)
		w.Exec(w.db, "SET GLOBAL read_only=0")
	})
	t.Run("read-only while held", func(t *testing.T) {
		w.fill(ips...)
		h := w.hold(r, env)
		w.Exec(w.db, "SET GLOBAL read_only=1")
		w.rolledBack(h, "sql.read_only")
		w.Exec(w.db, "SET GLOBAL read_only=0")
	})
	t.Run("only the statement killed", func(t *testing.T) {
		w.fill(ips...)
		h := w.hold(r, env)
		r.beforeCommit = func() { w.Exec(w.db, "KILL QUERY "+h.(*held).begun.id) }
		res, err := h.Commit(t.Context())
		r.beforeCommit = nil
		want := map[runbook.Outcome]string{runbook.OutcomeDone: "1 2 2 1", runbook.OutcomeFailed: "1 1 2 1"}[res.Outcome]
		if err != nil || w.statuses() != want {
			t.Errorf("%v %v, rows %s", res, err, w.statuses())
		}
	})
	t.Run("no more connections", func(t *testing.T) {
		w.fill(ips...)
		h := w.hold(r, env)
		w.Exec(w.db, "SET GLOBAL max_connections=10")
		var all []interface{ Close() error }
		for {
			c, err := w.db.DB.Conn(t.Context())
			if err != nil {
				break
			}
			all = append(all, c)
		}
		blocked, err := r.Plan(t.Context())
		if err != nil || blocked.Verdict != runbook.Blocked {
			t.Errorf("plan on a full server: %s %v", blocked.Verdict, err)
		}
		res, err := h.Commit(t.Context())
		for _, c := range all {
			_ = c.Close()
		}
		w.Exec(w.db, "SET GLOBAL max_connections=151")
		if err != nil || res.Outcome != runbook.OutcomeDone || w.statuses() != "1 2 2 1" {
			t.Errorf("%v %v, rows %s", res, err, w.statuses())
		}
	})
	t.Run("table locked", func(t *testing.T) {
		w.fill(ips...)
		p := plan(t, r, runbook.Ready)
		c, err := w.db.DB.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.ExecContext(t.Context(), "LOCK TABLES speed.t_app_dns WRITE"); err != nil {
			t.Fatal(err)
		}
		_, err = r.Hold(t.Context(), p, w.Job(env), actiontest.NewRecorder())
		refused(t, err, "sql.lock_wait", false)
	})
}

func (w *world) text(query string) string {
	w.t.Helper()
	var s string
	if err := w.db.DB.Get(&s, query); err != nil {
		w.t.Fatal(err)
	}
	return s
}
