package sql

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/actiontest"
)

// world is a company whose standby has a MariaDB with a domain list.
type world struct {
	*actiontest.Company
	t  *testing.T
	db *actiontest.MariaDB
}

func newWorld(t *testing.T, hosts ...string) *world {
	t.Helper()
	w := &world{Company: actiontest.New(t, append([]string{"standby"}, hosts...)...), t: t}
	w.db = w.StartMariaDB("standby")
	w.makeList()
	return w
}

func (w *world) makeList() {
	w.Exec(w.db, "CREATE DATABASE speed", `CREATE TABLE speed.t_app_dns (id int NOT NULL AUTO_INCREMENT, domain varchar(64), ip varchar(64) NOT NULL,
		status int NOT NULL, updated_at timestamp NULL DEFAULT NULL ON UPDATE current_timestamp(), PRIMARY KEY (id)) ENGINE=InnoDB`)
}

// fill replaces the rows of the list: "ip status".
func (w *world) fill(rows ...string) {
	w.Exec(w.db, "DELETE FROM speed.t_app_dns", "ALTER TABLE speed.t_app_dns AUTO_INCREMENT = 1")
	for i, r := range rows {
		ip, status, _ := strings.Cut(r, " ")
		w.Exec(w.db, fmt.Sprintf("INSERT INTO speed.t_app_dns VALUES (%d, 'd%d.example.com', '%s', %s, NULL)", i+1, i+1, ip, status))
	}
}

func (w *world) statuses() string {
	w.t.Helper()
	var s []string
	if err := w.db.DB.Select(&s, "SELECT status FROM speed.t_app_dns ORDER BY id"); err != nil {
		w.t.Fatal(err)
	}
	return strings.Join(s, " ")
}

func (w *world) rows(spec *Spec, inputs map[string]string) (*rows, action.Env) {
	w.t.Helper()
	if err := spec.Validate(); err != nil {
		w.t.Fatal(err)
	}
	env := w.Env(runbook.Step{ID: "s", Kind: "sql", Host: "standby"})
	env.Step.Inputs = inputs
	return &rows{spec: spec, env: env, holdFor: holdFor}, env
}

func operators(ip string) *Spec {
	return &Spec{Database: "speed", TwoPhase: true, Statements: []Statement{{Text: "update speed.t_app_dns set status=2 where ip=?", Args: []string{ip}}}}
}

func plan(t *testing.T, a action.Action, want runbook.Verdict) runbook.Plan {
	t.Helper()
	p, err := a.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p.Verdict != want {
		t.Fatalf("verdict %s (%v), want %s", p.Verdict, p.Why, want)
	}
	return p
}

func (w *world) hold(r *rows, env action.Env) runbook.HeldChange {
	w.t.Helper()
	h, err := r.Hold(w.t.Context(), plan(w.t, r, runbook.Ready), w.Job(env), actiontest.NewRecorder())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = h.Rollback(context.Background()) })
	return h
}

