package restore

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"recoverbot/locale"
	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/dump/load"
)

// TestMain lets the test binary be the helper that it uploads.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "load-dump" {
		os.Exit(load.Main(os.Args[2:], os.Stdin, os.Stdout, os.Stderr))
	}
	_ = flag.Set("test.parallel", "4") // they wait more than they work
	goleak.VerifyTestMain(m)
}

// world is a company with live data on the standby and dumps of better data.
type world struct {
	*actiontest.Company
	t  *testing.T
	db *actiontest.MariaDB
	n  int
}

const liveData = "CREATE DATABASE speed CHARACTER SET utf8mb4; CREATE TABLE speed.t_app_dns (id int primary key, ip varchar(40), status int, created_at timestamp null);" +
	"INSERT INTO speed.t_app_dns VALUES (1,'192.0.2.9',1,'2026-01-01 00:00:00');" +
	"CREATE TABLE speed.only_here (id int primary key); INSERT INTO speed.only_here VALUES (7)"

const dumpedData = "CREATE DATABASE made CHARACTER SET utf8mb4; USE made;" +
	"CREATE TABLE t_app_dns (id int primary key auto_increment, ip varchar(40), status int, created_at timestamp null);" +
	"INSERT INTO t_app_dns VALUES (1,'192.0.2.21',1,'2026-11-21 01:00:00'),(2,'192.0.2.47; USE `x`; \\'\\\\',2,'2026-11-22 01:58:12');" +
	"CREATE TABLE users (id bigint primary key auto_increment, name varchar(200), raw varbinary(300), KEY (name)) DEFAULT CHARSET=utf8mb4;" +
	"INSERT INTO users (name, raw) SELECT CONCAT('用户 \\n\"', seq, '`'), UNHEX(REPEAT(LPAD(HEX(seq MOD 256),2,'0'),100)) FROM seq_1_to_3000;" +
	"CREATE TABLE orders (id int primary key, user bigint, FOREIGN KEY (user) REFERENCES users (id)); INSERT INTO orders VALUES (1,1),(2,5);" +
	"CREATE VIEW v_up AS SELECT id, ip FROM t_app_dns WHERE status=1; CREATE VIEW v_a AS SELECT * FROM v_up"

func newWorld(t *testing.T, hosts ...string) *world {
	t.Helper()
	if len(hosts) == 0 {
		hosts = []string{"standby"}
	}
	w := &world{Company: actiontest.New(t, hosts...), t: t}
	w.db = w.StartMariaDB("standby")
	w.db.DB.SetMaxOpenConns(4)
	for _, s := range []string{liveData, dumpedData} {
		w.Exec(w.db, s)
	}
	return w
}

// dump runs mysqldump on the schema made, named speed in the dump.
func (w *world) dump(flags ...string) string {
	w.t.Helper()
	args := append([]string{"--no-defaults", "--socket=" + w.Path("standby", "/run/mysqld/mysqld.sock"), "-uroot", "--hex-blob"}, flags...)
	out, err := exec.CommandContext(w.t.Context(), "mysqldump", append(args, "made")...).Output()
	if err != nil {
		w.t.Fatalf("mysqldump: %v", err)
	}
	text := strings.ReplaceAll(string(out), "Database: made", "Database: speed")
	text = strings.NewReplacer("`made`", "`speed`", "made.", "speed.").Replace(text)
	if strings.Contains(text, "-- Dump completed") {
		text = dated(text, "2026-11-22  2:00:01")
	}
	return text
}

// dated gives a dump another trailer.
func dated(text, at string) string {
	i := strings.LastIndex(text, "-- Dump completed")
	return text[:i] + "-- Dump completed on " + at + "\n"
}

func (w *world) put(host, name, text string) {
	w.t.Helper()
	w.WriteFile(host, "/shell/sql_backup/"+name, text, 0o600)
}

// action makes a new Action, as after a restart. Each call of attempt is another attempt.
func (w *world) action(from ...string) (*restore, runbook.Job) {
	w.t.Helper()
	if len(from) == 0 {
		from = []string{"standby"}
	}
	env := w.Env(runbook.Step{ID: "restore", Kind: "restore", Host: "standby"})
	env.Step.Attempt = w.n
	env.Now = func() time.Time { return time.Date(2026, 11, 22, 3, 11, 0, 0, time.UTC) }
	r := newRestore(Spec{Database: "speed", From: from, DumpTimezone: "UTC"}, env)
	r.steady = soon
	return r, w.Job(env)
}

// soon is how long tests watch a file that nobody writes.
const soon = 40 * time.Millisecond

// built is what a step's specification makes.
func built(t *testing.T, spec Spec, env action.Env) runbook.Action {
	t.Helper()
	made, err := Kind().New(&spec, env)
	if err != nil {
		t.Fatal(err)
	}
	switch a := made.(type) {
	case *survey:
		a.r.steady = soon
	case *rehearsal:
		a.r.steady = soon
	}
	return made
}

