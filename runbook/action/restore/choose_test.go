package restore

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/fleet"
)

func packed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// row finds a candidate's row in the table of a plan.
func row(p runbook.Plan, host, file string) (state, mark string) {
	for i, r := range p.Tables[0].Rows {
		if r[0] == host && r[1] == file {
			return r[4], p.Tables[0].Marks[i]
		}
	}
	return "not listed", ""
}

// TestChoice puts dumps of every kind on three hosts, one of them frozen: what is none, or has a name that could mean
// something else, is refused with its reason, and never opened (fault 37) (fault 38).
func TestChoice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "standby", "report", "hongkong", "spare1")
	full := w.dump()
	at := func(when string) string { return dated(full, when) }
	right := at("2026-11-22  2:00:09")
	cut := strings.LastIndex(full, "DROP TABLE")

	w.put("standby", "speed-2026-11-21_02-00.sql", at("2026-11-21  2:00:09"))
	w.put("standby", "speed-2026-11-22_02-30.sql", full[:cut])         // at a statement boundary
	w.put("standby", "speed-2026-11-22_02-40.sql", full[:len(full)/2]) // anywhere
	w.put("standby", "speed-2026-11-22_02-50.sql", "")
	w.put("standby", "speed-2026-11-22_02-55.sql.gz", packed(t, right)[:700])
	w.put("standby", "speed-2026-11-22_02-56.sql.gz", packed(t, full[:cut]))
	w.put("standby", "speed-newest-by-mtime.sql", at("2026-10-01  2:00:09"))
	w.put("standby", "speed-2026-11-22_02-57.sql", strings.Replace(at("2026-11-22  2:57:09"), "Database: speed", "Database: other", 1))
	w.put("standby", "speed-2026-11-22_02-58.sql", strings.Replace(at("2026-11-22  2:58:09"), "DROP TABLE", "USE `other`;\nDROP TABLE", 1))
	w.put("standby", "-speed-2026-11-22.sql", right)
	w.put("standby", "speed\n2026-11-22.sql", right)
	w.put("standby", "speed-2026-11-22..sql", right)
	w.put("standby", "speed-2026-11-22.sql.tmp", right)
	if err := os.Symlink("/etc/passwd", w.Path("standby", "/shell/sql_backup/speed-2026-11-22_02-59.sql")); err != nil {
		t.Fatal(err)
	}
	long := "speed-2026-11-22_02-59-" + strings.Repeat("x", 220) + ".sql"
	for _, name := range []string{long, "speed-2026-11-22_02-59\xff.sql", "speed-2026-11-22_02-59\u202elqs.sql", "speed-2026-11-22_02-59 $(touch pwned) `touch pwned`;'.sql.tmp"} {
		w.put("standby", name, right)
	}
	if err := syscall.Mkfifo(w.Path("standby", "/shell/sql_backup/speed-2026-11-22_03-01.sql"), 0o600); err != nil { // opening it would wait for ever
		t.Fatal(err)
	}
	if err := os.Mkdir(w.Path("standby", "/shell/sql_backup/speed-2026-11-22_03-02.sql"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.put("report", "speed-2026-11-22_02-00.sql.gz", packed(t, right))
	w.put("hongkong", "speed-2026-11-22_02-10.sql", at("2026-11-22  2:10:09")) // the newest, on a frozen host
	if err := w.SSHD("hongkong").Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	a, job, p := w.plan("standby", "report", "hongkong")
	if took := time.Since(began); took > 40*time.Second {
		t.Errorf("a frozen host cost %v", took)
	}
	if err := w.SSHD("hongkong").Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"speed-2026-11-21_02-00.sql": "complete", "speed-2026-11-22_02-30.sql": "no trailer", "speed-2026-11-22_02-40.sql": "no trailer",
		"speed-2026-11-22_02-50.sql": "empty", "speed-2026-11-22_02-55.sql.gz": "bad gzip", "speed-2026-11-22_02-56.sql.gz": "no trailer",
		"speed-newest-by-mtime.sql": "complete", "speed-2026-11-22_02-57.sql": "wrong schema", "speed-2026-11-22_02-58.sql": "foreign schema",
		"-speed-2026-11-22.sql": "name dash", `"speed\n2026-11-22.sql"`: "name control", "speed-2026-11-22..sql": "name dots",
		"speed-2026-11-22.sql.tmp": "not a dump", "speed-2026-11-22_02-59.sql": "symlink",
		long: "name strange", `"speed-2026-11-22_02-59\xff.sql"`: "name strange", `"speed-2026-11-22_02-59\u202elqs.sql"`: "name control",
		"speed-2026-11-22_03-01.sql": "not a file", "speed-2026-11-22_03-02.sql": "not a file",
		"speed-2026-11-22_02-59 $(touch pwned) `touch pwned`;'.sql.tmp": "not a dump",
	} {
		if state, _ := row(p, "standby", file); state != want {
			t.Errorf("%s is %q, want %q", file, state, want)
		}
	}
	if state, mark := row(p, "report", "speed-2026-11-22_02-00.sql.gz"); state != "chosen" || mark != "match" {
		t.Fatalf("the right dump is %q", state)
	}
	if _, mark := row(p, "hongkong", ""); mark != "refused" {
		t.Error("the frozen host is not listed")
	}
	for _, m := range append(p.Facts, p.Warnings...) {
		say(t, m)
	}
	if p.Danger {
		t.Errorf("danger: %+v", p.Warnings)
	}
	if p.Values["loss_seconds"] != "4260" || len(p.Warnings) == 0 || p.Warnings[0].ID != "restore.fact_loss" {
		t.Errorf("the loss of 71 minutes is not said first: %v %+v", p.Values, p.Warnings)
	}
	for _, m := range p.Facts {
		if strings.HasSuffix(m.ID, "left_out") {
			t.Errorf("says again what the table says: %s", say(t, m))
		}
	}
	soon, _ := w.action("standby", "report")
	soon.env.Run.DownSince = time.Date(2026, 11, 22, 2, 50, 0, 0, time.UTC)
	if q, err := soon.Plan(t.Context()); err != nil || q.Facts[0].ID != "restore.fact_loss" || q.Values["loss_seconds"] != "3000" {
		t.Errorf("a loss of 50 minutes: %v %+v %v", q.Values, q.Facts, err)
	}
	e, err := fromPlan(p)
	if err != nil || e.Start != time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC) {
		t.Errorf("start %v, %v", e.Start, err)
	}
	k := w.hold(a, job, p) // copied from report
	if w.Exists("standby", stateDir+"/dumps/"+e.SHA256[:16]+".gz") {
		t.Error("the copied dump is left")
	}
	if err := k.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.untouched()

	w.Run.Params["dump"] = "standby:speed-2026-11-21_02-00.sql"
	if _, _, p = w.plan("standby", "report"); p.Verdict != runbook.Ready || p.Summary.Args["file"] != "speed-2026-11-21_02-00.sql" {
		t.Errorf("the dump asked for: %s %+v", p.Verdict, p.Summary)
	}
	for _, wanted := range []string{"speed-2026-11-22_02-40.sql", "/etc/passwd", "report:nothing.sql"} {
		w.Run.Params["dump"] = wanted
		if _, _, p = w.plan("standby", "report"); p.Verdict != runbook.Blocked {
			t.Errorf("%s: %s", wanted, p.Verdict)
		}
		say(t, p.Why)
	}
	delete(w.Run.Params, "dump")
	w.put("standby", "speed-2026-11-22_02-00.sql", right) // two files of one dump's time: the one at home is preferred
	if _, _, p = w.plan("report", "standby"); p.Summary.Args["source"] != "standby" {
		t.Errorf("chosen: %+v", p.Summary)
	}
	w.put("spare1", "speed-2026-11-22.sql.tmp", "")
	if _, _, p = w.plan("spare1"); len(p.Facts) != 1 || p.Facts[0].ID != "restore.file_left_out" {
		t.Errorf("does not say what was left out: %+v", p.Facts)
	}
	if _, _, p = w.plan("spare1"); p.Verdict != runbook.Blocked || p.Why.ID != "restore.no_dump" || !strings.Contains(say(t, p.Why), ": 1 file looked at on 1 host") {
		t.Errorf("no dump at all: %s %s", p.Verdict, say(t, p.Why))
	}
}

