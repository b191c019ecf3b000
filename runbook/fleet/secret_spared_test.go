package fleet

import (
	"strings"
	"testing"

	"recoverbot/runbook"
)

// TestNamesAreNoSecrets: a file of some machine that calls a word of the bot's own a key must not make its runs unreadable,
// whichever of both is known first.
func TestNamesAreNoSecrets(t *testing.T) {
	t.Parallel()
	names := append(runbook.Words(), "app-primary", "speed")
	text := "app-primary of speed is waiting: done by canary-of-db"
	for name, r := range map[string]*Redactor{"spared first": {}, "secret first": {}} {
		teach := []func(){func() { r.Spare(names...) }, func() { r.Add("primary", "speed", "waiting", "done", "canary-of-db", "") }}
		if name == "secret first" {
			teach[0], teach[1] = teach[1], teach[0]
		}
		for _, f := range teach {
			f()
		}
		if got, want := r.Hide(text), strings.Replace(text, "canary-of-db", redacted, 1); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
