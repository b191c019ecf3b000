package handlers

import (
	"slices"
	"testing"

	"recoverbot/runbook"
)

// The bot's own tables are in people's language; what a database answers is shown as it is, whatever it says.
func TestTablesInWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	table := runbook.Table{Name: "checks", Columns: []string{"host", "check", "result", "unheard of"}, Words: true,
		Rows: [][]string{{"down", "missing", "FAIL", "ok"}, {"nginx1", "", "exit 3"}}}
	for lang, want := range map[string][]string{
		"en": {"checks", "host", "check", "result", "unheard of", "down", "missing", "FAIL", "ok", "nginx1", "", "exit 3"},
		"zh": {"检查", "主机", "检查", "结果", "unheard of", "down", "missing", "失败", "ok", "nginx1", "", "exit 3"},
	} {
		flat := func(x runbook.Table) []string {
			return append(append([]string{x.Name}, x.Columns...), slices.Concat(x.Rows...)...)
		}
		v, data := viewer{say: w.printer(lang)}, table
		if got := flat(v.inWords(data)); !slices.Equal(got, want) {
			t.Errorf("%s: %q", lang, got)
		}
		data.Words = false
		if got := v.inWords(data); got.Name != "checks" || got.Columns[0] != "host" || got.Rows[0][2] != "FAIL" {
			t.Errorf("%s changes data: %v", lang, got)
		}
	}
	if table.Rows[0][2] != "FAIL" || table.Columns[0] != "host" {
		t.Errorf("the run was changed: %v", table)
	}
}
