package restore

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"recoverbot/runbook"
)

// A load can be cancelled while no helper is at work yet, from another action of the same step, and starts none then.
func TestCancelledBeforeTheHelper(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("standby", "speed-20261122.sql", w.dump())
	for _, when := range []string{"before", "while uploading"} {
		a, job, p := w.plan()
		b, _ := w.action()
		b.attempts = a.attempts
		cancelled := make(chan error, 1)
		upload := a.binary
		a.binary = func() (*os.File, string, error) {
			go func() { cancelled <- b.Cancel(t.Context(), p, job) }()
			w.until(func() bool { // the mark stands, and Cancel waits for the end
				a.attempts.mu.Lock()
				defer a.attempts.mu.Unlock()
				return a.attempts.byJob[job.ID()].cancelled
			})
			return upload()
		}
		if when == "before" {
			a.binary = upload
			cancelled <- b.Cancel(t.Context(), p, job)
		}
		w.refused(a, job, p, "dump.canceled")
		if err := <-cancelled; err != nil {
			t.Errorf("%s: %v", when, err)
		}
		if st, err := w.Client("standby").Job(t.Context(), job.ID()); err != nil || st.Status != "none" {
			t.Errorf("%s: a helper was started: %+v %v", when, st, err)
		}
		if w.Exists("standby", stateDir+"/"+job.ID()) {
			t.Errorf("%s: a helper is left", when)
		}
	}
}

// A helper that is just being started when somebody cancels is ended by its signal, once it is there.
func TestAttempts(t *testing.T) {
	t.Parallel()
	s := newAttempts()
	job := runbook.Job{Run: "r", Step: "s", Attempt: 1}
	ctx, a, end := s.begin(t.Context(), job, false)
	if a.signals(true) {
		t.Error("cancelled by nobody")
	}
	done := s.cancel(job)
	if ctx.Err() != nil {
		t.Error("the context of a helper's load has ended: nobody would follow it")
	}
	if !a.signals(false) || !errors.Is(ctx.Err(), context.Canceled) {
		t.Error("goes on without its helper")
	}
	select {
	case <-done:
		t.Error("done before its end")
	default:
	}
	end()
	<-done
	if ctx, a, end := s.begin(t.Context(), job, false); !a.wasCancelled() || ctx.Err() == nil {
		t.Error("begins again")
	} else {
		end()
	}
}

// What earlier loads have left on a host goes, and nothing that somebody may still need.
func TestSweep(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "standby", "report")
	w.put("report", "speed-20261122.sql", w.dump())
	a, job, p := w.plan("report")
	e, err := fromPlan(p)
	if err != nil {
		t.Fatal(err)
	}
	now := a.env.Now()
	for name, age := range map[string]time.Duration{
		"dumps/0123456789abcdef.sql": 2 * time.Hour, "dumps/.0123456789abcdef.sql.0123456789abcdef.part": 2 * time.Hour, "dumps/fedcba9876543210.sql": time.Minute,
		"dumps/." + e.SHA256[:16] + ".sql.x.part": 3 * time.Hour,
		"r1.s.1.loaded.json":                      100 * 24 * time.Hour, "r2.s.1.loaded.json": 9 * 24 * time.Hour, "r1.s.1.commit.json": 500 * 24 * time.Hour, "r2.s.1.commit.json": 99 * 24 * time.Hour,
		"r1.s.1/recoverbot": 0, "r1.s.1/config.json": 0, "r2.s.1/recoverbot": 0,
	} {
		w.WriteFile("standby", stateDir+"/"+name, "x", 0o600)
		if err := os.Chtimes(w.Path("standby", stateDir+"/"+name), now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	for name, age := range map[string]time.Duration{"r1.s.1": 25 * time.Hour, "r2.s.1": time.Hour} {
		if err := os.Chtimes(w.Path("standby", stateDir+"/"+name), now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"/opt/recoverbot/load/r1-s-1/", "/opt/recoverbot/bin/"} { // the bot itself, perhaps
		w.WriteFile("standby", name+"recoverbot", "x", 0o700)
		if err := os.Chtimes(w.Path("standby", name), now.Add(-25*time.Hour), now.Add(-25*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.hold(a, job, p).Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.untouched()
	if w.Exists("standby", "/opt/recoverbot/load/r1-s-1") || !w.Exists("standby", "/opt/recoverbot/bin/recoverbot") {
		t.Error("a helper is left, or what is no helper is gone")
	}
	var left []string
	for _, dir := range []string{"", "/dumps", "/r2.s.1"} {
		files, err := os.ReadDir(w.Path("standby", stateDir+dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			left = append(left, f.Name())
		}
	}
	if want := []string{"dumps", "r2.s.1", "r2.s.1.commit.json", "r2.s.1.loaded.json", "fedcba9876543210.sql", "recoverbot"}; !slices.Equal(left, want) {
		t.Errorf("left: %q, want %q", left, want)
	}
}

// The copy of a dump may lie on another disk than the data (fault 39).
func TestRoomForTheCopy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "standby", "report")
	w.put("report", "speed-20261122.sql", w.dump())
	a, _ := w.action("report")
	data := w.text("SELECT @@datadir")
	a.free = func(_ sftpFree, dir string) (int64, error) {
		switch {
		case dir == data:
			return 1 << 40, nil
		case strings.HasSuffix(dir, stateDir):
			return 0, os.ErrNotExist
		}
		return 1000, nil
	}
	p, err := a.Plan(t.Context())
	if err != nil || p.Verdict != runbook.Blocked || p.Why.ID != "restore.disk_copy" {
		t.Errorf("plan %s %s %v", p.Verdict, say(t, p.Why), err)
	}
	w.untouched()
}

// A report that is too long is dropped as a whole, and said to be so.
func TestTooLongLine(t *testing.T) {
	t.Parallel()
	l := &lines{}
	piece := bytes.Repeat([]byte("x"), 1<<20)
	for range longestLine>>20 + 1 {
		_, _ = l.Write(piece)
	}
	_, _ = l.Write([]byte("\"}\n{\"refused\":{\"id\":\"dump.gone\"},\"bad\":true}\n"))
	if !l.tooLong || l.refused == nil || l.refused.ID != "dump.gone" || !l.bad {
		t.Errorf("%+v", l)
	}
}
