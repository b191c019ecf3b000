package journal

import (
	"context"
	"fmt"
	"time"
)

// keepWanted is how long a message that nobody touches stays wanted: platforms do not edit older ones.
const keepWanted = 7 * 24 * time.Hour

// keepCalls is of how many calls, of all platforms, it is known when they were made: more than all allow in a minute. Their number
// does not depend on the clock, which may be set back.
const keepCalls = 100

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

// SaveDelivered records what a platform shows now.
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
		return nil
	})
}

// SaveCall records that a platform is called now: see CalledAt.
func (j *Journal) SaveCall(ctx context.Context, platform string) error {
	return j.write(ctx, func(tx *tx) error {
		saved, err := tx.ExecContext(tx.ctx, `INSERT INTO calls (platform, at) VALUES (?, ?)`, platform, stamp(tx.at))
		if err != nil {
			return fmt.Errorf("save a call: %w", err)
		}
		last, err := saved.LastInsertId()
		if err != nil {
			return fmt.Errorf("read the id of a call: %w", err)
		}
		if _, err := tx.ExecContext(tx.ctx, `DELETE FROM calls WHERE platform = ? AND id <= ?`, platform, last-keepCalls); err != nil {
			return fmt.Errorf("forget old calls: %w", err)
		}
		return nil
	})
}

// CalledAt returns when a platform was called of late, in the order of the calls.
func (j *Journal) CalledAt(ctx context.Context, platform string) ([]time.Time, error) {
	var stamps []string
	if err := j.readers.SelectContext(ctx, &stamps, `SELECT at FROM calls WHERE platform = ? ORDER BY id`, platform); err != nil {
		return nil, unavailable("select times of calls", err)
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
