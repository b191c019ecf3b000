package restore

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/fleet"
)

// rehearse plans a rehearsal, and wants it to be no danger.
func (w *world) rehearse(from ...string) (runbook.Action, runbook.Job, runbook.Plan) {
	w.t.Helper()
	a, job, p := w.step(Spec{Rehearse: true, From: from, DumpTimezone: "UTC"}, nil)
	if p.Verdict == runbook.Ready && p.Danger {
		w.t.Error("a rehearsal is a danger")
	}
	return a, job, p
}

// untried wants everything live as it was, and nothing of a rehearsal left.
func (w *world) untried(before string) {
	w.t.Helper()
	if got := w.text("SELECT GROUP_CONCAT(SCHEMA_NAME) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'speed%'"); got != "speed" {
		w.t.Errorf("schemas: %s", got)
	}
	if got := w.live(); got != before {
		w.t.Errorf("live: %s, before %s", got, before)
	}
}

func (w *world) live() string {
	w.t.Helper()
	var name, dns, only string
	for table, sum := range map[string]*string{"t_app_dns": &dns, "only_here": &only} {
		if err := w.db.DB.QueryRowxContext(w.t.Context(), "CHECKSUM TABLE speed."+table).Scan(&name, sum); err != nil {
			w.t.Fatal(err)
		}
	}
	return dns + " " + only
}

func TestRehearsal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "standby", "report")
	before := w.live()
	if _, _, p := w.rehearse("standby"); p.Verdict != runbook.Blocked || p.Why.ID != "restore.no_dump" || !strings.Contains(say(t, p.Why), ": 0 files looked at on 1 host") {
		t.Errorf("no dump: %s %s", p.Verdict, say(t, p.Why))
	}
	good := w.dump()
	w.put("report", "speed-20261122.sql", good)
	w.Exec(w.db, "CREATE DATABASE speed_rehearsal_c0ffee") // by an earlier one
	others := []string{"speed_rehearsal_results", "speed_rehearsal_c0ffee1", "speed_rehearsal_new_abcdef", "speed_rehearsal_old_11230500"}
	for _, name := range others {
		w.Exec(w.db, "CREATE DATABASE "+name)
	}
	a, job, p := w.rehearse("standby", "report")
	if !strings.Contains(p.Effect.Exact[1].Text, "drop    speed_rehearsal_c0ffee") {
		t.Errorf("does not say what it drops: %+v", p.Effect.Exact)
	}
	out := actiontest.NewRecorder()
	res, err := a.Apply(t.Context(), p, job, out)
	if err != nil || res.Outcome != runbook.OutcomeDone || res.Text.ID != "restore.rehearsed" || res.Values["load_seconds"] == "" || len(res.Open) > 0 {
		t.Fatalf("%v %s %v %s", err, say(t, res.Text), res.Values, out.Text())
	}
	if text := say(t, res.Text); !strings.Contains(text, "3 tables, 3004 rows") || !strings.Contains(text, "2026-11-22 01:58:12") || !strings.Contains(text, "; copied before in ") {
		t.Error(text)
	}
	for _, name := range others {
		w.Exec(w.db, "DROP DATABASE "+name) // fails where the rehearsal has
	}
	w.untried(before)
	if ev, err := a.(runbook.Looker).Look(t.Context(), p, job); err != nil || ev.Took != runbook.TookNo {
		t.Errorf("look: %+v %v", ev, err)
	}
	if w.Exists("standby", stateDir+"/"+job.ID()) || w.Exists("standby", stateDir+"/dumps/"+"speed") {
		t.Error("left on the host")
	}

	// A dump that only looks complete is found out.
	i := strings.LastIndex(good, "/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE")
	w.put("report", "speed-20261122.sql", good[:i]+"INSERT INTO `users` VALUES (1,'twice',x'00');\n"+good[i:])
	a, job, p = w.rehearse("report")
	res, err = a.Apply(t.Context(), p, job, out)
	if err != nil || res.Outcome != runbook.OutcomeFailed || res.Text.ID != "restore.rehearsal_failed" {
		t.Errorf("a bad dump: %v %s", err, say(t, res.Text))
	}
	say(t, res.Text)
	w.untried(before)
}