func lost(t *testing.T, h runbook.HeldChange, want string) {
	t.Helper()
	select {
	case err := <-h.Lost():
		var e *runbook.Error
		if !errors.As(err, &e) || e.Msg.ID != want {
			t.Fatalf("lost: %v, want %s", err, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the loss is not noticed")
	}
}

func refused(t *testing.T, err error, id string, stale bool) {
	t.Helper()
	var r *runbook.Refusal
	if !errors.As(err, &r) || r.Text.ID != id || r.Stale != stale {
		t.Fatalf("got %v, want %s (stale %v)", err, id, stale)
	}
}

var ips = []string{"192.0.2.1 1", "192.0.2.2 1", "192.0.2.2 2", "192.0.2.21 1"}

// TestHeldChange holds a change on a real server, and breaks in: killed while held (fault 14) and in COMMIT (fault 15), a
// deadlock at a statement (fault 17), other rows than previewed (fault 18), nobody answers and MyISAM (fault 19), a value
// that is SQL (fault 32).
func TestHeldChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)

	t.Run("commit", func(t *testing.T) {
		w.fill(ips...)
		r, env := w.rows(operators("192.0.2.2"), nil)
		h := w.hold(r, env)
		if got := w.statuses(); got != "1 1 2 1" {
			t.Fatalf("others see %s", got)
		}
		if b, a := h.Before(), h.After(); b.Count != 2 || a.Count != 2 || b.Rows[0][3] != "1" || a.Rows[0][3] != "2" {
			t.Fatalf("before %v after %v", b, a)
		}
		res, err := h.Commit(t.Context())
		if err != nil || res.Outcome != runbook.OutcomeDone || w.statuses() != "1 2 2 1" {
			t.Fatalf("%v %v, rows %s", res, err, w.statuses())
		}
		plan(t, r, runbook.Satisfied)
	})
	t.Run("roll back", func(t *testing.T) {
		w.fill(ips...)
		r, env := w.rows(operators("192.0.2.2"), nil)
		h := w.hold(r, env)
		if err := errors.Join(h.Rollback(t.Context()), h.Rollback(t.Context())); err != nil || w.statuses() != "1 1 2 1" {
			t.Fatalf("%v, rows %s", err, w.statuses())
		}
		if res, err := h.Commit(t.Context()); err != nil || res.Outcome != runbook.OutcomeFailed {
			t.Fatalf("commit after roll back: %v %v", res, err)
		}
	})
	t.Run("look", func(t *testing.T) {
		w.fill(ips...)
		r, env := w.rows(operators("192.0.2.2"), nil)
		p := plan(t, r, runbook.Ready)
		for sql, want := range map[string]string{"SELECT 1": "no", "UPDATE speed.t_app_dns SET status=3 WHERE id=2": "unclear", "UPDATE speed.t_app_dns SET status=2 WHERE ip='192.0.2.2'": "yes"} {
			w.fill(ips...)
			w.Exec(w.db, sql)
			if e, err := r.Look(t.Context(), p, w.Job(env)); err != nil || e.Took != want {
				t.Errorf("%s: %v %v", sql, e, err)
			}
		}
	})
	t.Run("deadline", func(t *testing.T) {
		w.fill(ips...)
		r, env := w.rows(operators("192.0.2.2"), nil)
		r.holdFor = 300 * time.Millisecond
		lost(t, w.hold(r, env), "sql.deadline")
		if w.statuses() != "1 1 2 1" {
			t.Fatalf("rows %s", w.statuses())
		}
	})
	t.Run("killed while held", func(t *testing.T) {
		w.fill(ips...)
		r, env := w.rows(operators("192.0.2.2"), nil)
		h := w.hold(r, env)
		w.Exec(w.db, "KILL "+h.(*held).begun.id)
		lost(t, h, "sql.killed")
		if res, err := h.Commit(t.Context()); err != nil || res.Outcome != runbook.OutcomeFailed || w.statuses() != "1 1 2 1" {
			t.Fatalf("%v %v, rows %s", res, err, w.statuses())
		}
	})
	t.Run("killed just before commit", func(t *testing.T) {
		w.fill(ips...)
		r, env := w.rows(operators("192.0.2.2"), nil)
		h := w.hold(r, env)
		r.beforeCommit = func() { w.Exec(w.db, "KILL "+h.(*held).begun.id) }
		if res, err := h.Commit(t.Context()); err != nil || res.Outcome != runbook.OutcomeFailed || res.Text.ID != "sql.lost_commit" || w.statuses() != "1 1 2 1" {
			t.Fatalf("%v %v, rows %s", res, err, w.statuses())
		}
	})
	t.Run("answer to commit lost", func(t *testing.T) {
		w.fill(ips...)
		r, env := w.rows(operators("192.0.2.2"), nil)
		h := w.hold(r, env).(*held)
		h.end("committing")
		if _, err := h.begun.conn.ExecContext(t.Context(), "COMMIT"); err != nil {
			t.Fatal(err)
		}
		res, err := h.settle(t.Context(), errors.New("connection lost"))
		if err != nil || res.Outcome != runbook.OutcomeDone || res.Text.ID != "sql.done_after_loss" {
			t.Fatalf("%v %v", res, err)
		}
	})
	t.Run("changed meanwhile", func(t *testing.T) {
		w.fill(ips...)
		r, env := w.rows(operators("192.0.2.2"), nil)
		p := plan(t, r, runbook.Ready)
		w.Exec(w.db, "UPDATE speed.t_app_dns SET domain='x' WHERE id=2")
		_, err := r.Hold(t.Context(), p, w.Job(env), actiontest.NewRecorder())
		refused(t, err, "sql.rows_changed", true)
		if w.statuses() != "1 1 2 1" {
			t.Fatalf("rows %s", w.statuses())
		}
	})
	t.Run("deadlock", func(t *testing.T) {
		w.fill(ips...)
		s := operators("192.0.2.1")
		s.Statements = append(s.Statements, Statement{Text: "update speed.t_app_dns set status=2 where id=4"})
		r, env := w.rows(s, nil)
		p := plan(t, r, runbook.Ready)
		tx := w.lock("UPDATE speed.t_app_dns SET domain='a' WHERE id=3")
		for i := range 200 { // the heavier transaction survives
			if _, err := tx.Exec(fmt.Sprintf("INSERT INTO speed.t_app_dns VALUES (%d, 'x', 'x', 1, NULL)", 100+i)); err != nil {
				t.Fatal(err)
			}
		}
		waits := make(chan error, 1)
		r.afterLock = func() {
			go func() { _, err := tx.Exec("UPDATE speed.t_app_dns SET domain='b' WHERE id=1"); waits <- err }()
			w.until("SELECT COUNT(*) FROM information_schema.innodb_lock_waits", "1")
		}
		var eff effect
		decode(t, p, &eff)
		eff.Statements[1].Text = "update speed.t_app_dns set status=2 where id in (3, 4)"
		encode(t, &p, eff)
		_, err := r.Hold(t.Context(), p, w.Job(env), actiontest.NewRecorder())
		refused(t, err, "sql.deadlock", true)
		if err := <-waits; err != nil {
			t.Error(err)
		}
		_ = tx.Rollback()
		if w.statuses() != "1 1 2 1" {
			t.Fatalf("rows %s", w.statuses())
		}
	})
	t.Run("injection is a value", func(t *testing.T) {
		w.fill(ips...)
		r, _ := w.rows(operators("1.1.1.1' OR '1'='1"), nil)
		if p := plan(t, r, runbook.Blocked); len(p.Tables) != 1 || p.Tables[0].Count != 4 {
			t.Errorf("tables %v", p.Tables)
		}
	})
	t.Run("MyISAM", func(t *testing.T) {
		w.Exec(w.db, "CREATE TABLE speed.m (id int PRIMARY KEY, a int) ENGINE=MyISAM", "INSERT INTO speed.m VALUES (1, 1)", "CREATE TABLE speed.k (a int)")
		for table, why := range map[string]string{"m": "sql.not_transactional", "k": "sql.no_key", "none": "sql.no_table"} {
			r, _ := w.rows(&Spec{Database: "speed", Statements: []Statement{{Text: "update " + table + " set a=2 where a=1"}}}, nil)
			if p := plan(t, r, runbook.Blocked); p.Why.ID != why {
				t.Errorf("%s: %v", table, p.Why)
			}
		}
	})
	t.Run("one phase, insert and delete", func(t *testing.T) {
		w.fill(ips...)
		s := &Spec{Database: "speed", ExpectRows: "3", Statements: []Statement{
			{Text: "delete from t_app_dns where ip=?", Args: []string{"192.0.2.2"}},
			{Text: "insert into t_app_dns (id, ip, status) values (9, ?, 1)", Args: []string{"'; --"}, Show: &Query{Text: "select id, ip from t_app_dns where id=9"}},
		}}
		r, env := w.rows(s, nil)
		res, err := r.Apply(t.Context(), plan(t, r, runbook.Ready), w.Job(env), actiontest.NewRecorder())
		if err != nil || res.Outcome != runbook.OutcomeDone || w.statuses() != "1 1 1" {
			t.Fatalf("%v %v, rows %s", res, err, w.statuses())
		}
		plan(t, r, runbook.Satisfied)
		s.ExpectRows = "5"
		w.fill(ips...)
		plan(t, r, runbook.Blocked)
	})
	t.Run("server killed while held", func(t *testing.T) {
		w.fill(ips...)
		r, env := w.rows(operators("192.0.2.2"), nil)
		h := w.hold(r, env)
		if err := w.db.Kill(); err != nil {
			t.Fatal(err)
		}
		lost(t, h, "sql.unreachable")
	})
}

