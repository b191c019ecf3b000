package journal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"recoverbot/runbook"
)

// causeOf is what err says of its cause to people.
func causeOf(t *testing.T, err error) string {
	t.Helper()
	var e *runbook.Error
	if !errors.As(err, &e) || e.Code != runbook.Unavailable {
		t.Fatalf("got %v", err)
	}
	m, _ := e.Msg.Args["cause"].(runbook.Msg)
	if m.ID != Cause(err).ID {
		t.Errorf("%v says %q", err, m.ID)
	}
	return strings.TrimPrefix(m.ID, "journal.cause_")
}

// TestWhyItIsNotOpened: the cause is said, and what is there is left alone (fault 6).
func TestWhyItIsNotOpened(t *testing.T) {
	t.Parallel()
	old := open(t)
	if err := old.Close(); err != nil { // what was written is in the file itself from now on
		t.Fatal(err)
	}
	whole, err := os.ReadFile(old.path)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		make func(path string) error
		want string
	}{
		"no database": {func(p string) error { return os.WriteFile(p, []byte(strings.Repeat("no database ", 100)), 0o600) }, "foreign"},
		"cut":         {func(p string) error { return os.WriteFile(p, whole[:len(whole)/2], 0o600) }, "damaged"},
		"directory":   {func(p string) error { return os.Mkdir(p, 0o700) }, "directory"},
		"dangling":    {func(p string) error { return os.Symlink(filepath.Join(filepath.Dir(p), "gone", "j.db"), p) }, "gone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "j.db")
			if err := c.make(path); err != nil {
				t.Fatal(err)
			}
			before, _ := os.ReadFile(path)
			j, err := Open(t.Context(), "sqlite://"+path, clock, nil)
			if err == nil {
				_ = j.Close()
				t.Fatal("was opened")
			}
			if got := causeOf(t, err); got != c.want {
				t.Errorf("%v: %s, want %s", err, got, c.want)
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("it was changed")
			}
		})
	}
}

// TestWhyItIsNotWritten: the cause is said, and whoever watches is told, but not of looks at its health (fault 6).
func TestWhyItIsNotWritten(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(j *Journal) error{
		"full": func(j *Journal) error {
			var pages int
			return j.writer.Get(&pages, "PRAGMA max_page_count = 1") // no fewer than there are
		},
		"read_only": func(j *Journal) error { _, err := j.writer.Exec("PRAGMA query_only = 1"); return err },
		"gone":      func(j *Journal) error { return os.Remove(j.path) },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			j := open(t)
			if !j.Fresh() {
				t.Error("a new journal is none")
			}
			if err := spoil(j); err != nil {
				t.Fatal(err)
			}
			if err := j.Healthy(t.Context()); err != nil && causeOf(t, err) != want {
				t.Errorf("a look: %v", err)
			}
			if len(j.Failed()) != 0 {
				t.Error("a look counts as a write")
			}
			note := func() error {
				return j.Note(t.Context(), "", runbook.Actor{Name: "ops1"}, map[string]string{"x": strings.Repeat("x", 1<<15)})
			}
			err := note()
			if got := causeOf(t, err); got != want {
				t.Errorf("%v: %s", err, got)
			}
			if note() == nil {
				t.Error("written")
			}
			if told := <-j.Failed(); !errors.Is(told, err) {
				t.Errorf("told of %v", told)
			}
		})
	}
	path := filepath.Join(t.TempDir(), "j.db")
	if err := openAt(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	if openAt(t, path).Fresh() {
		t.Error("an old journal is new")
	}
}
