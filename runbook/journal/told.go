package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/jmoiron/sqlx"

	"recoverbot/runbook"
)

// told is what a chain of events says is stored now.
type told struct {
	bodies    map[[2]string]string // run, step ("" the run itself) → hash of its body
	alerts    map[string]alertRow  // by fingerprint, only what an event says
	decisions []decided            // in their order
}

// decided is a decision as its event tells it.
type decided struct {
	run, step, at    string
	person, platform string
	data             map[string]string
}

func newTold() *told { return &told{bodies: map[[2]string]string{}, alerts: map[string]alertRow{}} }

// hear takes one more event; it is false where the bot never wrote such data.
func (t *told) hear(e eventRow) bool {
	var data map[string]string
	if err := json.Unmarshal([]byte(e.Data), &data); err != nil {
		return false
	}
	switch e.Kind {
	case "run.started", "run.moved", "step.moved":
		t.bodies[[2]string{e.RunID, e.StepID}] = data["body"]
		for name, hash := range data {
			if step, ok := strings.CutPrefix(name, "step."); ok {
				t.bodies[[2]string{e.RunID, step}] = hash
			}
		}
	case "decision":
		t.decisions = append(t.decisions, decided{run: e.RunID, step: e.StepID, at: e.At, person: e.Person, platform: e.Platform, data: data})
	case "alert":
		t.alerts[data["fingerprint"]] = alertRow{State: data["state"], SnoozedUntil: data["snoozed_until"], RunID: e.RunID}
	}
	return true
}

// compare finds what was changed, added or removed without an event.
func (t *told) compare(ctx context.Context, tx *sqlx.Tx) (found, err error) {
	for _, of := range []func(context.Context, *sqlx.Tx) (error, error){t.compareRuns, t.compareSteps, t.compareDecisions, t.compareAlerts} {
		if found, err = of(ctx, tx); found != nil || err != nil {
			return found, err
		}
	}
	for gone := range t.bodies {
		return changed(gone[0], gone[1]), nil
	}
	return nil, nil
}

// take reports whether a body is the one that the newest event tells of, and that none other is stored.
func (t *told) take(run, step, body string) bool {
	key := [2]string{run, step}
	defer delete(t.bodies, key)
	return t.bodies[key] == digest(body)
}

// compareRuns also holds the columns to the body: they are what runs are found and moved by.
func (t *told) compareRuns(ctx context.Context, tx *sqlx.Tx) (found, err error) {
	rows, err := tx.QueryxContext(ctx, `SELECT * FROM runs ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("select runs: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var row struct {
			ID, Scenario, State, Owner, Body string
			Version                          int
			DryRun                           bool   `db:"dry_run"`
			StartedAt                        string `db:"started_at"`
		}
		if err := rows.StructScan(&row); err != nil {
			return nil, fmt.Errorf("read run: %w", err)
		}
		if !t.take(row.ID, "", row.Body) {
			return changed(row.ID, ""), nil
		}
		r, err := readRun(row.Body)
		if err != nil || r.ID != row.ID || r.Scenario.Name != row.Scenario || string(r.State) != row.State || r.Version != row.Version ||
			r.Beside() != row.DryRun || r.Owner != row.Owner || stamp(r.StartedAt) != row.StartedAt {
			return changed(row.ID, ""), nil
		}
	}
	return nil, rows.Err()
}

func (t *told) compareSteps(ctx context.Context, tx *sqlx.Tx) (found, err error) {
	rows, err := tx.QueryxContext(ctx, `SELECT * FROM steps ORDER BY run_id, position, id`)
	if err != nil {
		return nil, fmt.Errorf("select steps: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var row struct {
			Run                        string `db:"run_id"`
			ID, State, Body            string
			Position, Version, Attempt int
		}
		if err := rows.StructScan(&row); err != nil {
			return nil, fmt.Errorf("read step: %w", err)
		}
		if !t.take(row.Run, row.ID, row.Body) {
			return changed(row.Run, row.ID), nil
		}
		var s runbook.StepRun
		if err := json.Unmarshal([]byte(row.Body), &s); err != nil || s.RunID != row.Run || s.ID != row.ID || s.Index != row.Position ||
			string(s.State) != row.State || s.Version != row.Version || s.Attempt != row.Attempt {
			return changed(row.Run, row.ID), nil
		}
	}
	return nil, rows.Err()
}

// compareDecisions goes by their order: who decided first matters.
func (t *told) compareDecisions(ctx context.Context, tx *sqlx.Tx) (found, err error) {
	rows, err := tx.QueryxContext(ctx, `SELECT run_id, step_id, at, body FROM decisions ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("select decisions: %w", err)
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var row struct {
			Run  string `db:"run_id"`
			Step string `db:"step_id"`
			At   string
			Body string
		}
		if err := rows.StructScan(&row); err != nil {
			return nil, fmt.Errorf("read decision: %w", err)
		}
		if n == len(t.decisions) || !t.decisions[n].is(row.Run, row.Step, row.At, row.Body) {
			return broken("audit.decision", "number", n+1, "run", row.Run, "step", row.Step), nil
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read decisions: %w", err)
	}
	if n < len(t.decisions) {
		return broken("audit.decision", "number", n+1, "run", t.decisions[n].run, "step", t.decisions[n].step), nil
	}
	return nil, nil
}

// is compares content where the event is older than the hash of the body that newer ones carry.
func (d decided) is(run, step, at, body string) bool {
	if d.run != run || d.step != step || d.at != at {
		return false
	}
	if hash, ok := d.data["body"]; ok {
		return hash == digest(body)
	}
	var stored runbook.Decision
	if err := json.Unmarshal([]byte(body), &stored); err != nil {
		return false
	}
	return stored.By.Name == d.person && stored.By.Platform == d.platform && maps.Equal(decisionData(&stored), d.data)
}

// compareAlerts knows what an event tells of an alert. How often and when it was told again is not in the chain.
func (t *told) compareAlerts(ctx context.Context, tx *sqlx.Tx) (found, err error) {
	rows, err := tx.QueryxContext(ctx, `SELECT * FROM alerts ORDER BY fingerprint`)
	if err != nil {
		return nil, fmt.Errorf("select alerts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var row alertRow
		if err := rows.StructScan(&row); err != nil {
			return nil, fmt.Errorf("read alert: %w", err)
		}
		if want := (alertRow{State: row.State, SnoozedUntil: row.SnoozedUntil, RunID: row.RunID}); t.alerts[row.Fingerprint] != want {
			return broken("audit.alert", "fingerprint", row.Fingerprint), nil
		}
		delete(t.alerts, row.Fingerprint)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	for gone := range t.alerts {
		return broken("audit.alert", "fingerprint", gone), nil
	}
	return nil, nil
}

func changed(run, step string) error { return broken("journal.audit_state", "run", run, "step", step) }
