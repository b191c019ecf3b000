package handlers

import (
	"slices"
	"strings"
	"testing"

	"recoverbot/bot"
	"recoverbot/runbook"
)

// Rows before and after are one table, unless that would hide one.
func TestHeldTables(t *testing.T) {
	t.Parallel()
	v := viewer{say: newWorld(t).printer("zh")}
	table := func(words bool, rows ...string) runbook.Table {
		out := runbook.Table{Columns: []string{"table", "rows"}, Count: len(rows), Words: words}
		for _, r := range rows {
			out.Rows = append(out.Rows, strings.Fields(r))
		}
		return out
	}
	cut := table(false, "3 1")
	cut.Count = 9
	for name, c := range map[string]struct {
		before, after runbook.Table
		want          []string // rows of one table; none: two tables
	}{
		"changed":        {table(false, "3 1", "9 1"), table(false, "9 2", "3 1"), []string{"9 1 → 2", "3 1"}},
		"added":          {table(false, "3 1"), table(false, "3 2", "4 1"), []string{"3 1 → 2", "4 1"}},
		"the bot's own":  {table(true, "orders 7", "old stays"), table(true, "orders 5"), []string{"orders 7 → 5", "old 保留"}},
		"deleted":        {table(false, "3 1", "9 1"), table(false, "3 1"), nil},
		"inserted":       {table(false), table(false, "3 1"), nil},
		"not all shown":  {cut, table(false, "3 2"), nil},
		"the same twice": {table(false, "3 1", "3 2"), table(false, "3 1"), nil},
		"ragged":         {table(false, "3"), table(false, "3 1"), nil},
	} {
		before := strings.Join(slices.Concat(c.before.Rows...), " ")
		got := v.heldTables(c.before, c.after)
		if len(got) != 1 {
			if c.want != nil || len(got) != 2 || got[0].Name == got[1].Name {
				t.Errorf("%s: %+v", name, got)
			}
			continue
		}
		var rows []string
		for _, r := range got[0].Rows {
			rows = append(rows, strings.Join(r, " "))
		}
		if !slices.Equal(rows, c.want) || got[0].Count != len(rows) {
			t.Errorf("%s: %q", name, rows)
		}
		if now := strings.Join(slices.Concat(c.before.Rows...), " "); now != before {
			t.Errorf("%s changed the run: %s", name, now)
		}
	}
}

// A reason stands once on a card, whoever it was given for.
func TestReasonStandsOnce(t *testing.T) {
	t.Parallel()
	v := viewer{say: newWorld(t).printer("en")}
	r := goldenRun()
	why := &runbook.Approval{By: runbook.Actor{Name: "ops1", Platform: "telegram"}, Choice: runbook.Skip, Reason: "nobody needs it", At: at("03:20:00")}
	for _, name := range []string{"go-upload", "go-fly"} {
		s := r.Step("others." + name)
		s.State, s.DecidedBy = runbook.Skipped, why
	}
	third := *r.Step("others.go-fly")
	third.ID, third.Member, third.State, third.DecidedBy = "others.go-job", "go-job", runbook.Done, nil
	r.Steps = slices.Insert(r.Steps, slices.IndexFunc(r.Steps, func(s runbook.StepRun) bool { return s.ID == "others.go-fly" })+1, third)
	s := r.Step("domains")
	s.State, s.DecidedBy = runbook.Done, &runbook.Approval{By: why.By, Choice: runbook.MarkDone, Reason: why.Reason, At: why.At}
	s.Note = runbook.T("engine.marked_done", "by", "ops1", "reason", why.Reason)
	seen := 0
	for _, m := range v.messages(r) {
		if text := bot.Plain(m, 80); strings.Contains(m.Key, "others") || strings.Contains(m.Key, "domains") {
			if seen++; strings.Count(text, why.Reason) != 1 {
				t.Errorf("shown:\n%s", text)
			}
		}
	}
	if seen != 2 {
		t.Errorf("%d cards", seen)
	}
}

// The overview changes when a step begins, waits and ends, not with all that its own card tells: each edit is a call.
func TestOverviewIsCalm(t *testing.T) {
	t.Parallel()
	v := viewer{say: newWorld(t).printer("en")}
	seen := map[string]int{}
	for _, state := range []runbook.State{runbook.Pending, runbook.Planning, runbook.Waiting, runbook.Executing, runbook.Held, runbook.Committing,
		runbook.Verifying, runbook.Done} {
		r := goldenRun()
		r.Step("power-off").State = runbook.Done
		r.Step("restore").State = state
		seen[v.runCard(r).Blocks[0].Text]++
	}
	if len(seen) != 5 {
		t.Errorf("%d overviews: %v", len(seen), seen)
	}
}
