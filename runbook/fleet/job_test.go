package fleet_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/fleet"
)

// TestJobSurvivesConnection: a job goes on when the connection is gone, is found again by its id, and never runs twice
// (fault 8) (fault 40).
func TestJobSurvivesConnection(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "a")
	const canary = "job-secret-canary"
	spec := fleet.JobSpec{ID: "run1-step-1", Env: map[string]string{"GATE": c.Path("a", "/gate"), "SECRET": canary},
		Script: "echo first\nwhile [ ! -f \"$GATE\" ]; do sleep 0.1; done\nprintf '%s\\n' \"${#SECRET}\"\necho err >&2\necho ran >> \"$GATE\"\nexit 7\n"}
	cl := c.Client("a")
	if st, err := cl.Job(t.Context(), spec.ID); err != nil || st.Status != fleet.JobNone {
		t.Fatalf("before: %+v, %v", st, err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	wins := 0
	for range 4 {
		wg.Go(func() {
			started, err := cl.StartJob(t.Context(), spec)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if started {
				wins++
			}
		})
	}
	wg.Wait()
	if wins != 1 {
		t.Fatalf("started %d times", wins)
	}
	if ps, err := cl.Run(t.Context(), fleet.Command{Script: "ps -eo args | cat; cat \"$D/script\"; ls -l \"$D\"", Env: map[string]string{"D": cl.JobDir(spec.ID)}, Max: 1 << 20}); err != nil || strings.Contains(ps.Stdout, canary) {
		t.Errorf("the secret is in an argument list or in the script: %v", err)
	}
	if err := c.Fleet.Close(); err != nil {
		t.Fatal(err)
	}
	c.WriteFile("a", "/gate", "", 0o600)
	eventually(t, "the job ends without a connection", func() bool { return c.Exists("a", "/var/lib/recoverbot/jobs/run1-step-1/exit") })

	again, err := fleet.Open(c.FleetFile, c.Options())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	cl, err = again.SSH(t.Context(), c.Host("a"))
	if err != nil {
		t.Fatal(err)
	}
	if started, err := cl.StartJob(t.Context(), spec); started || err != nil {
		t.Fatalf("again: %v, %v", started, err)
	}
	var out bytes.Buffer
	st, err := cl.FollowJob(t.Context(), spec.ID, int64(len("first\n")), &out)
	if err != nil || st != (fleet.JobState{Status: fleet.JobExited, Exit: 7}) || out.String() != strconv.Itoa(len(canary))+"\nerr\n" {
		t.Errorf("%+v, %v, %q", st, err, out.String())
	}
	if got := c.ReadFile("a", "/gate"); got != "ran\n" {
		t.Errorf("ran %q", got)
	}
	if c.Exists("a", "/var/lib/recoverbot/jobs/run1-step-1/env") {
		t.Error("the file of variables is still there")
	}
}

// TestJobEnds ends jobs in every way, endless output (fault 10) and a reboot included.
func TestJobEnds(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "a")
	cl := c.Client("a")
	start := func(id, script string) {
		t.Helper()
		if started, err := cl.StartJob(t.Context(), fleet.JobSpec{ID: id, Script: script}); !started || err != nil {
			t.Fatal(started, err)
		}
	}
	pid := func(id string) int {
		t.Helper()
		n, err := strconv.Atoi(strings.Fields(c.ReadFile("a", "/var/lib/recoverbot/jobs/"+id+"/pid"))[0])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	status := func(id string) fleet.JobState {
		t.Helper()
		st, err := cl.Job(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	gone := func(id string) {
		t.Helper()
		eventually(t, "its process group is gone", func() bool {
			r, err := cl.Run(t.Context(), fleet.Command{Script: `ps -eo pgid,stat | awk -v g="$G" '$1 == g && $2 !~ /^Z/'`,
				Env: map[string]string{"G": strconv.Itoa(pid(id))}})
			return err == nil && r.Stdout == ""
		})
	}
	t.Run("interpreter", func(t *testing.T) {
		start("python", "#!/usr/bin/env python3\nprint('x' * 300000)\nraise SystemExit(5)\n")
		var out bytes.Buffer
		st, err := cl.FollowJob(t.Context(), "python", 0, &out)
		if err != nil || st.Exit != 5 || out.Len() != 300001 {
			t.Errorf("%+v, %v, %d bytes", st, err, out.Len())
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		start("cancel", "sleep 300 & sleep 300; echo unreachable")
		if st := status("cancel"); st.Status != fleet.JobRunning {
			t.Fatalf("%+v", st)
		}
		for range 2 {
			if err := cl.CancelJob(t.Context(), "cancel"); err != nil {
				t.Fatal(err)
			}
		}
		if st := status("cancel"); st != (fleet.JobState{Status: fleet.JobExited, Exit: 143}) {
			t.Errorf("%+v", st)
		}
		gone("cancel")
	})
	t.Run("stubborn", func(t *testing.T) {
		start("stubborn", "trap '' TERM; while :; do sleep 1; done")
		if err := cl.CancelJob(t.Context(), "stubborn"); err != nil {
			t.Fatal(err)
		}
		if st := status("stubborn"); st != (fleet.JobState{Status: fleet.JobExited, Exit: 143}) {
			t.Errorf("%+v", st)
		}
		gone("stubborn")
	})
	t.Run("killed", func(t *testing.T) {
		start("killed", "sleep 300")
		if err := syscall.Kill(-pid("killed"), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if st, err := cl.FollowJob(t.Context(), "killed", 0, &out); err != nil || st.Status != fleet.JobDied {
			t.Errorf("%+v, %v", st, err)
		}
	})
	t.Run("after a reboot", func(t *testing.T) {
		start("boot", "sleep 300")
		c.WriteFile("a", "/var/lib/recoverbot/jobs/boot/boot", "another boot\n", 0o600)
		if st := status("boot"); st.Status != fleet.JobDied {
			t.Errorf("%+v", st)
		}
	})
	t.Run("endless output", func(t *testing.T) {
		start("endless", "head -c 50000000 /dev/zero | tr '\\0' x; printf '\\377\\033[31mEND'")
		var out skips
		if st, err := cl.FollowJob(t.Context(), "endless", 0, &out); err != nil || st.Status != fleet.JobExited {
			t.Errorf("%+v, %v", st, err)
		}
		if n := int64(out.Len()) + out.skipped; n != 50000009 || out.Len() > 8<<20 || !strings.HasSuffix(out.String(), "xx\xff\x1b[31mEND") {
			t.Errorf("%d bytes of %d", out.Len(), n)
		}
		if info, err := os.Stat(c.Path("a", "/var/lib/recoverbot/jobs/endless/out")); err != nil || info.Sys().(*syscall.Stat_t).Blocks*512 > 8<<20 {
			t.Errorf("the host keeps it all: %+v, %v", info, err)
		}
	})
	t.Run("shell hangs", func(t *testing.T) {
		c.WriteFile("a", "/bin/sh", "#!/bin/sh\nexec sleep 60\n", 0o755)
		defer os.Remove(c.Path("a", "/bin/sh"))
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		var certain *runbook.Refusal
		if started, err := cl.StartJob(ctx, fleet.JobSpec{ID: "hangs", Script: "true"}); started || msgID(err) != "fleet.run_timeout" || errors.As(err, &certain) {
			t.Errorf("%v, %v", started, err)
		}
	})
	t.Run("bad id", func(t *testing.T) {
		for _, id := range []string{"", "..", "a/b", "A", "a b", "-x"} {
			if _, err := cl.StartJob(t.Context(), fleet.JobSpec{ID: id, Script: "true"}); err == nil {
				t.Errorf("%q was taken", id)
			}
		}
	})
	t.Run("no directory", func(t *testing.T) {
		c.WriteFile("a", "/elsewhere", "", 0o600)
		h := c.Host("a")
		h.Root = c.Path("a", "/elsewhere") // a file: nothing can be made below it
		h.Loopback = "127.0.0.2"           // a connection of its own
		odd, err := c.Fleet.SSH(t.Context(), h)
		if err != nil {
			t.Fatal(err)
		}
		if started, err := odd.StartJob(t.Context(), fleet.JobSpec{ID: "x", Script: "true"}); started || err == nil {
			t.Errorf("%v, %v", started, err)
		}
	})
}

// skips is an output that counts what it did not get.
type skips struct {
	bytes.Buffer
	skipped int64
}

func (s *skips) Skip(n int64) { s.skipped += n }

// What is said to have never run never runs, even where its start comes late; and of a start and that word at the same
// instant one is true (fault 2) (fault 8).
func TestWhatNeverRanNeverRuns(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "a")
	cl := c.Client("a")
	spec := func(id string) fleet.JobSpec {
		return fleet.JobSpec{ID: id, Env: map[string]string{"FILE": c.Path("a", "/"+id)}, Script: `echo ran >>"$FILE"`}
	}
	late := spec("run1-late-1")
	for range 2 {
		if st, err := cl.SettleJob(t.Context(), late.ID); err != nil || st.Status != fleet.JobNone {
			t.Fatalf("%+v, %v", st, err)
		}
		if started, err := cl.StartJob(t.Context(), late); started || err != nil {
			t.Errorf("started %v, %v", started, err)
		}
	}
	if st, err := cl.Job(t.Context(), late.ID); err != nil || st.Status != fleet.JobNone || c.Exists("a", "/"+late.ID) {
		t.Errorf("%+v, %v", st, err)
	}
	for i := range 5 {
		both := spec("run1-both-" + strconv.Itoa(i))
		var wg sync.WaitGroup
		var started bool
		var said fleet.JobState
		var failed [2]error
		wg.Go(func() { started, failed[0] = cl.StartJob(t.Context(), both) })
		wg.Go(func() { said, failed[1] = cl.SettleJob(t.Context(), both.ID) })
		wg.Wait()
		if failed[0] != nil || failed[1] != nil || started == (said.Status == fleet.JobNone) {
			t.Errorf("started %v, said to be %s: %v", started, said.Status, failed)
		}
		if started {
			eventually(t, "the job runs", func() bool { return c.Exists("a", "/"+both.ID) })
		} else if c.Exists("a", "/"+both.ID) {
			t.Error("it ran all the same")
		}
	}
}
