package sql

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// maxAdded is how many rows of a sibling are copied.
const maxAdded = 5

// newcomer is the machine that joins the domain list.
type newcomer struct {
	l       listing
	columns []column
	host    fleet.Host
	ip      string
	domain  string // "": the sibling's
	inputs  map[string]string
	capped  bool
}

// newRow is one row to be inserted, or one that is there and was meant.
type newRow struct {
	number   int
	form     []runbook.Param
	values   []value // of newcomer.columns
	problems []runbook.Msg
	there    bool // with this domain and address, up
	unticked bool
}

// add proposes the rows by which a machine joins the list. A row of its own that is down is marked in list instead.
func (r *rows) add(ctx context.Context, q queryer, l listing, list []listed) (newcomer, []newRow, error) {
	spec := r.spec.DomainList
	n := newcomer{l: l, inputs: r.env.Step.Inputs}
	var err error
	if n.host, err = r.env.Host(spec.Add); err != nil {
		return n, nil, err
	}
	if n.ip, err = publicIP(n.host); err != nil {
		return n, nil, err
	}
	if spec.Domain != "" {
		if n.domain, err = r.env.Value(spec.Domain); err != nil {
			return n, nil, err
		}
	}
	like, err := r.env.Hosts(spec.Like...)
	if err != nil {
		return n, nil, err
	}
	if n.columns, err = columns(ctx, q, l.table); err != nil {
		return n, nil, err
	}
	siblings, err := n.siblings(ctx, q, list, like)
	if err != nil {
		return n, nil, err
	}
	var out []newRow
	for i, sibling := range siblings {
		row, err := n.row(ctx, q, i+1, sibling, list)
		if err != nil {
			return n, nil, err
		}
		out = append(out, row)
	}
	return n, out, nil
}

func publicIP(h fleet.Host) (string, error) {
	if h.DNSIP.IsValid() {
		return h.DNSIP.String(), nil
	}
	if ip, err := netip.ParseAddr(h.Address); err == nil {
		return ip.String(), nil
	}
	return "", runbook.Errorf(runbook.Invalid, "fleet.no_dns_ip", "host", h.Name)
}

// siblings reads the rows that new ones are copied from: of the first host that has any, else the first that is up. Rows
// that differ in nothing that would be kept count once.
func (n *newcomer) siblings(ctx context.Context, q queryer, list []listed, like []fleet.Host) ([]cells, error) {
	var ids []string
	for _, h := range like {
		for _, row := range list {
			if means(h, row.ip) {
				ids = append(ids, row.id)
			}
		}
		if len(ids) > 0 {
			break
		}
	}
	if len(ids) == 0 {
		i := slices.IndexFunc(list, func(row listed) bool { return row.status == strconv.Itoa(n.l.Up) })
		ids = []string{list[max(i, 0)].id}
	}
	var selects []string
	for _, c := range n.columns {
		selects = append(selects, c.raw())
	}
	_, rs, err := query(ctx, q, fmt.Sprintf("SELECT %s FROM %s WHERE %s IN (%s) ORDER BY %s", strings.Join(selects, ", "), n.l.table,
		quoted(n.l.Key), strings.TrimSuffix(strings.Repeat("?, ", len(ids)), ", "), n.l.order()), ids)
	if err != nil {
		return nil, fmt.Errorf("read the domain list: %w", err)
	}
	domain := n.index(n.l.Domain)
	seen := map[string]bool{}
	var out []cells
	for _, row := range rs {
		name := strings.ToLower(row.at(domain))
		if domain < 0 || n.domain != "" { // they would all be the same
			name = ""
		}
		if seen[name] {
			continue
		}
		seen[name] = true
		if len(out) == maxAdded {
			n.capped = true
			break
		}
		out = append(out, row)
	}
	return out, nil
}

func (n *newcomer) index(name string) int {
	return slices.IndexFunc(n.columns, func(c column) bool { return c.name == name })
}

