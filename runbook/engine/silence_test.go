package engine

import (
	"context"
	"testing"
	"time"

	"recoverbot/runbook"
)

// hanging answers every probe with the same finding and counts how often it was asked.
type hanging struct {
	Actions
	finding runbook.Finding
	asked   int
}

func (h *hanging) Probe(context.Context, runbook.Run, []runbook.Probe) []runbook.Finding {
	h.asked++
	return []runbook.Finding{h.finding}
}

func TestOnlyAMachineThatHangsIsSpared(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		finding runbook.Finding
		wait    time.Duration
		asked   int
	}{
		"waited in vain":        {runbook.Finding{Took: 3 * time.Second}, time.Second, 1},
		"waited in vain, later": {runbook.Finding{Took: 3 * time.Second}, stillHangs, 2},
		"refused at once":       {runbook.Finding{Took: time.Millisecond}, time.Second, 2},
		"answered slowly":       {runbook.Finding{Up: true, OK: true, Took: 3 * time.Second}, time.Second, 2},
	} {
		now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
		h := &hanging{finding: x.finding}
		e := New(Config{Actions: h, Clock: func() time.Time { return now }})
		run := runbook.Run{ID: "run1"}
		probes := []runbook.Probe{{Kind: "ssh", Host: "dead"}}
		e.probeSparing(t.Context(), run, runbook.StepRun{}, probes)
		now = now.Add(x.wait)
		e.probeSparing(t.Context(), run, runbook.StepRun{}, probes)
		if h.asked != x.asked {
			t.Errorf("%s: asked %d times, want %d", name, h.asked, x.asked)
		}
	}
	h := &hanging{finding: runbook.Finding{Took: 3 * time.Second}}
	e := New(Config{Actions: h})
	given, cancel := context.WithCancel(t.Context())
	cancel() // it did not wait to the end
	for range 2 {
		e.probeSparing(given, runbook.Run{ID: "run1"}, runbook.StepRun{}, []runbook.Probe{{Kind: "ssh", Host: "dead"}})
	}
	if h.asked != 2 {
		t.Errorf("a probe that was broken off counts as an answer: asked %d times", h.asked)
	}
}
