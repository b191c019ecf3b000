package bot_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"recoverbot/bot"
)

func TestNarrowTable(t *testing.T) {
	t.Parallel()
	list := bot.Block{Columns: []string{"id", "domain", "ip", "status", "host"}, Marks: []string{"ok", "bad", "", "changed"}, Rows: [][]string{
		{"1", "n1.example.com", "192.0.2.11", "1", "nginx1"}, {"2", "n2.example.com", "192.0.2.12", "1 → 2", "nginx2"},
		{"3", "", "", "2", ""}, {"4", "a-very-long-name-of-a-domain.example.com", "192.0.2.14", "2 → 1", ""}}}
	for name, c := range map[string]struct {
		bl   bot.Block
		want string
	}{
		"narrow enough": {bot.Block{Columns: []string{"id", "状态"}, Rows: [][]string{{"3", "1"}}, Marks: []string{"changed"}}, "  id  状态\n* 3   1\n"},
		"records, those that need a look first": {list, `x 2 n2.example.com
  ip 192.0.2.12 · status 1 → 2
  host nginx2
* 4
  a-very-long-name-of-a-domain.example.com
  ip 192.0.2.14 · status 2 → 1
+ 1 n1.example.com
  ip 192.0.2.11 · status 1
  host nginx1
  3
  status 2
`},
		"no columns, ragged rows": {bot.Block{Rows: [][]string{{}, {"", "", "x\ny"}, {"主服务器主服务器主服务器", "备机备机备机备机备机", "c"}}}, ` 
  x y
  主服务器主服务器主服务器
  备机备机备机备机备机
  c
`},
		"a number names nothing": {bot.Block{Columns: []string{"table", "rows", "newest created_at"}, Marks: []string{"changed"}, Rows: [][]string{
			{"orders", "24000", "2026-11-21 06:34:17"}, {"users", "-", ""}}}, "* orders\n  rows 24000\n  newest created_at 2026-11-21 06:34:17\n  users\n  rows -\n"},
		"nothing": {bot.Block{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(c.want, bot.NarrowTable(c.bl, bot.PhoneWidth)); d != "" {
				t.Error(d)
			}
		})
	}
	label := func(id string, _ ...any) string { return strings.TrimPrefix(id, "ui.mark_") }
	if got := bot.Legend(list, label); got != "+ = ok, x = bad, * = changed" {
		t.Errorf("legend %q", got)
	}
	if got := bot.Legend(bot.Block{Rows: [][]string{{"a"}}}, label); got != "" {
		t.Errorf("legend of a table without signs: %q", got)
	}
}

func TestBar(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		done, total int64
		bar         string
		percent     int
	}{{0, 10, "....", 0}, {5, 10, "##..", 50}, {99, 10, "####", 100}, {-1, 10, "....", 0}, {3, 0, "", 0}} {
		if bar, percent := (bot.Progress{Done: c.done, Total: c.total}).Bar(4, "#", "."); bar != c.bar || percent != c.percent {
			t.Errorf("%d of %d: %q %d", c.done, c.total, bar, percent)
		}
	}
}
