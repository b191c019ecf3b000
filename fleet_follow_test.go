package main

import (
	"os"
	"path/filepath"
	"testing"

	"recoverbot/runbook/fleet"
)

// TestFleetIsFollowed: an edited fleet.yaml is in force at the second look, one that is wrong changes nothing, and each is read
// once.
func TestFleetIsFollowed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "fleet.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const hosts = "hosts: [{name: app1, address: 127.0.10.21}]\n"
	write(hosts + "people: [{name: ops1, roles: [approver]}, {name: ops2, roles: [approver]}]\n")
	if err := os.WriteFile(filepath.Join(dir, "known_hosts"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := fleet.Open(file, fleet.Options{KnownHosts: filepath.Join(dir, "known_hosts")})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	x := follower{fleet: f, at: stampOf(file)}
	for i, step := range []struct {
		text       string
		changed    bool
		wrong, who bool // who: ops1 is known
	}{
		{"", false, false, true},
		{hosts + "people: [{name: ops2, roles: [approver]}]\n", false, false, true}, // just written
		{"", true, false, false},
		{"", false, false, false},
		{hosts + "people: [{name: ops1", false, false, false},
		{"", true, true, false},
		{"", false, false, false},
		{hosts + "people: [{name: ops1, roles: [approver]}]\n", false, false, false},
		{"", true, false, true},
	} {
		if step.text != "" {
			write(step.text)
		}
		changed, err := x.look(t.Context())
		if _, who := f.Config().Person("ops1"); changed != step.changed || (err != nil) != step.wrong || who != step.who {
			t.Errorf("look %d: changed %v, %v, ops1 %v", i, changed, err, who)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if changed, _ := x.look(t.Context()); changed {
			t.Error("a file that is gone was read")
		}
	}
}
