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
	s := runbook.Sheet{Typed: []runbook.Typed{
		{Host: h.Name, Note: runbook.T("paper.sql_try"), Script: text("ROLLBACK;")},
		{Host: h.Name, Note: runbook.T("paper.sql_commit"), Script: text("COMMIT;"), Ask: true},
		{Note: runbook.T("paper.sql_see")},
	}}
	if r.spec.DomainList != nil && r.spec.DomainList.Add != "" {
		r.expected(&s)
	}
	return s
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
	if r.spec.DomainList.Add != "" {
		j, err := r.joins(l, name)
		if err != nil {
			return nil, nil, err
		}
		change = append(change, j.statements()...)
	}
	if len(ips) > 0 {
		change = append(change, fmt.Sprintf("UPDATE %s SET %s=%s WHERE %s IN (%s) AND %s=%s;", name, paper.Name(l.Status), paper.Literal(strconv.Itoa(l.Down)),
			paper.Name(l.IP), strings.Join(ips, ", "), paper.Name(l.Status), paper.Literal(strconv.Itoa(l.Up))))
	}
	return change, []string{"SELECT * FROM " + name + " ORDER BY " + paper.Name(l.Key) + ";"}, nil
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
	s := runbook.Sheet{Typed: []runbook.Typed{
		{Host: h.Name, Script: paper.Here(mysql, b.String())},
		{Host: h.Name, Note: runbook.T("paper.see"), Script: paper.Here(mysql, see.String())},
	}}
	if hosts, err := t.env.Hosts(t.spec.Recall); t.spec.Recall != "" && err == nil {
		var names []string
		for _, h := range hosts {
			names = append(names, h.Name)
		}
		s.Typed = append(s.Typed, runbook.Typed{Note: runbook.T("paper.recall", "hosts", strings.Join(names, ", "), "database", d.Name)})
	}
	return s
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
