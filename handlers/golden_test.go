package handlers

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"recoverbot/bot"
	"recoverbot/locale"
	"recoverbot/runbook"
)

var update = flag.Bool("update", false, "write the golden files of the views anew")

func at(clock string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", "2026-11-23 "+clock)
	if err != nil {
		panic(err)
	}
	return t
}

func by(name, platform, clock string, c runbook.Choice) *runbook.Approval {
	return &runbook.Approval{By: runbook.Actor{Name: name, Platform: platform}, Choice: c, At: at(clock)}
}

// goldenRun is a run in the middle of things; each view changes what it is about.
func goldenRun() runbook.Run {
	def := func(id, kind, host, line, en, zh string) runbook.Step {
		return runbook.Step{ID: id, Kind: kind, Host: host, DocLine: line, Title: runbook.Text{EN: en, ZH: zh}}
	}
	restore := def("restore", "restore", "standby", "3.2", "Restore the newest backup on the standby", "在备机上恢复最新的备份")
	domains := def("domains", "sql", "standby", "3.3", "Take the dead machine off the domain list", "将挂掉的机器从域名列表下掉")
	services := def("others", "service", "standby", "3.10", "Start the other services", "恢复其他服务")
	restart := def("restart", "service", "standby", "3.5", "Restart go-api", "重启 go-api")
	restart.PointOfNoReturn = true
	outside := def("outside", "check", "", "3.7", "Is service back, seen from outside?", "从外部确认服务已恢复")
	standby := def("new-machine", "manual", "", "3.8", "A new machine as standby", "准备一台新备机")
	provision := def("new-provision", "ssh", "", "3.8", "Install the new machine", "安装新机器")
	provision.Needs = []string{"new-machine"}
	power := def("power-off", "manual", "", "", "Switch the dead machine off at the provider", "在服务商处关闭挂掉的机器")
	power.SkipReason = true
	r := runbook.Run{
		ID: "k3v7", State: runbook.Open, StartedBy: runbook.Actor{Name: "ops1", Platform: "web"}, StartedAt: at("03:12:40"), DownSince: at("03:11:40"),
		Scenario: runbook.Scenario{Name: "primary", Title: runbook.Text{EN: "The primary application server is dead", ZH: "应用服务器主挂"}},
	}
	add := func(d runbook.Step, members ...string) {
		s := runbook.StepRun{RunID: r.ID, ID: d.ID, Def: d, Host: d.Host, State: runbook.Pending, Attempt: 1, ChangedAt: at("03:13:00")}
		if len(members) == 0 {
			members = []string{""}
		} else {
			s.Group = d.ID
		}
		for _, m := range members {
			one := s
			one.Index, one.Member = len(r.Steps), m
			if m != "" {
				one.ID += "." + m
			}
			r.Steps = append(r.Steps, one)
		}
	}
	add(power)
	add(restore)
	add(domains)
	add(restart)
	add(outside)
	add(services, "go-upload", "go-fly")
	add(standby)
	add(provision)
	return r
}

func settle(r *runbook.Run, state runbook.State, ids ...string) {
	for _, id := range ids {
		r.Step(id).State = state
	}
}

func rowsBefore() runbook.Table {
	return runbook.Table{
		Name: "t_app_dns", Columns: []string{"id", "domain", "status"}, Count: 2,
		Rows: [][]string{{"3", "a.example.com", "1"}, {"9", "img.example.com", "1"}},
	}
}

func rowsAfter() runbook.Table {
	t := rowsBefore()
	t.Rows = [][]string{{"3", "a.example.com", "2"}, {"9", "img.example.com", "2"}}
	t.Marks = []string{"changed", "changed"}
	return t
}

