package sql

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"recoverbot/drill/server"
	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/fleet"
)

// joining is a company with a name server of its own; settings are further lines of domain_list.
func joining(t *testing.T, settings string, hosts ...string) (*world, *server.DNS) {
	t.Helper()
	w := newWorld(t, hosts...)
	dns, err := server.StartDNS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(dns.Close)
	text, err := os.ReadFile(w.FleetFile)
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.Replace(string(text), "domain_list:\n", "domain_list:\n  resolver: "+dns.Address+"\n"+settings, 1))
	if err := os.WriteFile(w.FleetFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.Fleet.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w, dns
}

func adding(spec DomainSpec) *Spec { return &Spec{Database: "speed", DomainList: &spec} }

func fields(p runbook.Plan) map[string]string {
	out := map[string]string{}
	for _, f := range p.Form {
		out[f.Name] = f.Default
	}
	return out
}

func (w *world) table(q string) string {
	w.t.Helper()
	rs, err := w.db.DB.Query(q)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rs.Close()
	cols, _ := rs.Columns()
	var out []string
	for rs.Next() {
		row := make([]*string, len(cols))
		into := make([]any, len(cols))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rs.Scan(into...); err != nil {
			w.t.Fatal(err)
		}
		var line []string
		for _, v := range row {
			if v == nil {
				line = append(line, "NULL")
			} else {
				line = append(line, *v)
			}
		}
		out = append(out, strings.Join(line, "|"))
	}
	return strings.Join(out, "\n")
}

func addr(w *world, name string) netip.Addr { return netip.MustParseAddr(w.Host(name).Address) }

func TestAMachineJoinsTheDomainList(t *testing.T) {
	t.Parallel()
	w, dns := joining(t, "", "nginx1", "nginx2", "nginx3")
	a := func(name string) string { return w.Host(name).Address }
	w.fill(a("nginx1")+" 2", a("nginx2")+" 1", a("nginx1")+" 1", a("standby")+" 1")
	dns.Set("d1.example.com", addr(w, "nginx3"))
	dns.Set("d3.example.com", addr(w, "nginx3"))
	spec := adding(DomainSpec{Add: "nginx3", Like: []string{"host:nginx1", "nginx2"}})
	r, env := w.rows(spec, nil)
	p := plan(t, r, runbook.Ready)
	want := map[string]string{"r1": "true", "r1_id": "DEFAULT", "r1_domain": "d1.example.com", "r1_ip": a("nginx3"), "r1_status": "1", "r1_updated_at": "NULL",
		"r2": "true", "r2_id": "DEFAULT", "r2_domain": "d3.example.com", "r2_ip": a("nginx3"), "r2_status": "1", "r2_updated_at": "NULL"}
	if got := fields(p); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("form %v", got)
	}
	if p.Danger || len(p.Warnings) > 0 {
		t.Errorf("warnings %v", p.Warnings)
	}
	exact := "begin;\ninsert into speed.t_app_dns (`domain`, `ip`, `status`, `updated_at`) values ('d1.example.com', '" + a("nginx3") + "', 1, NULL);\n"
	if got := p.Effect.Exact[0].Text; !strings.HasPrefix(got, exact) {
		t.Errorf("exact %s", got)
	}
	before := w.table("SELECT * FROM speed.t_app_dns ORDER BY id")
	h := w.hold(r, env)
	if got := h.After(); got.Count != 2 || got.Rows[0][1] != "d1.example.com" || got.Rows[1][0] == "" || h.Before().Count != 0 {
		t.Errorf("after %v", got)
	}
	if now := w.table("SELECT * FROM speed.t_app_dns ORDER BY id"); now != before {
		t.Errorf("others see %s", now)
	}
	if err := h.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now := w.table("SELECT * FROM speed.t_app_dns ORDER BY id"); now != before {
		t.Errorf("rolled back to %s", now)
	}
	if e, err := r.Look(t.Context(), p, w.Job(env)); err != nil || e.Took != runbook.TookNo {
		t.Error(e, err)
	}
	r, env = w.rows(spec, map[string]string{"r2": "false", "r1_domain": "d9.example.com"})
	dns.Set("d9.example.com", addr(w, "nginx3"))
	h = w.hold(r, env)
	if res, err := h.Commit(t.Context()); err != nil || res.Outcome != runbook.OutcomeDone {
		t.Fatal(res, err)
	}
	if got := w.table("SELECT domain, ip, status, updated_at FROM speed.t_app_dns WHERE id > 4"); got != "d9.example.com|"+a("nginx3")+"|1|NULL" {
		t.Errorf("added %s", got)
	}

	// Its own row, down, is put back instead of doubled; up, it is done.
	w.fill(a("nginx1")+" 1", a("nginx3")+" 2", a("nginx2")+" 1")
	w.Exec(w.db, "UPDATE speed.t_app_dns SET domain = 'D1.example.com' WHERE id = 2", "UPDATE speed.t_app_dns SET ip = 'nginx3.internal' WHERE id = 2")
	r, env = w.rows(spec, nil)
	if got := fields(plan(t, r, runbook.Ready)); len(got) != 1 || got["row_2"] != "true" {
		t.Errorf("form %v", got)
	}
	if res, err := w.hold(r, env).Commit(t.Context()); err != nil || res.Outcome != runbook.OutcomeDone || w.statuses() != "1 1 1" {
		t.Fatal(res, err, w.statuses())
	}
	if q := plan(t, r, runbook.Satisfied); q.Why.ID != "sql.add_there" || len(q.Open) != 0 {
		t.Errorf("%+v", q)
	}
	dns.Set("d1.example.com", netip.MustParseAddr("192.0.2.10"))
	if q := plan(t, r, runbook.Satisfied); len(q.Open) != 1 {
		t.Errorf("a wrong A record is passed over in silence: %+v", q)
	}
}