// preset is what a field holds before a person changes it.
func (n *newcomer) preset(c column, sibling *string) string {
	switch {
	case c.name == n.l.IP:
		return n.ip
	case c.name == n.l.Status:
		return strconv.Itoa(n.l.Up)
	case c.name == n.l.Domain && n.domain != "":
		return fieldText(&n.domain)
	case c.auto, c.now:
		return wordDefault
	case len(n.l.key) == 1 && c.name == n.l.key[0] && c.name != n.l.Domain: // nothing that could be copied
		if c.preset {
			return wordDefault
		}
		return ""
	case c.time() && (c.nullable || sibling == nil):
		return wordNull
	case c.time():
		return wordNow
	}
	return fieldText(sibling)
}

// row makes the form and the values of one new row.
func (n *newcomer) row(ctx context.Context, q queryer, number int, sibling cells, list []listed) (newRow, error) {
	row := newRow{number: number}
	prefix := fmt.Sprintf("r%d_", number)
	answered := false
	for i, c := range n.columns {
		if c.generated {
			row.values = append(row.values, value{})
			continue
		}
		f := runbook.Param{Name: prefix + c.name, Type: "string", Default: n.preset(c, sibling[i]), Title: runbook.Text{
			EN: fmt.Sprintf("Row %d: %s", number, c.name), ZH: fmt.Sprintf("第 %d 行：%s", number, c.name)}}
		switch {
		case c.name == n.l.IP:
			f.Type = "ip"
		case strings.ContainsAny(f.Default, "\r\n"):
			f.Type = "text"
		}
		f.Required = f.Default == ""
		text := n.inputs[f.Name]
		answered = answered || text != ""
		if text == "" {
			text = f.Default
		}
		v, problem := c.read(f.Title, text)
		if problem.IsZero() && c.name == n.l.IP {
			problem = validIP(f.Title, v)
		}
		if !problem.IsZero() {
			row.problems = append(row.problems, problem)
		}
		if len(f.Default) > maxValue {
			f.Default = "" // the problem says so
		}
		row.form, row.values = append(row.form, f), append(row.values, v)
	}
	tick := fmt.Sprintf("r%d", number)
	row.unticked = strings.EqualFold(n.inputs[tick], "false")
	if len(row.problems) == 0 {
		if err := n.look(ctx, q, &row, list); err != nil {
			return row, err
		}
	}
	if row.there && !answered {
		row.form = nil
		return row, nil
	}
	domain, ip := clip(n.of(row, n.l.Domain).text), n.of(row, n.l.IP).text
	row.form = append([]runbook.Param{{Name: tick, Type: "bool", Default: "true", Title: runbook.Text{
		EN: strings.TrimSpace(fmt.Sprintf("Add row %d: %s → %s", number, domain, ip)), ZH: strings.TrimSpace(fmt.Sprintf("新增第 %d 行：%s → %s", number, domain, ip))}}}, row.form...)
	return row, nil
}

func validIP(field runbook.Text, v value) runbook.Msg {
	if ip, err := netip.ParseAddr(v.text); !v.bound() || err != nil || ip.Zone() != "" {
		return runbook.T("sql.add_no_ip", "field", field)
	}
	return runbook.Msg{}
}

func (n *newcomer) of(row newRow, name string) value {
	if i := n.index(name); i >= 0 && i < len(row.values) {
		return row.values[i]
	}
	return value{}
}

