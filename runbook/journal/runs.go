package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"

	"recoverbot/runbook"
)

// CreateRun stores a new open run with its steps. Another open, not dry, run is a Conflicting error that names it.
func (j *Journal) CreateRun(ctx context.Context, r runbook.Run) error {
	return j.write(ctx, func(tx *tx) error {
		if r.State == runbook.Open && !r.Beside() {
			if err := noOther(tx, r.ID); err != nil {
				return err
			}
		}
		body, err := j.runBody(r)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(tx.ctx,
			`INSERT INTO runs (id, scenario, state, version, dry_run, owner, started_at, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			r.ID, r.Scenario.Name, r.State, r.Version, r.Beside(), r.Owner, stamp(r.StartedAt), body)
		if err != nil {
			return fmt.Errorf("insert run: %w", err)
		}
		data := map[string]string{"scenario": r.Scenario.Name, "steps": strconv.Itoa(len(r.Steps)), "body": digest(body)}
		for _, s := range r.Steps {
			if data["step."+s.ID], err = j.insertStep(tx, r.ID, s); err != nil {
				return err
			}
		}
		for name, value := range r.Params {
			data["param."+name] = value
		}
		if r.Alert != "" {
			data["alert"] = r.Alert
		}
		if r.DryRun {
			data["dry_run"] = "true"
		}
		return j.append(tx, runbook.Event{RunID: r.ID, Kind: "run.started", By: r.StartedBy, Data: data})
	})
}

// noOther refuses a second run that could change the fleet. The column dry_run marks all that are beside it.
func noOther(tx *tx, id string) error {
	var other struct{ ID, Scenario string }
	err := tx.GetContext(tx.ctx, &other,
		`SELECT id, scenario FROM runs WHERE state = ? AND dry_run = 0 AND id <> ?`, runbook.Open, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for an open run: %w", err)
	}
	return runbook.Errorf(runbook.Conflicting, "journal.run_open", "run", other.ID, "scenario", other.Scenario)
}

// MoveRun stores next, without its steps, where the run's state and version are still from's, and raises the version.
// Otherwise nothing changes and the error is runbook.ErrMoved.
func (j *Journal) MoveRun(ctx context.Context, from runbook.RunAt, next runbook.Run, d *runbook.Decision) (runbook.Run, error) {
	steps := next.Steps
	err := j.write(ctx, func(tx *tx) error {
		if next.State == runbook.Open && from.State != runbook.Open && !next.Beside() {
			if err := noOther(tx, next.ID); err != nil {
				return err
			}
		}
		next.Version = from.Version + 1
		body, err := j.runBody(next)
		if err != nil {
			return err
		}
		res, err := tx.ExecContext(tx.ctx,
			`UPDATE runs SET state = ?, version = ?, owner = ?, body = ? WHERE id = ? AND state = ? AND version = ?`,
			next.State, next.Version, next.Owner, body, next.ID, from.State, from.Version)
		if err != nil {
			return fmt.Errorf("move run: %w", err)
		}
		if err := moved(tx, res, `SELECT count(*) FROM runs WHERE id = ?`, next.ID); err != nil {
			return err
		}
		by := next.EndedBy
		if d != nil {
			by = d.By
			if err := j.decide(tx, next.ID, "", d); err != nil {
				return err
			}
		}
		data := map[string]string{"from": string(from.State), "to": string(next.State), "body": digest(body)}
		if err := j.append(tx, runbook.Event{RunID: next.ID, Kind: "run.moved", By: by, Data: data}); err != nil {
			return err
		}
		id := next.ID
		if next, err = readRun(body); err != nil {
			return fmt.Errorf("read back run %s: %w", id, err)
		}
		return nil
	})
	if err != nil {
		return runbook.Run{}, err
	}
	next.Steps = steps
	return next, nil
}

// moved tells ErrMoved and NotFound apart where an UPDATE hit nothing.
func moved(tx *tx, res sql.Result, exists string, args ...any) error {
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("count rows moved: %w", err)
	}
	if n == 1 {
		return nil
	}
	var have int
	if err := tx.GetContext(tx.ctx, &have, exists, args...); err != nil {
		return fmt.Errorf("look for what did not move: %w", err)
	}
	if have == 0 {
		return runbook.Errorf(runbook.NotFound, "journal.no_run", "run", fmt.Sprint(args[0]))
	}
	return runbook.ErrMoved
}

// Run returns a run with its steps as they were at one moment.
func (j *Journal) Run(ctx context.Context, id string) (runbook.Run, error) {
	runs, err := j.load(ctx, `SELECT id, body FROM runs WHERE id = ?`, id)
	if err != nil {
		return runbook.Run{}, err
	}
	if len(runs) == 0 {
		return runbook.Run{}, runbook.Errorf(runbook.NotFound, "journal.no_run", "run", id)
	}
	return runs[0], nil
}

// Active lists runs that are open or parked, the oldest first.
func (j *Journal) Active(ctx context.Context) ([]runbook.Run, error) {
	return j.load(ctx, `SELECT id, body FROM runs WHERE state IN (?, ?) ORDER BY started_at, id`, runbook.Open, runbook.Parked)
}

type runRow struct{ ID, Body string }

// load reads runs and their steps in one snapshot.
func (j *Journal) load(ctx context.Context, query string, args ...any) ([]runbook.Run, error) {
	var runs []runbook.Run
	err := j.read(ctx, func(tx *sqlx.Tx) error {
		var rows []runRow
		if err := tx.SelectContext(ctx, &rows, query, args...); err != nil {
			return fmt.Errorf("select runs: %w", err)
		}
		for _, row := range rows {
			r, err := readRun(row.Body)
			if err != nil {
				return fmt.Errorf("read run %s: %w", row.ID, err)
			}
			if r.Steps, err = loadSteps(ctx, tx, r.ID); err != nil {
				return err
			}
			runs = append(runs, r)
		}
		return nil
	})
	return runs, err
}

func (j *Journal) read(ctx context.Context, f func(*sqlx.Tx) error) error {
	tx, err := j.readers.BeginTxx(ctx, nil)
	if err != nil {
		return unavailable("begin reading", err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	if err := f(tx); err != nil {
		return unavailable("read", err)
	}
	return nil
}

// Runs lists the newest runs without their bodies.
func (j *Journal) Runs(ctx context.Context, limit int) ([]runbook.RunSummary, error) {
	var rows []struct {
		runRow
		Steps   int `db:"steps"`
		Settled int `db:"settled"`
	}
	err := j.readers.SelectContext(ctx, &rows, `
		SELECT r.id AS id, r.body AS body, count(s.id) AS steps,
		       coalesce(sum(s.state IN ('done', 'skipped', 'deferred')), 0) AS settled
		FROM runs r LEFT JOIN steps s ON s.run_id = r.id
		GROUP BY r.id, r.body, r.started_at ORDER BY r.started_at DESC, r.id DESC LIMIT ?`, limit)
	if err != nil {
		return nil, unavailable("list runs", err)
	}
	out := make([]runbook.RunSummary, 0, len(rows))
	for _, row := range rows {
		r, err := readRun(row.Body)
		if err != nil {
			return nil, unavailable("read run "+row.ID, err)
		}
		out = append(out, runbook.RunSummary{ID: r.ID, Scenario: r.Scenario.Name, Title: r.Scenario.Title, State: r.State,
			StartedBy: r.StartedBy, StartedAt: r.StartedAt, EndedAt: r.EndedAt, DryRun: r.DryRun, Beside: r.Beside(), Params: r.Params,
			Steps: row.Steps, Settled: row.Settled})
	}
	return out, nil
}

func (j *Journal) runBody(r runbook.Run) (string, error) {
	r.Steps = nil
	return j.encode(r)
}

func readRun(body string) (runbook.Run, error) {
	var r runbook.Run
	err := json.NewDecoder(strings.NewReader(body)).Decode(&r)
	return r, err
}