func (w *world) plan(from ...string) (*restore, runbook.Job, runbook.Plan) {
	w.t.Helper()
	w.n++
	a, job := w.action(from...)
	p, err := a.Plan(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return a, job, p
}

func (w *world) hold(a *restore, job runbook.Job, p runbook.Plan) runbook.HeldChange {
	w.t.Helper()
	if p.Verdict != runbook.Ready {
		w.t.Fatalf("plan is %s: %s", p.Verdict, say(w.t, p.Why))
	}
	out := actiontest.NewRecorder()
	h, err := a.Hold(w.t.Context(), p, job, out)
	if err != nil {
		var r *runbook.Refusal
		if errors.As(err, &r) {
			w.t.Fatalf("refused: %s (%v) %s", say(w.t, r.Text), r.Err, out.Text())
		}
		w.t.Fatal(err, out.Text())
	}
	return h
}

// refused holds and wants a refusal with this text.
func (w *world) refused(a *restore, job runbook.Job, p runbook.Plan, id string) *runbook.Refusal {
	w.t.Helper()
	_, err := a.Hold(w.t.Context(), p, job, actiontest.NewRecorder())
	var r *runbook.Refusal
	if !errors.As(err, &r) {
		w.t.Fatalf("want refusal %s, got %v", id, err)
	}
	if r.Text.ID != id {
		w.t.Fatalf("want refusal %s, got %s", id, say(w.t, r.Text))
	}
	w.untouched()
	return r
}

// untouched wants the live schema as it was at the start, and nothing of a load left.
func (w *world) untouched() {
	w.t.Helper()
	if got := w.text("SELECT GROUP_CONCAT(id,ip,status) FROM speed.t_app_dns"); got != "1192.0.2.91" {
		w.t.Errorf("live data is %s", got)
	}
	if got := w.text("SELECT GROUP_CONCAT(schema_name) FROM information_schema.schemata WHERE schema_name LIKE 'speed\\_%'"); got != "" {
		w.t.Errorf("schemas left: %s", got)
	}
}

func (w *world) text(query string) string {
	w.t.Helper()
	var s *string
	if err := w.db.DB.GetContext(w.t.Context(), &s, query); err != nil {
		w.t.Fatalf("%v in %s", err, query)
	}
	if s == nil {
		return ""
	}
	return *s
}

func (w *world) sums(schema string) string {
	w.t.Helper()
	s := ""
	for _, table := range []string{"t_app_dns", "users", "orders"} {
		var n string
		var sum int64
		if err := w.db.DB.QueryRowxContext(w.t.Context(), "CHECKSUM TABLE "+schema+"."+table).Scan(&n, &sum); err != nil {
			w.t.Fatal(err)
		}
		s += fmt.Sprint(sum, " ")
	}
	return s
}

var printers = func() *locale.Bundle {
	b, err := locale.Load()
	if err != nil {
		panic(err)
	}
	return b
}()

// say renders a text in both languages and wants no key left in it.
func say(t *testing.T, m runbook.Msg) string {
	t.Helper()
	en, zh := printers.Printer("en", time.UTC).Say(m), printers.Printer("zh", time.UTC).Say(m)
	for _, s := range []string{en, zh} {
		if strings.HasPrefix(s, "restore.") || strings.HasPrefix(s, "dump.") || strings.Contains(s, "<no value>") {
			t.Errorf("text of %s: %s", m.ID, s)
		}
	}
	return en
}

// TestBothForms: fault 38.
func TestBothForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i, flags := range [][]string{nil, {"--databases"}, {"--skip-extended-insert", "--databases", "--add-drop-database"}, {"--compact", "--no-autocommit"}} {
		text := w.dump(flags...)
		name := fmt.Sprintf("speed-2026-11-2%d_03-00.sql", i)
		w.put("standby", name, text)
		a, job, p := w.plan()
		if i < 3 == p.Danger { // the compact one has no trailer, and is never chosen before a complete one
			t.Errorf("form %d: danger %v", i, p.Danger)
		}
		for _, m := range append(append(p.Facts, p.Warnings...), p.Summary) {
			say(t, m)
		}
		k := w.hold(a, job, p)
		if got := w.text("SELECT COUNT(*) FROM speed.t_app_dns"); got != "1" {
			t.Fatalf("live has %s rows while held", got)
		}
		res, err := k.Commit(t.Context())
		if err != nil || res.Outcome != runbook.OutcomeDone {
			t.Fatalf("commit: %v %s", err, say(t, res.Text))
		}
		if got, want := w.sums("speed"), w.sums("made"); got != want {
			t.Errorf("form %d: checksums %s, want %s", i, got, want)
		}
		if got := w.text("SELECT COUNT(*) FROM speed.v_a"); got != "1" {
			t.Errorf("form %d: view has %s rows", i, got)
		}
		if got := w.text("SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name LIKE 'speed\\_new%'"); got != "0" {
			t.Errorf("form %d: scratch is left", i)
		}
		old := res.Values["old_schema"]
		if got := w.text("SELECT ip FROM " + old + ".t_app_dns"); got != "192.0.2.9" || w.text("SELECT id FROM speed.only_here") != "7" {
			t.Errorf("form %d: old data in %s: %s", i, old, got)
		}
		if res.Values["rows"] != "3004" || len(res.Open) == 0 {
			t.Errorf("form %d: %+v", i, res)
		}
		if ev, err := a.Look(t.Context(), p, job); err != nil || ev.Took != runbook.TookYes {
			t.Errorf("form %d: look %+v %v", i, ev, err)
		}
		w.Exec(w.db, "DROP DATABASE speed; DROP DATABASE "+old+"; "+liveData)
		if err := os.Remove(w.Path("standby", "/shell/sql_backup/"+name)); err != nil {
			t.Fatal(err)
		}
	}
	if left, _ := os.ReadDir(w.Path("standby", stateDir)); len(left) != 4 { // a swap's plan for each commit, nothing else
		t.Errorf("left on the host: %v", left)
	}
}

