package restore

import (
	"testing"

	"recoverbot/runbook"
)

// TestObjects restores triggers, views, routines and an event over live ones (fault 38).
func TestObjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Exec(w.db, "CREATE TABLE speed.log (n int)", "CREATE TRIGGER speed.live_trigger AFTER INSERT ON speed.t_app_dns FOR EACH ROW INSERT INTO speed.only_here VALUES (NEW.id)",
		"CREATE VIEW speed.v_up AS SELECT 'old' AS id FROM speed.t_app_dns", "DROP TABLE speed.log",
		"USE made; CREATE TRIGGER made.t1 BEFORE INSERT ON made.orders FOR EACH ROW BEGIN SET NEW.user = 1; SET @seen = 'a;b'; END;"+
			"CREATE TRIGGER made.t2 AFTER INSERT ON made.orders FOR EACH ROW INSERT INTO users (name) VALUES ('by trigger')",
		"USE made; CREATE DEFINER=`ghost`@`10.%` PROCEDURE made.p() BEGIN SELECT COUNT(*) FROM users; SELECT 2; END;"+
			"CREATE FUNCTION made.f(a int) RETURNS int DETERMINISTIC RETURN a + 1",
		"CREATE EVENT made.e ON SCHEDULE EVERY 1 SECOND DO DELETE FROM orders")
	w.put("standby", "speed-20261122.sql", w.dump("--routines", "--events", "--triggers"))
	a, job, p := w.plan()
	k := w.hold(a, job, p)
	bad := 0
	for _, m := range k.After().Marks {
		if m == "bad" {
			bad++
		}
	}
	if bad != 1 {
		t.Errorf("definers that do not exist: %d, want 1: %+v", bad, k.After())
	}
	res, err := k.Commit(t.Context())
	if err != nil || res.Outcome != runbook.OutcomeDone {
		t.Fatalf("commit: %v %s", err, say(t, res.Text))
	}
	for _, o := range res.Open {
		say(t, o.Text)
	}
	old := res.Values["old_schema"]
	w.Exec(w.db, "INSERT INTO speed.orders VALUES (77, 5)") // both triggers act, in speed
	for query, want := range map[string]string{
		"SELECT user FROM speed.orders WHERE id=77":                                                             "1",
		"SELECT COUNT(*) FROM speed.users WHERE name='by trigger'":                                              "1",
		"SELECT COUNT(*) FROM made.users WHERE name='by trigger'":                                               "0",
		"SELECT GROUP_CONCAT(id) FROM speed.v_a":                                                                "1",
		"SELECT speed.f(1)":                                                                                     "2",
		"SELECT COUNT(*) FROM information_schema.events WHERE event_schema<>'made'":                             "0",
		"SELECT COUNT(*) FROM information_schema.routines WHERE routine_schema='speed'":                         "2",
		"SELECT GROUP_CONCAT(trigger_name) FROM information_schema.triggers WHERE trigger_schema='" + old + "'": "live_trigger",
		"SELECT GROUP_CONCAT(id) FROM " + old + ".v_up":                                                         "old",
		"SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name LIKE 'speed\\_new%'":                "0",
	} {
		if got := w.text(query); got != want {
			t.Errorf("%s = %s, want %s", query, got, want)
		}
	}
	if res, err = k.Commit(t.Context()); err != nil { // a commit again finds itself done, and does nothing twice
		t.Error(err)
	}
	if got := w.text("SELECT COUNT(*) FROM " + old + ".t_app_dns"); got != "1" || res.Values["old_schema"] != old {
		t.Errorf("after a second commit: %s %+v", got, res)
	}
	if err := k.Rollback(t.Context()); err == nil {
		t.Error("rolled back what is live")
	}

	w.Exec(w.db, "DROP DATABASE speed", "DROP DATABASE "+old) // a bare machine
	a, job, p = w.plan()
	if res, err = w.hold(a, job, p).Commit(t.Context()); err != nil || res.Outcome != runbook.OutcomeDone || res.Values["old_schema"] != "" {
		t.Fatalf("commit on a bare machine: %v %s", err, say(t, res.Text))
	}
	if got := w.sums("speed"); got == "" || w.text("SELECT speed.f(1)") != "2" {
		t.Error("bare machine:", got)
	}
	a, job, p = w.plan() // over tables that refer to each other
	if res, err = w.hold(a, job, p).Commit(t.Context()); err != nil || res.Outcome != runbook.OutcomeDone {
		t.Fatalf("commit over itself: %v %s", err, say(t, res.Text))
	}
	old = res.Values["old_schema"]
	for _, schema := range []string{"speed", old} {
		if got := w.text("SELECT GROUP_CONCAT(DISTINCT UNIQUE_CONSTRAINT_SCHEMA) FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA='" + schema + "'"); got != schema {
			t.Errorf("foreign keys of %s point into %q", schema, got)
		}
	}
	if _, err := w.db.DB.ExecContext(t.Context(), "DELETE FROM speed.users WHERE id=1"); err == nil {
		t.Error("a foreign key lets its row go")
	}
	w.Exec(w.db, "DROP DATABASE "+old)
	if ev, err := a.Look(t.Context(), p, job); err != nil || ev.Took == runbook.TookNo {
		t.Errorf("look: %+v %v", ev, err)
	}
}

// An exchange that was cut off before its RENAME has taken triggers off: whatever comes next puts them back.
func TestCutOffBeforeTheRename(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const live = "SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema='speed' AND trigger_name='live_trigger'"
	w.Exec(w.db, "CREATE TRIGGER speed.live_trigger AFTER INSERT ON speed.t_app_dns FOR EACH ROW INSERT INTO speed.only_here VALUES (NEW.id)")
	w.put("standby", "speed-20261122.sql", w.dump())
	hold := func() (*restore, *held, runbook.Plan, runbook.Job) {
		a, job, p := w.plan()
		k := w.hold(a, job, p).(*held)
		s, err := a.session(t.Context(), k.h, k.d)
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		plan, err := a.planSwap(t.Context(), s, k)
		if err == nil {
			err = a.writeSwap(t.Context(), w.Client("standby"), k.h, job, *plan)
		}
		if err != nil {
			t.Fatal(err)
		}
		w.Exec(w.db, "DROP TRIGGER speed.live_trigger")
		return a, k, p, job
	}
	a, k, p, job := hold()
	if ev, err := a.Look(t.Context(), p, job); err != nil || ev.Took != runbook.TookNo || w.text(live) != "1" {
		t.Errorf("look: %+v %v, trigger %s", ev, err, w.text(live))
	}
	w.Exec(w.db, "DROP TRIGGER speed.live_trigger")
	if err := k.Rollback(t.Context()); err != nil || w.text(live) != "1" {
		t.Errorf("rollback: %v, trigger %s", err, w.text(live))
	}
	_, k, _, _ = hold()
	res, err := k.Commit(t.Context())
	if err != nil || res.Outcome != runbook.OutcomeDone {
		t.Fatalf("%s %v", say(t, res.Text), err)
	}
	if got := w.text("SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema='" + res.Values["old_schema"] + "'"); got != "live_trigger" {
		t.Errorf("the old schema's trigger: %q", got)
	}
}
