package handlers

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"recoverbot/runbook"
)

// The bot's own tables are in people's language; what a database answers is shown as it is, whatever it says.
func TestTablesInWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kept := runbook.Table{Name: "kept", Columns: []string{"schema", "kept since", "size", "dump of", "check"}, Words: true, Rows: [][]string{
		{"2026", "2026-11-23T14:04:59Z", "207012738", "2025-12-31T16:30:00Z", "207012738"}, {"s", "", "unknown", "2026-12-31T16:30:00Z", "2026-11-23T14:04:59Z"}}}
	east := viewer{say: w.Bundle.Printer("en", time.FixedZone("", 8*3600)), now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)}
	want := [][]string{{"2026", "11-23 22:04", "207 MB", "01-01 00:30", "207012738"}, {"s", "", "unknown", "2027-01-01 00:30", "2026-11-23T14:04:59Z"}}
	if got := east.inWords(kept).Rows; !reflect.DeepEqual(got, want) {
		t.Errorf("sizes and times: %q", got)
	}
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
