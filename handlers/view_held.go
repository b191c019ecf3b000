package handlers

import (
	"slices"

	"recoverbot/runbook"
)

// heldTitle says first that nothing is final yet.
func (v viewer) heldTitle(r runbook.Run, c card) string {
	durable := slices.ContainsFunc(c.members, func(s *runbook.StepRun) bool { return s.Hold != nil && s.Hold.Durable })
	return v.say.T("view.held_title", "n", c.number, "all", len(cards(r)), "durable", durable, "title", v.say.Text(c.def.Title))
}

// heldTables are the rows of a held change: "before → after" in one table, where that hides nothing.
func (v viewer) heldTables(before, after runbook.Table) []runbook.Table {
	before, after = v.inWords(before), v.inWords(after)
	if one, ok := changes(before, after); ok {
		one.Name = v.say.T("view.before_after")
		return []runbook.Table{one}
	}
	before.Name, after.Name = v.say.T("view.before"), v.say.T("view.after")
	return []runbook.Table{before, after}
}

// changes joins the rows of two tables that begin with the same cell. It refuses where a row is gone, but in a table of
// the bot's own, which says what becomes of each.
func changes(before, after runbook.Table) (one runbook.Table, ok bool) {
	if len(before.Rows) == 0 || !slices.Equal(before.Columns, after.Columns) || before.Count > len(before.Rows) || after.Count > len(after.Rows) {
		return one, false
	}
	was := map[string][]string{}
	for _, row := range before.Rows {
		if len(row) != len(before.Columns) || was[row[0]] != nil {
			return one, false
		}
		was[row[0]] = row
	}
	one = after
	one.Words, one.Rows, one.Marks = false, nil, slices.Clone(after.Marks)
	for _, row := range after.Rows {
		row = slices.Clone(row)
		if len(row) != len(before.Columns) {
			return one, false
		}
		if old := was[row[0]]; old != nil {
			delete(was, row[0])
			for i := range row {
				if old[i] != row[i] {
					row[i] = old[i] + " → " + row[i]
				}
			}
		}
		one.Rows = append(one.Rows, row)
	}
	if len(was) > 0 && !before.Words {
		return one, false
	}
	for _, row := range before.Rows {
		if was[row[0]] != nil {
			one.Rows = append(one.Rows, row)
		}
	}
	one.Count = len(one.Rows)
	return one, true
}
