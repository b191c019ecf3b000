package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"recoverbot/runbook"
)

// Alert is what is known of one fingerprint. Body is opaque here.
type Alert struct {
	Fingerprint  string
	State        string // firing, snoozed, started, replaced, merged, accepted, resolved
	Count        int    // times it was told
	Since        time.Time
	SeenAt       time.Time
	SnoozedUntil time.Time
	RunID        string // the run that it led to
	Reason       string // of the person who brought it into this state; kept in the event alone
	Body         json.RawMessage
}

type alertRow struct {
	Fingerprint  string `db:"fingerprint"`
	State        string `db:"state"`
	Count        int    `db:"count"`
	Since        string `db:"since"`
	SeenAt       string `db:"seen_at"`
	SnoozedUntil string `db:"snoozed_until"`
	RunID        string `db:"run_id"`
	Body         string `db:"body"`
}

// SaveAlerts stores alerts by their fingerprints, all of them or none. Those that are in another state than before, or
// snoozed anew, each get an event.
func (j *Journal) SaveAlerts(ctx context.Context, batch []Alert, by runbook.Actor) error {
	return j.write(ctx, func(tx *tx) error {
		for _, a := range batch {
			if err := j.saveAlert(tx, a, by); err != nil {
				return err
			}
		}
		return nil
	})
}

func (j *Journal) saveAlert(tx *tx, a Alert, by runbook.Actor) error {
	body := "{}"
	if len(a.Body) > 0 {
		var err error
		if body, err = j.encode(a.Body); err != nil {
			return err
		}
	}
	var before alertRow
	if err := tx.GetContext(tx.ctx, &before, `SELECT * FROM alerts WHERE fingerprint = ?`, a.Fingerprint); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read alert: %w", err)
	}
	row := alertRow{Fingerprint: a.Fingerprint, State: a.State, Count: a.Count, Since: stamp(a.Since), SeenAt: stamp(a.SeenAt),
		SnoozedUntil: stamp(a.SnoozedUntil), RunID: a.RunID, Body: body}
	if _, err := tx.NamedExecContext(tx.ctx, `
		INSERT INTO alerts (fingerprint, state, count, since, seen_at, snoozed_until, run_id, body)
		VALUES (:fingerprint, :state, :count, :since, :seen_at, :snoozed_until, :run_id, :body)
		ON CONFLICT (fingerprint) DO UPDATE SET state = excluded.state, count = excluded.count, since = excluded.since,
		seen_at = excluded.seen_at, snoozed_until = excluded.snoozed_until, run_id = excluded.run_id, body = excluded.body`, row); err != nil {
		return fmt.Errorf("save alert: %w", err)
	}
	if before.State == row.State && before.SnoozedUntil == row.SnoozedUntil && before.RunID == row.RunID {
		return nil
	}
	data := map[string]string{"fingerprint": a.Fingerprint, "state": a.State, "count": strconv.Itoa(a.Count)}
	if !a.SnoozedUntil.IsZero() {
		data["snoozed_until"] = stamp(a.SnoozedUntil)
	}
	if a.Reason != "" {
		data["reason"] = a.Reason
	}
	return j.append(tx, runbook.Event{RunID: a.RunID, Kind: "alert", By: by, Data: data})
}

// Alert returns the alert with the fingerprint; ok is false where there never was one.
func (j *Journal) Alert(ctx context.Context, fingerprint string) (a Alert, ok bool, err error) {
	var row alertRow
	err = j.readers.GetContext(ctx, &row, `SELECT * FROM alerts WHERE fingerprint = ?`, fingerprint)
	if errors.Is(err, sql.ErrNoRows) {
		return Alert{}, false, nil
	}
	if err != nil {
		return Alert{}, false, unavailable("select alert", err)
	}
	return row.alert(), true, nil
}

// Firing lists the alerts that are not resolved, and those that were saved since, the oldest first.
func (j *Journal) Firing(ctx context.Context, since time.Time) ([]Alert, error) {
	var rows []alertRow
	if err := j.readers.SelectContext(ctx, &rows,
		`SELECT * FROM alerts WHERE state <> 'resolved' OR seen_at >= ? ORDER BY since, fingerprint`, stamp(since)); err != nil {
		return nil, unavailable("select alerts", err)
	}
	out := make([]Alert, len(rows))
	for i, row := range rows {
		out[i] = row.alert()
	}
	return out, nil
}

func (r alertRow) alert() Alert {
	return Alert{Fingerprint: r.Fingerprint, State: r.State, Count: r.Count, Since: parseStamp(r.Since), SeenAt: parseStamp(r.SeenAt),
		SnoozedUntil: parseStamp(r.SnoozedUntil), RunID: r.RunID, Body: json.RawMessage(r.Body)}
}
