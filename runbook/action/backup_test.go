package action_test

import (
	"os"
	"path/filepath"
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/actiontest"
)

func TestBackUp(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	h, job := c.Host("standby"), c.Job(c.Env(runbook.Step{ID: "s"}))
	s, err := c.Client("standby").SFTP(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var drops []func()
	for _, file := range []string{"/etc/nginx/a.conf", "/etc/nginx/b.conf"} {
		for range 2 { // the second as after a crash
			to, remove, err := action.BackUp(s, h, job, c.Path("standby", file), []byte("old\n"))
			if err != nil || to != c.Path("standby", "/var/lib/recoverbot/backup/"+job.ID()+file) {
				t.Fatal(to, err)
			}
			drops = append(drops, remove)
		}
		to := action.BackupPath(h, job, c.Path("standby", file))
		if b, err := os.ReadFile(to); err != nil || string(b) != "old\n" {
			t.Errorf("%q %v", b, err)
		}
		if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
			t.Error(info.Mode(), err)
		}
		for dir := filepath.Dir(to); filepath.Base(dir) != "recoverbot"; dir = filepath.Dir(dir) {
			if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
				t.Error(dir, info.Mode(), err)
			}
		}
	}
	drops[0]()
	if !c.Exists("standby", "/var/lib/recoverbot/backup/"+job.ID()+"/etc/nginx/b.conf") {
		t.Error("the other file's copy is gone too")
	}
	drops[2]()
	if c.Exists("standby", "/var/lib/recoverbot/backup") {
		t.Error("empty directories are left")
	}
}
