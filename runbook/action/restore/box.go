package restore

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/blackbox"
	"recoverbot/runbook/dump/load"
)

// boxed is what the black box saw of the database that died.
type boxed struct {
	at     time.Time
	tables []blackbox.Table
}

// boxed finds what the black box saw of the dead primary's database. There is nothing to compare with while the primary
// lives, or after a restore of this run: what that lost was said then.
func (r *restore) boxed(database string) (b boxed, ok bool) {
	run := r.env.Run
	for _, s := range run.Steps {
		if s.Def.Kind == r.env.Step.Def.Kind && s.ID != r.env.Step.ID && s.Result != nil && s.Result.Values["dump_sha256"] != "" {
			return b, false
		}
	}
	for _, name := range run.Bindings["primary"] {
		if !slices.Contains(run.Bindings["dead"], name) {
			continue
		}
		h, found := r.env.Box.Latest(name)
		if !found || h.Databases[database] == nil || len(h.Databases[database].Tables) == 0 {
			continue
		}
		b = boxed{h.At, slices.Clone(h.Databases[database].Tables)}
		slices.SortFunc(b.tables, func(x, y blackbox.Table) int {
			return cmp.Or(cmp.Compare(y.Rows, x.Rows), cmp.Compare(x.Name, y.Name))
		})
		return b, true
	}
	return b, false
}

func (b boxed) time() string { return b.at.UTC().Format(time.RFC3339) }

// holds says what there is, which is not the data.
func (b boxed) holds() runbook.Msg {
	var names []string
	for _, t := range b.tables {
		names = append(names, printable(t.Name)+" "+about(t)+strconv.FormatInt(t.Rows, 10))
	}
	return runbook.T("restore.box_holds", "at", b.time(), "tables", len(b.tables), "rows", join(names))
}

func about(t blackbox.Table) string {
	if t.Exact {
		return ""
	}
	return "≈ "
}

// lacking warns of tables that are not in the dump.
func (b boxed) lacking(p *runbook.Plan, e effect) {
	var names []string
	for _, t := range b.tables {
		if !slices.Contains(e.Tables, t.Name) {
			names = append(names, printable(t.Name)+" ("+about(t)+strconv.FormatInt(t.Rows, 10)+")")
		}
	}
	if len(names) > 0 {
		p.Warnings = append(p.Warnings, runbook.T("restore.box_lacks", "at", b.time(), "tables", join(names)))
	}
}

// lost tells of each table how many rows that the black box saw are not in the dump. Only where rows were counted after
// the dump was begun is that a number; what was taken away on purpose before cannot be told from what is lost.
func (b boxed) lost(e effect, report load.Report) []runbook.Msg {
	var out []runbook.Msg
	for _, t := range b.tables {
		i := slices.IndexFunc(report.Tables, func(x load.TableReport) bool { return strings.EqualFold(x.Name, t.Name) })
		if i < 0 {
			if t.Rows > 0 {
				out = append(out, runbook.T("restore.box_lost_table", "table", printable(t.Name), "at", b.time(), "rows", t.Rows, "exact", t.Exact))
			}
			continue
		}
		if have := report.Tables[i].Rows; have < t.Rows {
			out = append(out, runbook.T("restore.box_lost_rows", "table", printable(t.Name), "at", b.time(), "saw", t.Rows, "have", have,
				"rows", t.Rows-have, "exact", t.Exact, "before", !e.Start.IsZero() && b.at.Before(e.Start)))
		}
	}
	return out
}
