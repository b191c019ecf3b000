package sql

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/paper"
)

// Paper tries the change in a transaction that is rolled back, and makes it only when the person has looked.
func (r *rows) Paper(p runbook.Plan) runbook.Sheet {
	h, d, err := place(r.env, r.spec.Database)
	if err != nil {
		return noted(err)
	}
	var eff effect
	_ = json.Unmarshal(p.Effect.Data, &eff) // without a plan the statements are made of the step alone
	var change, show []string
	if r.spec.DomainList != nil { // what was proposed by who answered is old by the time the paper is used
		eff.Statements = nil
	}
	for _, c := range eff.Statements {
		change = append(change, paper.Bind(c.Text, c.Args, paper.Literal)+";")
		show = append(show, paper.Bind(c.After.Text, c.After.Args, paper.Literal)+";")
	}
	if len(change) == 0 {
		if change, show, err = r.unplanned(d); err != nil {
			return noted(err)
		}
	}
	mysql := paper.MySQL(h, d) + " -t " + paper.Quote(d.Schema)
	text := func(end string) string {
		all := append([]string{"START TRANSACTION;"}, show...)
		for _, c := range change {
			all = append(all, c, "SELECT ROW_COUNT() AS changed;")
		}
		all = append(append(all, show...), end)
		return paper.Here(mysql, strings.Join(all, "\n"))
	}
	return runbook.Sheet{Typed: []runbook.Typed{
		{Host: h.Name, Note: runbook.T("paper.sql_try"), Script: text("ROLLBACK;")},
		{Host: h.Name, Note: runbook.T("paper.sql_commit"), Script: text("COMMIT;"), Ask: true},
		{Note: runbook.T("paper.sql_see")},
	}}
}

// unplanned are the statements of the step where the database could not be read, or had nothing to change.
func (r *rows) unplanned(d fleet.Database) (change, show []string, err error) {
	for _, st := range r.spec.Statements {
		args, err := r.values(st.Args)
		if err != nil {
			return nil, nil, err
		}
		change = append(change, paper.Bind(strings.TrimRight(strings.TrimSpace(st.Text), ";"), args, paper.Literal)+";")
		if st.Show != nil {
			if args, err = r.values(st.Show.Args); err != nil {
				return nil, nil, err
			}
			show = append(show, paper.Bind(st.Show.Text, args, paper.Literal)+";")
		}
	}
	if r.spec.DomainList == nil {
		return change, show, nil
	}
	l := domainList(r.env.Fleet.Config())
	schema, table, ok := strings.Cut(l.Table, ".")
	if !ok {
		schema, table = d.Schema, l.Table
	}
	name := paper.Name(schema) + "." + paper.Name(table)
	hosts, err := r.env.Hosts(r.spec.DomainList.Down...)
	if err != nil {
		return nil, nil, err
	}
	var ips []string
	for _, h := range hosts {
		for _, n := range h.Names() {
			ips = append(ips, paper.Literal(n))
		}
	}
	if add := r.spec.DomainList.Add; add != "" {
		joins, err := r.joins(l, name)
		if err != nil {
			return nil, nil, err
		}
		change = append(change, joins...)
	}
	if len(ips) > 0 {
		change = append(change, fmt.Sprintf("UPDATE %s SET %s=%s WHERE %s IN (%s) AND %s=%s;", name, paper.Name(l.Status), paper.Literal(strconv.Itoa(l.Down)),
			paper.Name(l.IP), strings.Join(ips, ", "), paper.Name(l.Status), paper.Literal(strconv.Itoa(l.Up))))
	}
	return change, []string{"SELECT * FROM " + name + " ORDER BY " + paper.Name(l.Key) + ";"}, nil
}

