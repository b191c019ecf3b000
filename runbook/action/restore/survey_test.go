package restore

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/blackbox"
	"recoverbot/runbook/dump/load"
)

// box is a black box that saw one database of one host.
type box map[string]*blackbox.Host

func (b box) Latest(host string) (*blackbox.Host, bool) { h, ok := b[host]; return h, ok }

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func boxOf(host string, tables ...blackbox.Table) box {
	return box{host: {At: noon, Databases: map[string]*blackbox.Database{"speed": {Schema: "speed", Tables: tables}}}}
}

// files lists what lies in the backup directories, to see that a survey leaves all as it was.
func (w *world) files() string {
	w.t.Helper()
	found, err := filepath.Glob(filepath.Join(w.Dir, "*", "shell", "sql_backup", "*"))
	if err != nil {
		w.t.Fatal(err)
	}
	for i, f := range found {
		b, err := os.ReadFile(f)
		if err != nil {
			w.t.Fatal(err)
		}
		found[i] += string(b)
	}
	return strings.Join(found, "\n")
}

func TestSurvey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "standby", "report", "hongkong", "primary")
	good := w.dump()
	cut := good[:len(good)*6/10]
	w.Run.Bindings["dead"] = []string{"primary", "report"}
	for _, name := range []string{"primary", "report"} {
		if err := w.SSHD(name).Kill(); err != nil {
			t.Fatal(err)
		}
	}
	w.Box = boxOf("primary", blackbox.Table{Name: "orders", Rows: 5021, Exact: true}, blackbox.Table{Name: "user_logs", Rows: 70000})
	for _, x := range []struct {
		name, file, text, param string
		box                     blackbox.Reader
		verdict                 runbook.Verdict
		why                     string
		facts                   []string
	}{
		{name: "complete", file: "speed-20261122.sql", text: good, verdict: runbook.Satisfied, why: "restore.survey_found"},
		{name: "cut off", file: "speed-20261122.sql", text: cut, verdict: runbook.Blocked, why: "restore.lost",
			facts: []string{"restore.host_left_out", "restore.host_left_out", "restore.file_left_out", "restore.try_disks", "restore.try_again", "restore.box_holds"}},
		{name: "not proven", file: "speed-20261122.sql", text: w.dump("--compact"), box: box{}, verdict: runbook.Blocked, why: "restore.lost",
			facts: []string{"restore.host_left_out", "restore.host_left_out", "restore.lost_unproven", "restore.try_disks", "restore.try_again", "restore.box_empty"}},
		{name: "not proven, but named", file: "speed-20261122.sql", text: w.dump("--compact"), param: "hongkong:speed-20261122.sql", verdict: runbook.Satisfied, why: "restore.survey_found"},
		{name: "cut off, but named", file: "speed-20261122.sql", text: cut, param: "speed-20261122.sql", verdict: runbook.Blocked, why: "restore.dump_refused"},
		{name: "nothing", verdict: runbook.Blocked, why: "restore.lost",
			facts: []string{"restore.host_left_out", "restore.host_left_out", "restore.try_disks", "restore.try_again", "restore.box_holds"}},
	} {
		if err := os.RemoveAll(w.Path("hongkong", "/shell/sql_backup")); err != nil {
			t.Fatal(err)
		}
		w.put("hongkong", "notes.txt", "speed")
		if x.file != "" {
			w.put("hongkong", x.file, x.text)
		}
		before := w.files()
		env := w.Env(runbook.Step{ID: "survey", Kind: "restore"})
		if x.box != nil {
			env.Box = x.box
		}
		env.Run.Params = map[string]string{"dump": x.param}
		env.Now = func() time.Time { return time.Date(2026, 11, 22, 3, 11, 0, 0, time.UTC) }
		made := built(t, Spec{Survey: true, Database: "speed", From: []string{"hongkong", "dead"}, DumpTimezone: "UTC"}, env)
		p, err := made.Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if p.Verdict != x.verdict || p.Why.ID != x.why || p.Override || len(p.Values) > 0 != (x.verdict == runbook.Satisfied) {
			t.Errorf("%s: %s, %s, override %v, %v", x.name, p.Verdict, say(t, p.Why), p.Override, p.Values)
		}
		if lost := x.why == "restore.lost"; lost != (p.Hint == runbook.Abort) {
			t.Errorf("%s: hint %q", x.name, p.Hint)
		}
		var facts []string
		for _, m := range p.Facts {
			facts = append(facts, m.ID)
			say(t, m)
		}
		if x.facts != nil && !slices.Equal(facts, x.facts) {
			t.Errorf("%s: facts %v, want %v", x.name, facts, x.facts)
		}
		if len(p.Tables) != 1 || len(p.Tables[0].Rows) == 0 {
			t.Errorf("%s: tables %+v", x.name, p.Tables)
		}
		if w.files() != before {
			t.Errorf("%s: a survey changed something", x.name)
		}
		if h, ok := made.(runbook.Holder); ok && h.Holds() {
			t.Errorf("%s: a survey holds", x.name)
		}
	}
	w.untouched()
}