// What says that the dump is not whole or that somebody needs the machine now is left to people, and a primary to itself.
func TestRehearsalOfWhatIsInUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.live()
	w.put("standby", "speed-20261122.sql", w.dump("--compact"))
	spec := Spec{Rehearse: true, From: []string{"standby"}, DumpTimezone: "UTC"}
	a, job, p := w.step(spec, nil)
	if p.Verdict != runbook.Ready || !p.Danger || len(p.Warnings) == 0 {
		t.Errorf("a dump without a trailer: %s %v %+v", p.Verdict, p.Danger, p.Warnings)
	}
	if res, err := a.Apply(t.Context(), p, job, nil); err != nil || !strings.Contains(say(t, res.Text), " at low priority (") || strings.Contains(say(t, res.Text), "copied") {
		t.Errorf("a dump that lies there: %s %v", say(t, res.Text), err)
	}
	w.put("standby", "speed-20261122.sql", w.dump())
	w.Exec(w.db, "UPDATE speed.t_app_dns SET created_at='2026-11-22 09:00:00'")
	if _, _, p := w.step(spec, nil); p.Verdict != runbook.Ready || !p.Danger {
		t.Errorf("a standby in use: %s %v", p.Verdict, p.Danger)
	}
	w.Exec(w.db, "UPDATE speed.t_app_dns SET created_at='2026-01-01 00:00:00'")
	w.edit("roles: [standby, backup]", "roles: [standby, primary]")
	if _, _, p := w.rehearse("standby"); p.Verdict != runbook.Blocked || p.Why.ID != "restore.rehearse_primary" {
		t.Errorf("a primary: %s %s", p.Verdict, say(t, p.Why))
	}
	if w.live() != before {
		t.Error("changed what is live")
	}
}

// A dump that lacks tables is no quiet success: people are asked before, and the result names them.
func TestRehearsalOfLess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.live()
	spec := Spec{Rehearse: true, From: []string{"standby"}, DumpTimezone: "UTC"}
	w.put("standby", "speed-20261121.sql", dated(w.dump(), "2026-11-21  2:00:01"))
	w.put("standby", "speed-20261122.sql", w.dump("--ignore-table=made.orders", "--ignore-table=made.t_app_dns", "--ignore-table=made.v_up", "--ignore-table=made.v_a"))
	a, job, p := w.step(spec, nil)
	if p.Verdict != runbook.Ready || !p.Danger {
		t.Fatalf("%s %v %+v", p.Verdict, p.Danger, p.Warnings)
	}
	res, err := a.Apply(t.Context(), p, job, nil)
	if text := say(t, res.Text); err != nil || !strings.HasPrefix(text, "Restorable, but it LACKS t_app_dns, orders: speed-20261122.sql of standby, 1 table,") {
		t.Errorf("%s %v", text, err)
	}
	w.untried(before)
	w.put("standby", "speed-20261123.sql", dated(w.dump(), "2026-11-23  2:00:01"))
	if _, _, p := w.step(spec, nil); p.Verdict != runbook.Ready || !p.Danger {
		t.Errorf("a dump of tomorrow: %s %v", p.Verdict, p.Danger)
	}
}

// A dump that is another one by the time of the approval says nothing of itself: the rehearsal is planned and asked anew.
func TestRehearsalOfWhatHasChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.live()
	text := w.dump()
	w.put("standby", "speed-20261122.sql", text)
	a, job, p := w.rehearse("standby")
	w.put("standby", "speed-20261122.sql", strings.Replace(text, "192.0.2.21", "192.0.2.22", 1))
	if _, err := a.Apply(t.Context(), p, job, nil); !stale(err) || err.(*runbook.Refusal).Text.ID != "dump.changed" {
		t.Errorf("applied: %v", err)
	}
	w.untried(before)
	if w.Exists("standby", stateDir+"/"+job.ID()) {
		t.Error("left on the host")
	}
}

// A rehearsal that is cut off, by the host or for a recovery, leaves nothing, and keeps no restore waiting.
func TestRehearsalCutOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.live()
	w.put("standby", "speed-20261122.sql", w.dump("--skip-extended-insert", "--skip-add-locks"))
	for _, how := range []string{"killed", "cancelled"} {
		a, job, p := w.rehearse("standby")
		ctx, cutBot := context.WithCancel(t.Context())
		type end struct {
			res runbook.Result
			err error
		}
		done := make(chan end, 1)
		go func() { res, err := a.Apply(ctx, p, job, actiontest.NewRecorder()); done <- end{res, err} }()
		w.until(func() bool {
			return w.text("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema LIKE 'speed\\_rehearsal%' AND table_name='users'") != "0"
		})
		release := w.freeze()
		if how == "killed" {
			cutBot() // the bot dies, and then the helper
			if e := <-done; e.err == nil {
				t.Errorf("a bot that died: %+v", e.res)
			}
			killHelper(t, workDir(effect{}, w.Host("standby"), job)+"/recoverbot")
			release()
			res, err := a.(runbook.Resumer).Resume(t.Context(), p, job, actiontest.NewRecorder())
			why, _ := res.Text.Args["why"].(runbook.Msg)
			if err != nil || res.Outcome != runbook.OutcomeFailed || why.ID != "restore.helper_died" || res.Values["rehearsed"] != "" {
				t.Errorf("resumed: %v %s", err, say(t, res.Text))
			}
		} else {
			var got int
			if err := w.db.DB.GetContext(t.Context(), &got, "SELECT GET_LOCK('recoverbot_load_speed', 0)"); err != nil || got != 1 {
				t.Errorf("a restore would wait for a rehearsal: %v", err)
			}
			cancelled := make(chan error, 1)
			go func() { cancelled <- a.(runbook.Canceler).Cancel(t.Context(), p, job) }()
			w.until(func() bool {
				st, err := w.Client("standby").Job(t.Context(), job.ID())
				return err == nil && st.Status != fleet.JobRunning
			})
			release()
			if err := <-cancelled; err != nil {
				t.Error(err)
			}
			if e := <-done; e.err != nil || e.res.Outcome != runbook.OutcomeFailed {
				t.Errorf("cancelled: %+v %v", e.res, e.err)
			}
		}
		cutBot()
		w.untried(before)
	}
}

