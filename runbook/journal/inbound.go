package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// knownInbound is how long an id of something received is known: platforms deliver again within minutes.
const knownInbound = 48 * time.Hour

// SaveInbound keeps what a platform received, before the platform confirms it; body is JSON. It is not fresh when that id
// is known.
func (j *Journal) SaveInbound(ctx context.Context, platform, id string, body []byte) (fresh bool, err error) {
	text, err := j.encode(json.RawMessage(body))
	if err != nil {
		return false, err
	}
	err = j.write(ctx, func(tx *tx) error {
		if _, err := tx.ExecContext(tx.ctx, `DELETE FROM inbound WHERE received_at < ?`, stamp(tx.at.Add(-knownInbound))); err != nil {
			return fmt.Errorf("forget what was received long ago: %w", err)
		}
		res, err := tx.ExecContext(tx.ctx, `
			INSERT INTO inbound (platform, event_id, body, received_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (platform, event_id) DO NOTHING`, platform, id, []byte(text), stamp(tx.at))
		if err != nil {
			return fmt.Errorf("save what was received: %w", err)
		}
		n, err := res.RowsAffected()
		fresh = n == 1
		return err
	})
	return fresh && err == nil, err // what could not be committed was not kept
}

// SettleInbound forgets the body of what was handled; its id stays known.
func (j *Journal) SettleInbound(ctx context.Context, platform, id string) error {
	return j.write(ctx, func(tx *tx) error {
		_, err := tx.ExecContext(tx.ctx, `UPDATE inbound SET body = NULL WHERE platform = ? AND event_id = ? AND body IS NOT NULL`, platform, id)
		if err != nil {
			return fmt.Errorf("settle what was received: %w", err)
		}
		return nil
	})
}

// OpenInbound returns the bodies that were kept and not settled, oldest first.
func (j *Journal) OpenInbound(ctx context.Context, platform string) ([][]byte, error) {
	var out [][]byte
	if err := j.readers.SelectContext(ctx, &out,
		`SELECT body FROM inbound WHERE platform = ? AND body IS NOT NULL ORDER BY rowid`, platform); err != nil {
		return nil, unavailable("select what was received", err)
	}
	return out, nil
}
