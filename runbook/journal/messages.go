package journal

import (
	"context"
	"fmt"
	"time"
)

// keepWanted is how long a message that nobody touches stays wanted: platforms do not edit older ones.
const keepWanted = 7 * 24 * time.Hour

// keepCalls is for how long it is known when something was delivered: platforms count the calls of a minute.
const keepCalls = 2 * time.Minute

// Message is the newest wanted version of one message to people; Body is opaque here.
type Message struct {
	Key     string `db:"message_key"`
	Version int64  `db:"version"`
	Body    []byte `db:"body"`
}

// Delivery is the version of a message that a platform shows, and the platform's name for it.
type Delivery struct {
	Key     string `db:"message_key"`
	Version int64  `db:"version"`
	Ref     string `db:"ref"`
	Digest  string `db:"digest"` // of what is shown, "" unknown
	Asks    bool   `db:"asks"`   // what is shown is a question
}

// SaveWanted stores a message as wanted. A version that is not newer than the one stored changes nothing.
func (j *Journal) SaveWanted(ctx context.Context, key string, version int64, body []byte) error {
	return j.write(ctx, func(tx *tx) error {
		_, err := tx.ExecContext(tx.ctx, `
			INSERT INTO messages (message_key, version, body, touched_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (message_key) DO UPDATE
			SET version = excluded.version, body = excluded.body, touched_at = excluded.touched_at
			WHERE excluded.version > messages.version`, key, version, body, stamp(tx.at))
		if err != nil {
			return fmt.Errorf("save wanted message: %w", err)
		}
		return nil
	})
}

// SaveDelivered records what a platform shows now, and when: see DeliveredAt.
func (j *Journal) SaveDelivered(ctx context.Context, platform string, d Delivery) error {
	return j.write(ctx, func(tx *tx) error {
		_, err := tx.ExecContext(tx.ctx, `
			INSERT INTO deliveries (platform, message_key, version, ref, digest, asks) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (platform, message_key) DO UPDATE
			SET version = excluded.version, ref = excluded.ref, digest = excluded.digest, asks = excluded.asks`,
			platform, d.Key, d.Version, d.Ref, d.Digest, d.Asks)
		if err != nil {
			return fmt.Errorf("save delivery: %w", err)
		}
		if d.Ref == "" {
			return nil
		}
		if _, err := tx.ExecContext(tx.ctx, `DELETE FROM delivery_calls WHERE platform = ? AND (at < ? OR at > ?)`,
			platform, stamp(tx.at.Add(-keepCalls)), stamp(tx.at)); err != nil {
			return fmt.Errorf("forget old calls: %w", err)
		}
		if _, err := tx.ExecContext(tx.ctx, `INSERT INTO delivery_calls (platform, at) VALUES (?, ?)`, platform, stamp(tx.at)); err != nil {
			return fmt.Errorf("save when it was delivered: %w", err)
		}
		return nil
	})
}

// DeliveredAt returns when a platform was given something to show, of late.
func (j *Journal) DeliveredAt(ctx context.Context, platform string) ([]time.Time, error) {
	var stamps []string
	if err := j.readers.SelectContext(ctx, &stamps, `SELECT at FROM delivery_calls WHERE platform = ? ORDER BY at`, platform); err != nil {
		return nil, unavailable("select times of deliveries", err)
	}
	out := make([]time.Time, len(stamps))
	for i, s := range stamps {
		out[i] = parseStamp(s)
	}
	return out, nil
}

// Wanted returns the newest version of every message that was touched in the last seven days, the oldest touched first.
func (j *Journal) Wanted(ctx context.Context) ([]Message, error) {
	var out []Message
	if err := j.readers.SelectContext(ctx, &out,
		`SELECT message_key, version, body FROM messages WHERE touched_at >= ? ORDER BY touched_at, message_key`,
		stamp(j.now().Add(-keepWanted))); err != nil {
		return nil, unavailable("select wanted messages", err)
	}
	return out, nil
}

// NewestVersion is the highest version of any message; 0 where there is none.
func (j *Journal) NewestVersion(ctx context.Context) (int64, error) {
	var newest int64
	if err := j.readers.GetContext(ctx, &newest, `SELECT coalesce(max(version), 0) FROM messages`); err != nil {
		return 0, unavailable("select newest version", err)
	}
	return newest, nil
}

// Delivered returns what a platform shows, by message key.
func (j *Journal) Delivered(ctx context.Context, platform string) ([]Delivery, error) {
	var out []Delivery
	if err := j.readers.SelectContext(ctx, &out,
		`SELECT message_key, version, ref, digest, asks FROM deliveries WHERE platform = ? ORDER BY message_key`, platform); err != nil {
		return nil, unavailable("select deliveries", err)
	}
	return out, nil
}