// Of a directory that nobody ever cleaned, the newest dumps are looked at whatever order it is listed in, by time or by
// name, and one that a person named.
func TestManyDumps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	full := w.dump()
	for i := range 2 * maxFiles {
		w.put("standby", fmt.Sprintf("speed-2020-%04d.sql", i), "cut off")
	}
	w.put("standby", "speed-2019-12-01.sql", dated(full, "2019-12-01  2:00:09"))
	w.put("standby", "speed-2026-11-21.sql", dated(full, "2026-11-21  2:00:09"))
	long := time.Date(2019, 12, 1, 0, 0, 0, 0, time.UTC) // the newest, as a careless copy left it
	for _, name := range []string{"speed-2026-11-21.sql", "speed-2019-12-01.sql"} {
		if err := os.Chtimes(w.Path("standby", "/shell/sql_backup/"+name), long, long); err != nil {
			t.Fatal(err)
		}
	}
	_, _, p := w.plan()
	if state, _ := row(p, "standby", "speed-2026-11-21.sql"); state != "chosen" || p.Verdict != runbook.Ready {
		t.Errorf("%s: the newest dump is %s", p.Verdict, state)
	}
	if n := p.Tables[0].Count; n > maxFiles+1 {
		t.Errorf("%d files were looked at", n)
	}
	w.Run.Params = map[string]string{"dump": "standby:speed-2019-12-01.sql"}
	_, _, p = w.plan()
	if state, _ := row(p, "standby", "speed-2019-12-01.sql"); state != "chosen" {
		t.Errorf("the dump that was named is %s: %s", state, say(t, p.Why))
	}
}

