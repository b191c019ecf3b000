package restore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
)

// foreignBinary is a helper for another machine: no kernel knows its kind.
func foreignBinary(t *testing.T) func() (*os.File, string, error) {
	t.Helper()
	text := append([]byte("\x7fELF\x02\x01\x01\x00"), make([]byte, 120)...)
	name := filepath.Join(t.TempDir(), "helper")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	return func() (*os.File, string, error) {
		f, err := os.Open(name)
		return f, hex.EncodeToString(sum[:]), err
	}
}

// noexec makes directories of the standby ones where no program runs. Where the test itself may not mount, the host only
// says that they are.
func (w *world) noexec(dirs ...string) {
	w.t.Helper()
	says, mounted := "#!/bin/sh\ncase $4 in\n", true
	for _, dir := range dirs {
		dir = w.Path("standby", dir)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			w.t.Fatal(err)
		}
		says += dir + "*) echo rw,noexec ;;\n"
		for _, args := range [][]string{{"--bind", dir, dir}, {"-o", "remount,bind,noexec", dir}} {
			if out, err := exec.CommandContext(w.t.Context(), "mount", args...).CombinedOutput(); err != nil {
				w.t.Logf("cannot mount: %s", out)
				mounted = false
				break
			}
			if args[0] == "--bind" {
				w.t.Cleanup(func() { _ = exec.CommandContext(context.WithoutCancel(w.t.Context()), "umount", "-l", dir).Run() })
			}
		}
	}
	if !mounted {
		w.WriteFile("standby", "/bin/findmnt", says+"*) echo rw ;;\nesac\n", 0o755)
	}
}

// TestHelperElsewhere restores where one disk is noexec by a helper on another one, and leaves nothing there.
func TestHelperElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("standby", "speed-20261122.sql", w.dump())
	w.noexec("/var/lib")
	w.WriteFile("standby", "/opt/recoverbot/x", "", 0o600)
	if err := os.Chown(w.Path("standby", "/opt/recoverbot"), 65534, 65534); err != nil { // its owner could put another helper there
		t.Fatal(err)
	}
	a, job, p := w.plan()
	streams := slices.ContainsFunc(p.Warnings, func(m runbook.Msg) bool { return m.ID == "restore.streams" })
	if streams || !strings.Contains(p.Effect.Exact[1].Text, "helper  in /run/recoverbot/load: ") {
		t.Errorf("%+v %+v", p.Warnings, p.Effect.Exact)
	}
	out := actiontest.NewRecorder()
	k, err := a.Hold(t.Context(), p, job, out)
	if err != nil {
		t.Fatal(err, out.Text())
	}
	if left, err := os.ReadDir(w.Path("standby", "/run/recoverbot/load")); err != nil || len(left) > 0 { // it was there
		t.Errorf("left: %v %v", left, err)
	}
	if res, err := k.Commit(t.Context()); err != nil || res.Outcome != runbook.OutcomeDone || w.sums("speed") != w.sums("made") {
		t.Fatalf("commit: %v %s", err, say(t, res.Text))
	}
}

// TestWithoutHelper restores through the bot where the host will not run what is uploaded: known beforehand, or found out.
func TestWithoutHelper(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"arch", "binary", "noexec"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			text := w.dump()
			w.put("standby", "speed-20261122.sql", text)
			w.n++
			a, job := w.action()
			switch how {
			case "arch":
				a.arch = "riscv64"
			case "binary":
				a.binary = foreignBinary(t)
			case "noexec":
				w.noexec("/var/lib", "/opt", "/run")
			}
			p, err := a.Plan(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			warned := slices.ContainsFunc(p.Warnings, func(m runbook.Msg) bool { return m.ID == "restore.streams" && say(t, m) != "" })
			if warned != (how != "binary") {
				t.Errorf("the card says of the way: %v", warned)
			}
			k := w.hold(a, job, p)
			if got := w.text("SELECT ip FROM speed.t_app_dns"); got != "192.0.2.9" {
				t.Errorf("live data is %s while held", got)
			}
			if w.Exists("standby", stateDir+"/"+job.ID()) {
				t.Error("a helper is left")
			}
			b, _ := w.action()
			if k, err = b.Rehold(t.Context(), p, job, actiontest.NewRecorder()); err != nil {
				t.Fatal(err)
			}
			if res, err := k.Commit(t.Context()); err != nil || res.Outcome != runbook.OutcomeDone {
				t.Fatalf("commit: %v %s", err, say(t, res.Text))
			}
			if got, want := w.sums("speed"), w.sums("made"); got != want {
				t.Errorf("checksums %s, want %s", got, want)
			}
		})
	}
}

// TestStreamCutOff stops the bot in the middle of a load through it, and refuses a dump that reaches elsewhere.
func TestStreamCutOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := w.dump("--skip-extended-insert", "--skip-add-locks")
	w.put("standby", "speed-20261122.sql", text)
	plan := func() (*restore, runbook.Job, runbook.Plan) {
		w.n++
		a, job := w.action()
		a.arch = "riscv64"
		p, err := a.Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return a, job, p
	}
	for _, how := range []string{"stop", "cancel"} {
		a, job, p := plan()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		done := make(chan error, 1)
		go func() { _, err := a.Hold(ctx, p, job, actiontest.NewRecorder()); done <- err }()
		w.until(func() bool {
			return w.text("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema LIKE 'speed\\_new%' AND table_name='users'") != "0"
		})
		if how == "stop" {
			stop()
		} else if err := a.Cancel(t.Context(), p, job); err != nil {
			t.Error(err)
		}
		if err := <-done; err == nil {
			t.Fatalf("%s: held", how)
		}
		b, _ := w.action()
		var r *runbook.Refusal
		if _, err := b.Rehold(t.Context(), p, job, actiontest.NewRecorder()); !errors.As(err, &r) || r.Text.ID != "restore.stream_cut" {
			t.Errorf("%s: held again: %v", how, err)
		}
		w.untouched()
	}
	i := strings.LastIndex(text, "/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE")
	w.put("standby", "speed-20261122.sql", text[:i]+"INSERT INTO `made`.`orders` VALUES (9,9);\n"+text[i:])
	a, job, p := plan()
	w.refused(a, job, p, "dump.foreign_schema")
	if got := w.text("SELECT COUNT(*) FROM made.orders"); got != "2" {
		t.Errorf("another schema has %s rows", got)
	}
}
