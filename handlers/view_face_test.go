package handlers

import (
	"slices"
	"strings"
	"testing"
	"time"

	"recoverbot/runbook"
)

// A card says of each machine of a group what became of it, and of what there was nothing to do for that it does not apply.
func TestWhatACardSaysOfItsEnd(t *testing.T) {
	t.Parallel()
	title := runbook.Text{EN: "Send backups", ZH: "发送备份"}
	member := func(name string, s runbook.State, by, reason string) runbook.StepRun {
		out := runbook.StepRun{ID: "g/" + name, Group: "g", Member: name, State: s, Def: runbook.Step{ID: "g", Title: title}}
		if by != "" {
			choice := runbook.Approve
			if s == runbook.Skipped {
				choice = runbook.Skip
			}
			out.DecidedBy = &runbook.Approval{By: runbook.Actor{Name: by, Platform: "slack"}, Choice: choice, Reason: reason, At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
		}
		return out
	}
	absent := runbook.StepRun{ID: "one", State: runbook.Done, Def: runbook.Step{ID: "one", Title: title}, Plan: &runbook.Plan{
		Verdict: runbook.Satisfied, Absent: true, Why: runbook.T("edit.no_file", "path", "/root/backup.py", "host", "standby"),
	}}
	w := newWorld(t)
	for _, c := range []struct {
		name, lang           string
		steps                []runbook.StepRun
		emoji, state, footer string
		lines                []string
	}{
		{"mixed", "en", []runbook.StepRun{member("nginx1", runbook.Skipped, "ops1", "dead"), member("nginx2", runbook.Done, "ops2", "")}, "⏭", "1 done, 1 skipped",
			"nginx1: skipped by ops1 (Slack) 03:04:05 · reason: dead\nnginx2: approved by ops2 (Slack) 03:04:05", []string{"nginx1: skipped", "nginx2: done"}},
		{"mixed in Chinese", "zh", []runbook.StepRun{member("nginx1", runbook.Skipped, "ops1", ""), member("nginx2", runbook.Done, "", "")}, "⏭", "1 个完成, 1 个已跳过",
			"nginx1: ops1", []string{"nginx1: 已跳过"}},
		{"as one", "en", []runbook.StepRun{member("nginx1", runbook.Done, "ops1", ""), member("nginx2", runbook.Done, "ops1", "")}, "✅", "done",
			"approved by ops1 (Slack) 03:04:05", nil},
		{"absent", "en", []runbook.StepRun{absent}, "–", "does not apply", "", []string{"/root/backup.py does not exist on standby."}},
	} {
		r := runbook.Run{ID: "r", State: runbook.Open, Steps: c.steps}
		v := viewer{say: w.printer(c.lang)}
		m := v.stepCard(r, cards(r)[0])
		outline := strings.Join(v.outline(r), "\n")
		if m.Emoji != c.emoji || !strings.HasPrefix(m.Footer, c.footer) || c.footer == "" && m.Footer != "" || !strings.HasSuffix(outline, c.state) || !strings.HasPrefix(outline, c.emoji) ||
			!slices.Contains(m.Lines, c.state) {
			t.Errorf("%s: %s, %q, %q, %q", c.name, m.Emoji, m.Footer, outline, m.Lines)
		}
		for _, line := range c.lines {
			if !slices.Contains(m.Lines, line) {
				t.Errorf("%s: no %q in %q", c.name, line, m.Lines)
			}
		}
	}
}

// A card that is done with is not shown anew when service is back: on a chat that counts edits, questions need them.
func TestASettledCardStands(t *testing.T) {
	t.Parallel()
	v := viewer{say: newWorld(t).printer("en"), now: at("03:20:00")}
	r := goldenRun()
	settle(&r, runbook.Done, "power-off", "restore", "domains", "restart")
	before := v.stepCard(r, cards(r)[1])
	waits := v.stepCard(r, cards(r)[5])
	settle(&r, runbook.Done, "outside")
	v.now = at("03:30:00")
	one, err := sumOf(before)
	if two, err2 := sumOf(v.stepCard(r, cards(r)[1])); one != two || err != nil || err2 != nil || !before.Since.IsZero() {
		t.Errorf("the card changed, or counts: %+v", before)
	}
	if waits.Since.IsZero() {
		t.Error("a card that is not settled does not count")
	}
}