func TestDownAndAddInOne(t *testing.T) {
	t.Parallel()
	w, dns := joining(t, "", "nginx1", "nginx2")
	a := func(name string) string { return w.Host(name).Address }
	w.fill(a("nginx1") + " 1")
	dns.Set("d1.example.com", addr(w, "nginx2"))
	r, env := w.rows(adding(DomainSpec{Down: []string{"host:nginx1"}, Add: "host:nginx2", Like: []string{"host:nginx1"}}), nil)
	p := plan(t, r, runbook.Ready)
	if p.Danger || len(p.Form) != 7 {
		t.Errorf("danger %v, form %v", p.Warnings, p.Form)
	}
	h := w.hold(r, env)
	if got := h.After(); got.Count != 2 || got.Columns[len(got.Columns)-1] != "updated_at" || got.Rows[0][3] != "2" {
		t.Errorf("after %v", got)
	}
	if res, err := h.Commit(t.Context()); err != nil || res.Outcome != runbook.OutcomeDone || w.statuses() != "2 1" {
		t.Fatal(res, err, w.statuses())
	}
	plan(t, r, runbook.Satisfied)
}

// A machine that only the run knows, and a domain that a person gave in an earlier form.
func TestAnEnrolledMachineJoins(t *testing.T) {
	t.Parallel()
	w, dns := joining(t, "", "nginx1")
	w.fill("203.0.113.1 2", "203.0.113.2 1", w.Host("nginx1").Address+" 1", w.Host("nginx1").Address+" 1")
	spec := adding(DomainSpec{Add: "fresh", Like: []string{"host:nginx1"}, Domain: "$param.domain"})
	w.Run.Params = map[string]string{"domain": "new.example.com"}
	w.Run.Steps = []runbook.StepRun{{ID: "e", Def: runbook.Step{ID: "e", Kind: "enrol", With: "bind: fresh"}}}
	r, _ := w.rows(spec, nil)
	if p := plan(t, r, runbook.Provisional); strings.Join(p.Needs, " ") != "e" {
		t.Errorf("needs %v", p.Needs)
	}
	host, err := json.Marshal(fleet.Host{Name: "web9", Address: "192.0.2.9", DNSIP: netip.MustParseAddr("198.51.100.9")})
	if err != nil {
		t.Fatal(err)
	}
	w.Run.Steps[0].Result = &runbook.Result{Values: map[string]string{"host": string(host), "bind": "fresh"}}
	r, env := w.rows(spec, nil)
	dns.Set("new.example.com", netip.MustParseAddr("192.0.2.9"))
	p := plan(t, r, runbook.Ready)
	if !p.Danger || len(p.Warnings) != 1 || p.Warnings[0].ID != "probe.name_elsewhere" {
		t.Errorf("warnings %v", p.Warnings)
	}
	if got := fields(p); got["r1_domain"] != "new.example.com" || got["r1_ip"] != "198.51.100.9" || got["r2"] != "" {
		t.Errorf("form %v", got)
	}
	if res, err := w.hold(r, env).Commit(t.Context()); err != nil || res.Outcome != runbook.OutcomeDone {
		t.Fatal(res, err)
	}
	plan(t, r, runbook.Satisfied)
	w.Run.Params["domain"] = ""
	r, _ = w.rows(spec, nil)
	if got := fields(plan(t, r, runbook.Ready)); got["r1_domain"] != "d3.example.com" || got["r2_domain"] != "d4.example.com" {
		t.Errorf("without a domain %v", got)
	}
	spec.DomainList.Like = nil // the first row that is up
	r, _ = w.rows(spec, nil)
	if got := fields(plan(t, r, runbook.Ready)); got["r1_domain"] != "d2.example.com" || got["r2"] != "" {
		t.Errorf("without a sibling %v", got)
	}
}

