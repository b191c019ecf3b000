package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/journal"
)

// TestAuditSaysWhatItFound: scripts tell by the status, people by the text.
func TestAuditSaysWhatItFound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "journal.db")
	j, err := journal.Open(t.Context(), "sqlite://"+path, func() time.Time { return time.Date(2026, 11, 23, 3, 12, 0, 0, time.UTC) }, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Note(t.Context(), "", runbook.Actor{Name: "recoverbot"}, map[string]string{"began": "v1"}); err != nil {
		t.Fatal(err)
	}
	head, err := j.Head(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty.db")
	if j, err = journal.Open(t.Context(), "sqlite://"+empty, time.Now, nil); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("no journal ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file, args string
		status     int
		en, zh     string
	}{
		{path, "verify", 0, "1 event in one unbroken chain", "1 条事件"},
		{path, "verify", 0, "Head " + head, "链头 " + head},
		{path, "verify", 0, "First event 2026-11-23T03:12:00Z", "最早事件 2026-11-23T03:12:00Z"},
		{path, "verify", 0, "cannot be found without --head", "--head"},
		{path, "verify --head " + head, 0, "event 1 of 1", "第 1 条"},
		{path, "verify --head " + head[:16], 0, "event 1 of 1", "第 1 条"},
		{path, "verify --head " + head[:15], 2, "at least its first 16", "前 16 位"},
		{path, "verify --head " + strings.Repeat("0", 64), 1, "none of its 1 events", "1 条事件中没有"},
		{path, "verify --head=", 2, "at least its first 16", "前 16 位"},
		{empty, "verify", 3, "The journal is empty", "日志库是空的"},
		{garbage, "verify", 3, "file is not a database", "无法作为日志库读取"},
		{path + "x", "verify", 3, "There is no journal at", "没有日志库"},
		{path, "export", 0, `"Hash":"` + head + `"}`, head},
		{path, "export --since 2026-11-23 --from 1", 0, head, head},
		{path, "export --since yesterday", 2, "--since must be", "--since 必须"},
		{path, "export --run r1", 3, "There is no run r1", "没有运行 r1"},
	} {
		for lang, want := range map[string]string{"en": c.en, "zh": c.zh} {
			out, err := command(t, map[string]string{"env": "LANGUAGE=" + lang + "\nTZ=UTC\nDATABASE_URL=sqlite://" + c.file + "\n"}, append([]string{"audit"}, strings.Fields(c.args)...)...)
			if err != nil {
				out += err.Error()
			}
			if got := auditStatus(err); got != c.status || !strings.Contains(out, want) {
				t.Errorf("audit %s (%s): status %d, %q, want %d, %q", c.args, lang, got, out, c.status, want)
			}
		}
	}
}

// auditStatus is the exit status that main makes of an error.
func auditStatus(err error) int {
	var status statusError
	var usage usageError
	switch {
	case errors.As(err, &status):
		return status.status
	case errors.As(err, &usage):
		return 2
	case err != nil:
		return 1
	}
	return 0
}
