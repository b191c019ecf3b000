package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"recoverbot/runbook"
)

type eventRow struct {
	ID       int64  `db:"id"`
	At       string `db:"at"`
	RunID    string `db:"run_id"`
	StepID   string `db:"step_id"`
	Kind     string `db:"kind"`
	Person   string `db:"person"`
	Platform string `db:"platform"`
	Data     string `db:"data"`
	Prev     string `db:"prev"`
	Hash     string `db:"hash"`
}

// sum is the hash that chains the row to the one before.
func (e eventRow) sum() string {
	e.Hash = ""
	b, _ := json.Marshal(e) // strings and a number always encode
	return digest(string(b))
}

// append writes the next event of the chain in tx.
func (j *Journal) append(tx *tx, e runbook.Event) error {
	if e.Data == nil {
		e.Data = map[string]string{}
	}
	data, err := j.encode(e.Data)
	if err != nil {
		return err
	}
	var last struct {
		ID   int64
		Hash string
	}
	if err := tx.GetContext(tx.ctx, &last, `
		SELECT coalesce(max(id), 0) AS id,
		       coalesce((SELECT hash FROM events ORDER BY id DESC LIMIT 1), '') AS hash FROM events`); err != nil {
		return fmt.Errorf("read last event: %w", err)
	}
	row := eventRow{ID: last.ID + 1, At: stamp(tx.at), RunID: e.RunID, StepID: e.StepID, Kind: e.Kind,
		Person: e.By.Name, Platform: e.By.Platform, Data: data, Prev: last.Hash}
	row.Hash = row.sum()
	if _, err := tx.NamedExecContext(tx.ctx, `
		INSERT INTO events (id, at, run_id, step_id, kind, person, platform, data, prev, hash)
		VALUES (:id, :at, :run_id, :step_id, :kind, :person, :platform, :data, :prev, :hash)`, row); err != nil {
		return fmt.Errorf("insert event: %w", err)
	}
	tx.last, tx.event = row.ID, e
	return nil
}

// Note appends an event of kind "note" that belongs to no move: what the bot saw or did outside of steps.
func (j *Journal) Note(ctx context.Context, run string, by runbook.Actor, data map[string]string) error {
	return j.write(ctx, func(tx *tx) error {
		return j.append(tx, runbook.Event{RunID: run, Kind: "note", By: by, Data: data})
	})
}

// Events returns at most limit events after the one with id after, the oldest first.
func (j *Journal) Events(ctx context.Context, after int64, limit int) ([]runbook.Event, error) {
	var rows []eventRow
	if err := j.readers.SelectContext(ctx, &rows, `SELECT * FROM events WHERE id > ? ORDER BY id LIMIT ?`, after, limit); err != nil {
		return nil, unavailable("select events", err)
	}
	return toEvents(rows)
}

func toEvents(rows []eventRow) ([]runbook.Event, error) {
	out := make([]runbook.Event, len(rows))
	for i, row := range rows {
		out[i] = runbook.Event{ID: row.ID, At: parseStamp(row.At), RunID: row.RunID, StepID: row.StepID, Kind: row.Kind,
			By: runbook.Actor{Name: row.Person, Platform: row.Platform}, Hash: row.Hash}
		if err := json.Unmarshal([]byte(row.Data), &out[i].Data); err != nil {
			return nil, unavailable(fmt.Sprintf("read event %d", row.ID), err)
		}
	}
	return out, nil
}

// Subscribe delivers the id of the newest event after each write, until cancel is called or the journal is closed. A
// slow reader misses ids, never the newest: read Events from the last one that you have.
func (j *Journal) Subscribe() (newest <-chan int64, cancel func()) {
	return j.subscribers.add()
}

type subscribers struct {
	mu     sync.Mutex
	chans  map[chan int64]bool
	closed bool
}

func (s *subscribers) add() (<-chan int64, func()) {
	c := make(chan int64, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		close(c)
		return c, func() {}
	}
	if s.chans == nil {
		s.chans = map[chan int64]bool{}
	}
	s.chans[c] = true
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.chans[c] {
			delete(s.chans, c)
			close(c)
		}
	}
}

func (s *subscribers) tell(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.chans {
		select {
		case <-c: // an id that nobody took yet is older
		default:
		}
		c <- id
	}
}

func (s *subscribers) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for c := range s.chans {
		delete(s.chans, c)
		close(c)
	}
}