// What users would find is asked anew at each planning.
func TestReach(t *testing.T) {
	t.Parallel()
	w, dns := joining(t, "  tls_port: 4443\n", "nginx1", "nginx2", "nginx3", "nginx4")
	w.fill("203.0.113.1 1")
	month := time.Now().AddDate(0, 1, 0)
	authority.Serve(t, w.Host("nginx1").Address+":4443", month, "d1.example.com")
	authority.Serve(t, w.Host("nginx2").Address+":4443", month, "other.example.com")
	authority.Serve(t, w.Host("nginx3").Address+":4443", time.Now().Add(9*24*time.Hour), "d1.example.com")
	for _, tc := range []struct {
		host, found, domain string
		warnings, facts     string
	}{
		{"nginx1", "nginx1", "", "", "probe.name_up probe.tls_up"},
		{"nginx1", "", "", "probe.name_none", "probe.tls_up"},
		{"nginx1", "standby", "", "probe.name_elsewhere", "probe.tls_up"},
		{"nginx1", "standby nginx1", "", "probe.name_also", "probe.tls_up"},
		{"nginx2", "nginx2", "", "probe.tls_down", "probe.name_up"},
		{"nginx3", "nginx3", "", "probe.tls_soon", "probe.name_up"},
		{"nginx4", "nginx4", "", "probe.tls_down", "probe.name_up"},
		{"nginx1", "", "x' OR '1'='1", "", "sql.add_no_name"},
		{"nginx1", "", "*.example.com", "", "sql.add_no_name"},
		{"nginx1", "", "localhost", "", "sql.add_no_name"},
	} {
		var found []netip.Addr
		for _, name := range strings.Fields(tc.found) {
			found = append(found, addr(w, name))
		}
		dns.Set("d1.example.com", found...)
		r, _ := w.rows(adding(DomainSpec{Add: "host:" + tc.host, Domain: tc.domain}), nil)
		p := plan(t, r, runbook.Ready)
		ids := func(ms []runbook.Msg) string {
			var out []string
			for _, m := range ms {
				if m.ID != "sql.will_hold" && m.ID != "sql.add_words" {
					out = append(out, m.ID)
				}
			}
			return strings.Join(out, " ")
		}
		if ids(p.Warnings) != tc.warnings || ids(p.Facts) != tc.facts || p.Danger != (tc.warnings != "") {
			t.Errorf("%+v: warnings %v, facts %v, danger %v", tc, p.Warnings, p.Facts, p.Danger)
		}
	}
	dns.Close()
	r, _ := w.rows(adding(DomainSpec{Add: "host:nginx1"}), nil)
	if p := plan(t, r, runbook.Ready); !p.Danger || p.Warnings[0].ID != "probe.name_unknown" {
		t.Errorf("a name server that is down: %v", p.Warnings)
	}
}

// odd is a list with everything that tables have.
const odd = `CREATE TABLE speed.t_app_dns (
	id int unsigned NOT NULL AUTO_INCREMENT, domain varchar(64) CHARACTER SET utf8mb4 NOT NULL, ip varchar(40) NOT NULL, status tinyint NOT NULL DEFAULT 1,
	kind enum('front','it''s','后端') NOT NULL, weight smallint NOT NULL, remark varchar(255) DEFAULT NULL, note text, old varchar(20) CHARACTER SET utf8mb3 DEFAULT 'x',
	token varbinary(8) DEFAULT NULL, flags bit(4) NOT NULL, label varchar(80) GENERATED ALWAYS AS (CONCAT(domain, '/', ip)) STORED, tag varchar(9) AS (LEFT(ip, 3)) VIRTUAL,
	created_at datetime NOT NULL, updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, removed_at datetime DEFAULT NULL,
	PRIMARY KEY (id), UNIQUE KEY place (domain, ip)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`