// domainsWait is the run up to the domain list, which waits.
func domainsWait() (runbook.Run, *runbook.StepRun) {
	r := goldenRun()
	settle(&r, runbook.Done, "power-off", "restore")
	r.Step("restore").Result = &runbook.Result{Outcome: runbook.OutcomeDone, Values: map[string]string{"loss_seconds": "4260"}}
	s := r.Step("domains")
	s.State, s.Digest = runbook.Waiting, "3f2a91bc"
	s.Plan = &runbook.Plan{
		Verdict: runbook.Ready, Summary: runbook.T("sql.list_summary", "rows", 2, "table", "speed.t_app_dns", "host", "standby"),
		Effect: runbook.Effect{Host: "standby", Exact: []runbook.Part{{
			Format: "sql", Text: "update speed.t_app_dns set status=2 where ip='192.0.2.21' and status=1;",
		}}},
		Facts: []runbook.Msg{runbook.T("sql.will_hold", "seconds", 180.0)}, Tables: []runbook.Table{rowsBefore()},
	}
	return r, s
}

// views are the cards that a person may meet, each in the state that its name says.
func views() map[string]func(v viewer) bot.Message {
	step := func(r runbook.Run, id string) func(v viewer) bot.Message {
		return func(v viewer) bot.Message {
			for _, c := range cards(r) {
				if c.id == id {
					return v.stepCard(r, c)
				}
			}
			return bot.Message{}
		}
	}
	run := func(r runbook.Run) func(v viewer) bot.Message {
		return func(v viewer) bot.Message { return v.runCard(r) }
	}
	out := nudgeViews()

	out["alert"] = func(v viewer) bot.Message {
		return callCard{say: v.say, title: "primary", call: &call{
			ID: "f", Scenario: "primary", State: firing, Hosts: []string{"primary"}, Level: "silent", Since: at("03:11:40"), tally: &tally{},
			Members: map[string]member{"watch/f": {Source: "watch", Level: "silent", Vantage: []string{"bot", "nginx1"},
				Findings: []runbook.Finding{{Probe: runbook.Probe{Kind: "silent"}, Text: runbook.T("probe.silent", "host", "primary")}}}},
		}}.message()
	}

	r, _ := domainsWait()
	out["waiting"] = step(r, "domains")

	r, s := domainsWait()
	s.Attempt, s.Note = 2, runbook.T("engine.stale_plan", "why", runbook.T("sql.rows_changed", "table", "speed.t_app_dns"))
	out["stale"] = step(r, "domains")

	r, s = domainsWait()
	s.State, s.DecidedBy = runbook.Held, by("ops1", "web", "03:14:20", runbook.Approve)
	s.Hold = &runbook.HoldInfo{Deadline: at("03:17:20"), Before: rowsBefore(), After: rowsAfter()}
	out["held"] = step(r, "domains")

	r = goldenRun()
	settle(&r, runbook.Done, "power-off")
	s = r.Step("restore")
	s.State, s.DecidedBy = runbook.Executing, by("ops1", "terminal", "03:14:20", runbook.Approve)
	s.Plan = &runbook.Plan{Verdict: runbook.Ready, Summary: runbook.T("restore.summary", "database", "speed", "host", "standby",
		"file", "speed-20261123.sql", "source", "standby")}
	s.Progress = &runbook.Progress{Done: 612 << 20, Total: 1204 << 20, Unit: "bytes", Text: runbook.T("restore.phase_load")}
	out["running"] = step(r, "restore")

	r, s = domainsWait()
	s.State, s.Plan, s.DecidedBy = runbook.Done, nil, by("ops2", "web", "03:15:40", runbook.Commit)
	s.Result = &runbook.Result{Outcome: runbook.OutcomeDone, Text: runbook.T("sql.done", "rows", 2, "database", "speed", "host", "standby")}
	out["done"] = step(r, "domains")

	r, _ = domainsWait()
	settle(&r, runbook.Done, "domains")
	s = r.Step("restart")
	s.State, s.Digest, s.DecidedBy = runbook.Unknown, "77aa", by("ops1", "web", "03:16:02", runbook.Approve)
	s.Note = runbook.T("engine.broke_off")
	s.Result = &runbook.Result{Outcome: runbook.OutcomeUnknown}
	s.Evidence = &runbook.Evidence{Took: runbook.TookYes, Text: runbook.T("probe.service_up", "host", "standby", "service", "go-api")}
	unknown := r
	unknown.Steps = append([]runbook.StepRun(nil), r.Steps...)
	out["unknown"] = step(unknown, "restart")
	failed := r
	failed.Steps = append([]runbook.StepRun(nil), r.Steps...)
	s = failed.Step("restart")
	s.State, s.Note, s.Evidence = runbook.Failed, runbook.Msg{}, nil
	s.Result = &runbook.Result{
		Outcome: runbook.OutcomeFailed, Text: runbook.T("probe.service_stopped", "host", "standby", "service", "go-api"),
		Output: "listen tcp :8080: bind: address already in use\n",
	}
	out["failed"] = step(failed, "restart")

	group := goldenRun()
	settle(&group, runbook.Done, "power-off", "restore", "domains", "restart", "outside")
	for _, name := range []string{"go-upload", "go-fly"} {
		s := group.Step("others." + name)
		s.State, s.Digest = runbook.Waiting, "d-"+name
		s.Plan = &runbook.Plan{
			Verdict: runbook.Ready, Summary: runbook.T("service.summary_start", "services", name, "host", "standby"),
			Effect: runbook.Effect{Host: "standby", Exact: []runbook.Part{{Format: "command", Text: "systemctl enable --now " + name}}},
		}
	}
	out["group"] = step(group, "others")

	held := group
	held.Steps = append([]runbook.StepRun(nil), group.Steps...)
	s = held.Step("others.go-upload")
	s.State, s.Hold = runbook.Held, &runbook.HoldInfo{Deadline: at("03:17:20"), Before: rowsBefore(), After: rowsAfter()}
	held.Step("others.go-fly").State = runbook.Planning
	held.Step("others.go-fly").Plan = nil
	out["group-held-beside-planning"] = step(held, "others")

	broken := group
	broken.Steps = append([]runbook.StepRun(nil), group.Steps...)
	for i, name := range []string{"go-upload", "go-fly"} {
		s := broken.Step("others." + name)
		s.State, s.Plan, s.Digest = runbook.Failed, nil, []string{"77aa", "91bc"}[i]
		s.Result = &runbook.Result{Outcome: runbook.OutcomeFailed, Text: runbook.T("probe.service_stopped", "host", "standby", "service", name)}
	}
	out["group-failed"] = step(broken, "others")

	ended := goldenRun()
	settle(&ended, runbook.Done, "restore", "domains", "restart", "outside", "others.go-upload", "others.go-fly")
	ended.Step("restore").Result = &runbook.Result{
		Outcome: runbook.OutcomeDone, Values: map[string]string{"loss_seconds": "4260"},
		Open: []runbook.OpenItem{{Text: runbook.T("restore.open_stay", "tables", "speed_old_0315")}},
	}
	s = ended.Step("power-off")
	s.State, s.DecidedBy = runbook.Skipped, by("ops1", "web", "03:13:10", runbook.Skip)
	s.DecidedBy.Reason = "provider's console is down"
	ended.Step("outside").ChangedAt = at("03:16:11")

	parked := ended
	parked.Steps = append([]runbook.StepRun(nil), ended.Steps...)
	parked.State = runbook.Parked
	settle(&parked, runbook.Deferred, "new-machine", "new-provision")
	parked.Step("new-provision").Note = runbook.T("engine.deferred_with", "step", "new-machine")
	out["parked"] = run(parked)

	settle(&ended, runbook.Done, "new-machine", "new-provision")
	ended.State, ended.EndedAt, ended.EndedBy = runbook.RunDone, at("03:31:00"), ended.StartedBy
	out["closing"] = run(ended)
	out["nudge-ended"] = func(v viewer) bot.Message { return v.ended(ended) }

	r, s = domainsWait()
	s.Plan.Verdict, s.Plan.Hint = runbook.Blocked, runbook.Abort
	s.Plan.Why = runbook.T("engine.guard_back", "guard", runbook.Text{EN: "the primary is down", ZH: "主服务器已宕机"})
	out["back"], out["back-step"] = run(r), step(r, "domains")

	maps.Copy(out, otherScenarios(run, step))

	r, _ = domainsWait()
	out["open"] = run(r)
	r.Aborting = by("ops2", "terminal", "03:15:00", runbook.Abort)
	out["aborting"] = run(r)
	out["aborting-step"] = step(r, "domains")
	return out
}

