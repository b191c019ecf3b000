package restore

import (
	"cmp"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
)

// step makes the action of a step that undoes or drops, as for a new attempt.
func (w *world) step(spec Spec, params map[string]string) (runbook.Action, runbook.Job, runbook.Plan) {
	w.t.Helper()
	w.n++
	env := w.Env(runbook.Step{ID: "undo", Kind: "restore", Host: "standby"})
	env.Step.Attempt, env.Run.Params = w.n, params
	env.Now = func() time.Time { return time.Date(2026, 11, 22, 9, 11, 0, 0, time.UTC) }
	spec.Database = cmp.Or(spec.Database, "speed")
	a := built(w.t, spec, env)
	p, err := a.Plan(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range append(append(append(p.Facts, p.Warnings...), p.Summary), p.Why) {
		say(w.t, m)
	}
	return a, w.Job(env), p
}

func (w *world) apply(a runbook.Action, job runbook.Job, p runbook.Plan) runbook.Result {
	w.t.Helper()
	if p.Verdict != runbook.Ready || !p.Danger {
		w.t.Fatalf("%s, danger %v: %s", p.Verdict, p.Danger, say(w.t, p.Why))
	}
	res, err := a.Apply(w.t.Context(), p, job, actiontest.NewRecorder())
	if err != nil || res.Outcome != runbook.OutcomeDone {
		w.t.Fatalf("%v %s", err, say(w.t, res.Text))
	}
	for _, o := range res.Open {
		say(w.t, o.Text)
	}
	return res
}

const moreLive = "CREATE TABLE speed.users (id bigint primary key, name varchar(20)); INSERT INTO speed.users VALUES (1,'before');" +
	"CREATE TABLE speed.log (id int primary key); CREATE TRIGGER speed.noted AFTER INSERT ON speed.users FOR EACH ROW INSERT INTO speed.log VALUES (NEW.id);" +
	"CREATE VIEW speed.v_up AS SELECT ip FROM speed.t_app_dns WHERE status=9; CREATE USER 'reader'@'localhost' IDENTIFIED BY 'x';" +
	"GRANT SELECT ON speed.users TO 'reader'@'localhost'; GRANT SELECT (ip), UPDATE (status) ON speed.t_app_dns TO 'reader'@'localhost'"

// A restore is undone, the undo is undone, and what is no longer wanted is dropped; each by one step of its own.
func TestUndo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Exec(w.db, moreLive)
	grants := w.text("SELECT GROUP_CONCAT(TABLE_NAME, PRIVILEGE_TYPE, COLUMN_NAME ORDER BY 1) FROM information_schema.COLUMN_PRIVILEGES WHERE GRANTEE LIKE '%reader%'")
	if a, job, p := w.step(Spec{Undo: true}, nil); p.Verdict != runbook.Blocked || p.Why.ID != "restore.kept_none" {
		t.Fatalf("nothing is kept: %s %s %v %v", p.Verdict, say(t, p.Why), a, job)
	}
	w.put("standby", "speed-20261122.sql", w.dump())
	a, job, p := w.plan()
	res, err := w.hold(a, job, p).Commit(t.Context())
	if err != nil || res.Outcome != runbook.OutcomeDone {
		t.Fatalf("%v %s", err, say(t, res.Text))
	}
	old := res.Values["old_schema"]
	if got := w.text("SELECT COUNT(*) FROM information_schema.TABLE_PRIVILEGES WHERE GRANTEE LIKE '%reader%' AND TABLE_SCHEMA='speed' AND TABLE_NAME='users'"); got != "1" {
		t.Error("a grant on a live table is not that of the restored one")
	}
	restored := w.sums("speed")
	w.Exec(w.db, "INSERT INTO speed.users (name) VALUES ('written since')")
	written := w.sums("speed")

	u, job, p := w.step(Spec{Undo: true}, nil)
	if p.Warnings[0].ID != "restore.undo_loses" {
		t.Errorf("what is lost does not come first: %+v", p.Warnings)
	}
	exact := p.Effect.Exact[0].Text
	for _, want := range []string{"`speed`.`users` TO `speed_undone_", "`" + old + "`.`users` TO `speed`.`users`", "`speed`.`orders` TO `speed_undone_"} {
		if !strings.Contains(exact, want) {
			t.Errorf("exact lacks %s:\n%s", want, exact)
		}
	}
	if strings.Contains(exact, "`log`") || strings.Contains(exact, "only_here") {
		t.Errorf("moves what the restore has left alone:\n%s", exact)
	}
	if text := say(t, p.Summary); !strings.Contains(text, "that a restore has put aside") {
		t.Error(text)
	}
	res = w.apply(u, job, p)
	if text := say(t, res.Text); !strings.Contains(text, "as it was before the restore:") {
		t.Error(text)
	}
	undone := res.Values["old_schema"]
	if got := w.text("SELECT GROUP_CONCAT(name) FROM speed.users"); got != "before" {
		t.Errorf("users are %s", got)
	}
	if got := w.text("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA='speed' AND TABLE_NAME='orders'"); got != "0" {
		t.Error("a table that only the restore brought is left")
	}
	w.Exec(w.db, "INSERT INTO speed.users VALUES (44,'after')")
	if got := w.text("SELECT GROUP_CONCAT(id) FROM speed.log"); got != "1,44" && got != "44" {
		t.Errorf("the trigger has written %q", got)
	}
	if got := w.text("SELECT COUNT(*) FROM speed.v_up"); got != "0" {
		t.Errorf("the view is the restored one: %s", got)
	}
	if got := w.text("SELECT GROUP_CONCAT(TABLE_NAME, PRIVILEGE_TYPE, COLUMN_NAME ORDER BY 1) FROM information_schema.COLUMN_PRIVILEGES WHERE GRANTEE LIKE '%reader%'"); got != grants || got == "" {
		t.Errorf("grants %s, before %s", got, grants)
	}
	if got := w.sums(undone); got != written {
		t.Errorf("what was written since: %s, want %s", got, written)
	}
	if ev, err := u.(runbook.Looker).Look(t.Context(), p, job); err != nil || ev.Took != runbook.TookYes {
		t.Errorf("look: %+v %v", ev, err)
	}
	if got := w.text("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME='" + old + "'"); got != "0" {
		t.Error("the kept schema is left, empty")
	}

	// And back: what was undone is taken by its name only.
	if _, _, p := w.step(Spec{Undo: true}, nil); p.Verdict != runbook.Blocked {
		t.Errorf("an undone schema was taken without its name: %s", p.Verdict)
	}
	u, job, p = w.step(Spec{Undo: true}, map[string]string{"kept": undone})
	if text := say(t, p.Summary) + say(t, p.Warnings[0]); !strings.Contains(text, "that an undo has put aside") || !strings.Contains(text, "since the undo") {
		t.Error(text)
	}
	res = w.apply(u, job, p)
	if text := say(t, res.Text); !strings.Contains(text, "as it was before the undo:") {
		t.Error(text)
	}
	again := res.Values["old_schema"]
	if got := w.sums("speed"); got != written || got == restored {
		t.Errorf("undone twice: %s", got)
	}

	for _, name := range []string{"", "speed", "mysql", "made", "speed_old_11223344", old} {
		if _, _, p := w.step(Spec{Drop: true}, map[string]string{"kept": name}); p.Verdict != runbook.Blocked {
			t.Errorf("would drop %q", name)
		}
	}
	d, job, p := w.step(Spec{Drop: true}, map[string]string{"kept": again})
	if ev, err := d.(runbook.Looker).Look(t.Context(), p, job); err != nil || ev.Took != runbook.TookNo {
		t.Errorf("look: %+v %v", ev, err)
	}
	w.apply(d, job, p)
	if ev, err := d.(runbook.Looker).Look(t.Context(), p, job); err != nil || ev.Took != runbook.TookYes {
		t.Errorf("look: %+v %v", ev, err)
	}
	if got := w.text("SELECT GROUP_CONCAT(SCHEMA_NAME) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'speed\\_%'"); got != "" || w.sums("speed") != written {
		t.Errorf("left: %s", got)
	}
}

