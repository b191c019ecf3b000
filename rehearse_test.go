package main

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/journal"
)

// What was measured is read beside the process that writes it; a journal that cannot be read knows nothing.
func TestPast(t *testing.T) {
	t.Parallel()
	dsn := "sqlite://" + filepath.Join(t.TempDir(), "journal.db")
	j, err := journal.Open(t.Context(), dsn, time.Now, func(s string) string { return s })
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	reader, err := journal.OpenReader(t.Context(), dsn, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	before := past(reader, slog.New(slog.DiscardHandler))
	if list, known := before(t.Context(), "speed"); len(list) != 0 || !known {
		t.Errorf("nothing yet: %v %v", list, known)
	}
	err = j.CreateRun(t.Context(), runbook.Run{ID: "r1", Scenario: runbook.Scenario{Name: "rehearse-restore"}, State: runbook.Open, StartedAt: time.Now(),
		Steps: []runbook.StepRun{{RunID: "r1", ID: "rehearse", State: runbook.Done, ChangedAt: time.Now(), Result: &runbook.Result{
			Outcome: runbook.OutcomeDone, Values: map[string]string{"rehearsed": "speed", "dump": "speed-1.sql", "bytes": "1000", "load_seconds": "2.5"},
		}}}})
	if err != nil {
		t.Fatal(err)
	}
	list, known := before(t.Context(), "speed")
	if len(list) != 1 || !known || !list[0].Rehearsal || list[0].File != "speed-1.sql" || list[0].Bytes != 1000 || list[0].Seconds != 2.5 {
		t.Errorf("%+v %v", list, known)
	}
	if list, known := before(t.Context(), "other"); len(list) != 0 || !known {
		t.Errorf("another database: %v %v", list, known)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	if list, known := before(t.Context(), "speed"); len(list) != 0 || known {
		t.Errorf("unreadable: %v %v", list, known)
	}
}

func TestRehearseRefuses(t *testing.T) {
	t.Parallel()
	for words, x := range map[string]struct {
		want  string
		usage bool
	}{
		"rehearse foo":      {"There is no command foo. Known: restore.", true},
		"rehearse restor":   {"There is no command restor. Did you mean restore? Known: restore.", true},
		"rehearse restore":  {"rehearse restore needs a terminal", false},
		"recover undo-none": {"recover needs a terminal", false},
	} {
		_, err := command(t, map[string]string{"env": ""}, strings.Fields(words)...)
		var usage usageError
		if err == nil || !strings.HasPrefix(err.Error(), x.want) || errors.As(err, &usage) != x.usage {
			t.Errorf("%s: %v", words, err)
		}
	}
}
