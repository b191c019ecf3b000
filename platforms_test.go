package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"recoverbot/bot/web"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/journal"
)

func TestSessionsOfPeopleWhoWereRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "fleet.yaml")
	text := "hosts: [{name: app1, address: 127.0.10.21}]\npeople: [{name: ops1, roles: [approver]}]\n"
	for name, content := range map[string]string{file: text, filepath.Join(dir, "known_hosts"): ""} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := fleet.Open(file, fleet.Options{KnownHosts: filepath.Join(dir, "known_hosts")})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	j, err := journal.Open(t.Context(), "sqlite://"+filepath.Join(dir, "journal.db"), time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	s := sessions{j, f}
	for name, want := range map[string]bool{"ops1": true, "gone": false} {
		if err := s.Save(t.Context(), web.Session{Hash: "of-" + name, UserID: name, Expires: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := s.Lookup(t.Context(), "of-"+name); ok != want || err != nil {
			t.Errorf("session of %s counts: %v (%v), want %v", name, ok, err, want)
		}
	}
}
