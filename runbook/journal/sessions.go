package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"recoverbot/runbook"
)

// SaveSession remembers a console session by the hash of its id until it expires, and forgets expired ones: somebody has
// logged in, which is an event. proof names what the person proved themselves by.
func (j *Journal) SaveSession(ctx context.Context, hash, person, proof string, expires time.Time) error {
	return j.write(ctx, func(tx *tx) error {
		if _, err := tx.ExecContext(tx.ctx, `DELETE FROM sessions WHERE expires <= ?`, stamp(tx.at)); err != nil {
			return fmt.Errorf("forget expired sessions: %w", err)
		}
		if _, err := tx.ExecContext(tx.ctx, `
			INSERT INTO sessions (hash, person, proof, expires) VALUES (?, ?, ?, ?)
			ON CONFLICT (hash) DO UPDATE SET person = excluded.person, proof = excluded.proof, expires = excluded.expires`,
			hash, person, proof, stamp(expires)); err != nil {
			return fmt.Errorf("save session: %w", err)
		}
		return j.append(tx, runbook.Event{Kind: "session", By: runbook.Actor{Name: person, Platform: "web"},
			Data: map[string]string{"session": digest(hash)[:16], "expires": stamp(expires)}})
	})
}

// Session returns the person of a session that has not expired, and their proof; ok is false where there is none.
func (j *Journal) Session(ctx context.Context, hash string) (person, proof string, ok bool, err error) {
	var row struct{ Person, Proof string }
	err = j.readers.GetContext(ctx, &row, `SELECT person, proof FROM sessions WHERE hash = ? AND expires > ?`, hash, stamp(j.now()))
	if errors.Is(err, sql.ErrNoRows) {
		return "", "", false, nil
	}
	if err != nil {
		return "", "", false, unavailable("select session", err)
	}
	return row.Person, row.Proof, true, nil
}

// DeleteSession ends a session; one that is not there is fine.
func (j *Journal) DeleteSession(ctx context.Context, hash string) error {
	return j.write(ctx, func(tx *tx) error {
		_, err := tx.ExecContext(tx.ctx, `DELETE FROM sessions WHERE hash = ?`, hash)
		return err
	})
}
