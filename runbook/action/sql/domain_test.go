package sql

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
)

// TestDomainList: fault 18.
func TestDomainList(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "primary", "nginx1", "nginx2")
	for _, at := range []string{w.Host("standby").Address + ":8080", w.Host("nginx1").Address + ":8000"} {
		l, err := net.Listen("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		s := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Second}
		go func() { _ = s.Serve(l) }()
		t.Cleanup(func() { _ = s.Close() })
	}
	a := func(name string) string { return w.Host(name).Address }
	w.fill(a("primary")+" 1", a("standby")+" 2", a("nginx1")+" 1", a("nginx2")+" 1", a("primary")+" 1", "203.0.113.9 1", a("primary")+" 2")
	spec := &Spec{Database: "speed", DomainList: &DomainSpec{Down: []string{"primary"}}}
	r, _ := w.rows(spec, nil)
	p := plan(t, r, runbook.Ready)
	var names []string
	for _, f := range p.Form {
		names = append(names, f.Name)
	}
	if strings.Join(names, " ") != "row_1 row_2 row_4 row_5" || p.Tables[0].Count != 7 {
		t.Fatalf("form %v\n%v", names, p.Tables[0])
	}
	for i, want := range map[int]runbook.Text{
		0: {EN: "Take d1.example.com (primary, " + a("primary") + ") off: 1 → 2", ZH: "下线 d1.example.com（primary，" + a("primary") + "）：1 → 2"},
		1: {EN: "Put d2.example.com (standby, " + a("standby") + ") back on: 2 → 1", ZH: "恢复上线 d2.example.com（standby，" + a("standby") + "）：2 → 1"},
	} {
		if got := p.Form[i].Title; got != want || p.Form[i].Default != "true" {
			t.Errorf("field %d: %v, want %v", i, got, want)
		}
	}
	if m := p.Tables[0].Marks; m[0] != "bad" || m[1] != "changed" {
		t.Errorf("marks %v: alive, though listed as down, is not bad", m)
	}
	if !strings.Contains(p.Effect.Exact[0].Text, "update speed.t_app_dns set status=2 where id=1 and ip='"+a("primary")+"' and status=1;") {
		t.Errorf("exact %s", p.Effect.Exact[0].Text)
	}
	r, env := w.rows(spec, map[string]string{"row_4": "false"})
	q := plan(t, r, runbook.Ready)
	if rs := q.Tables[0].Rows; rs[3][3] != "1" || rs[0][3] != "1 → 2" {
		t.Errorf("the table does not follow the ticks: %v", rs)
	}
	if strings.Contains(q.Effect.Exact[0].Text, "where id=4") || runbook.Digest("s", "sql", nil, q.Effect) == runbook.Digest("s", "sql", nil, p.Effect) {
		t.Errorf("an unticked row is still changed: %s", q.Effect.Exact[0].Text)
	}
	h := w.hold(r, env)
	if w.statuses() != "1 2 1 1 1 1 2" || h.After().Count != 3 {
		t.Fatalf("rows %s, after %v", w.statuses(), h.After())
	}
	if res, err := h.Commit(t.Context()); err != nil || res.Outcome != runbook.OutcomeDone || w.statuses() != "2 1 1 1 2 1 2" {
		t.Fatalf("%v %v, rows %s", res, err, w.statuses())
	}
	plan(t, r, runbook.Blocked) // what is left is unticked
	w.Exec(w.db, "UPDATE speed.t_app_dns SET status=2 WHERE id=4")
	plan(t, r, runbook.Satisfied)

	w.Exec(w.db, "UPDATE speed.t_app_dns SET status=1 WHERE id=1")
	p = plan(t, r, runbook.Ready)
	w.Exec(w.db, "INSERT INTO speed.t_app_dns VALUES (50, 'new', '203.0.113.1', 1, NULL)")
	_, err := r.Hold(t.Context(), p, w.Job(env), actiontest.NewRecorder())
	refused(t, err, "sql.rows_changed", true)
}

// The machine that takes over does not answer yet: its row stays. Names and aliases count as the machine, other
// machines' addresses that begin alike do not.
func TestDomainListOfAMachineThatIsNotUpYet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "primary")
	h := w.Host("primary")
	w.fill(h.Address+" 1", w.Host("standby").Address+" 1", "primary.internal 1", h.Address+"0 1", "203.0.113.9 2")
	r, _ := w.rows(&Spec{Database: "speed", DomainList: &DomainSpec{Down: []string{"primary"}}}, nil)
	p := plan(t, r, runbook.Ready)
	var names []string
	for _, f := range p.Form {
		names = append(names, f.Name)
	}
	if strings.Join(names, " ") != "row_1 row_3" || p.Danger {
		t.Errorf("form %v, danger %v\n%v", names, p.Danger, p.Tables[0])
	}
}