// joins puts a machine's own row up, or copies a sibling's row for it where it has none.
func (r *rows) joins(l fleet.DomainList, table string) ([]string, error) {
	h, err := r.env.Host(r.spec.DomainList.Add)
	if err != nil {
		return nil, err
	}
	ip, err := publicIP(h)
	if err != nil {
		return nil, err
	}
	like, err := r.env.Hosts(r.spec.DomainList.Like...)
	if err != nil {
		return nil, err
	}
	up, key := paper.Literal(strconv.Itoa(l.Up)), paper.Name(l.Key)
	from := paper.Name(l.Status) + "=" + up + " ORDER BY " + key + " LIMIT 1"
	var names []string
	for _, h := range like {
		for _, n := range h.Names() {
			names = append(names, paper.Literal(n))
		}
	}
	if len(names) > 0 {
		from = paper.Name(l.IP) + " IN (" + strings.Join(names, ", ") + ") ORDER BY " + key + " LIMIT 5"
	}
	set := key + "=0, " + paper.Name(l.IP) + "=" + paper.Literal(ip) + ", " + paper.Name(l.Status) + "=" + up
	if domain, err := r.env.Value(r.spec.DomainList.Domain); err == nil && domain != "" {
		set += ", " + paper.Name(l.Domain) + "=" + paper.Literal(domain)
	}
	there := paper.Name(l.IP) + "=" + paper.Literal(ip)
	return []string{
		fmt.Sprintf("UPDATE %s SET %s=%s WHERE %s;", table, paper.Name(l.Status), up, there),
		fmt.Sprintf("CREATE TEMPORARY TABLE rb_paper AS SELECT * FROM %s WHERE %s;", table, from),
		fmt.Sprintf("DELETE FROM rb_paper WHERE EXISTS (SELECT 1 FROM %s WHERE %s);", table, there),
		fmt.Sprintf("UPDATE rb_paper SET %s;", set),
		fmt.Sprintf("INSERT INTO %s SELECT * FROM rb_paper;", table),
	}, nil
}

func noted(err error) runbook.Sheet {
	return runbook.Sheet{Typed: []runbook.Typed{{Note: action.Refuse(err).Text}}}
}

// Paper makes the tables. One that is there already makes the server refuse its statement, or leaves it alone.
func (t *tables) Paper(runbook.Plan) runbook.Sheet {
	h, d, err := place(t.env, t.spec.Database)
	if err != nil {
		return noted(err)
	}
	var b, see strings.Builder
	for _, spec := range t.spec.Tables {
		b.WriteString(strings.TrimRight(strings.TrimSpace(spec.Create), ";") + ";\n")
		see.WriteString("SHOW TABLES LIKE " + paper.Literal(spec.Name) + ";\n")
	}
	mysql := paper.MySQL(h, d) + " " + paper.Quote(d.Schema)
	return runbook.Sheet{Typed: []runbook.Typed{
		{Host: h.Name, Script: paper.Here(mysql, b.String())},
		{Host: h.Name, Note: runbook.T("paper.see"), Script: paper.Here(mysql, see.String())},
	}}
}

// Paper has the person make the account, since the password is only in the service's own configuration.
func (l *login) Paper(p runbook.Plan) runbook.Sheet {
	svc, err := l.env.Service(l.spec.LoginOf)
	if err != nil {
		return noted(err)
	}
	h, d, err := place(l.env, l.database())
	if err != nil {
		return noted(err)
	}
	var g grant
	_ = json.Unmarshal(p.Effect.Data, &g) // without a plan the account is only in the configuration
	accounts := g.Accounts
	if len(accounts) == 0 {
		accounts = []account{{User: "USER", From: "localhost", Schema: d.Schema}}
	}
	s := runbook.Sheet{Typed: []runbook.Typed{
		{Host: h.Name, Session: true, Note: runbook.T("paper.login_config", "service", svc.Name), Script: "less " + paper.Quote(h.Path(svc.Config))},
		{Note: runbook.T("paper.login_account")},
	}}
	for _, a := range accounts {
		for _, line := range a.statements("'PASSWORD'") {
			s.Typed = append(s.Typed, runbook.Typed{Note: runbook.T("paper.line", "text", line+";")})
		}
	}
	s.Typed = append(s.Typed, runbook.Typed{Host: h.Name, Session: true, Script: paper.MySQL(h, d)})
	return s
}
