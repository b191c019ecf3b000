package fleet_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/fleet"
)

// eventually polls until ok, for things that another process does.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("never happened: %s", what)
		}
	}
}

func msgID(err error) string {
	var e *runbook.Error
	if errors.As(err, &e) {
		return e.Msg.ID
	}
	return ""
}

// TestHostKeys: a key that is not pinned, or another one than the pinned, is refused with the fingerprint that was
// presented. Nothing is trusted on first use (fault 7).
func TestHostKeys(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "a", "b")
	h := c.Host("a")
	presented, err := c.Fleet.PresentedKey(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(presented))); got != c.SSHD("a").HostKey {
		t.Errorf("presented %s, want %s", got, c.SSHD("a").HostKey)
	}
	other, err := c.Fleet.PresentedKey(t.Context(), c.Host("b"))
	if err != nil {
		t.Fatal(err)
	}

	refused := func(want string) {
		t.Helper()
		_, err := c.Fleet.SSH(t.Context(), h)
		var bad *fleet.HostKeyError
		var e *runbook.Error
		if !errors.As(err, &bad) || !errors.As(err, &e) || e.Msg.ID != want || e.Code != runbook.Forbidden ||
			e.Msg.Args["fingerprint"] != ssh.FingerprintSHA256(presented) {
			t.Errorf("want %s, got %v", want, err)
		}
	}
	known, err := os.ReadFile(c.KnownHosts())
	if err != nil {
		t.Fatal(err)
	}
	for _, empty := range []func() error{
		func() error { return os.WriteFile(c.KnownHosts(), nil, 0o600) },
		func() error { return os.Remove(c.KnownHosts()) },
	} {
		if err := empty(); err != nil {
			t.Fatal(err)
		}
		refused("fleet.unknown_key")
	}
	if err := c.Fleet.Pin(t.Context(), h, other); err != nil {
		t.Fatal(err)
	}
	refused("fleet.changed_key")
	before, _ := os.ReadFile(c.KnownHosts())
	if err := c.Fleet.Pin(t.Context(), h, presented); runbook.CodeOf(err) != runbook.Conflicting {
		t.Errorf("a pinned key was replaced: %v", err)
	}
	if after, _ := os.ReadFile(c.KnownHosts()); string(after) != string(before) {
		t.Error("a refused pin changed the file")
	}

	if err := os.WriteFile(c.KnownHosts(), known[:strings.Index(string(known), "\n")-40], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Fleet.SSH(t.Context(), h); err == nil {
		t.Error("a damaged known_hosts was taken")
	}
	if err := os.Remove(c.KnownHosts()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // again is success
		if err := c.Fleet.Pin(t.Context(), h, presented); err != nil {
			t.Fatal(err)
		}
	}
	cl, err := c.Fleet.SSH(t.Context(), h)
	if err != nil || cl.Fingerprint() != ssh.FingerprintSHA256(presented) {
		t.Fatalf("after pinning: %v", err)
	}
}

// TestBlackHole dials a host that takes no connection and refuses none, as behind a dead route (fault 9).
func TestBlackHole(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "a")
	h := c.Host("a")
	at := netip.MustParseAddrPort(h.Address + ":9022")
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	for full := false; !full; { // nobody takes what waits, and what comes after it is dropped
		conn, err := net.DialTimeout("tcp", at.String(), 200*time.Millisecond)
		if full = err != nil; !full {
			defer conn.Close()
		}
	}
	h.Port = int(at.Port())
	began := time.Now()
	if _, err := c.Fleet.SSH(t.Context(), h); msgID(err) != "fleet.unreachable" || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

