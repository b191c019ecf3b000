package sql

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/probe"
)

// probeTimeout is how long a listed machine may take to answer.
const probeTimeout = 3 * time.Second

// listing is the domain list's table and what its columns are called.
type listing struct {
	fleet.DomainList
	table
	schema string
}

// listed is one row of the domain list with what is known of its machine.
type listed struct {
	id, ip, status string
	name           string     // its domain, where the table has that
	host           fleet.Host // Name "" where no host of the fleet has the ip
	down           bool       // must not be up, whatever it answers
	alive          bool
	field          string // name of its form field; "" where nothing is proposed
	to             string // the status proposed
	unticked       bool
}

func domainList(cfg *fleet.Config) fleet.DomainList {
	d := cfg.DomainList
	for _, f := range []struct {
		to *string
		or string
	}{{&d.Table, "t_app_dns"}, {&d.Key, "id"}, {&d.IP, "ip"}, {&d.Domain, "domain"}, {&d.Status, "status"}} {
		if *f.to == "" {
			*f.to = f.or
		}
	}
	if d.Up == 0 && d.Down == 0 {
		d.Up, d.Down = 1, 2
	}
	return d
}

// domains reads the whole list and proposes each row that is wrong: up but dead, down but alive, missing of the machine
// that joins. Every proposal can be unticked.
func (r *rows) domains(ctx context.Context, p runbook.Plan, db *sqlx.DB, eff *effect) (runbook.Plan, error) {
	spec := r.spec.DomainList
	l, list, err := r.list(ctx, db, eff)
	if err != nil {
		return p, err
	}
	name := l.schema + "." + l.Table
	if len(list) == 0 {
		p.Verdict, p.Why = runbook.Blocked, runbook.T("sql.list_empty", "table", name)
		return p, nil
	}
	if len(spec.Down) > 0 {
		here, err := r.env.Target()
		if err != nil {
			return p, err
		}
		r.ask(ctx, l.DomainList, list, here)
		if err := ctx.Err(); err != nil {
			return p, fmt.Errorf("ask the listed machines: %w", err)
		}
		stay := []fleet.Host{here}
		if spec.Add != "" {
			joins, err := r.env.Host(spec.Add)
			if err != nil {
				return p, err
			}
			stay = append(stay, joins)
		}
		l.propose(list, stay)
	}
	if err := l.name(ctx, db, list); err != nil {
		return p, err
	}
	var n newcomer
	var fresh []newRow
	if spec.Add != "" {
		if n, fresh, err = r.add(ctx, db, l, list); err != nil {
			return p, err
		}
	}
	left, chosen, unticked := 0, 0, 0
	for i, row := range list {
		status := row.status
		if row.field != "" {
			p.Form = append(p.Form, l.field(row))
			list[i].unticked = strings.EqualFold(r.env.Step.Inputs[row.field], "false")
			if list[i].unticked {
				unticked++
			} else {
				chosen++
				status = row.to
				c, _, err := prepare(ctx, db, eff.Schema, fmt.Sprintf("update %s set %s=? where %s=? and %s=? and %s=?",
					plain(l.schema)+"."+plain(l.Table), plain(l.Status), plain(l.Key), plain(l.IP), plain(l.Status)),
					[]string{row.to, row.id, row.ip, row.status}, nil)
				if err != nil {
					return p, err
				}
				c.narrow([]string{l.Key, l.Domain, l.IP, l.Status})
				eff.Statements = append(eff.Statements, c)
			}
		}
		if status == strconv.Itoa(l.Up) {
			left++
		}
	}
	p.Tables = append(p.Tables, l.shown(list))
	var problems []runbook.Msg
	for _, row := range fresh {
		p.Form = append(p.Form, row.form...)
		if row.unticked {
			unticked++
		}
		if row.there || row.unticked {
			continue
		}
		problems = append(problems, row.problems...)
		eff.Statements = append(eff.Statements, n.change(row))
		chosen++
		if n.of(row, l.Status).text == strconv.Itoa(l.Up) {
			left++
		}
	}
	if len(problems) > 0 {
		p.Verdict, p.Why, p.Warnings = runbook.Blocked, problems[0], append(p.Warnings, problems[1:]...)
		return p, nil
	}
	if spec.Add != "" {
		r.reach(ctx, &p, n, list, fresh)
		if n.capped {
			p.Warnings = append(p.Warnings, runbook.T("sql.add_capped", "max", maxAdded))
		}
	}
	switch {
	case chosen+unticked == 0:
		p.Verdict, p.Why = runbook.Satisfied, runbook.T("sql.list_as_wanted", "rows", len(list))
		if spec.Add != "" {
			p.Why = runbook.T("sql.add_there", "host", n.host.Name, "ip", n.ip)
		}
		for _, w := range p.Warnings { // nobody looks at the plan of a satisfied step
			p.Open = append(p.Open, runbook.OpenItem{Text: w})
		}
		return p, nil
	case chosen == 0:
		p.Verdict, p.Why = runbook.Blocked, runbook.T("sql.list_unticked")
		return p, nil
	}
	if left == 0 {
		p.Danger = true
		p.Warnings = append(p.Warnings, runbook.T("sql.list_none_left"))
	}
	if slices.ContainsFunc(fresh, func(row newRow) bool { return len(row.form) > 0 }) {
		p.Facts = append(p.Facts, runbook.T("sql.add_words"))
	}
	if l.triggers {
		p.Warnings = append(p.Warnings, runbook.T("sql.triggers", "table", name))
	}
	p.Verdict = runbook.Ready
	p.Summary = runbook.T("sql.list_summary", "host", p.Effect.Host, "table", name, "rows", chosen)
	return p, nil
}