// TestOddColumns: on a real server, what people type for a new row is refused or is its value, whatever it says (fault 32).
func TestOddColumns(t *testing.T) {
	t.Parallel()
	w, dns := joining(t, "", "nginx1")
	ip := w.Host("nginx1").Address
	dns.Set("d.example.com", addr(w, "nginx1"))
	w.Exec(w.db, "DROP TABLE speed.t_app_dns", odd, `INSERT INTO speed.t_app_dns (domain, ip, status, kind, weight, remark, note, old, token, flags, created_at, removed_at)
		VALUES ('d.example.com', '203.0.113.1', 1, 'it''s', -5, 'NULL', 'two\nlines 🚀', '', X'00FF27', b'1010', '2001-01-01', '2002-02-02')`)
	spec := adding(DomainSpec{Add: "host:nginx1"})
	r, env := w.rows(spec, nil)
	p := plan(t, r, runbook.Ready)
	want := map[string]string{"r1": "true", "r1_id": "DEFAULT", "r1_domain": "d.example.com", "r1_ip": ip, "r1_status": "1", "r1_kind": "it's", "r1_weight": "-5", "r1_remark": "'NULL'",
		"r1_note": "two\nlines 🚀", "r1_old": "''", "r1_token": "00FF27", "r1_flags": "A", "r1_created_at": "NOW()", "r1_updated_at": "DEFAULT", "r1_removed_at": "NULL"}
	if got := fields(p); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("form\n%v\n%v", got, want)
	}
	if res, err := w.hold(r, env).Commit(t.Context()); err != nil || res.Outcome != runbook.OutcomeDone {
		t.Fatal(res, err)
	}
	const q = "SELECT domain, ip, status, kind, weight, remark, note, old, HEX(token), HEX(flags), label, tag, created_at > NOW() - INTERVAL 1 HOUR, removed_at FROM speed.t_app_dns WHERE id > 1"
	if got := w.table(q); got != "d.example.com|"+ip+"|1|it's|-5|NULL|two\nlines 🚀||00FF27|A|d.example.com/"+ip+"|"+ip[:3]+"|1|NULL" {
		t.Errorf("added %q", got)
	}
	if got := w.table("SELECT remark = 'NULL' FROM speed.t_app_dns WHERE id > 1"); got != "1" {
		t.Errorf("the text NULL became %s", got)
	}

	// Whatever is typed is bound, or refused by name before anything.
	w.Exec(w.db, "DELETE FROM speed.t_app_dns WHERE id > 1")
	before := w.table("SELECT * FROM speed.t_app_dns")
	for name, tc := range map[string]struct{ field, value, why string }{
		"domain too long": {"domain", strings.Repeat("é", 65), "sql.add_too_long"}, "very long": {"note", strings.Repeat("x", maxValue+1), "sql.add_too_long"},
		"null": {"kind", "null", "sql.add_not_null"}, "no default": {"weight", "DEFAULT", "sql.add_needed"}, "not listed": {"kind", "other", "sql.add_not_listed"},
		"number": {"weight", "1 OR 1=1", "sql.add_no_number"}, "hex": {"token", "'); --", "sql.add_not_hex"}, "emoji": {"old", "🚀", "sql.add_wide"},
		"ip": {"ip", "1.1.1.1' OR '1'='1", "sql.add_no_ip"}, "ip null": {"ip", "DEFAULT", "sql.add_needed"}, "zero": {"remark", "a\x00b", "sql.add_odd"}, "utf8": {"remark", "a\xffb", "sql.add_odd"},
		"key": {"id", "1", "sql.add_taken"}, "unique": {"ip", "203.0.113.1", "sql.add_taken"},
	} {
		r, _ := w.rows(spec, map[string]string{"r1_" + tc.field: tc.value})
		p, err := r.Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if p.Verdict != runbook.Blocked || p.Why.ID != tc.why || len(p.Form) == 0 {
			t.Errorf("%s: %s %v %v", name, p.Verdict, p.Why, p.Warnings)
		}
	}
	if now := w.table("SELECT * FROM speed.t_app_dns"); now != before {
		t.Errorf("changed: %s", now)
	}
	for field, text := range map[string]string{"domain": "x' OR '1'='1", "remark": "'); DROP TABLE t_app_dns; -- ", "note": "\\' 🚀 \u202e `?` ? {{.x}}", "old": "''''"} {
		r, env := w.rows(spec, map[string]string{"r1_" + field: text})
		if res, err := w.hold(r, env).Commit(t.Context()); err != nil || res.Outcome != runbook.OutcomeDone {
			t.Fatal(field, res, err)
		}
		want := text
		if field == "old" {
			want = "''" // between quotes
		}
		if got := w.table("SELECT " + field + " FROM speed.t_app_dns WHERE id > 1"); got != want {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
		w.Exec(w.db, "DELETE FROM speed.t_app_dns WHERE id > 1")
	}
	r, env = w.rows(spec, map[string]string{"r1_weight": "99999"}) // only the server knows
	_, err := r.Hold(t.Context(), plan(t, r, runbook.Ready), w.Job(env), actiontest.NewRecorder())
	refused(t, err, "sql.value_refused", false)
	r, env = w.rows(spec, nil)
	p = plan(t, r, runbook.Ready)
	w.Exec(w.db, "ALTER TABLE speed.t_app_dns ADD UNIQUE KEY w (weight)")
	_, err = r.Hold(t.Context(), p, w.Job(env), actiontest.NewRecorder())
	refused(t, err, "sql.key_taken", false)
	if q := plan(t, r, runbook.Blocked); q.Why.ID != "sql.add_taken" {
		t.Errorf("a unique key: %v", q.Why)
	}
	w.Exec(w.db, "ALTER TABLE speed.t_app_dns DROP KEY w", "UPDATE speed.t_app_dns SET domain = 'e.example.com' WHERE id = 1")
	_, err = r.Hold(t.Context(), p, w.Job(env), actiontest.NewRecorder())
	refused(t, err, "sql.rows_changed", true)
	w.Exec(w.db, "CREATE TRIGGER speed.tr BEFORE INSERT ON speed.t_app_dns FOR EACH ROW SET NEW.ip = '192.0.2.66'")
	p = plan(t, r, runbook.Ready)
	if p.Warnings[len(p.Warnings)-1].ID != "sql.triggers" {
		t.Errorf("warnings %v", p.Warnings)
	}
	_, err = r.Hold(t.Context(), p, w.Job(env), actiontest.NewRecorder())
	refused(t, err, "sql.add_not_found", false)
	if got := w.table("SELECT COUNT(*) FROM speed.t_app_dns"); got != "1" {
		t.Errorf("%s rows", got)
	}
	w.Exec(w.db, "DROP TRIGGER speed.tr", "ALTER TABLE speed.t_app_dns ENGINE=MyISAM")
	if q := plan(t, r, runbook.Blocked); q.Why.ID != "sql.not_transactional" {
		t.Errorf("MyISAM: %v", q.Why)
	}
}

