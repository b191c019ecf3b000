package handlers

import (
	"time"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/probe"
)

// shortRun is a run of another scenario that has done all its steps.
func shortRun(name, en, zh string, steps ...runbook.Step) runbook.Run {
	r := runbook.Run{
		ID: "k3v7", State: runbook.RunDone, StartedBy: runbook.Actor{Name: "ops1", Platform: "web"}, StartedAt: at("03:12:40"),
		DownSince: at("03:11:40"), Alert: "f", EndedAt: at("03:31:00"), EndedBy: runbook.Actor{Name: "ops1", Platform: "web"},
		Scenario: runbook.Scenario{Name: name, Title: runbook.Text{EN: en, ZH: zh}},
		Bindings: map[string][]string{"primary": {"primary"}, "standby": {"standby"}, "nginx": {"nginx1", "nginx2"}},
	}
	for _, d := range steps {
		s := runbook.StepRun{RunID: r.ID, ID: d.ID, Def: d, Host: d.Host, Index: len(r.Steps), State: runbook.Done, Attempt: 1, ChangedAt: at("03:16:11"),
			Result: &runbook.Result{Outcome: runbook.OutcomeDone}}
		if len(d.On) > 0 {
			s.Group, s.Member, s.Host = d.ID, d.On[0], d.On[0]
			s.ID += "." + s.Member
			for _, m := range d.On[1:] {
				more := s
				more.ID, more.Member, more.Host = d.ID+"."+m, m, m
				r.Steps = append(r.Steps, s)
				s = more
			}
		}
		r.Steps = append(r.Steps, s)
	}
	return r
}

func wroteDown(r *runbook.Run, facts ...runbook.Msg) {
	r.Step("roles").Plan = &runbook.Plan{Verdict: runbook.Ready, Facts: facts}
}

