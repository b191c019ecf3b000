package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"

	"recoverbot/runbook"
)

// insertStep returns the hash of what it stored.
func (j *Journal) insertStep(tx *tx, run string, s runbook.StepRun) (string, error) {
	s.RunID = run
	body, err := j.encode(s)
	if err != nil {
		return "", err
	}
	_, err = tx.ExecContext(tx.ctx,
		`INSERT INTO steps (run_id, id, position, state, version, attempt, body) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		run, s.ID, s.Index, s.State, s.Version, s.Attempt, body)
	if err != nil {
		return "", fmt.Errorf("insert step %s: %w", s.ID, err)
	}
	return digest(body), nil
}

// MoveStep stores next where the step's state and version are still from's, and raises the version; it returns what is
// stored. Otherwise nothing changes and the error is runbook.ErrMoved. A move that the state table does not know is
// refused. A decision is recorded in the same transaction.
func (j *Journal) MoveStep(ctx context.Context, from runbook.StepAt, next runbook.StepRun, d *runbook.Decision) (runbook.StepRun, error) {
	if from.State != next.State && !runbook.CanMove(from.State, next.State) {
		return runbook.StepRun{}, runbook.Errorf(runbook.Internal, "journal.bad_move",
			"step", next.ID, "from", string(from.State), "to", string(next.State))
	}
	err := j.write(ctx, func(tx *tx) error {
		next.Version = from.Version + 1
		if from.State != next.State || next.ChangedAt.IsZero() {
			next.ChangedAt = tx.at
		}
		body, err := j.encode(next)
		if err != nil {
			return err
		}
		res, err := tx.ExecContext(tx.ctx, `
			UPDATE steps SET state = ?, version = ?, attempt = ?, body = ?
			WHERE run_id = ? AND id = ? AND state = ? AND version = ?`,
			next.State, next.Version, next.Attempt, body, next.RunID, next.ID, from.State, from.Version)
		if err != nil {
			return fmt.Errorf("move step: %w", err)
		}
		if err := moved(tx, res, `SELECT count(*) FROM steps WHERE run_id = ? AND id = ?`, next.RunID, next.ID); err != nil {
			return err
		}
		event := runbook.Event{RunID: next.RunID, StepID: next.ID, Kind: "step.moved", Data: stepData(from, next, body)}
		if d != nil {
			event.By = d.By
			if err := j.decide(tx, next.RunID, next.ID, d); err != nil {
				return err
			}
		}
		if err := j.append(tx, event); err != nil {
			return err
		}
		id := next.ID
		next = runbook.StepRun{}
		if err := json.Unmarshal([]byte(body), &next); err != nil {
			return fmt.Errorf("read back step %s: %w", id, err)
		}
		return nil
	})
	if err != nil {
		return runbook.StepRun{}, err
	}
	return next, nil
}

// stepData is what the event of a move says besides who and when.
func stepData(from runbook.StepAt, s runbook.StepRun, body string) map[string]string {
	data := map[string]string{
		"from": string(from.State), "to": string(s.State), "attempt": strconv.Itoa(s.Attempt), "body": digest(body),
	}
	if s.Digest != "" {
		data["digest"] = s.Digest
	}
	if s.Result != nil {
		data["outcome"] = string(s.Result.Outcome)
		if s.Result.Output != "" {
			data["output"] = digest(s.Result.Output)
		}
	}
	return data
}

func loadSteps(ctx context.Context, tx *sqlx.Tx, run string) ([]runbook.StepRun, error) {
	var bodies []string
	if err := tx.SelectContext(ctx, &bodies, `SELECT body FROM steps WHERE run_id = ? ORDER BY position, id`, run); err != nil {
		return nil, fmt.Errorf("select steps of %s: %w", run, err)
	}
	steps := make([]runbook.StepRun, len(bodies))
	for i, body := range bodies {
		if err := json.Unmarshal([]byte(body), &steps[i]); err != nil {
			return nil, fmt.Errorf("read step %d of run %s: %w", i, run, err)
		}
	}
	return steps, nil
}

// decide records a decision and its event. step is the step that it moved, "" for the run itself.
func (j *Journal) decide(tx *tx, run, step string, d *runbook.Decision) error {
	body, err := j.encode(d)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(tx.ctx, `INSERT INTO decisions (run_id, step_id, at, body) VALUES (?, ?, ?, ?)`,
		run, step, stamp(tx.at), body); err != nil {
		return fmt.Errorf("insert decision: %w", err)
	}
	data := decisionData(d)
	data["body"] = digest(body)
	return j.append(tx, runbook.Event{RunID: run, StepID: step, Kind: "decision", By: d.By, Data: data})
}

// decisionData is what the event of a decision says besides who and when.
func decisionData(d *runbook.Decision) map[string]string {
	data := map[string]string{"choice": string(d.Choice), "attempt": strconv.Itoa(d.Attempt)}
	for name, value := range map[string]string{"digest": d.Digest, "group": d.Group, "reason": d.Reason,
		"seat": d.By.Seat, "missing": strings.Join(d.Missing, ", ")} {
		if value != "" {
			data[name] = value
		}
	}
	if d.Alone {
		data["alone"] = "true"
	}
	for name, value := range d.Fields {
		data["field."+name] = value
	}
	return data
}

// Decisions lists what was decided on a step (or, with step "", on the run), the oldest first.
func (j *Journal) Decisions(ctx context.Context, run, step string) ([]runbook.Recorded, error) {
	var rows []struct{ At, Body string }
	if err := j.readers.SelectContext(ctx, &rows,
		`SELECT at, body FROM decisions WHERE run_id = ? AND step_id = ? ORDER BY id`, run, step); err != nil {
		return nil, unavailable("select decisions", err)
	}
	out := make([]runbook.Recorded, len(rows))
	for i, row := range rows {
		if err := json.Unmarshal([]byte(row.Body), &out[i].Decision); err != nil {
			return nil, unavailable("read decision", err)
		}
		out[i].At = row.At
	}
	return out, nil
}