// An old compressed dump is passed over where there is a newer one, but not where a person named it: what is newer may
// be damaged, too.
func TestAnOldDumpThatWasNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "standby", "report")
	full := w.dump()
	w.put("standby", "speed-2026-11-22_02-00.sql", full)
	w.put("standby", "speed-2026-11-20_02-00.sql.gz", packed(t, dated(full, "2026-11-20  2:00:09")))
	w.put("standby", "speed-2026-11-19_02-00.sql.gz", packed(t, full)[:700])
	_, _, p := w.plan("standby", "report")
	if state, _ := row(p, "standby", "speed-2026-11-20_02-00.sql.gz"); state != "older not read" {
		t.Errorf("an old one is %s", state)
	}
	for wanted, want := range map[string]string{
		"speed-2026-11-20_02-00.sql.gz": "chosen", "standby:speed-2026-11-20_02-00.sql.gz": "chosen",
		"standby:speed-2026-11-19_02-00.sql.gz": "bad gzip", "report:speed-2026-11-20_02-00.sql.gz": "older not read",
	} {
		w.Run.Params = map[string]string{"dump": wanted}
		_, _, p := w.plan("standby", "report")
		_, file, ok := strings.Cut(wanted, ":")
		if !ok {
			file = wanted
		}
		if state, _ := row(p, "standby", file); state != want || (p.Verdict == runbook.Ready) != (want == "chosen") {
			t.Errorf("%s is %s, want %s: %s %s", wanted, state, want, p.Verdict, say(t, p.Why))
		}
	}
	if text := say(t, runbook.T("dump.older_not_read", "hours", passedOver.Hours())); !strings.Contains(text, "more than 36 h,") {
		t.Error(text)
	}
	w.untouched()
}

// What a dump of tomorrow lacks nobody knows.
func TestDumpOfTheFuture(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("standby", "speed-2031-01-01.sql", dated(w.dump(), "2031-01-01  0:00:01"))
	_, _, p := w.plan()
	warnings := ""
	for _, m := range append(p.Warnings, p.Facts...) {
		warnings += say(t, m) + "\n"
	}
	if !p.Danger || p.Values["loss_seconds"] != "" || p.Warnings[0].ID != "restore.fact_loss_unknown" || strings.Contains(warnings, "lose 0 s") {
		t.Errorf("danger %v, %v: %s", p.Danger, p.Values, warnings)
	}
	env := w.Env(runbook.Step{ID: "survey", Kind: "restore"})
	env.Now = func() time.Time { return time.Date(2026, 11, 22, 3, 11, 0, 0, time.UTC) }
	p, err := built(t, Spec{Survey: true, Database: "speed", From: []string{"standby"}, DumpTimezone: "UTC"}, env).Plan(t.Context())
	if text := say(t, p.Why); err != nil || strings.Contains(text, "lose") || !strings.Contains(text, "is unknown: it is dated in the future (2031-01-01") {
		t.Errorf("survey: %s %v", text, err)
	}
}

// Where no backups are kept nobody expects a directory of dumps; anywhere else a newer dump may lie where nobody looked.
func TestUnsearched(t *testing.T) {
	t.Parallel()
	r := newRestore(Spec{}, action.Env{Run: runbook.Run{Bindings: map[string][]string{"dead": {"dead"}}}})
	none, slow := runbook.T("restore.no_directory"), runbook.T("restore.host_slow", "seconds", 20)
	var p runbook.Plan
	r.unsearched(&p, []candidate{
		{host: fleet.Host{Name: "dead", Roles: []string{"backup"}}, refused: slow},
		{host: fleet.Host{Name: "report", Roles: []string{"report", "backup"}}, refused: none},
		{host: fleet.Host{Name: "primary", Roles: []string{"primary"}}, refused: none},
		{host: fleet.Host{Name: "nginx1", Roles: []string{"nginx"}}, refused: slow},
		{host: fleet.Host{Name: "standby"}, name: "speed.sql"},
	})
	var got []string
	for _, m := range append(p.Facts, p.Warnings...) {
		got = append(got, say(t, m))
	}
	want := []string{"primary was not searched: it has no directory of dumps", "report was not searched: it has no directory of dumps",
		"nginx1 was not searched: no answer within 20 s"}
	if len(p.Facts) != 1 || p.Danger || !slices.Equal(got, want) {
		t.Errorf("%d facts: %q", len(p.Facts), got)
	}
}

// A dump that is still being written is refused, also where it looks complete at each look (fault 38).
func TestStillGrowing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("standby", "speed-20261122.sql", w.dump())
	f, err := os.OpenFile(w.Path("standby", "/shell/sql_backup/speed-20261122.sql"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	a, _ := w.action()
	a.steady = 300 * time.Millisecond
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				_, _ = f.WriteString("\n")
			}
		}
	}()
	p, err := a.Plan(t.Context())
	close(stop)
	<-ended
	if err != nil || p.Verdict != runbook.Blocked || len(p.Tables) != 1 || p.Tables[0].Rows[0][4] != "growing" {
		t.Errorf("%s %+v %v", p.Verdict, p.Tables, err)
	}
	w.untouched()
}
