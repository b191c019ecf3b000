package handlers

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"recoverbot/locale"
	"recoverbot/runbook"
)

// What columns hold; other cells are names and numbers, and shown as they are.
var (
	stateColumns = []string{"", "answers", "now", "result", "rows", "state"}
	byteColumns  = []string{"size"}
	timeColumns  = []string{"dump of", "kept since"}
)

// inWords is a table of the bot's own words in the viewer's language; what the catalogue lacks stays.
func (v viewer) inWords(t runbook.Table) runbook.Table {
	if !t.Words {
		return t
	}
	rows := slices.Clone(t.Rows)
	for i := range rows {
		rows[i] = slices.Clone(rows[i])
		for j := range rows[i] {
			if j < len(t.Columns) {
				rows[i][j] = v.cell(t.Columns[j], rows[i][j])
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

// cell is a cell of a column for people: short enough for a phone, in their language and zone.
func (v viewer) cell(column, text string) string {
	switch {
	case slices.Contains(stateColumns, column):
		return v.word("table.cell_", text)
	case slices.Contains(byteColumns, column):
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return locale.Bytes(n)
		}
	case slices.Contains(timeColumns, column):
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			return v.say.Minute(at, v.now)
		}
	}
	return text
}

func (v viewer) word(prefix, text string) string {
	id := prefix + strings.NewReplacer(" ", "_", ",", "").Replace(text)
	if word := v.say.T(id); word != id {
		return word
	}
	return text
}
