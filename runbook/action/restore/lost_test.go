package restore

import (
	"testing"

	"recoverbot/runbook"
)

// The answer to the RENAME is lost while the server keeps the connection, and with it the lock: what really came of it
// is found out, never guessed (fault 15).
func TestLostRename(t *testing.T) {
	t.Parallel()
	const live = "SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema='speed' AND trigger_name='live_trigger'"
	for _, c := range []struct {
		name string
		late bool
		want runbook.Outcome
	}{{"answer", false, runbook.OutcomeDone}, {"statement", true, runbook.OutcomeFailed}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Exec(w.db, "CREATE TRIGGER speed.live_trigger AFTER INSERT ON speed.t_app_dns FOR EACH ROW INSERT INTO speed.only_here VALUES (NEW.id)")
			w.put("standby", "speed-20261122.sql", w.dump())
			a, job, p := w.plan()
			k := w.hold(a, job, p).(*held)
			d := w.NewDeaf("standby", "/run/mysqld/deaf.sock", "/run/mysqld/mysqld.sock", "RENAME TABLE", c.late)
			k.d.Socket = "/run/mysqld/deaf.sock"
			res, err := k.Commit(t.Context())
			if err != nil || res.Outcome != c.want || !d.Cut.Load() {
				t.Fatalf("commit: %v %s %s", err, res.Outcome, say(t, res.Text))
			}
			if c.late {
				if got := w.text(live); got != "1" || len(res.Open) != 0 {
					t.Errorf("trigger %s, open %+v", got, res.Open)
				}
				if err := k.Rollback(t.Context()); err != nil {
					t.Error(err)
				}
				w.untouched()
				return
			}
			if got, want := w.sums("speed"), w.sums("made"); got != want {
				t.Errorf("checksums %s, want %s", got, want)
			}
			if got := w.text("SELECT COUNT(*) FROM speed.v_a"); got != "1" {
				t.Errorf("a view has %s rows", got)
			}
			if got := w.text("SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema='" + res.Values["old_schema"] + "'"); got != "live_trigger" {
				t.Errorf("the old schema's trigger: %q", got)
			}
		})
	}
}