// An exchange back that cannot be is refused before it, and changes nothing.
func TestUndoRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Exec(w.db, "CREATE DATABASE speed_old_11220311; CREATE TABLE speed_old_11220311.t_app_dns LIKE speed.t_app_dns; INSERT INTO speed_old_11220311.t_app_dns VALUES (5,'192.0.2.5',1,NULL)")
	a, job, p := w.step(Spec{Undo: true}, nil)
	if !slices.ContainsFunc(p.Warnings, func(m runbook.Msg) bool { return m.ID == "restore.undo_no_record" }) {
		t.Errorf("warnings: %+v", p.Warnings)
	}
	same := func(what string) {
		t.Helper()
		if got := w.text("SELECT GROUP_CONCAT(ip) FROM speed.t_app_dns"); got != "192.0.2.9" || w.text("SELECT GROUP_CONCAT(ip) FROM speed_old_11220311.t_app_dns") != "192.0.2.5" {
			t.Errorf("%s: live is %s", what, got)
		}
	}
	w.Exec(w.db, "CREATE TABLE speed_old_11220311.more (id int)")
	if _, err := a.Apply(t.Context(), p, job, actiontest.NewRecorder()); !stale(err) {
		t.Errorf("another table in it: %v", err)
	}
	same("another table")
	w.Exec(w.db, "DROP TABLE speed_old_11220311.more")
	lock, err := w.db.DB.Connx(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got int
	if err := lock.GetContext(t.Context(), &got, "SELECT GET_LOCK('recoverbot_load_speed', 0)"); err != nil || got != 1 {
		t.Fatal(err)
	}
	_, err = a.Apply(t.Context(), p, job, actiontest.NewRecorder())
	if r, ok := err.(*runbook.Refusal); !ok || r.Text.ID != "dump.another_load" {
		t.Errorf("while a restore loads: %v", err)
	}
	_ = lock.Close()
	same("lock")
	w.Exec(w.db, "CREATE TABLE speed.ref (id int primary key, d int, FOREIGN KEY (d) REFERENCES speed.t_app_dns (id))")
	if _, _, p := w.step(Spec{Undo: true}, nil); p.Verdict != runbook.Blocked || p.Why.ID != "restore.foreign_key" {
		t.Errorf("foreign key: %s %s", p.Verdict, say(t, p.Why))
	}
	same("foreign key")
}

