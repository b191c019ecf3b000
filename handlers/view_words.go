package handlers

import (
	"slices"
	"strings"

	"recoverbot/runbook"
)

// stateColumns hold states; other cells are names and numbers, and shown as they are.
var stateColumns = []string{"", "answers", "now", "result", "rows", "state"}

// inWords is a table of the bot's own words in the viewer's language; what the catalogue lacks stays.
func (v viewer) inWords(t runbook.Table) runbook.Table {
	if !t.Words {
		return t
	}
	rows := slices.Clone(t.Rows)
	for i := range rows {
		rows[i] = slices.Clone(rows[i])
		for j := range rows[i] {
			if j < len(t.Columns) && slices.Contains(stateColumns, t.Columns[j]) {
				rows[i][j] = v.word("table.cell_", rows[i][j])
			}
		}
	}
	columns := slices.Clone(t.Columns)
	for i := range columns {
		columns[i] = v.word("table.column_", columns[i])
	}
	t.Name, t.Columns, t.Rows = v.word("table.name_", t.Name), columns, rows
	return t
}

func (v viewer) word(prefix, text string) string {
	id := prefix + strings.NewReplacer(" ", "_", ",", "").Replace(text)
	if word := v.say.T(id); word != id {
		return word
	}
	return text
}
