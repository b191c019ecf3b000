package action

import (
	"strings"
	"testing"

	"recoverbot/runbook/fleet"
)

// TestTailCutsNoSecretInTwo: what is kept of an output's end shows no part of a secret, wherever it was cut, and no error's
// row (fault 40).
func TestTailCutsNoSecretInTwo(t *testing.T) {
	t.Parallel()
	const secret = "canary-0123456789-canary-0123456789"
	var r fleet.Redactor
	r.Add(secret)
	for pad := range 80 {
		x := &tail{}
		_, _ = x.Write([]byte(strings.Repeat("x", 3*tailBytes+pad)))
		for range 200 {
			_, _ = x.Write([]byte(" " + secret))
		}
		_, _ = x.Write([]byte("\ncan\x00ary-0123456789-canary-0123456789\nERROR 1062 (23000): Duplicate entry 'b\nird' for key 'k'"))
		if got := x.lines(3, r.Redact); strings.Contains(got, "0123") || strings.Contains(got, "ird'") || !strings.HasSuffix(got, "<redacted>\nERROR 1062 (23000): Duplicate entry '‹cut›' for key 'k'") {
			t.Fatalf("%d: %s", pad, got)
		}
	}
}