// Every card as plain text, in both languages: what every platform shows, whatever it makes of it.
func TestViews(t *testing.T) {
	t.Parallel()
	bundle, err := locale.Load()
	if err != nil {
		t.Fatal(err)
	}
	for name, view := range views() {
		for _, lang := range []string{"en", "zh"} {
			v := viewer{say: bundle.Printer(lang, time.UTC), now: at("03:15:42"), head: "7c1e40d2"}
			got := bot.Plain(view(v), 100)
			file := filepath.Join("testdata", "views", name+"."+lang+".txt")
			if *update {
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				continue
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Errorf("%v (go test ./handlers -run Views -update writes it)", err)
				continue
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("%s in %s:\n%s", name, lang, d)
			}
		}
	}
}

// What is typed for one plan answers no other: not that of another run, nor of another attempt, though they are equal.
func TestCodes(t *testing.T) {
	t.Parallel()
	s := runbook.StepRun{RunID: "run1", ID: "one", Attempt: 1, Digest: "3f2a", State: runbook.Waiting}
	run, attempt, digest := s, s, s
	run.RunID, attempt.Attempt, digest.Digest = "run2", 2, "3f2b"
	seen := map[string]bool{stepCode(&s): true}
	for _, other := range []runbook.StepRun{run, attempt, digest} {
		seen[stepCode(&other)] = true
	}
	group := card{id: "g", group: true, members: []*runbook.StepRun{&s}}
	seen[groupCode(runbook.Run{ID: "run1"}, group)] = true
	seen[groupCode(runbook.Run{ID: "run2"}, group)] = true
	if len(seen) != 6 {
		t.Errorf("%d codes for 6 questions: %v", len(seen), seen)
	}
}