func stale(err error) bool {
	r, ok := err.(*runbook.Refusal)
	return ok && r.Stale
}

// edit changes fleet.yaml.
func (w *world) edit(old, new string) {
	w.t.Helper()
	file := w.Fleet.Config().Path()
	text, err := os.ReadFile(file)
	if err == nil && !strings.Contains(string(text), old) {
		w.t.Fatalf("fleet.yaml lacks %q", old)
	}
	if err == nil {
		err = os.WriteFile(file, []byte(strings.Replace(string(text), old, new, 1)), 0o600)
	}
	if err == nil {
		err = w.Fleet.Reload(w.t.Context())
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// What was put aside of any database of fleet.yaml comes back, and what to type for that is said.
func TestUndoOfAnotherDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.edit("  - name: speed\n", "  - name: speed\n  - {name: second, schema: made}\n")
	w.Exec(w.db, "CREATE DATABASE made_old_11220311; CREATE TABLE made_old_11220311.orders (id int primary key); INSERT INTO made_old_11220311.orders VALUES (9)")
	const database = "$param.database"
	if _, _, p := w.step(Spec{Undo: true, Database: database}, map[string]string{"database": "speed", "kept": "made_old_11220311"}); p.Verdict != runbook.Blocked || p.Why.ID != "restore.kept_unknown" {
		t.Errorf("of another database: %s %s", p.Verdict, say(t, p.Why))
	}
	if _, _, p := w.step(Spec{Drop: true, Database: database}, map[string]string{"database": "third", "kept": "made_old_11220311"}); p.Verdict != runbook.Blocked || p.Why.ID != "restore.unknown_database" {
		t.Errorf("of no database: %s %s", p.Verdict, say(t, p.Why))
	}
	res := w.apply(w.step(Spec{Undo: true, Database: database}, map[string]string{"database": "second"}))
	if got := w.text("SELECT id FROM made.orders"); got != "9" {
		t.Errorf("orders are %s", got)
	}
	undone := res.Values["old_schema"]
	if text, want := say(t, res.Open[0].Text), "undo-restore on=standby kept="+undone+" database=second "; !strings.Contains(text, want) {
		t.Errorf("%s lacks %s", text, want)
	}
	w.apply(w.step(Spec{Drop: true, Database: database}, map[string]string{"database": "second", "kept": undone}))
	if got := w.text("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'made\\_%'"); got != "0" || w.text("SELECT ip FROM speed.t_app_dns") != "192.0.2.9" {
		t.Errorf("%s kept schemas are left, or speed has changed", got)
	}
}