// The card of a restore says how long it will take, and where that is known from.
func TestEstimate(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC)
	good := action.Measured{At: at, Rehearsal: true, Host: "standby", File: "speed-1.sql", Bytes: 1e9, Seconds: 100}
	bad := action.Measured{At: at.Add(24 * time.Hour), Rehearsal: true, Host: "standby", File: "speed-2.sql", Failed: runbook.T("dump.server_gone")}
	real := action.Measured{At: at.Add(time.Hour), Host: "spare1", File: "speed-1.sql", Bytes: 2e9, Seconds: 100}
	small := action.Measured{At: at.Add(2 * time.Hour), Host: "spare1", File: "speed-0.sql", Bytes: 3e6, Seconds: 3}
	const (
		assumed   = "Takes about 1 min 4 s (assumed: 8.0 MB/s; no load of such a size was measured yet)"
		never     = "Never rehearsed: recoverbot rehearse restore"
		rehearsed = "Last rehearsal, 2026-11-21 05:00:00: speed-1.sql was restorable, 1 min 40 s on standby"
	)
	half := effect{Bytes: 5e8}
	for name, x := range map[string]struct {
		e        effect
		past     []action.Measured // nil: what was before is not known
		facts    []string
		warnings []string
	}{
		"never":     {half, []action.Measured{}, []string{assumed, never}, nil},
		"not known": {half, nil, []string{"Takes about 1 min 4 s (assumed: 8.0 MB/s)"}, nil},
		"rehearsed": {half, []action.Measured{good}, []string{
			"Takes at most about 50 s (rehearsal of 2026-11-21 05:00:00 on standby: 10.0 MB/s, at low priority)", rehearsed}, nil},
		"through the bot": {effect{Bytes: 5e8, Stream: true}, []action.Measured{good}, []string{
			"Takes about 50 s (rehearsal of 2026-11-21 05:00:00 on standby: 10.0 MB/s, at low priority)", rehearsed}, nil},
		"another rehearsal": {effect{Bytes: 5e8, Rehearse: true}, []action.Measured{good}, []string{
			"Takes about 50 s (rehearsal of 2026-11-21 05:00:00 on standby: 10.0 MB/s, at low priority)", rehearsed}, nil},
		"only a small one":     {half, []action.Measured{small}, []string{assumed, never}, nil},
		"a small one since":    {half, []action.Measured{small, real}, []string{"Takes about 25 s (restore of 2026-11-21 06:00:00 on spare1: 20.0 MB/s)", never}, nil},
		"as small as the dump": {effect{Bytes: 3e7}, []action.Measured{small}, []string{"Takes about 30 s (restore of 2026-11-21 07:00:00 on spare1: 1.0 MB/s)", never}, nil},
		"failed since": {half, []action.Measured{bad, real, good}, []string{"Takes about 25 s (restore of 2026-11-21 06:00:00 on spare1: 20.0 MB/s)"},
			[]string{"Last rehearsal, 2026-11-22 05:00:00: speed-2.sql could not be restored: The connection to MySQL was lost while loading. The live data is as it was"}},
	} {
		r := newRestore(Spec{}, action.Env{Past: func(context.Context, string) ([]action.Measured, bool) { return x.past, x.past != nil }})
		var p runbook.Plan
		var facts, warnings []string
		for _, m := range r.estimate(t.Context(), &p, x.e, false) {
			facts = append(facts, say(t, m))
		}
		for _, m := range p.Warnings {
			warnings = append(warnings, say(t, m))
		}
		if !slices.Equal(facts, x.facts) || !slices.Equal(warnings, x.warnings) {
			t.Errorf("%s:\n%q\n%q", name, facts, warnings)
		}
	}
}