// A dump without the domain list is complete by its trailer, and yet perhaps only a part of the database.
func TestDumpWithoutTheDomainList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("standby", "speed-20261121.sql", dated(w.dump("--ignore-table=made.t_app_dns", "--ignore-table=made.v_up", "--ignore-table=made.v_a"), "2026-11-21  2:00:01"))
	_, _, p := w.plan()
	if !p.Danger || !slices.ContainsFunc(p.Warnings, func(m runbook.Msg) bool { return m.ID == "restore.no_list" && strings.Contains(say(t, m), "t_app_dns") }) {
		t.Errorf("%v %+v", p.Danger, p.Warnings)
	}
	w.untouched()
}

// TestRefusedBeforeAnyWrite: fault 38.
func TestRefusedBeforeAnyWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := w.dump()
	for name, c := range map[string]struct{ insert, want string }{
		"shell":  {"\\! touch " + w.Path("standby", "/tmp/pwned") + "\n", "dump.client_command"},
		"other":  {"INSERT INTO `made`.`orders` VALUES (9,9);\n", "dump.foreign_schema"},
		"global": {"SET GLOBAL max_connections=7;\n", "dump.set_refused"},
		"wrong":  {"INSERT INTO `users` VALUES (1,'secret-canary',x'00');\n", "dump.server_error"},
	} {
		i := strings.LastIndex(good, "/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE")
		w.put("standby", "speed-20261122.sql", good[:i]+c.insert+good[i:])
		a, job, p := w.plan()
		if p.Verdict != runbook.Ready {
			t.Fatalf("%s: %s", name, say(t, p.Why))
		}
		r := w.refused(a, job, p, c.want)
		if strings.Contains(say(t, r.Text), "canary") {
			t.Error("row data in the text")
		}
		if ev, err := a.Look(t.Context(), p, job); err != nil || ev.Took != runbook.TookNo {
			t.Errorf("%s: look %+v %v", name, ev, err)
		}
	}
	if w.Exists("standby", "/tmp/pwned") || w.text("SELECT COUNT(*) FROM made.orders") != "2" {
		t.Error("a dump had an effect outside of its schema")
	}

	w.put("standby", "speed-20261122.sql", good)
	a, job, p := w.plan()
	w.put("standby", "speed-20261122.sql", strings.Replace(good, "192.0.2.21", "192.0.2.22", 1))
	if r := w.refused(a, job, p, "dump.changed"); !r.Stale {
		t.Error("a changed dump is not stale")
	}
	w.put("standby", "speed-20261122.sql", good)
	a, job, p = w.plan()
	if err := os.Remove(w.Path("standby", "/shell/sql_backup/speed-20261122.sql")); err != nil {
		t.Fatal(err)
	}
	w.refused(a, job, p, "dump.gone")
}

func (w *world) until(ok func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			w.t.Fatal("waited too long")
		case <-tick.C:
		}
	}
}

// TestDiskAndReplica: fault 39.
func TestDiskAndReplica(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("standby", "speed-20261122.sql", w.dump())
	a, _ := w.action()
	a.free = func(sftpFree, string) (int64, error) { return 1000, nil }
	p, err := a.Plan(t.Context())
	if err != nil || p.Verdict != runbook.Blocked || p.Why.ID != "restore.disk" {
		t.Errorf("plan %s %s %v", p.Verdict, say(t, p.Why), err)
	}
	w.Exec(w.db, "CREATE TABLE speed.ref (id int primary key, d int, FOREIGN KEY (d) REFERENCES speed.t_app_dns (id))")
	if _, _, p = w.plan(); p.Verdict != runbook.Blocked || p.Why.ID != "restore.foreign_key" {
		t.Errorf("plan %s %s", p.Verdict, say(t, p.Why))
	}
	w.Exec(w.db, "DROP TABLE speed.ref", "UPDATE speed.t_app_dns SET created_at=NOW()")
	if _, _, p = w.plan(); !p.Danger || p.Warnings[len(p.Warnings)-1].ID != "restore.target_newer" {
		t.Errorf("newer live data is no danger: %+v", p.Warnings)
	}
	if err := w.db.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, _, p = w.plan(); p.Verdict != runbook.Blocked {
		t.Errorf("MySQL is down and the plan is %s", p.Verdict)
	}
}
