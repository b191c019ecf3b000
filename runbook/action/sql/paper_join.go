package sql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/paper"
)

// joiner is a machine that joins the domain list on paper: the statements find out what newcomer reads.
type joiner struct {
	l      fleet.DomainList
	table  string
	ip     string
	domain string     // "" where it is a sibling's
	like   [][]string // the names of every sibling
	named  bool       // the table has a column of domains
}

func (r *rows) joins(l fleet.DomainList, table string) (joiner, error) {
	j := joiner{l: l, table: table, named: r.named(l)}
	h, err := r.env.Host(r.spec.DomainList.Add)
	if err != nil {
		return j, err
	}
	if j.ip, err = publicIP(h); err != nil {
		return j, err
	}
	like, err := r.env.Hosts(r.spec.DomainList.Like...)
	if err != nil {
		return j, err
	}
	for _, h := range like {
		j.like = append(j.like, h.Names())
	}
	if v, err := r.env.Value(r.spec.DomainList.Domain); err == nil {
		j.domain = v
	}
	if j.domain == "" && r.spec.DomainList.Domain != "" && paper.IsUnknown(h) {
		j.domain = paper.UnknownDomain(h.Name)
	}
	return j, nil
}

// named is false where a plan of this run has shown the list without domains.
func (r *rows) named(l fleet.DomainList) bool {
	for _, s := range r.env.Run.Steps {
		if s.Plan == nil || s.Def.Kind != r.env.Step.Def.Kind {
			continue
		}
		for _, t := range s.Plan.Tables {
			if strings.HasSuffix("."+t.Name, "."+l.Table) && slices.Contains(t.Columns, l.IP) {
				return slices.Contains(t.Columns, l.Domain)
			}
		}
	}
	return true
}

// statements copy the rows of the first sibling that has any, one for each domain, but just one where the domain is
// given. A row of its own that is down is put up instead: that is the first statement that changes the list, the insert is
// the second.
func (j joiner) statements() []string {
	key, ip, status, domain := paper.Name(j.l.Key), paper.Name(j.l.IP), paper.Name(j.l.Status), paper.Name(j.l.Domain)
	up, own := paper.Literal(strconv.Itoa(j.l.Up)), paper.Literal(j.ip)
	var from, before []string
	for _, names := range j.like {
		var in []string
		for _, n := range names {
			in = append(in, paper.Literal(n))
		}
		where := "TRIM(" + ip + ") IN (" + strings.Join(in, ", ") + ")"
		none := ""
		if len(before) > 0 {
			none = " AND NOT EXISTS (SELECT 1 FROM " + j.table + " WHERE " + strings.Join(before, " OR ") + ")"
		}
		from, before = append(from, "("+where+none+")"), append(before, where)
	}
	first := fmt.Sprintf("%s=(SELECT COALESCE(MIN(IF(%s=%s, %s, NULL)), MIN(%s)) FROM %s)", key, status, up, key, key, j.table)
	if len(before) > 0 {
		first = "(" + first + " AND NOT EXISTS (SELECT 1 FROM " + j.table + " WHERE " + strings.Join(before, " OR ") + "))"
	}
	source, group, set := strings.Join(append(from, first), "\n OR "), "", ip+"="+own+", "+status+"="+up
	if j.l.Key != j.l.Domain {
		set = key + "=0, " + set
	}
	same, taken := "", "EXISTS (SELECT 1 FROM "+j.table+" WHERE "+ip+"="+own+")"
	if j.named {
		group = " GROUP BY LOWER(" + domain + ")"
		same, taken = " AND "+domain+" IN (SELECT "+domain+" FROM rb_paper)", domain+" IN (SELECT "+domain+" FROM "+j.table+" WHERE "+ip+"="+own+")"
	}
	out := []string{fmt.Sprintf("CREATE TEMPORARY TABLE rb_paper AS SELECT * FROM %s WHERE %s IN (\nSELECT MIN(%s) FROM %s WHERE %s%s) ORDER BY %s LIMIT %d;",
		j.table, key, key, j.table, source, group, key, maxAdded)}
	if j.domain != "" && j.named {
		given := paper.Literal(j.domain)
		out = append(out, fmt.Sprintf("SELECT MIN(%s) INTO @rb_first FROM rb_paper;", key),
			fmt.Sprintf("DELETE FROM rb_paper WHERE %s<>'' AND %s<>@rb_first;", given, key),
			fmt.Sprintf("UPDATE rb_paper SET %s=%s WHERE %s<>'';", domain, given, given))
	}
	out = append(out, fmt.Sprintf("UPDATE %s SET %s=%s WHERE %s=%s AND %s<>%s%s;", j.table, status, up, ip, own, status, up, same))
	return []string{strings.Join(out, "\n"), strings.Join([]string{
		fmt.Sprintf("DELETE FROM rb_paper WHERE %s;", taken),
		fmt.Sprintf("UPDATE rb_paper SET %s;", set),
		fmt.Sprintf("INSERT INTO %s SELECT * FROM rb_paper;", j.table),
	}, "\n")}
}

// expected says how many rows there will be, and has the domain filled in where the step has a field for it.
func (r *rows) expected(s *runbook.Sheet) {
	h, err := r.env.Host(r.spec.DomainList.Add)
	if err != nil {
		return
	}
	like, err := r.env.Hosts(r.spec.DomainList.Like...)
	if err != nil {
		return
	}
	var names []string
	for _, l := range like {
		names = append(names, l.Name)
	}
	of := ""
	if r.spec.DomainList.Domain != "" && paper.IsUnknown(h) {
		of = paper.Variable(h.Name, "DOMAIN")
		s.Blanks = []runbook.Blank{{Name: of, Note: runbook.T("paper.blank_domain")}}
	}
	s.Typed = append([]runbook.Typed{{Note: runbook.T("paper.sql_join", "like", strings.Join(names, ", "), "max", maxAdded, "domain", of)}}, s.Typed...)
}
