package engine_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"recoverbot/runbook"
	"recoverbot/runbook/journal"
	"recoverbot/runbook/journal/journaltest/blank"
)

// TestNothingBeginsThatCannotBeAudited: no event, no decision or no row, no effect (fault 6). Writing is possible again at
// the end, and the same click counts once.
func TestNothingBeginsThatCannotBeAudited(t *testing.T) {
	t.Parallel()
	for name, trigger := range map[string]string{
		"any event":           `BEFORE INSERT ON events`,
		"the decision's":      `BEFORE INSERT ON events WHEN NEW.kind = 'decision'`,
		"the intent's":        `BEFORE INSERT ON events WHEN NEW.kind = 'step.moved' AND NEW.data LIKE '%"to":"executing"%'`,
		"the decision itself": `BEFORE INSERT ON decisions`,
		"the step":            `BEFORE UPDATE ON steps`,
		"the health check":    `BEFORE UPDATE ON heartbeat`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := blank.DSN(t, filepath.Join(t.TempDir(), "journal.db"))
			j, err := journal.Open(t.Context(), dsn, time.Now, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = j.Close() })
			if err := j.Healthy(t.Context()); err != nil {
				t.Fatal(err)
			}
			beside, err := sqlx.Open("sqlite", "file:"+dsn[len("sqlite://"):]+"?_pragma=busy_timeout(5000)")
			if err != nil {
				t.Fatal(err)
			}
			defer beside.Close()
			w := newWorld()
			b := start(t, j, w)
			id := b.begin(scenario(runbook.Step{ID: "one"}, runbook.Step{ID: "held", Kind: "hold"}))
			for _, step := range []string{"one", "held"} {
				s := b.until(id, step+" waits", func(r runbook.Run) bool {
					next := r.Step("held")
					return r.Step(step).State == runbook.Waiting && (step == "held" || next.Plan != nil) // nothing moves by itself
				})
				asked := *s.Step(step)
				head, err := j.Head(t.Context(), "")
				if err != nil {
					t.Fatal(err)
				}
				beside.MustExec(`CREATE TRIGGER refuse ` + trigger + ` BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`)
				for _, choice := range []runbook.Choice{runbook.Approve, runbook.Skip} {
					if choice == runbook.Skip && (name == "the intent's" || name == "the health check") {
						continue // skipping needs neither
					}
					e := b.refused(answerTo(asked, choice, ops1, ""), runbook.Unavailable, "")
					if e.Msg.ID != "engine.journal_down" && e.Msg.ID != "journal.unavailable" {
						t.Errorf("%s %s is refused by %s", choice, step, e.Msg.ID)
					}
				}
				if given, err := j.Decisions(t.Context(), id, step); err != nil || len(given) != 0 {
					t.Errorf("decisions on %s: %v, %v", step, given, err)
				}
				if now := stepOf(b.until(id, "a look", func(runbook.Run) bool { return true }), step); now.State != runbook.Waiting || now.Version != asked.Version {
					t.Errorf("%s is %s, version %d", step, now.State, now.Version)
				}
				if now, err := j.Head(t.Context(), ""); err != nil || now != head {
					t.Errorf("an event was left: %v", err)
				}
				if n := w.count(step); n != 0 {
					t.Errorf("%d effects of %s without an audit", n, step)
				}
				w.do(func() {
					if len(w.holds) > 0 {
						t.Errorf("%s is held without an audit", step)
					}
				})
				beside.MustExec(`DROP TRIGGER refuse`)
				b.say(asked, runbook.Approve, "")
			}
			b.say(b.state(id, "held", runbook.Held), runbook.Commit, "")
			b.runState(id, runbook.RunDone)
			if w.count("one") != 1 || w.count("held") != 1 {
				t.Errorf("effects: %v", w.effects)
			}
			if _, err := j.Verify(context.Background(), ""); err != nil {
				t.Errorf("verify: %v", err)
			}
		})
	}
}