// Many callers share one connection; each of their commands gets its own answer.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "a")
	var wg sync.WaitGroup
	clients := make([]*fleet.Client, 12)
	for i := range clients {
		wg.Go(func() {
			cl, err := c.Fleet.SSH(t.Context(), c.Host("a"))
			if err != nil {
				t.Error(err)
				return
			}
			clients[i] = cl
			want := strings.Repeat("x", i+1)
			if r, err := cl.Run(t.Context(), fleet.Command{Script: `printf %s "$V"`, Env: map[string]string{"V": want}}); err != nil || r.Stdout != want {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
	wg.Wait()
	for _, cl := range clients {
		if cl != clients[0] {
			t.Error("more than one connection")
		}
	}
}

// A host that dies in mid-command leaves an error; one that comes back is dialled anew.
func TestConnectionLost(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "a")
	cl := c.Client("a")
	failed := make(chan error, 1)
	go func() {
		_, err := cl.Run(t.Context(), fleet.Command{Script: `touch "$F"; exec sleep 60`, Env: map[string]string{"F": c.Path("a", "/begun")}})
		failed <- err
	}()
	eventually(t, "the command begins", func() bool { return c.Exists("a", "/begun") })
	if err := c.SSHD("a").Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; msgID(err) != "fleet.unreachable" {
		t.Errorf("lost in mid-command: %v", err)
	}
	if _, err := c.Fleet.SSH(t.Context(), c.Host("a")); msgID(err) != "fleet.unreachable" {
		t.Errorf("dead host: %v", err)
	}
	c.RestartSSHD("a")
	if r, err := c.Client("a").Run(t.Context(), fleet.Command{Script: "echo back"}); err != nil || r.Stdout != "back\n" {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestFrozen: a frozen machine accepts connections and says nothing: that costs seconds, for new and for pooled
// connections, and means unreachable (fault 9).
func TestFrozen(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "a")
	cl := c.Client("a")
	if err := c.SSHD("a").Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	within := func(what string, limit time.Duration, do func(context.Context) error) {
		t.Helper()
		began := time.Now()
		if err := do(t.Context()); runbook.CodeOf(err) != runbook.Unavailable || msgID(err) != "fleet.unreachable" {
			t.Errorf("%s: %v", what, err)
		}
		if took := time.Since(began); took > limit {
			t.Errorf("%s took %s", what, took)
		}
	}
	var beside sync.WaitGroup
	beside.Go(func() {
		within("presented key", 15*time.Second, func(ctx context.Context) error {
			_, err := c.Fleet.PresentedKey(ctx, c.Host("a"))
			return err
		})
	})
	within("pooled command", 15*time.Second, func(ctx context.Context) error {
		_, err := cl.Run(ctx, fleet.Command{Script: "true"})
		return err
	})
	within("new connection", 15*time.Second, func(ctx context.Context) error {
		_, err := c.Fleet.SSH(ctx, c.Host("a"))
		return err
	})
	within("caller's deadline", 3*time.Second, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		_, err := c.Fleet.SSH(ctx, c.Host("a"))
		return err
	})
	beside.Wait()
	if err := c.SSHD("a").Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if r, err := c.Client("a").Run(t.Context(), fleet.Command{Script: "echo back"}); err != nil || r.Stdout != "back\n" {
		t.Errorf("thawed: %+v, %v", r, err)
	}
}

func TestJumpHost(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "a", "b")
	text, err := os.ReadFile(c.FleetFile)
	if err != nil {
		t.Fatal(err)
	}
	jumping := strings.Replace(string(text), "name: b\n", "name: b\n    jump: a\n", 1)
	if err := os.WriteFile(c.FleetFile, []byte(jumping), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Fleet.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := c.Client("b").Run(t.Context(), fleet.Command{Script: `echo "$SSH_CLIENT"; command -v systemctl`})
	if err != nil || !strings.Contains(r.Stdout, c.Path("b", "/bin/systemctl")) {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := c.Fleet.PresentedKey(t.Context(), c.Host("b")); err != nil {
		t.Error(err)
	}
	if err := c.SSHD("a").Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the way through the jump host is lost", func() bool {
		_, err := c.Fleet.SSH(t.Context(), c.Host("b"))
		return msgID(err) == "fleet.jump_unreachable"
	})
}
