package journal

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/jmoiron/sqlx"

	"recoverbot/runbook"
)

// Selection says which events are exported; its zero value is all of them.
type Selection struct {
	Run   string
	Since time.Time
	From  int64 // number of the first event
}

// Export writes the selected events, as they are at this moment, one JSON object a line. A line is what is hashed, with
// the hash in it: whoever has the lines can verify the chain without this program. It is NotFound where there is no such
// run.
func (j *Journal) Export(ctx context.Context, w io.Writer, s Selection) error {
	out := bufio.NewWriter(w)
	var wrote error // apart: the journal is not at fault
	err := j.read(ctx, func(tx *sqlx.Tx) error {
		if s.Run != "" {
			var known int
			if err := tx.GetContext(ctx, &known, `SELECT count(*) FROM runs WHERE id = ?`, s.Run); err != nil {
				return fmt.Errorf("look for run: %w", err)
			}
			if known == 0 {
				wrote = runbook.Errorf(runbook.NotFound, "journal.no_run", "run", s.Run)
				return nil
			}
		}
		rows, err := tx.QueryxContext(ctx, `SELECT * FROM events WHERE id >= ? AND at >= ? AND (? = '' OR run_id = ?) ORDER BY id`,
			s.From, stamp(s.Since), s.Run, s.Run)
		if err != nil {
			return fmt.Errorf("select events: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var e eventRow
			if err := rows.StructScan(&e); err != nil {
				return fmt.Errorf("read event: %w", err)
			}
			line, err := json.Marshal(e)
			if err != nil {
				return fmt.Errorf("encode event %d: %w", e.ID, err)
			}
			if _, wrote = out.Write(append(line, '\n')); wrote != nil {
				return nil
			}
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	if wrote != nil {
		return wrote
	}
	return out.Flush()
}