// list reads all rows and joins them with the fleet.
func (r *rows) list(ctx context.Context, db *sqlx.DB, eff *effect) (listing, []listed, error) {
	cfg := r.env.Fleet.Config()
	l := listing{DomainList: domainList(cfg), schema: eff.Schema}
	if s, t, ok := strings.Cut(l.Table, "."); ok {
		l.schema, l.Table = s, t
	}
	down, err := r.env.Hosts(r.spec.DomainList.Down...)
	if err != nil {
		return l, nil, err
	}
	if l.table, err = inspect(ctx, db, l.schema, l.Table); err != nil {
		return l, nil, err
	}
	wanted := []string{l.Key, l.IP, l.Status}
	for _, c := range wanted {
		if !slices.Contains(l.columns, c) {
			return l, nil, runbook.Errorf(runbook.Invalid, "sql.no_column", "table", l.table.String(), "column", c)
		}
	}
	if r.spec.DomainList.Add != "" && slices.Contains(l.columns, l.Domain) {
		wanted = append(wanted, l.Domain)
	}
	for i, c := range wanted {
		wanted[i] = quoted(c)
	}
	eff.Whole = &read{Text: fmt.Sprintf("SELECT %s FROM %s ORDER BY %s", strings.Join(wanted, ", "), l.table, l.order()), Args: []string{}}
	if _, eff.Whole.Rows, err = query(ctx, db, eff.Whole.Text, nil); err != nil {
		return l, nil, fmt.Errorf("read the domain list: %w", err)
	}
	return l, l.rows(cfg, eff.Whole.Rows, down), nil
}

// plain is a name as it is written in a statement: bare where it can be.
func plain(name string) string {
	if strings.ContainsAny(name, "-$") || name != "" && name[0] >= '0' && name[0] <= '9' {
		return quoted(name)
	}
	return name
}

// rows joins the table's rows with the fleet.
func (l listing) rows(cfg *fleet.Config, rs []cells, down []fleet.Host) []listed {
	var out []listed
	for _, c := range rs {
		row := listed{id: c.at(0), ip: c.at(1), status: c.at(2)}
		for _, h := range cfg.Hosts {
			if means(h, row.ip) {
				row.host = h
				row.down = h.Retired || slices.ContainsFunc(down, func(d fleet.Host) bool { return d.Name == h.Name })
				break
			}
		}
		for _, h := range down { // a machine enrolled by this run is not in the fleet yet
			row.down = row.down || means(h, row.ip)
		}
		out = append(out, row)
	}
	return out
}

// means tells whether the domain list's ip is this host.
func means(h fleet.Host, ip string) bool {
	ip = strings.TrimSpace(ip)
	a, err := netip.ParseAddr(ip)
	if err == nil && h.DNSIP.IsValid() && a == h.DNSIP {
		return true
	}
	return ip != "" && slices.Contains(h.Names(), ip)
}

// ask probes every listed machine of the fleet at once, but for those that count as down: from the bot and from the
// step's host, since a firewall may be in the way of one of them. Any answer counts.
func (r *rows) ask(ctx context.Context, d fleet.DomainList, list []listed, here fleet.Host) {
	hosts := map[string]fleet.Host{}
	var probes []runbook.Probe
	for _, row := range list {
		if _, there := hosts[row.host.Name]; row.host.Name == "" || row.down || there {
			continue
		}
		hosts[row.host.Name] = row.host
		for _, port := range r.ports(d, row.host) {
			p := runbook.Probe{Kind: "http", Host: row.host.Name, Port: port, Path: "/", Timeout: runbook.Duration(probeTimeout)}
			probes = append(probes, p)
			p.From = here.Name
			probes = append(probes, p)
		}
	}
	resolve := func(refs ...string) ([]fleet.Host, error) {
		var out []fleet.Host
		for _, ref := range refs {
			h, ok := hosts[ref]
			if ref == here.Name {
				h, ok = here, true
			}
			if !ok {
				return nil, runbook.Errorf(runbook.Invalid, "fleet.unknown_host", "ref", ref)
			}
			out = append(out, h)
		}
		return out, nil
	}
	alive := map[string]bool{}
	for _, f := range probe.Run(ctx, r.env.Fleet, resolve, probes) {
		alive[f.Host] = alive[f.Host] || f.Up
	}
	for i := range list {
		list[i].alive = !list[i].down && alive[list[i].host.Name]
	}
}

// ports are where front ends may reach the machine: its own nginx's port, or the list's; where that is only the default,
// also the port of the first service that the machine runs.
func (r *rows) ports(d fleet.DomainList, h fleet.Host) []int {
	if h.HasRole("nginx") && h.HTTPPort != 0 {
		return []int{h.HTTPPort}
	}
	if d.Port != 0 && d.Port != 80 {
		return []int{d.Port}
	}
	out := []int{80}
	for _, s := range r.env.Fleet.Config().Services {
		if s.Health.Port != 0 && slices.ContainsFunc(s.On, h.HasRole) {
			return append(out, s.Health.Port)
		}
	}
	return out
}

// propose marks the rows that are wrong. A machine that is not in fleet.yaml is shown, never judged; and those that stay
// are never taken off: of the step's own host, what should answer there is started by a later step.
func (l listing) propose(list []listed, stay []fleet.Host) {
	for i := range list {
		row := &list[i]
		if row.host.Name == "" && !row.down {
			continue
		}
		stays := slices.ContainsFunc(stay, func(h fleet.Host) bool { return h.Name == row.host.Name })
		switch {
		case row.status == strconv.Itoa(l.Up) && !row.alive && (row.down || !stays):
			row.to = strconv.Itoa(l.DomainList.Down)
		case row.status == strconv.Itoa(l.DomainList.Down) && row.alive:
			row.to = strconv.Itoa(l.Up)
		default:
			continue
		}
		row.field = "row_" + row.id
	}
}
