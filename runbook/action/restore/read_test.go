package restore

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"recoverbot/runbook"
)

// A big dump is read once, detached, however often it is planned meanwhile; nothing older is proposed in its place.
func TestBigDumpsAreReadDetached(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := w.dump()
	w.put("standby", "speed-20261121.sql", dated(good, "2026-11-21  2:00:01"))
	w.put("standby", "speed-20261122.sql", good)
	gate := w.Path("standby", "/gate")
	w.WriteFile("standby", "/bin/sha256sum", "#!/bin/sh\necho x >>"+gate+".log\nwhile [ ! -e "+gate+" ]; do sleep 0.05; done\nexec /usr/bin/sha256sum \"$@\"\n", 0o755)
	plan := func(patience time.Duration) runbook.Plan {
		a, _ := w.action()
		a.directly, a.patience = 0, patience
		p, err := a.Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for range 2 {
		p := plan(300 * time.Millisecond)
		if p.Verdict != runbook.Blocked || p.Why.ID != "restore.reading" || p.Why.Args["file"] != "speed-20261122.sql" || len(p.Tables) == 0 {
			t.Fatalf("%s %s", p.Verdict, say(t, p.Why))
		}
		say(t, p.Why)
	}
	w.WriteFile("standby", "/gate", "", 0o600)
	p := plan(20 * time.Second)
	if p.Verdict != runbook.Ready || !strings.Contains(string(p.Effect.Data), "speed-20261122.sql") {
		t.Fatalf("%s %s", p.Verdict, say(t, p.Why))
	}
	if e, err := fromPlan(p); err != nil || len(e.SHA256) != 64 || len(e.Tables) != 3 {
		t.Errorf("%+v %v", e, err)
	}
	if log := w.ReadFile("standby", "/gate.log"); strings.Count(log, "x") != 2 { // this dump, and the one before it to compare
		t.Errorf("%d readings", strings.Count(log, "x"))
	}
	if err := os.Remove(filepath.Clean(gate)); err != nil {
		t.Fatal(err)
	}
	w.put("standby", "speed-20261122.sql", good+"\n") // another file now: read anew
	if p := plan(300 * time.Millisecond); p.Why.ID != "restore.reading" {
		t.Errorf("%s %s", p.Verdict, say(t, p.Why))
	}
	w.WriteFile("standby", "/gate", "", 0o600)

	// A compressed one must be read before it is known whether it is complete: the older plain ones do not take its place.
	var z bytes.Buffer
	zw := gzip.NewWriter(&z)
	if _, err := zw.Write([]byte(dated(good, "2026-11-22  3:00:01"))); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	w.put("standby", "speed-20261122-030000.sql.gz", z.String())
	w.WriteFile("standby", "/bin/gzip", "#!/bin/sh\nwhile [ ! -e "+gate+".z ]; do sleep 0.05; done\nexec /usr/bin/gzip \"$@\"\n", 0o755)
	if p := plan(300 * time.Millisecond); p.Verdict != runbook.Blocked || p.Why.ID != "restore.reading" || p.Why.Args["file"] != "speed-20261122-030000.sql.gz" {
		t.Errorf("%s %s", p.Verdict, say(t, p.Why))
	}
	w.WriteFile("standby", "/gate.z", "", 0o600)
	if p := plan(20 * time.Second); p.Verdict != runbook.Ready || !strings.Contains(string(p.Effect.Data), "speed-20261122-030000.sql.gz") {
		t.Errorf("%s %s", p.Verdict, say(t, p.Why))
	}
}