func TestKeyWithoutAutoIncrement(t *testing.T) {
	t.Parallel()
	w, _ := joining(t, "", "nginx1")
	w.Exec(w.db, "ALTER TABLE speed.t_app_dns MODIFY id int NOT NULL", "ALTER TABLE speed.t_app_dns DROP COLUMN domain",
		"INSERT INTO speed.t_app_dns (id, ip, status) VALUES (7, '203.0.113.1', 1), (8, '203.0.113.1', 2)")
	spec := adding(DomainSpec{Add: "host:nginx1"})
	r, _ := w.rows(spec, nil)
	p := plan(t, r, runbook.Blocked)
	if p.Why.ID != "sql.add_needed" || len(p.Form) != 5 || !p.Form[1].Required {
		t.Errorf("%v %+v", p.Why, p.Form)
	}
	r, _ = w.rows(spec, map[string]string{"r1_id": "7"})
	if p := plan(t, r, runbook.Blocked); p.Why.ID != "sql.add_taken" {
		t.Error(p.Why)
	}
	r, env := w.rows(spec, map[string]string{"r1_id": "9"})
	if res, err := w.hold(r, env).Commit(t.Context()); err != nil || res.Outcome != runbook.OutcomeDone {
		t.Fatal(res, err)
	}
	if got := w.table("SELECT id, ip, status FROM speed.t_app_dns WHERE id > 8"); got != "9|"+w.Host("nginx1").Address+"|1" {
		t.Error(got)
	}
	plan(t, r, runbook.Satisfied)
}

func TestDomainSpec(t *testing.T) {
	t.Parallel()
	for with, ok := range map[string]bool{"{}": false, "{down: [a]}": true, "{add: a}": true, "{add: a, like: [b], domain: $param.d}": true, "{down: [a], add: b}": true,
		"{like: [b], down: [a]}": false, "{domain: b, down: [a]}": false, "{add: a, likes: [b]}": false} {
		if err := action.Decode("database: speed\ndomain_list: "+with, &Spec{}); (err == nil) != ok {
			t.Errorf("%s: %v", with, err)
		}
	}
}
