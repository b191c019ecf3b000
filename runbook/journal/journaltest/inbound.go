package journaltest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"recoverbot/runbook"
)

func testInbound(t *testing.T, b Backend) {
	j := b.Open(t)
	for _, s := range []struct {
		platform, id, body string
		fresh              bool
	}{
		{"slack", "e2", `{"n":1}`, true},
		{"slack", "e1", `{"n":2}`, true},
		{"slack", "e2", `{"n":3}`, false},
		{"telegram", "e2", `{"n":4}`, true},
		{"slack", "e3", `{"n":5}`, true},
	} {
		keep(t, j, s.platform, s.id, s.body, s.fresh)
	}
	open(t, j, "slack", `{"n":1}`, `{"n":2}`, `{"n":5}`)
	for range 2 { // settling twice is harmless
		settle(t, j, "slack", "e1")
	}
	settle(t, j, "slack", "never kept")
	keep(t, j, "slack", "e1", `{"n":6}`, false)
	keep(t, j, "slack", "never kept", `{"n":7}`, true)
	after := b.Crash(t, j)
	open(t, after, "slack", `{"n":1}`, `{"n":5}`, `{"n":7}`)
	open(t, after, "telegram", `{"n":4}`)
	keep(t, after, "slack", "e1", `{"n":8}`, false)
	open(t, after, "web")
}

func testOldInbound(t *testing.T, b Backend) {
	now := start
	j := b.OpenAt(t, func() time.Time { return now })
	keep(t, j, "slack", "settled", `{"n":1}`, true)
	settle(t, j, "slack", "settled")
	keep(t, j, "slack", "open", `{"n":2}`, true)
	now = now.Add(48 * time.Hour)
	keep(t, j, "slack", "settled", `{"n":3}`, false)
	open(t, j, "slack", `{"n":2}`)
	now = now.Add(time.Second)
	keep(t, j, "telegram", "another", `{"n":4}`, true)
	open(t, j, "slack")
	keep(t, j, "slack", "settled", `{"n":5}`, true)
	now = now.Add(-time.Hour) // the clock is set back: what came later is still later
	keep(t, j, "slack", "earlier", `{"n":6}`, true)
	open(t, j, "slack", `{"n":5}`, `{"n":6}`)
}

func testLostInbound(t *testing.T, b Backend) {
	for name, ruin := range map[string]func(*testing.T, Journal){"broken": b.Break, "full": b.Fill} {
		j := b.Open(t)
		keep(t, j, "slack", "e1", `{"n":1}`, true)
		ruin(t, j)
		big := `{"text":"` + strings.Repeat("x", 1<<20) + `"}`
		if fresh, err := j.SaveInbound(t.Context(), "slack", "e2", []byte(big)); fresh || runbook.CodeOf(err) != runbook.Unavailable {
			t.Errorf("%s: kept as fresh %v, %v", name, fresh, err)
		}
		open(t, j, "slack", `{"n":1}`)
		after := b.Crash(t, j)
		open(t, after, "slack", `{"n":1}`)
		keep(t, after, "slack", "e2", `{"n":2}`, true)
	}
}

func keep(t *testing.T, j Journal, platform, id, body string, fresh bool) {
	t.Helper()
	if got, err := j.SaveInbound(t.Context(), platform, id, []byte(body)); err != nil || got != fresh {
		t.Errorf("keep %s of %s: fresh %v, %v", id, platform, got, err)
	}
}

func settle(t *testing.T, j Journal, platform, id string) {
	t.Helper()
	if err := j.SettleInbound(t.Context(), platform, id); err != nil {
		t.Errorf("settle %s of %s: %v", id, platform, err)
	}
}

// open holds that these bodies, in this order, are kept and not settled.
func open(t *testing.T, j Journal, platform string, want ...string) {
	t.Helper()
	bodies, err := j.OpenInbound(t.Context(), platform)
	if err != nil {
		t.Errorf("open of %s: %v", platform, err)
	}
	var got []string
	for _, b := range bodies {
		got = append(got, string(b))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("open of %s (-want +got):\n%s", platform, diff)
	}
}