// look finds the row in the table: up already, or down, which is put back instead; and what its keys would collide with.
// The server compares, since its collations say what is the same.
func (n *newcomer) look(ctx context.Context, q queryer, row *newRow, list []listed) error {
	where, args := n.where(*row)
	_, same, err := query(ctx, q, "SELECT "+quoted(n.l.Key)+" FROM "+n.l.table.String()+where, args)
	if err != nil {
		return fmt.Errorf("read the domain list: %w", err)
	}
	ip, down := n.of(*row, n.l.IP).text, -1
	for _, c := range same {
		for i, old := range list {
			switch {
			case old.id != c.at(0):
			case means(n.host, old.ip) && old.status == strconv.Itoa(n.l.Up):
				row.there = true
			case means(n.host, old.ip):
				down = i
			case old.ip == ip: // of another machine
				row.problems = append(row.problems, runbook.T("sql.add_taken", "row", row.number, "columns", n.l.IP, "values", ip, "key", n.l.Key, "id", old.id))
			}
		}
	}
	if down >= 0 && !row.there {
		row.there = true
		if up := strconv.Itoa(n.l.Up); n.of(*row, n.l.Status).text == up {
			list[down].to, list[down].field = up, "row_"+list[down].id
		}
	}
	if row.there || len(row.problems) > 0 {
		return nil
	}
	return n.collisions(ctx, q, row)
}

// where finds rows of the same domain, whatever their address; all rows where the table has no domains.
func (n *newcomer) where(row newRow) (string, []string) {
	v := n.of(row, n.l.Domain)
	switch {
	case n.index(n.l.Domain) < 0:
		return "", nil
	case v.bound():
		return " WHERE " + quoted(n.l.Domain) + " = ?", []string{v.text}
	}
	return " WHERE " + quoted(n.l.Domain) + " IS NULL", nil
}

// collisions asks every unique key of which all values are known.
func (n *newcomer) collisions(ctx context.Context, q queryer, row *newRow) error {
	_, rs, err := query(ctx, q, `SELECT index_name, column_name, sub_part FROM information_schema.statistics
		WHERE table_schema = ? AND table_name = ? AND non_unique = 0 ORDER BY index_name, seq_in_index`, []string{n.l.schema, n.l.table.name})
	if err != nil {
		return fmt.Errorf("look at keys of %s: %w", n.l.table, err)
	}
	for len(rs) > 0 {
		size := 1
		for size < len(rs) && rs[size].at(0) == rs[0].at(0) {
			size++
		}
		var names, where, args []string
		for _, part := range rs[:size] {
			v := n.of(*row, part.at(1))
			if v.bound() && part[2] == nil {
				names, where, args = append(names, part.at(1)), append(where, quoted(part.at(1))+" = ?"), append(args, v.text)
			}
		}
		if len(where) == size {
			id, err := one(ctx, q, "SELECT "+quoted(n.l.Key)+" FROM "+n.l.table.String()+" WHERE "+strings.Join(where, " AND ")+" LIMIT 1", args...)
			if err != nil {
				return fmt.Errorf("look for %s: %w", strings.Join(names, ", "), err)
			}
			if id != "" {
				row.problems = append(row.problems, runbook.T("sql.add_taken", "row", row.number, "columns", strings.Join(names, ", "),
					"values", clip(strings.Join(args, ", ")), "key", n.l.Key, "id", id))
			}
		}
		rs = rs[size:]
	}
	return nil
}

// change is the insert of a row, with the select by which it is found again.
func (n *newcomer) change(row newRow) change {
	c := change{Verb: "insert", Args: []string{}, Table: n.l.schema + "." + n.l.Table, Columns: n.l.columns, Change: 1, Single: true}
	var names, exprs []string
	for i, v := range row.values {
		if v.expr == "" {
			continue
		}
		names, exprs = append(names, quoted(n.columns[i].name)), append(exprs, v.expr)
		if strings.Contains(v.expr, "?") {
			c.Args = append(c.Args, v.text)
		}
	}
	c.Text = fmt.Sprintf("insert into %s (%s) values (%s)", plain(n.l.schema)+"."+plain(n.l.Table), strings.Join(names, ", "), strings.Join(exprs, ", "))
	where, args := n.where(row)
	if where == "" {
		where = " WHERE 1 = 1"
	}
	c.Match = read{Text: "SELECT " + strings.Join(n.l.selects, ", ") + " FROM " + n.l.table.String() + where + " AND " + quoted(n.l.IP) +
		" = ? ORDER BY " + n.l.order(), Args: append(append([]string{}, args...), n.of(row, n.l.IP).text)}
	c.After = c.Match
	return c
}
