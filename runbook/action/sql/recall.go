package sql

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/blackbox"
	"recoverbot/runbook/fleet"
)

// recalled is what the black box knows of tables that are not in the schema now.
type recalled struct {
	create, names []string
	rows          [][]string // table, state, rows then
	refused       []string   // not plain definitions: a person makes these
}

// ownEngines keep a table's rows in the server itself.
var ownEngines = []string{"innodb", "myisam", "aria", "memory", "archive", "rocksdb"}

// recall adds to a plan every table that the black box saw and that is neither listed nor there.
func (t *tables) recall(ctx context.Context, p *runbook.Plan, q queryer, d fleet.Database) (recalled, error) {
	var out recalled
	hosts, err := t.env.Hosts(t.spec.Recall)
	if err != nil {
		return out, err
	}
	seen := map[string]bool{}
	for _, s := range t.spec.Tables {
		seen[s.Name] = true
	}
	var without []string
	for _, h := range hosts {
		box, ok := t.env.Box.Latest(h.Name)
		if !ok || box.Databases[d.Name] == nil {
			without = append(without, h.Name)
			continue
		}
		held := box.Databases[d.Name]
		there, err := present(ctx, q, d.Schema, held.Tables)
		if err != nil {
			return out, err
		}
		missing := 0
		for _, table := range held.Tables {
			if seen[table.Name] || there[table.Name] {
				continue
			}
			seen[table.Name] = true
			def, err := parseCreate(table.Create)
			if err != nil || def.name != table.Name || !slices.ContainsFunc(ownEngines, func(e string) bool { return slices.Contains(def.lines, "engine="+e) }) {
				out.refused = append(out.refused, clip(table.Name))
				continue
			}
			missing++
			out.create, out.names = append(out.create, def.text), append(out.names, table.Name)
			out.rows = append(out.rows, []string{table.Name, "missing", about(table)})
		}
		if missing > 0 {
			p.Warnings = append(p.Warnings, runbook.T("sql.recall_found", "host", h.Name, "count", missing, "at", held.At.UTC().Format(time.RFC3339)))
		} else {
			p.Facts = append(p.Facts, runbook.T("sql.recall_nothing", "host", h.Name, "at", held.At.UTC().Format(time.RFC3339)))
		}
	}
	if len(without) > 0 {
		p.Facts = append(p.Facts, runbook.T("sql.recall_no_box", "hosts", strings.Join(without, ", ")))
	}
	if len(out.refused) > 0 {
		slices.Sort(out.refused)
		text := runbook.T("sql.recall_refused", "tables", clip(strings.Join(out.refused, ", ")), "count", len(out.refused))
		p.Warnings, p.Open = append(p.Warnings, text), append(p.Open, runbook.OpenItem{Text: text})
	}
	return out, nil
}

// about is how many rows a table had.
func about(t blackbox.Table) string {
	if t.Exact {
		return strconv.FormatInt(t.Rows, 10)
	}
	return "≈ " + strconv.FormatInt(t.Rows, 10)
}

// present tells which of the tables are in the schema.
func present(ctx context.Context, q queryer, schema string, tables []blackbox.Table) (map[string]bool, error) {
	out := map[string]bool{}
	for part := range slices.Chunk(tables, maxRows) {
		args := []string{schema}
		for _, t := range part {
			args = append(args, t.Name)
		}
		_, rs, err := query(ctx, q, "SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND BINARY table_name IN ("+
			strings.TrimSuffix(strings.Repeat("?, ", len(part)), ", ")+")", args)
		if err != nil {
			return nil, fmt.Errorf("look for tables: %w", err)
		}
		for _, r := range rs {
			out[r.at(0)] = true
		}
	}
	return out, nil
}
