// Package blank gives tests journals whose tables are made already: to make them takes longer than most tests.
package blank

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"recoverbot/runbook/journal"
)

var blank = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "journal.db")
	j, err := journal.Open(context.Background(), "sqlite://"+path, time.Now, nil)
	if err != nil {
		return nil, err
	}
	if err := j.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// DSN is that of an empty journal in a file at path, which must not be there yet.
func DSN(t testing.TB, path string) string {
	t.Helper()
	b, err := blank()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("%s: there already, or %v", path, err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite://" + path
}