// TestLockWait wants a short wait, an explicit ROLLBACK, and the name of who blocks (fault 16).
func TestLockWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(ips...)
	r, env := w.rows(operators("192.0.2.2"), nil)
	tx := w.lock("UPDATE speed.t_app_dns SET domain='locked' WHERE id=2")
	_, err := r.Hold(t.Context(), plan(t, r, runbook.Ready), w.Job(env), actiontest.NewRecorder())
	refused(t, err, "sql.lock_wait", false)
	var ref *runbook.Refusal
	var blocker string
	if err := tx.Get(&blocker, "SELECT CONNECTION_ID()"); err != nil {
		t.Fatal(err)
	}
	if errors.As(err, &ref); !strings.HasPrefix(fmt.Sprint(ref.Text.Args["names"]), blocker+" (root@") {
		t.Errorf("blocker %v, want %s", ref.Text.Args, blocker)
	}
	if left := w.text("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_mysql_thread_id <> " + blocker); left != "0" {
		t.Errorf("%s transactions are left", left)
	}
	_ = tx.Rollback()
}

// TestFrozenWhileHeld freezes the server under a held change: unreachable is no failure, and nothing lasts (fault 9, fault 14).
func TestFrozenWhileHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(ips...)
	r, env := w.rows(operators("192.0.2.2"), nil)
	h := w.hold(r, env)
	if err := w.db.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	lost(t, h, "sql.unreachable")
	if err := w.db.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	w.until("SELECT COUNT(*) FROM information_schema.innodb_trx", "0")
	if w.statuses() != "1 1 2 1" {
		t.Fatalf("rows %s", w.statuses())
	}
}

