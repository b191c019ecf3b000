package journal

import (
	"strings"
	"testing"
	"time"
)

func TestLogInsAreEvents(t *testing.T) {
	t.Parallel()
	j := open(t)
	must(t, j.SaveSession(t.Context(), "hash-of-an-id", "ops1", "p", clock().Add(time.Hour)))
	lines := exported(t, j, Selection{})
	if len(lines) != 1 || !strings.Contains(lines[0], `"Kind":"session","Person":"ops1","Platform":"web"`) || strings.Contains(lines[0], "hash-of-an-id") {
		t.Errorf("events %q", lines)
	}
	_, err := j.writer.Exec(`CREATE TRIGGER refuse BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'refused'); END`)
	must(t, err)
	if err := j.SaveSession(t.Context(), "another", "ops1", "p", clock().Add(time.Hour)); err == nil {
		t.Error("a log-in without an event")
	}
	if _, _, ok, err := j.Session(t.Context(), "another"); ok || err != nil {
		t.Errorf("a log-in that was refused counts: %v", err)
	}
}
