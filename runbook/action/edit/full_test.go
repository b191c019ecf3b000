package edit

import (
	"errors"
	"os"
	"path"
	"strings"
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
)

// TestDiskFull lets the disk of the file, or that of the bot's own copies, be full in the middle of an edit: the file stays
// the old one, whole, nothing is left beside it, and once there is room the same plan goes through (fault 39).
func TestDiskFull(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"of the file": path.Dir(configPath), "of the copies": "/var/lib/recoverbot"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := actiontest.New(t, "primary", "standby")
			before := config(c.Host("primary").Address) + strings.Repeat("# a long comment\r\n", 3000)
			room := c.SmallDisk("standby", dir, len(before)*3/2)
			c.WriteFile("standby", configPath, before, 0o640)
			if dir != path.Dir(configPath) {
				c.WriteFile("standby", dir+"/other", before, 0o600)
			}
			a, env := build(t, c, &Spec{Path: "$service.go-api.config", Rehost: []Rehost{{From: "primary", To: "localhost"}}})
			p := plan(t, a, runbook.Ready)
			_, err := a.Apply(t.Context(), p, c.Job(env), actiontest.NewRecorder())
			refused(t, err, "edit.not_written", false)
			if got := c.ReadFile("standby", configPath); got != before {
				t.Errorf("the file is now of %d bytes", len(got))
			}
			if e, err := a.(runbook.Looker).Look(t.Context(), p, c.Job(env)); err != nil || e.Took != runbook.TookNo {
				t.Error(e, err)
			}
			room()
			if res, err := a.Apply(t.Context(), p, c.Job(env), actiontest.NewRecorder()); err != nil || res.Outcome != runbook.OutcomeDone {
				t.Errorf("with room: %v %v", res, err)
			}
			if got := files(t, c); len(got) != 1 {
				t.Errorf("left over: %v", got)
			}
		})
	}
}

// TestCutOffBeforeRename breaks the connection when the new text lies beside the file, and is not yet in its place: the
// file is the old one, whole (fault 5), and the next attempt clears up what is left.
func TestCutOffBeforeRename(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "primary", "standby")
	before := config(c.Host("primary").Address)
	c.WriteFile("standby", configPath, before, 0o640)
	a, env := build(t, c, &Spec{Path: "$service.go-api.config", Rehost: []Rehost{{From: "primary", To: "localhost"}}, Verify: `mkdir "$(dirname "$FILE")/../once" || exit 0
p=$PPID; while [ "$(cat /proc/$p/comm)" = sh ] || [ "$(cat /proc/$p/comm)" = bash ]; do p=$(cut -d' ' -f4 /proc/$p/stat); done; kill -9 $p; sleep 5`})
	p, first := plan(t, a, runbook.Ready), c.Client("standby")
	_, err := a.Apply(t.Context(), p, c.Job(env), actiontest.NewRecorder())
	<-first.Lost()
	var refusal *runbook.Refusal
	if !errors.As(err, &refusal) || refusal.Stale || c.ReadFile("standby", configPath) != before || len(files(t, c)) != 2 {
		t.Errorf("cut off: %v, files %v", err, files(t, c))
	}
	if res, err := a.Apply(t.Context(), p, c.Job(env), actiontest.NewRecorder()); err != nil || res.Outcome != runbook.OutcomeDone {
		t.Errorf("again: %v %v", res, err)
	}
	info, err := os.Stat(c.Path("standby", configPath))
	if err != nil || info.Mode().Perm() != 0o640 || len(files(t, c)) != 1 || strings.Contains(c.ReadFile("standby", configPath), "addr: "+c.Host("primary").Address) {
		t.Errorf("%v %v, files %v", info, err, files(t, c))
	}
}