// otherScenarios are the cards that a run of primary does not show: what is said must be true in each scenario.
func otherScenarios(run func(runbook.Run) func(viewer) bot.Message, step func(runbook.Run, string) func(viewer) bot.Message) map[string]func(viewer) bot.Message {
	def := func(id, kind, host, en, zh string) runbook.Step {
		return runbook.Step{ID: id, Kind: kind, Host: host, Title: runbook.Text{EN: en, ZH: zh}}
	}
	domains := def("domains", "sql", "primary", "Take it off the domain list", "从域名列表下掉")
	machine := def("new-machine", "manual", "", "Get a new machine", "准备新机器")
	load := def("load", "restore", "new", "Load the newest backup on the new standby", "在新备机上导入最新备份")
	health := def("health", "check", "", "See that it works", "确认可用")
	roles := def("roles", "roles", "", "Write down what is what", "更新清单")
	fence := def("fence", "service", "primary", "Fence the primary", "隔离主机")
	fence.Fence, fence.Danger = true, true
	restore := def("restore", "restore", "new", "Restore the newest backup", "恢复最新备份")
	restart := def("restart", "service", "new", "Start go-api", "启动 go-api")
	restart.PointOfNoReturn = true
	out := map[string]func(viewer) bot.Message{}

	nginx := shortRun("nginx", "Replace a dead nginx machine", "更换 nginx 机器", domains, machine, health, roles)
	wroteDown(&nginx, runbook.T("roles.retires", "host", "nginx2"), runbook.T("roles.adds", "host", "nginx3", "address", "192.0.2.13", "roles", "nginx"))
	out["nginx-closing"] = run(nginx)

	standby := shortRun("standby", "Replace a dead standby application server", "更换备机", domains, machine, load, health, roles)
	standby.Step("load").Result.Values = map[string]string{"loss_seconds": "4260"} // users lose nothing by it
	wroteDown(&standby, runbook.T("roles.retires", "host", "standby"))
	open := standby
	open.Steps = append([]runbook.StepRun(nil), standby.Steps...)
	open.State, open.EndedAt = runbook.Open, time.Time{}
	settle(&open, runbook.Pending, "health", "roles")
	settle(&open, runbook.Executing, "load")
	out["standby-closing"], out["standby-step"] = run(standby), step(open, "load")

	both := shortRun("both", "Both application servers are dead", "两台应用服务器同时挂", machine, fence, restore, restart, health, roles)
	both.Step("restore").Result.Values = map[string]string{"loss_seconds": "4260"}
	both.Step("fence").Result.Outcome = runbook.OutcomeUnchanged
	wroteDown(&both, runbook.T("roles.retires", "host", "primary"), runbook.T("roles.retires", "host", "standby"),
		runbook.T("roles.adds", "host", "new", "address", "192.0.2.13", "roles", "primary"))
	out["both-closing"] = func(v viewer) bot.Message {
		v.fence = map[string]string{"primary": "fence which=primary"}
		return v.runCard(both)
	}

	left := both
	left.Steps = append([]runbook.StepRun(nil), both.Steps...)
	left.State, left.EndedAt = runbook.Open, time.Time{}
	settle(&left, runbook.Pending, "roles")
	out["back-open"] = func(v viewer) bot.Message {
		v.back = []string{"primary"}
		return v.runCard(left)
	}

	stop := shortRun("fence", "Fence a machine that came back", "隔离恢复的旧机器", def("stop", "service", "primary", "Stop everything on it", "停止其上所有服务"))
	stop.Alert = ""
	out["fence-closing"] = run(stop)

	tried := shortRun("rehearse-restore", "Rehearse a restore", "演练恢复", def("rehearse", "restore", "standby", "Load the newest backup for a try", "试导入最新备份"))
	tried.Alert, tried.Scenario.Beside = "", true
	tried.Step("rehearse").Result.Text = runbook.T("restore.rehearsed", "file", "speed-1.sql", "source", "standby", "tables", 5, "rows", 1204, "newest", "2026-11-23 02:00:00",
		"seconds", 100.0, "host", "standby", "bytes", int64(612<<20), "brought", 0.0)
	out["rehearsal-closing"] = run(tried)
	bad := tried
	bad.Steps = append([]runbook.StepRun(nil), tried.Steps...)
	settle(&bad, runbook.Failed, "rehearse")
	bad.State, bad.Step("rehearse").Result = runbook.Aborted, &runbook.Result{Outcome: runbook.OutcomeFailed,
		Text: runbook.T("restore.rehearsal_failed", "file", "speed-1.sql", "source", "standby", "why", "It ends in the middle of a statement")}
	out["rehearsal-aborted"] = run(bad)

	dead := def("out", "nginx", "", "Take the dead machines out of nginx", "从 nginx 剔除挂掉的机器")
	dead.On = []string{"primary", "standby"}
	group := shortRun("both", "Both application servers are dead", "两台应用服务器同时挂", dead)
	group.State, group.EndedAt = runbook.Open, time.Time{}
	group.Step("out.standby").State = runbook.Failed
	group.Step("out.standby").Digest = "77aa"
	group.Step("out.standby").Result = &runbook.Result{Outcome: runbook.OutcomeFailed, Text: runbook.T("probe.ssh_down", "host", "standby", "why", "timeout")}
	out["group-of-dead"] = step(group, "out")

	back := &call{ID: "f", State: firing, Hosts: []string{"primary"}, Level: returned, Since: at("03:31:02"), tally: &tally{},
		Members: map[string]member{"watch/f": {Source: "watch", Level: returned, Vantage: []string{"bot", "nginx1"}, Findings: []runbook.Finding{
			{Probe: runbook.Probe{Kind: "silent", Name: probe.Writers}, Up: true}, {Probe: runbook.Probe{Kind: "mysql"}, Up: true},
			{Probe: runbook.Probe{Kind: "redis"}, Up: true}, {Probe: runbook.Probe{Kind: "service", Service: "go-job"}, Up: true}}}}}
	out["returned"] = func(v viewer) bot.Message { return callCard{say: v.say, call: back}.returnedCard(&left, false, false) }
	out["returned-aborted"] = func(v viewer) bot.Message { return callCard{say: v.say, call: back}.returnedCard(&left, false, true) }
	right := *back
	right.State, right.Accepted = accepted, &acceptance{By: "zhang", At: at("03:40:00"), Reason: "users are back on it", Run: left.ID}
	out["returned-accepted"] = func(v viewer) bot.Message {
		return callCard{say: v.say, call: &right}.returnedCard(&left, false, false)
	}
	out["returned-retired"] = func(v viewer) bot.Message { return callCard{say: v.say, call: back}.returnedCard(nil, false, false) }
	other := *back
	other.Hosts = []string{"standby"}
	out["returned-other"] = func(v viewer) bot.Message { return callCard{say: v.say, call: &other}.returnedCard(nil, true, false) }
	silent := *back
	silent.State, silent.Over, silent.Seen = resolved, []string{"primary"}, true
	out["returned-silent"] = func(v viewer) bot.Message {
		return callCard{say: v.say, call: &silent}.returnedCard(&left, false, false)
	}

	again := &call{ID: "f", Scenario: "primary", State: resolved, Hosts: []string{"primary"}, Over: []string{"primary"}, Seen: true, tally: &tally{}}
	out["answers-again-left"] = func(v viewer) bot.Message {
		c := callCard{say: v.say, call: again}
		m := c.message()
		c.answersAgain(&m, "primary", left)
		return m
	}
	before := left
	before.Steps = append([]runbook.StepRun(nil), left.Steps...)
	settle(&before, runbook.Pending, "restart", "health", "roles")
	out["answers-again-before"] = func(v viewer) bot.Message {
		c := callCard{say: v.say, call: again}
		m := c.message()
		c.answersAgain(&m, "primary", before)
		return m
	}

	cut := &call{ID: "f", State: firing, Hosts: []string{"primary"}, Level: "cut_off", Since: at("03:11:40"), tally: &tally{},
		Members: map[string]member{"watch/f": {Source: "watch", Level: "cut_off", Vantage: []string{"nginx1"},
			Findings: []runbook.Finding{{Probe: runbook.Probe{Kind: "silent"}, Text: runbook.T("probe.silent", "host", "primary")}}}}}
	out["alert-cut-off"] = func(v viewer) bot.Message { return callCard{say: v.say, call: cut}.message() }
	return out
}
