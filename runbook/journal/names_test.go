package journal

import (
	"strings"
	"testing"

	"recoverbot/runbook/journal/journaltest"
)

// TestFieldsKeepTheirNames: a secret that is the name of a field is hidden where it is a value, and the run is still read.
func TestFieldsKeepTheirNames(t *testing.T) {
	t.Parallel()
	j := open(t)
	j.redact = func(s string) string { return strings.ReplaceAll(s, "started_by", "<redacted>") }
	r := journaltest.NewRun("r1")
	r.StartedBy.Name, r.Params = "ops1", map[string]string{"started_by": "it is started_by"}
	must(t, j.CreateRun(t.Context(), r))
	got, err := j.Run(t.Context(), "r1")
	if err != nil || got.StartedBy.Name != "ops1" || got.Params["started_by"] != "it is <redacted>" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := j.Verify(t.Context(), ""); err != nil {
		t.Error(err)
	}
}
