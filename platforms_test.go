package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"recoverbot/bot/web"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/journal"
)

// TestSessionsEnd: a log-in is over when its person is removed, loses the token or gets another, and is unknown to another
// journal; it comes back with the person's token only.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "fleet.yaml")
	one, two := "token_hash: \"sha256:"+strings.Repeat("1", 64)+"\", ", "token_hash: \"sha256:"+strings.Repeat("2", 64)+"\", "
	write := func(person string) {
		t.Helper()
		text := "hosts: [{name: app1, address: 127.0.10.21}]\npeople: [{name: " + person + "roles: [approver]}]\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("ops1, " + one)
	if err := os.WriteFile(filepath.Join(dir, "known_hosts"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := fleet.Open(file, fleet.Options{KnownHosts: filepath.Join(dir, "known_hosts")})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	open := func(name string) sessions {
		j, err := journal.Open(t.Context(), "sqlite://"+filepath.Join(dir, name), time.Now, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = j.Close() })
		return sessions{j, f}
	}
	s, foreign := open("journal.db"), open("another.db")
	for _, name := range []string{"ops1", "gone"} {
		if err := s.Save(t.Context(), web.Session{Hash: "of-" + name, UserID: name, Expires: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	counts := func(s sessions, hash string) bool {
		t.Helper()
		x, ok, err := s.Lookup(t.Context(), hash)
		if err != nil || ok && x.UserID != "ops1" {
			t.Errorf("found %+v, %v", x, err)
		}
		return ok
	}
	if !counts(s, "of-ops1") || counts(s, "of-gone") || counts(s, "of-nobody") || counts(foreign, "of-ops1") {
		t.Error("a session counts that should not, or the other way round")
	}
	for _, step := range []struct {
		person string
		want   bool
	}{{"ops1, " + two, false}, {"ops1, " + one, true}, {"ops1, ", false}, {"ops2, " + one, false}} {
		write(step.person)
		if err := f.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := counts(s, "of-ops1"); got != step.want {
			t.Errorf("with people %s the session counts: %v", step.person, got)
		}
	}
}
