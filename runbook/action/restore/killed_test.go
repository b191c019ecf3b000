package restore

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
)

// TestKilled kills the helper in the middle of a load, then cancels another one, then loads (fault 4).
func TestKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("standby", "speed-20261122.sql", w.dump("--skip-extended-insert", "--skip-add-locks")) // a transaction a row: slow
	for _, how := range []string{"kill", "cancel"} {
		a, job, p := w.plan()
		done := make(chan error, 1)
		go func() { _, err := a.Hold(t.Context(), p, job, actiontest.NewRecorder()); done <- err }()
		w.until(func() bool {
			return w.text("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema LIKE 'speed\\_new%' AND table_name='users'") != "0"
		})
		release := w.freeze()
		cancelled := make(chan error, 1)
		if how == "kill" {
			killHelper(t, workDir(effect{}, w.Host("standby"), job)+"/recoverbot")
			cancelled <- nil
		} else {
			go func() { cancelled <- a.Cancel(t.Context(), p, job) }()
		}
		w.until(func() bool {
			st, err := w.Client("standby").Job(t.Context(), job.ID())
			return err == nil && st.Status != "running"
		})
		release()
		if err := <-cancelled; err != nil {
			t.Errorf("%s: %v", how, err)
		}
		err := <-done
		var r *runbook.Refusal
		if !errors.As(err, &r) {
			t.Fatalf("%s: %v", how, err)
		}
		say(t, r.Text)
		w.untouched()
		if _, err := os.Lstat(workDir(effect{}, w.Host("standby"), job)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the helper's directory is left: %v", how, err)
		}
		if _, err := a.Rehold(t.Context(), p, job, actiontest.NewRecorder()); !errors.As(err, &r) {
			t.Errorf("%s: held again: %v", how, err)
		}
	}
	a, job, p := w.plan()
	if err := w.hold(a, job, p).Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.untouched()
}

// killHelper is kill -9 of the one process that runs this binary.
func killHelper(t *testing.T, binary string) {
	t.Helper()
	exes, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, exe := range exes {
		if to, err := os.Readlink(exe); err != nil || to != binary {
			continue
		}
		pid, err := strconv.Atoi(strings.Split(exe, "/")[2])
		if err == nil {
			err = syscall.Kill(pid, syscall.SIGKILL)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatal("the helper does not run")
}

// freeze keeps the server from writing anything until release is called.
func (w *world) freeze() (release func()) {
	w.t.Helper()
	conn, err := w.db.DB.Connx(w.t.Context())
	if err == nil {
		_, err = conn.ExecContext(w.t.Context(), "FLUSH TABLES WITH READ LOCK")
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return func() {
		if _, err := conn.ExecContext(w.t.Context(), "UNLOCK TABLES"); err != nil {
			w.t.Error(err)
		}
		_ = conn.Close()
	}
}

// TestHeldSurvives holds, forgets everything, and finds the hold again; then rolls it back.
func TestHeldSurvives(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("standby", "speed-20261122.sql", w.dump())
	a, job, p := w.plan()
	before := w.hold(a, job, p).Before()
	b, _ := w.action()
	k, err := b.Rehold(t.Context(), p, job, actiontest.NewRecorder())
	if err != nil {
		t.Fatal(err)
	}
	if len(k.Before().Rows) != len(before.Rows) || k.Deadline() != 0 || k.After().Count != 5 {
		t.Errorf("held again: %+v %+v", k.Before(), k.After())
	}
	if ev, err := b.Look(t.Context(), p, job); err != nil || ev.Took != runbook.TookNo {
		t.Errorf("look: %+v %v", ev, err)
	}
	if err := k.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.untouched()
	res, err := k.Commit(t.Context())
	if err != nil || res.Outcome != runbook.OutcomeFailed {
		t.Errorf("commit after rollback: %+v %v", res, err)
	}
	if _, err := b.Rehold(t.Context(), p, job, actiontest.NewRecorder()); err == nil {
		t.Error("held what was rolled back")
	}
	w.untouched()

	a, job, p = w.plan() // cut off after the upload, before the helper was started
	e, h, d, err := a.planned(p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.install(t.Context(), e, h, d, w.Client("standby"), e.Path, job); err != nil {
		t.Fatal(err)
	}
	var r *runbook.Refusal
	if _, err := a.Rehold(t.Context(), p, job, actiontest.NewRecorder()); !errors.As(err, &r) {
		t.Errorf("held what never ran: %v", err)
	}
	if w.Exists("standby", stateDir+"/"+job.ID()) {
		t.Error("the helper and its configuration are left")
	}
}
