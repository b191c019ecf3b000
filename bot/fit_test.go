package bot_test

import (
	"testing"
	"time"

	"recoverbot/bot"
)

func TestStillContext(t *testing.T) {
	t.Parallel()
	label := func(id string, pairs ...any) string {
		layout := map[string]string{"ui.since": "since 15:04:05", "ui.since_day": "since 2006-01-02 15:04:05"}[id]
		return pairs[1].(time.Time).In(time.FixedZone("", 8*3600)).Format(layout)
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
		{"DRY RUN", since, 1, "DRY RUN"},
	} {
		m := bot.Message{Context: c.context, Since: c.since, At: since.Add(time.Duration(c.hours) * time.Hour)}
		if got := bot.StillContext(m, label); got != c.want {
			t.Errorf("%q: %q, not %q", c.context, got, c.want)
		}
	}
}
