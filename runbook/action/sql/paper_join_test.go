package sql

import (
	"strings"
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/paper"
)

// onPaper types a step's last script of the database's host, as a person does who has filled in the variables.
func (w *world) onPaper(r *rows, variables string) string {
	w.t.Helper()
	h := w.Host("standby")
	script := ""
	for _, typed := range r.Paper(runbook.Plan{}).Typed {
		if typed.Host == h.Name && typed.Ask {
			script = paper.On(w.Fleet.Config(), h, typed, []string{"new"})
		}
	}
	client, err := w.Fleet.SSH(w.t.Context(), h)
	if err != nil {
		w.t.Fatal(err)
	}
	ran, err := client.Run(w.t.Context(), fleet.Command{Script: "ssh() { shift 9; \"$@\"; }\n" + variables + "\n" + script})
	if err != nil {
		w.t.Fatal(err)
	}
	if ran.Exit != 0 {
		return "refused"
	}
	return w.table("SELECT domain, ip, status FROM speed.t_app_dns WHERE ip LIKE '192.0.2.%' ORDER BY id")
}

// What a person types puts no other rows on the list than the bot would: of the first sibling that has any.
func TestAMachineJoinsTheDomainListOnPaper(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "nginx1", "nginx2", "nginx3")
	dead, other, third := w.Host("nginx1").Address, w.Host("nginx2").Address, w.Host("nginx3").Address
	own := "192.0.2.9"
	filled := "NEW_ADDRESS=192.0.2.8 NEW_DNS_IP=" + own + " NEW_DOMAIN="
	for name, tc := range map[string]struct {
		list            []string
		change          string
		variables, want string
	}{
		"only of the dead one":    {[]string{other + " 1", dead + " 2", third + " 1", dead + " 1"}, "", filled, "d2.example.com|192.0.2.9|1\nd4.example.com|192.0.2.9|1"},
		"of the next":             {[]string{third + " 1", other + " 2", third + " 1"}, "", filled, "d2.example.com|192.0.2.9|1"},
		"of the first that is up": {[]string{"127.0.0.250 2", "127.0.0.251 1", "127.0.0.252 1"}, "", filled, "d2.example.com|192.0.2.9|1"},
		"a domain of its own":     {[]string{other + " 1", dead + " 2", dead + " 1"}, "", filled + "new.example.com", "new.example.com|192.0.2.9|1"},
		"at most five":            {strings.Split(strings.Repeat(dead+" 1,", 6)+dead+" 1", ","), "", filled + "", "d1.example.com|192.0.2.9|1\nd2.example.com|192.0.2.9|1\nd3.example.com|192.0.2.9|1\nd4.example.com|192.0.2.9|1\nd5.example.com|192.0.2.9|1"},
		"each domain once":        {[]string{dead + " 1", dead + " 2"}, "UPDATE speed.t_app_dns SET domain='D1.example.com'", filled, "D1.example.com|192.0.2.9|1"},
		"there already": {[]string{dead + " 2", own + " 2", own + " 2"}, "UPDATE speed.t_app_dns SET domain='d1.example.com' WHERE id=2", filled,
			"d1.example.com|192.0.2.9|1\nd3.example.com|192.0.2.9|2"},
		"nothing filled in": {[]string{dead + " 1"}, "", "NEW_DOMAIN=x", "refused"},
	} {
		w.fill(tc.list...)
		if tc.change != "" {
			w.Exec(w.db, tc.change)
		}
		before := w.table("SELECT * FROM speed.t_app_dns WHERE ip NOT LIKE '192.0.2.%' ORDER BY id")
		r, _ := w.rows(adding(DomainSpec{Add: "new", Like: []string{"host:nginx1", "nginx2"}, Domain: "$step.machine.domain"}), nil)
		r.env.Run.Steps = append(r.env.Run.Steps, runbook.StepRun{ID: "machine", State: runbook.Done, Result: &runbook.Result{Values: map[string]string{"domain": ""}}},
			runbook.StepRun{ID: "enrol", Def: runbook.Step{Kind: "enrol"}, State: runbook.Done, Result: &runbook.Result{Outcome: runbook.OutcomeDone, Values: paper.Enrolled("new")}})
		s := r.Paper(runbook.Plan{})
		if len(s.Blanks) != 1 || s.Blanks[0].Name != "NEW_DOMAIN" || s.Typed[0].Note.ID != "paper.sql_join" {
			t.Fatalf("%s: %+v", name, s)
		}
		got := w.onPaper(r, tc.variables)
		if tc.want == "refused" {
			tc.want = ""
			got = w.table("SELECT domain, ip, status FROM speed.t_app_dns WHERE id > 1")
		}
		if got != tc.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, tc.want)
		}
		if after := w.table("SELECT * FROM speed.t_app_dns WHERE ip NOT LIKE '192.0.2.%' ORDER BY id"); after != before {
			t.Errorf("%s: others' rows changed from\n%s\nto\n%s", name, before, after)
		}
	}
}

// A list without domains gets one row.
func TestJoiningAListWithoutDomainsOnPaper(t *testing.T) {
	t.Parallel()
	w := &world{Company: actiontest.New(t, "standby", "nginx1"), t: t}
	w.db = w.StartMariaDB("standby")
	w.Exec(w.db, "CREATE DATABASE speed", "CREATE TABLE speed.t_app_dns (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, ip varchar(64) NOT NULL, status int NOT NULL)",
		"INSERT INTO speed.t_app_dns VALUES (1, '"+w.Host("nginx1").Address+"', 2), (2, '"+w.Host("nginx1").Address+"', 1)")
	shown := runbook.StepRun{ID: "down", Def: runbook.Step{Kind: "sql"}, Plan: &runbook.Plan{Tables: []runbook.Table{{Name: "speed.t_app_dns", Columns: []string{"id", "ip", "status"}}}}}
	r, _ := w.rows(adding(DomainSpec{Add: "standby", Like: []string{"nginx1"}}), nil)
	r.env.Run.Steps = append(r.env.Run.Steps, shown)
	h := w.Host("standby")
	client, err := w.Fleet.SSH(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	for _, typed := range r.Paper(runbook.Plan{}).Typed {
		if ran, err := client.Run(t.Context(), fleet.Command{Script: typed.Script}); err != nil || ran.Exit != 0 {
			t.Errorf("%v %+v", err, ran)
		}
	}
	if got := w.table("SELECT * FROM speed.t_app_dns WHERE id > 2"); !strings.HasSuffix(got, "|"+h.Address+"|1") || strings.Contains(got, "\n") {
		t.Error(got)
	}
}
