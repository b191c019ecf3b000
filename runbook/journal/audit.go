package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"

	"recoverbot/runbook"
)

// Head is the hash of the newest event: the anchor of the chain that closing messages carry. "" is an empty journal.
func (j *Journal) Head(ctx context.Context) (string, error) {
	var head string
	err := j.readers.GetContext(ctx, &head, `SELECT hash FROM events ORDER BY id DESC LIMIT 1`)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", unavailable("read head", err)
	}
	return head, nil
}

// Verify walks the chain and returns how many events it has. An edited, removed or reordered event, a chain that was
// cut before head (where a head is given), and a run or step that differs from its newest event or is gone are
// Conflicting errors that name the place.
func (j *Journal) Verify(ctx context.Context, head string) (int64, error) {
	var count int64
	var found error
	err := j.read(ctx, func(tx *sqlx.Tx) error {
		bodies := map[[2]string]string{} // run, step → hash of what the newest event says is stored
		var err error
		count, found, err = walk(ctx, tx, head, bodies)
		if err != nil || found != nil {
			return err
		}
		found, err = compareBodies(ctx, tx, bodies)
		return err
	})
	if err != nil {
		return 0, err
	}
	return count, found
}

// walk returns what is wrong with the chain in found; err is a failure to read.
func walk(ctx context.Context, tx *sqlx.Tx, head string, bodies map[[2]string]string) (count int64, found, err error) {
	rows, err := tx.QueryxContext(ctx, `SELECT * FROM events ORDER BY id`)
	if err != nil {
		return 0, nil, fmt.Errorf("select events: %w", err)
	}
	defer rows.Close()
	prev, seen := "", head == ""
	for rows.Next() {
		var e eventRow
		if err := rows.StructScan(&e); err != nil {
			return 0, nil, fmt.Errorf("read event: %w", err)
		}
		count++
		switch {
		case e.ID != count:
			return count, broken("journal.audit_missing", "event", count), nil
		case e.sum() != e.Hash:
			return count, broken("journal.audit_edited", "event", e.ID), nil
		case e.Prev != prev:
			return count, broken("journal.audit_order", "event", e.ID), nil
		}
		prev = e.Hash
		seen = seen || e.Hash == head
		if err := note(e, bodies); err != nil {
			return count, nil, err
		}
	}
	if err := rows.Err(); err != nil {
		return 0, nil, fmt.Errorf("read events: %w", err)
	}
	if !seen {
		return count, broken("journal.audit_cut", "events", count), nil
	}
	return count, nil, nil
}

// note takes from an event what it says is stored now.
func note(e eventRow, bodies map[[2]string]string) error {
	if e.Kind != "run.started" && e.Kind != "run.moved" && e.Kind != "step.moved" {
		return nil
	}
	var data map[string]string
	if err := json.Unmarshal([]byte(e.Data), &data); err != nil {
		return fmt.Errorf("read event %d: %w", e.ID, err)
	}
	bodies[[2]string{e.RunID, e.StepID}] = data["body"]
	for name, hash := range data {
		if step, ok := strings.CutPrefix(name, "step."); ok {
			bodies[[2]string{e.RunID, step}] = hash
		}
	}
	return nil
}

// compareBodies finds runs and steps that were changed or removed without an event.
func compareBodies(ctx context.Context, tx *sqlx.Tx, bodies map[[2]string]string) (found, err error) {
	var rows []struct {
		Run  string `db:"run_id"`
		Step string `db:"step_id"`
		Body string `db:"body"`
	}
	if err := tx.SelectContext(ctx, &rows, `
		SELECT id AS run_id, '' AS step_id, body FROM runs
		UNION ALL SELECT run_id, id AS step_id, body FROM steps ORDER BY run_id, step_id`); err != nil {
		return nil, fmt.Errorf("select runs and steps: %w", err)
	}
	for _, row := range rows {
		key := [2]string{row.Run, row.Step}
		if bodies[key] != digest(row.Body) {
			return broken("journal.audit_state", "run", row.Run, "step", row.Step), nil
		}
		delete(bodies, key)
	}
	for gone := range bodies {
		return broken("journal.audit_state", "run", gone[0], "step", gone[1]), nil
	}
	return nil, nil
}

func broken(id string, pairs ...any) error { return runbook.Errorf(runbook.Conflicting, id, pairs...) }
