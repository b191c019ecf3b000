package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"recoverbot/runbook"
	"recoverbot/runbook/journal/journaltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func clock() time.Time { return time.Date(2026, 11, 23, 3, 12, 0, 0, time.UTC) }

func hideSecret(s string) string { return strings.ReplaceAll(s, `pa"ss<1>`, "<redacted>") }

func open(t *testing.T) *Journal {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "j.db"))
}

func openAt(t *testing.T, path string) *Journal {
	t.Helper()
	return openBy(t, path, clock)
}

func openBy(t *testing.T, path string, now func() time.Time) *Journal {
	t.Helper()
	j, err := Open(t.Context(), "sqlite://"+path, now, hideSecret)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return j
}

func file(t *testing.T, j *Journal) string {
	t.Helper()
	var path string
	if err := j.readers.Get(&path, `SELECT file FROM pragma_database_list WHERE name = 'main'`); err != nil {
		t.Fatal(err)
	}
	return path
}

func exec(t *testing.T, j *Journal, query string, args ...any) {
	t.Helper()
	if _, err := j.writer.Exec(query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func TestContract(t *testing.T) {
	t.Parallel()
	journaltest.Exercise(t, journaltest.Backend{
		Open: func(t *testing.T) journaltest.Journal { return open(t) },
		OpenAt: func(t *testing.T, now func() time.Time) journaltest.Journal {
			return openBy(t, filepath.Join(t.TempDir(), "j.db"), now)
		},
		Crash: func(t *testing.T, j journaltest.Journal) journaltest.Journal {
			from, to := file(t, j.(*Journal)), filepath.Join(t.TempDir(), "copy.db")
			for _, suffix := range []string{"", "-wal"} { // the shared-memory file does not survive a power cut
				copyFile(t, from+suffix, to+suffix)
			}
			return openAt(t, to)
		},
		Break: func(t *testing.T, j journaltest.Journal) { exec(t, j.(*Journal), `PRAGMA query_only = 1`) },
		Fill: func(t *testing.T, j journaltest.Journal) {
			var pages int
			if err := j.(*Journal).writer.Get(&pages, `PRAGMA page_count`); err != nil {
				t.Fatal(err)
			}
			exec(t, j.(*Journal), fmt.Sprintf(`PRAGMA max_page_count = %d`, pages))
		},
	})
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	src, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	dst, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(dst, src); err != nil {
		t.Fatal(err)
	}
	if err := dst.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestSecondProcessIsRefused: fault 6.
func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "j.db")
	first := openAt(t, path)
	_, err := Open(t.Context(), "sqlite://"+path, clock, nil)
	if runbook.CodeOf(err) != runbook.Unavailable || !strings.Contains(err.Error(), "journal.locked") {
		t.Errorf("second open: %v", err)
	}
	reader, err := OpenReader(t.Context(), "sqlite://"+path, clock)
	if err != nil {
		t.Fatalf("open for reading beside the writer: %v", err)
	}
	if err := reader.CreateRun(t.Context(), journaltest.NewRun("r1")); runbook.CodeOf(err) != runbook.Unavailable {
		t.Errorf("write by a reader: %v", err)
	}
	if err := first.CreateRun(t.Context(), journaltest.NewRun("r1")); err != nil {
		t.Fatal(err)
	}
	if r, err := reader.Run(t.Context(), "r1"); err != nil || len(r.Steps) != 2 {
		t.Errorf("read beside the writer: %v, %v", r, err)
	}
	if err := reader.Close(); err != nil {
		t.Error(err)
	}
	for range 2 { // closing twice is harmless, and frees the lock
		if err := first.Close(); err != nil {
			t.Error(err)
		}
	}
	openAt(t, path)
}

// TestOpenRefusesWhatItCannotUse: fault 6.
func TestOpenRefusesWhatItCannotUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, dsn := range map[string]string{
		"mysql": "mysql://h/db", "no path": "sqlite://", "directory": "sqlite://" + dir, "garbage": "sqlite://" + garbage,
	} {
		if j, err := Open(t.Context(), dsn, clock, nil); err == nil {
			_ = j.Close()
			t.Errorf("%s was opened", name)
		}
	}
	if _, err := OpenReader(t.Context(), "sqlite://"+filepath.Join(dir, "none.db"), clock); runbook.CodeOf(err) != runbook.NotFound {
		t.Errorf("reader without a file: %v", err)
	}
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	j := open(t)
	tables := func() (names []string) {
		if err := j.writer.Select(&names, `SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%' ORDER BY name`); err != nil {
			t.Fatal(err)
		}
		return names
	}
	up := tables()
	if err := j.CreateRun(t.Context(), journaltest.NewRun("r1")); err != nil {
		t.Fatal(err)
	}
	if err := Migrate(t.Context(), j.writer, "down"); err != nil {
		t.Fatal(err)
	}
	if left := tables(); len(left) != 0 {
		t.Errorf("left after down: %v", left)
	}
	if err := Migrate(t.Context(), j.writer, "up"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(up, tables()); diff != "" {
		t.Errorf("up again (-first +second):\n%s", diff)
	}
}

// TestRemovedWhileOpen takes the journal away under the bot: nothing is begun that could not be found again (fault 6).
func TestRemovedWhileOpen(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(path string) error{
		"removed": os.Remove,
		"all":     func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
		"replaced": func(path string) error {
			return errors.Join(os.WriteFile(path+".new", nil, 0o600), os.Rename(path+".new", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "j", "j.db")
			j := openAt(t, path)
			if err := j.CreateRun(t.Context(), journaltest.NewRun("r1")); err != nil {
				t.Fatal(err)
			}
			if err := remove(path); err != nil {
				t.Fatal(err)
			}
			for _, err := range []error{j.Healthy(t.Context()), j.CreateRun(t.Context(), journaltest.NewRun("r2"))} {
				if runbook.CodeOf(err) != runbook.Unavailable {
					t.Errorf("written: %v", err)
				}
			}
		})
	}
}

func TestDurability(t *testing.T) {
	t.Parallel()
	j := open(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000"} {
		var got string
		if err := j.writer.Get(&got, "PRAGMA "+pragma); err != nil || got != want {
			t.Errorf("%s is %s, %v", pragma, got, err)
		}
	}
	info, err := os.Stat(file(t, j))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}
