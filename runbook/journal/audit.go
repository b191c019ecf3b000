package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/jmoiron/sqlx"

	"recoverbot/runbook"
)

// Head is the hash of the event that ended or parked a run last: the anchor of the chain that its closing message carries,
// which stays the same however often that is shown. With run "" it is that of the newest event. "" is that there is none.
func (j *Journal) Head(ctx context.Context, run string) (string, error) {
	var head string
	err := j.readers.GetContext(ctx, &head, `
		SELECT hash FROM events WHERE ? = '' OR run_id = ? AND step_id = '' AND kind = 'run.moved' ORDER BY id DESC LIMIT 1`, run, run)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", unavailable("read head", err)
	}
	return head, nil
}

// headForm is a whole hash, or its beginning where that is long enough to mean one event.
var headForm = regexp.MustCompile(`^[0-9a-f]{16,64}$`)

// Verify walks the chain as it is at this moment. An edited, removed or reordered event, a chain that was cut before
// head (a hash or its first 16 digits and more; "" is none), and a run, step, decision or alert that differs from what
// its events say or is gone are Conflicting errors that name the place. It is Invalid where head cannot be one.
func (j *Journal) Verify(ctx context.Context, head string) (runbook.Chain, error) {
	head = strings.ToLower(strings.TrimSpace(head))
	if head != "" && !headForm.MatchString(head) {
		return runbook.Chain{}, runbook.Errorf(runbook.Invalid, "audit.head_form")
	}
	var chain runbook.Chain
	var found error
	err := j.read(ctx, func(tx *sqlx.Tx) error {
		var err error
		if found, err = sound(ctx, tx); err != nil || found != nil {
			return err
		}
		told := newTold()
		if chain, found, err = walk(ctx, tx, head, told); err != nil || found != nil {
			return err
		}
		found, err = told.compare(ctx, tx)
		return err
	})
	if err != nil {
		return runbook.Chain{}, err
	}
	return chain, found
}

// walk returns what is wrong with the chain in found; err is a failure to read.
func walk(ctx context.Context, tx *sqlx.Tx, head string, told *told) (chain runbook.Chain, found, err error) {
	rows, err := tx.QueryxContext(ctx, `SELECT * FROM events ORDER BY id`)
	if err != nil {
		return runbook.Chain{}, nil, fmt.Errorf("select events: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e eventRow
		if err := rows.StructScan(&e); err != nil {
			return runbook.Chain{}, nil, fmt.Errorf("read event: %w", err)
		}
		chain.Events++
		switch {
		case e.ID != chain.Events:
			return chain, broken("journal.audit_missing", "event", chain.Events), nil
		case e.sum() != e.Hash:
			return chain, broken("journal.audit_edited", "event", e.ID), nil
		case e.Prev != chain.Head:
			return chain, broken("journal.audit_order", "event", e.ID), nil
		case !told.hear(e):
			return chain, broken("journal.audit_edited", "event", e.ID), nil
		}
		chain.Head, chain.Last = e.Hash, parseStamp(e.At)
		if chain.Events == 1 {
			chain.First = chain.Last
		}
		if head != "" && strings.HasPrefix(e.Hash, head) {
			if chain.At != 0 {
				return chain, runbook.Errorf(runbook.Invalid, "audit.head_ambiguous"), nil
			}
			chain.At = e.ID
		}
	}
	if err := rows.Err(); err != nil {
		return runbook.Chain{}, nil, fmt.Errorf("read events: %w", err)
	}
	if head != "" && chain.At == 0 {
		return chain, broken("journal.audit_cut", "events", chain.Events), nil
	}
	return chain, nil, nil
}

func broken(id string, pairs ...any) error { return runbook.Errorf(runbook.Conflicting, id, pairs...) }
