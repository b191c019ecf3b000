package bot_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"recoverbot/bot"
)

func TestStillContext(t *testing.T) {
	t.Parallel()
	label := func(id string, pairs ...any) string {
		layout := map[string]string{"ui.since": "since 15:04:05", "ui.since_day": "since 2006-01-02 15:04:05"}[id]
		return fmt.Sprintf("%s %s", pairs[1], pairs[3].(time.Time).In(time.FixedZone("", 8*3600)).Format(layout))
	}
	since := time.Date(2026, 11, 22, 19, 11, 40, 0, time.UTC)
	for _, c := range []struct {
		context string
		since   time.Time
		hours   int
		want    string
	}{
		{"down 04:02 · would lose 1 h 11 min", since, 1, "down since 03:11:40 · would lose 1 h 11 min"},
		{"down 1:04:02 · step 3 of 8", since, 1, "down since 03:11:40 · step 3 of 8"},
		{"down 44:04:02", since, 44, "down since 2026-11-23 03:11:40"},
		{"service back after 04:02", time.Time{}, 1, "service back after 04:02"},
		{"DRY RUN · 中断 04:02", since, 1, "DRY RUN · 中断 since 03:11:40"},
		{"DRY RUN", since, 1, "DRY RUN"},
	} {
		m := bot.Message{Context: c.context, Since: c.since, At: since.Add(time.Duration(c.hours) * time.Hour)}
		if got := bot.StillContext(m, label); got != c.want {
			t.Errorf("%q: %q, not %q", c.context, got, c.want)
		}
	}
}

func TestParts(t *testing.T) {
	t.Parallel()
	parts := func(of bot.Message) *bot.Parts {
		return &bot.Parts{Of: of, Show: func(b bot.Block) string { return b.Text }, Label: func(id string, _ ...any) string { return id }}
	}
	script, sql := bot.Block{Kind: "script", Label: "on standby", Text: "echo 1"}, bot.Block{Kind: "sql", Text: "select 1"}
	p := parts(bot.Message{Key: "k1", Version: 4, Title: "a card", Priority: bot.Outcome})
	p.Add("script", script)
	p.Add("sql", sql)
	again := p.Add("script", script)
	if len(p.All) != 2 || again.Key != p.All[0].Key || p.All[0].Title != "on standby" || p.All[1].Title != "a card" {
		t.Fatalf("parts %+v", p.All)
	}
	if m := p.All[0]; m.Of != "k1" || !m.Thread || m.Version != 1 || m.Priority != bot.Outcome || bot.FileName(m) != m.Key[len("k1#"):]+".sh" {
		t.Errorf("part %+v in file %s", m, bot.FileName(m))
	}
	other := parts(bot.Message{Key: "k1", Title: "another title"})
	if m := other.Add("script", script); m.Key != again.Key {
		t.Error("what did not change has another key")
	}
	script.Text = "echo 2"
	if m := other.Add("script", script); m.Key == again.Key {
		t.Error("what changed has the same key")
	}
	all, count := parts(bot.Message{Key: "k1", Title: "a card"}), func(rune) int { return 1 }
	var items []*bot.Item
	for _, b := range []bot.Block{script, sql, {Kind: "sql", Label: "last", Text: sql.Text}} {
		it := &bot.Item{Block: b, Body: b.Text, Rank: 2}
		it.Measure(5, 100, 4, 3, count)
		items = append(items, it)
	}
	where := func(part bot.Message) string { return bot.FileName(part) }
	if missing, at := all.Fill(items, 11, 9, where); strings.Join(missing, ", ") != "ui.kind_sql, last" || len(all.All) != 1 || at != where(all.All[0]) || items[0].Got != 11 || items[0].Where != "" {
		t.Errorf("%q missing in %q; the first got %d", missing, at, items[0].Got)
	} else if text := bot.Whole(all.All[0], all.Show); text != "select 1\n\nlast\nselect 1" {
		t.Errorf("%s: %q", at, text)
	}
}
