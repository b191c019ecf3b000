package fleet_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/fleet"
)

// A host whose disk hangs answers no file operation; whoever waits for one goes on when its time is over.
func TestFileOperationsEndWithTheContext(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "a")
	fifo := filepath.Join(t.TempDir(), "hangs")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := c.Client("a").SFTP(ctx)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		f, err := s.Open(fifo) // waits for a writer that never comes
		if err == nil {
			_ = f.Close()
		}
		done <- err
	}()
	cancel()
	select {
	case err := <-done:
		if err == nil {
			t.Error("a FIFO without a writer was opened")
		}
	case <-time.After(20 * time.Second):
		t.Error("still waiting")
	}
	_ = s.Close() // returns too
	w, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	if ran, err := c.Client("a").Run(t.Context(), fleet.Command{Script: "exit 3"}); err != nil || ran.Exit != 3 {
		t.Errorf("the connection itself is spoilt: %+v, %v", ran, err)
	}
}
