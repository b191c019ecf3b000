package sql

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"

	"recoverbot/runbook"
)

// name reads the domains of the rows.
func (l listing) name(ctx context.Context, db *sqlx.DB, list []listed) error {
	if !slices.Contains(l.columns, l.Domain) {
		return nil
	}
	_, rs, err := query(ctx, db, fmt.Sprintf("SELECT %s, %s FROM %s", quoted(l.Key), quoted(l.Domain), l.table), nil)
	if err != nil {
		return fmt.Errorf("read the domain list: %w", err)
	}
	names := map[string]string{}
	for _, c := range rs {
		names[c.at(0)] = clip(c.at(1))
	}
	for i := range list {
		list[i].name = names[list[i].id]
	}
	return nil
}

// field is the tick that a person gives to a proposal.
func (l listing) field(row listed) runbook.Param {
	name := row.name
	if name == "" {
		name = l.Key + " " + row.id
	}
	en, zh := row.ip, row.ip
	if row.host.Name != "" && row.host.Name != row.ip {
		en, zh = row.host.Name+", "+row.ip, row.host.Name+"，"+row.ip
	}
	to := row.status + " → " + row.to
	t := runbook.Text{EN: fmt.Sprintf("Take %s (%s) off: %s", name, en, to), ZH: fmt.Sprintf("下线 %s（%s）：%s", name, zh, to)}
	if row.to == strconv.Itoa(l.Up) {
		t = runbook.Text{EN: fmt.Sprintf("Put %s (%s) back on: %s", name, en, to), ZH: fmt.Sprintf("恢复上线 %s（%s）：%s", name, zh, to)}
	}
	return runbook.Param{Name: row.field, Type: "bool", Default: "true", Title: t}
}

// shown is the whole list beside what its machines answer.
func (l listing) shown(list []listed) runbook.Table {
	t := runbook.Table{Name: l.schema + "." + l.Table, Columns: []string{l.Key}, Count: len(list), Words: true}
	named := slices.Contains(l.columns, l.Domain)
	if named {
		t.Columns = append(t.Columns, l.Domain)
	}
	t.Columns = append(t.Columns, l.IP, l.Status, "host")
	down := strconv.Itoa(l.DomainList.Down)
	asked := slices.ContainsFunc(list, func(row listed) bool { return row.alive || row.down || row.to == down })
	if asked { // who is put on the list asks only for what is on it
		t.Columns = append(t.Columns, "answers")
	}
	for _, row := range list {
		line := []string{row.id}
		if named {
			line = append(line, row.name)
		}
		answers, mark := "yes", "ok"
		switch {
		case row.host.Name == "":
			answers, mark = "?", ""
		case row.down:
			answers = "down"
		case !row.alive:
			answers = "no"
		}
		status := row.status
		if row.to != "" && !row.unticked {
			status, mark = row.status+" → "+row.to, "changed"
		}
		if row.to == down { // up, yet dead
			mark = "bad"
		}
		line = append(line, row.ip, status, row.host.Name)
		if asked {
			line = append(line, answers)
		} else if mark == "ok" {
			mark = ""
		}
		t.Rows = append(t.Rows, line)
		t.Marks = append(t.Marks, mark)
	}
	return t
}

// narrow shows and compares only these columns, where the table has them.
func (c *change) narrow(columns []string) {
	var list []string
	var index []int
	for i, name := range c.Columns {
		if slices.Contains(columns, name) {
			list, index = append(list, quoted(name)), append(index, i)
		}
	}
	for _, q := range []*read{&c.Match, &c.After} {
		_, rest, _ := strings.Cut(q.Text, " FROM ")
		q.Text = "SELECT " + strings.Join(list, ", ") + " FROM " + rest
	}
	var names []string
	for _, i := range index {
		names = append(names, c.Columns[i])
	}
	for j, row := range c.Match.Rows {
		var short cells
		for _, i := range index {
			short = append(short, row[i])
		}
		c.Match.Rows[j] = short
	}
	c.Columns = names
}
