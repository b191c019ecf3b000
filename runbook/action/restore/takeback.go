package restore

import (
	"context"
	"fmt"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/dump/load"
	"recoverbot/runbook/fleet"
)

// takeOver locks the schema. A connection that an exchange was cut off on may hold the lock as long as the server
// believes in it: that one, and no other, is ended. Who has the lock knows that its RENAME is over.
func (s *session) takeOver(ctx context.Context, schema string, begun *swapPlan) error {
	if begun != nil && begun.Connection != 0 {
		var holder *int64
		if err := s.conn.GetContext(ctx, &holder, "SELECT IS_USED_LOCK(?)", load.LockName(schema, false)); err != nil {
			return fmt.Errorf("look at lock: %w", err)
		}
		if holder != nil && *holder == begun.Connection {
			_ = s.exec(ctx, fmt.Sprintf("KILL CONNECTION %d", begun.Connection)) // gone already, or the lock tells
		}
	}
	return s.lock(ctx, schema)
}

// takeBack puts back the triggers that a RENAME which did not come about has taken off, and drops the schema that
// was made for it; p may be nil. It returns the triggers that are not back.
func (s *session) takeBack(ctx context.Context, p *swapPlan) []object {
	if p == nil {
		return nil
	}
	scratch, err := tablesOf(ctx, s.conn, p.Scratch)
	gone := err == nil && len(scratch) == 0 // with its triggers
	var lost []object
	for _, o := range p.Objects {
		if o.Kind != "trigger" || gone && o.From == p.Scratch {
			continue
		}
		var there int
		err := s.conn.GetContext(ctx, &there, "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA=? AND TRIGGER_NAME=?", o.From, o.Name)
		o.Schema = o.From
		if err == nil && there == 0 {
			err = s.make(ctx, o)
		}
		if err != nil {
			lost = append(lost, o)
		}
	}
	if p.Old != "" {
		if left, err := tablesOf(ctx, s.conn, p.Old); err == nil && len(left) == 0 {
			_ = s.exec(ctx, "DROP DATABASE IF EXISTS "+quote(p.Old))
		}
	}
	return lost
}

// settle says how far a restore is, once nothing is at work on it: an exchange that was cut off before its RENAME is
// taken back.
func (r *restore) settle(ctx context.Context, h fleet.Host, d fleet.Database, e effect, job runbook.Job) (stage, *swapPlan, error) {
	at, plan, err := r.stageOf(ctx, h, d, e, job)
	if err != nil || plan == nil || at == stageSwapped {
		return at, plan, err
	}
	s, err := r.session(ctx, h, d)
	if err != nil {
		return at, plan, err
	}
	defer s.close()
	if err := s.takeOver(ctx, e.Schema, plan); err != nil {
		return at, plan, err
	}
	if at, plan, err = r.stageOf(ctx, h, d, e, job); err != nil || plan == nil || at == stageSwapped {
		return at, plan, err
	}
	if lost := s.takeBack(ctx, plan); len(lost) > 0 {
		var names []string
		for _, o := range lost {
			names = append(names, o.Name)
		}
		err = runbook.Errorf(runbook.Unavailable, "restore.triggers_lost", "database", e.Schema, "names", strings.Join(names, ", "))
	}
	return at, plan, err
}

// openObjects are what people have to make by hand.
func openObjects(objects []object) []runbook.OpenItem {
	var out []runbook.OpenItem
	for _, o := range objects {
		out = append(out, runbook.OpenItem{Text: runbook.T("restore.open_object", "kind", o.Kind, "name", o.Name, "schema", o.Schema)})
	}
	return out
}