// What is typed for a member answers that member, as its button does.
func TestEachMemberHasACode(t *testing.T) {
	t.Parallel()
	r := goldenRun()
	for i, name := range []string{"go-upload", "go-fly"} {
		s := r.Step("others." + name)
		s.State, s.Digest = runbook.Failed, []string{"77aa", "91bc"}[i]
	}
	for _, c := range cards(r) {
		if c.id != "others" {
			continue
		}
		for _, b := range (viewer{say: newWorld(t).printer("en")}).stepCard(r, c).Buttons {
			d, ok := byCode(r, runbook.Choice(b.Choice), b.Code)
			p := press{Run: d.RunID, Step: d.Step, Attempt: d.Attempt, Digest: d.Digest, Choice: d.Choice}
			if b.Choice == string(runbook.Abort) {
				p.Group = c.id // of the run, as its code is
			}
			if !ok || p.encode() != b.Action || (b.For == "") != (d.Step == "") {
				t.Errorf("%s %s answers %+v, %v", b.Choice, b.Code, d, ok)
			}
		}
	}
}

// The card of a step that only the guard blocks ends the run by its own code, as its button does.
func TestDoneByTheCodeOfABlockedStep(t *testing.T) {
	t.Parallel()
	r, s := domainsWait()
	if d, ok := byCode(r, runbook.MarkDone, stepCode(s)); !ok || d.Step != s.ID {
		t.Errorf("where service is not back: %+v %v", d, ok)
	}
	s.Plan.Verdict, s.Plan.Why = runbook.Blocked, runbook.T("engine.guard_back")
	if d, ok := byCode(r, runbook.MarkDone, stepCode(s)); !ok || d.Step != "" || d.RunID != r.ID {
		t.Errorf("where service is back: %+v %v", d, ok)
	}
	if d, ok := byCode(r, runbook.Skip, stepCode(s)); !ok || d.Step != s.ID {
		t.Errorf("another answer: %+v %v", d, ok)
	}
}