// lock runs a statement in a transaction that stays open.
func (w *world) lock(s string) *sqlx.Tx {
	w.t.Helper()
	tx, err := w.db.DB.Beginx()
	if err == nil {
		_, err = tx.Exec(s)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

// until polls a query until it gives want.
func (w *world) until(q, want string) {
	w.t.Helper()
	deadline := time.After(4 * time.Second)
	for {
		var got string
		if err := w.db.DB.Get(&got, q); err == nil && got == want {
			return
		}
		select {
		case <-deadline:
			return
		case <-time.After(120 * time.Millisecond):
		}
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	spec := &Spec{Database: "speed", Tables: []TableSpec{{Name: "user_logs", Create: documentTable}}}
	if err := spec.Validate(); err != nil {
		t.Fatal(err)
	}
	env := w.Env(runbook.Step{ID: "s", Kind: "sql", Host: "standby"})
	a := &tables{spec: spec, env: env}
	p := plan(t, a, runbook.Ready)
	res, err := a.Apply(t.Context(), p, w.Job(env), actiontest.NewRecorder())
	if err != nil || res.Outcome != runbook.OutcomeDone {
		t.Fatal(res, err)
	}
	if q := plan(t, a, runbook.Satisfied); len(q.Warnings) != 0 {
		t.Errorf("differs from itself: %v", q.Tables)
	}
	if e, err := a.Look(t.Context(), p, w.Job(env)); err != nil || e.Took != runbook.TookYes {
		t.Error(e, err)
	}
	_, err = a.Apply(t.Context(), p, w.Job(env), actiontest.NewRecorder())
	refused(t, err, "sql.table_appeared", true)
	w.Exec(w.db, "ALTER TABLE speed.user_logs MODIFY ip varchar(64) NOT NULL")
	if q := plan(t, a, runbook.Satisfied); len(q.Warnings) != 1 || len(q.Open) != 1 || len(q.Tables) != 2 {
		t.Errorf("a different definition: %+v", q)
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const canary = `C4n'ary\1 "x`
	config := "mysql:\n  host: localhost\n  port: 3306\n  user: go_api\n  password: 'C4n''ary\\1 \"x'\n  database: speed\n"
	w.WriteFile("standby", "/wwwroot/go/go-api/config.yaml", config, 0o644)
	env := w.Env(runbook.Step{ID: "s", Kind: "sql", Host: "standby"})
	a := &login{spec: &Spec{LoginOf: "go-api"}, env: env}
	p := plan(t, a, runbook.Ready)
	if text := fmt.Sprintf("%+v %s", p, p.Effect.Data); strings.Contains(text, "C4n") || !strings.Contains(p.Effect.Exact[0].Text, "IDENTIFIED BY <redacted>") {
		t.Errorf("plan %s", text)
	}
	if e, err := a.Look(t.Context(), p, w.Job(env)); err != nil || e.Took != runbook.TookNo {
		t.Error(e, err)
	}
	if err := os.WriteFile(w.Path("standby", "/wwwroot/go/go-api/config.yaml"), []byte(config+"# x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := a.Apply(t.Context(), p, w.Job(env), actiontest.NewRecorder())
	refused(t, err, "sql.login_changed", true)
	res, err := a.Apply(t.Context(), plan(t, a, runbook.Ready), w.Job(env), actiontest.NewRecorder())
	if err != nil || res.Outcome != runbook.OutcomeDone {
		t.Fatal(res, err)
	}
	plan(t, a, runbook.Satisfied)
	if got := w.Fleet.Redactor().Redact(canary); strings.Contains(got, "C4n") {
		t.Errorf("not redacted: %s", got)
	}
	var eff grant
	decode(t, p, &eff)
	if len(eff.Accounts) == 0 || eff.Accounts[len(eff.Accounts)-1].From != "localhost" {
		t.Errorf("accounts %+v", eff.Accounts)
	}
	for _, acc := range eff.Accounts {
		w.Exec(w.db, "REVOKE ALL PRIVILEGES, GRANT OPTION FROM go_api@'"+acc.From+"'")
	}
	if q := plan(t, a, runbook.Ready); q.Danger || strings.Contains(q.Effect.Exact[0].Text, "USER") {
		t.Errorf("only privileges are missing: %s", q.Effect.Exact[0].Text)
	}
	for _, acc := range eff.Accounts {
		w.Exec(w.db, "SET PASSWORD FOR go_api@'"+acc.From+"' = PASSWORD('other')")
	}
	if q := plan(t, a, runbook.Ready); !q.Danger {
		t.Error("replacing a password needs no reason")
	}
	w.WriteFile("standby", "/wwwroot/go/go-api/config.yaml", strings.Replace(config, "localhost", "192.0.2.2", 1), 0o644)
	plan(t, a, runbook.Blocked)
}
