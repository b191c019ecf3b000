package fleet_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/fleet"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "a")
	plain, err := os.ReadFile(c.Options().KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParseRawPrivateKey(plain)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte("open sesame"))
	if err != nil {
		t.Fatal(err)
	}
	locked, other := filepath.Join(t.TempDir(), "id"), filepath.Join(t.TempDir(), "other")
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	unknown, err := ssh.MarshalPrivateKey(stranger, "")
	if err != nil {
		t.Fatal(err)
	}
	for file, b := range map[string]*pem.Block{locked: block, other: unknown} {
		if err := os.WriteFile(file, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	socket := serveAgent(t, key)
	for name, tc := range map[string]struct {
		change func(*fleet.Options)
		want   string // "" : logs in
	}{
		"passphrase":         {func(o *fleet.Options) { o.KeyFile, o.KeyPassphrase = locked, "open sesame" }, ""},
		"needless":           {func(o *fleet.Options) { o.KeyPassphrase = "unused" }, ""},
		"agent":              {func(o *fleet.Options) { o.KeyFile, o.UseAgent, o.AgentSocket = "", true, socket }, ""},
		"agent beside a key": {func(o *fleet.Options) { o.KeyFile, o.UseAgent, o.AgentSocket = other, true, socket }, ""},
		"no passphrase":      {func(o *fleet.Options) { o.KeyFile = locked }, "fleet.key_needs_passphrase"},
		"wrong passphrase":   {func(o *fleet.Options) { o.KeyFile, o.KeyPassphrase = locked, "wrong" }, "fleet.key_bad_passphrase"},
		"no file":            {func(o *fleet.Options) { o.KeyFile = "/nowhere" }, "fleet.key_unreadable"},
		"not a key":          {func(o *fleet.Options) { o.KeyFile = c.FleetFile }, "fleet.key_unreadable"},
		"no key at all":      {func(o *fleet.Options) { o.KeyFile = "" }, "fleet.no_key"},
		"stranger":           {func(o *fleet.Options) { o.KeyFile = other }, "fleet.login_refused"},
		"no agent":           {func(o *fleet.Options) { o.KeyFile, o.UseAgent, o.AgentSocket = "", true, "/nowhere" }, "fleet.agent_failed"},
	} {
		t.Run(name, func(t *testing.T) {
			o := c.Options()
			tc.change(&o)
			f, err := fleet.Open(c.FleetFile, o)
			if err == nil {
				defer f.Close()
				_, err = f.SSH(t.Context(), c.Host("a"))
			}
			why := map[string]string{"no file": "fleet.file_missing", "not a key": "fleet.file_no_key"}[name]
			var e *runbook.Error
			if why != "" && (!errors.As(err, &e) || e.Msg.Args["why"].(runbook.Msg).ID != why) {
				t.Errorf("does not say why: %v", err)
			}
			if (tc.want == "" && err != nil) || msgID(err) != tc.want {
				t.Errorf("want %q, got %v", tc.want, err)
			}
		})
	}
}

// serveAgent is an SSH agent with one key.
func serveAgent(t *testing.T, key any) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "agent"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				_ = agent.ServeAgent(ring, conn)
				_ = conn.Close()
			}
		}
	}()
	return filepath.Join(dir, "agent")
}