// What the black box saw of a database is set against what a dump has of it.
func TestWhatTheBlackBoxSaw(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "standby", "primary")
	w.put("standby", "speed-20261121.sql", dated(w.dump(), "2026-11-21  2:00:01"))
	w.Run.Bindings["dead"] = []string{"primary"}
	w.Box = boxOf("primary", blackbox.Table{Name: "orders", Rows: 33, Exact: true}, blackbox.Table{Name: "users", Rows: 3100},
		blackbox.Table{Name: "user_logs", Rows: 9, Exact: true}, blackbox.Table{Name: "empty_one"}, blackbox.Table{Name: "t_app_dns", Rows: 2, Exact: true})
	a, job, p := w.plan()
	lacks := p.Warnings[len(p.Warnings)-1]
	if want := "user_logs (9), empty_one (≈ 0)"; lacks.ID != "restore.box_lacks" || lacks.Args["tables"] != want || !strings.Contains(say(t, lacks), "2026-11-21 12:00:00") {
		t.Errorf("what the dump lacks: %s", say(t, lacks))
	}
	k := w.hold(a, job, p)
	var got []string
	for _, m := range k.(runbook.Noter).Notes() {
		got = append(got, say(t, m))
	}
	want := []string{
		"users: about 3100 at 2026-11-21 12:00:00 in the black box, 3000 in the dump: about 100 rows lost",
		"orders: 33 at 2026-11-21 12:00:00 in the black box, 2 in the dump: at least 31 rows lost",
		"user_logs: 9 rows at 2026-11-21 12:00:00 in the black box, not in the dump at all",
	}
	if !slices.Equal(got, want) {
		t.Errorf("held: %q", got)
	}
	res, err := k.Commit(t.Context())
	if err != nil || res.Outcome != runbook.OutcomeDone {
		t.Fatalf("commit: %v %s", err, say(t, res.Text))
	}
	open := 0
	for _, o := range res.Open {
		if strings.HasPrefix(o.Text.ID, "restore.box_lost") {
			open++
		}
	}
	if open != len(want) {
		t.Errorf("open: %+v", res.Open)
	}

	// The new standby is loaded from the same dump: that loses nothing more.
	w.Run.Steps = []runbook.StepRun{{ID: "before", Def: runbook.Step{Kind: "restore"}, State: runbook.Done, Result: &res}}
	if b, ok := a.boxed("speed"); !ok || len(b.tables) != 5 {
		t.Errorf("the first restore: %+v %v", b, ok)
	}
	later, _ := w.action()
	if b, ok := later.boxed("speed"); ok {
		t.Errorf("after a restore: %+v", b)
	}
	// Nor is anything lost while the primary lives.
	w.Run.Steps, w.Run.Bindings["dead"] = nil, []string{"standby"}
	alive, _ := w.action()
	if b, ok := alive.boxed("speed"); ok {
		t.Errorf("of a primary that lives: %+v", b)
	}
}

// Rows that were counted before the dump was begun may have been taken away on purpose.
func TestAnOlderBlackBoxProvesNoLoss(t *testing.T) {
	t.Parallel()
	b := boxed{noon, []blackbox.Table{{Name: "orders", Rows: 33, Exact: true}}}
	report := load.Report{Tables: []load.TableReport{{Name: "orders", Rows: 32}}}
	for start, want := range map[time.Time]string{
		noon.Add(-time.Hour): "orders: 33 at 2026-11-21 12:00:00 in the black box, 32 in the dump: at least 1 row lost",
		noon.Add(time.Hour):  "orders: 33 at 2026-11-21 12:00:00 in the black box, 32 in the dump, which is newer: 1 fewer",
	} {
		got := b.lost(effect{Start: start}, report)
		if len(got) != 1 || say(t, got[0]) != want {
			t.Errorf("dump of %s: %v", start, got)
		}
	}
}
