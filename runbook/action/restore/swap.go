package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jmoiron/sqlx"

	"recoverbot/runbook"
	"recoverbot/runbook/dump/load"
	"recoverbot/runbook/fleet"
)

// swapped is what came of a swap.
type swapped struct {
	old     string // schema with the data that was live; "" where there was none
	failed  runbook.Msg
	notMade []object
}

// session is the one connection that a swap uses, with the lock that keeps helpers out.
type session struct {
	db   *sqlx.DB
	conn *sqlx.Conn
}

func (r *restore) session(ctx context.Context, h fleet.Host, d fleet.Database) (*session, error) {
	db, err := r.env.Fleet.SQL(ctx, h, d, "")
	if err != nil {
		return nil, err
	}
	conn, err := db.Connx(ctx)
	if err != nil {
		_ = db.Close()
		return nil, sqlError(err, h)
	}
	return &session{db, conn}, nil
}

func (s *session) close() {
	_ = s.conn.Close()
	_ = s.db.Close()
}

func (s *session) exec(ctx context.Context, query string) error {
	_, err := s.conn.ExecContext(ctx, query)
	return err
}

// lock keeps helpers and other swaps of the schema away while the session lives.
func (s *session) lock(ctx context.Context, schema string) error {
	return s.take(ctx, load.LockName(schema, false))
}

func (s *session) take(ctx context.Context, lock string) error {
	var got *int
	if err := s.conn.GetContext(ctx, &got, "SELECT GET_LOCK(?, 5)", lock); err != nil {
		return fmt.Errorf("lock schema: %w", err)
	}
	if got == nil || *got != 1 {
		return runbook.Errorf(runbook.Unavailable, "dump.another_load")
	}
	return nil
}

func (r *restore) dropScratch(ctx context.Context, h fleet.Host, d fleet.Database, e effect) error {
	s, err := r.session(ctx, h, d)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.take(ctx, load.LockName(e.Schema, e.Rehearse)); err != nil {
		return err
	}
	if err := s.exec(ctx, "DROP DATABASE IF EXISTS "+quote(e.Scratch)); err != nil {
		return sqlError(err, h)
	}
	return nil
}

// stage is how far a restore is, seen from the server.
type stage int

const (
	stageGone    stage = iota // the scratch schema is not there, or not whole
	stageLoaded               // the scratch schema holds all tables
	stageSwapped              // the swap was begun and the tables are live
)

func (r *restore) stage(ctx context.Context, h fleet.Host, d fleet.Database, e effect, job runbook.Job) (stage, *swapPlan, error) {
	c, err := r.env.Fleet.SSH(ctx, h)
	if err != nil {
		return 0, nil, err
	}
	plan, err := r.readSwap(ctx, c, h, job)
	if err != nil {
		return 0, nil, err
	}
	db, err := r.env.Fleet.SQL(ctx, h, d, "")
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = db.Close() }()
	scratch, err := tablesOf(ctx, db, e.Scratch)
	if err != nil {
		return 0, nil, sqlError(err, h)
	}
	live, err := tablesOf(ctx, db, e.Schema)
	if err != nil {
		return 0, nil, sqlError(err, h)
	}
	if plan != nil && len(scratch) == 0 && contains(live, plan.Tables) {
		var old []string
		if plan.Old != "" {
			if old, err = tablesOf(ctx, db, plan.Old); err != nil {
				return 0, nil, sqlError(err, h)
			}
		}
		if contains(old, plan.Replaced) && contains(old, plan.Away) {
			return stageSwapped, plan, nil
		}
	}
	if len(scratch) > 0 && contains(scratch, e.Tables) {
		return stageLoaded, plan, nil
	}
	return stageGone, plan, nil
}

func contains(have, want []string) bool {
	for _, w := range want {
		if !slices.Contains(have, w) {
			return false
		}
	}
	return true
}

// swap moves the loaded tables in and the live ones out by one RENAME, then makes views, triggers and routines. It can
// be called again after a crash: what was planned is in a file on the host.
func (r *restore) swap(ctx context.Context, k *held) (swapped, error) {
	var out swapped
	refused := func(m runbook.Msg) (swapped, error) { out.failed = m; return out, nil }
	c, err := r.env.Connect(ctx, k.h, k.plan.Effect.Identity)
	if err != nil {
		var refusal *runbook.Refusal
		if errors.As(err, &refusal) {
			return refused(refusal.Text)
		}
		return out, err
	}
	s, err := r.session(ctx, k.h, k.d)
	if err != nil {
		return refused(runbook.T("restore.mysql_failed", "host", k.h.Name))
	}
	defer s.close()
	if err := s.lock(ctx, k.e.Schema); err != nil {
		return refused(runbook.T("dump.another_load"))
	}
	at, plan, err := r.stage(ctx, k.h, k.d, k.e, k.job)
	if err != nil {
		return refused(runbook.T("restore.mysql_failed", "host", k.h.Name))
	}
	if at == stageGone {
		return refused(runbook.T("restore.scratch_gone", "scratch", k.e.Scratch))
	}
	if at == stageLoaded {
		s.restoreTriggers(ctx, plan) // of an exchange that was cut off
		if plan, err = r.planSwap(ctx, s, k); err == nil {
			err = r.writeSwap(ctx, c, k.h, k.job, *plan)
		}
		if err != nil {
			return refused(runbook.T("restore.swap_failed", "number", number(err)))
		}
		if err := s.rename(ctx, *plan); err != nil {
			if number(err) != 0 { // the server answered: all of the statement or nothing
				s.restoreTriggers(ctx, plan)
				return refused(runbook.T("restore.swap_failed", "number", number(err)))
			}
			return r.afterLostRename(ctx, k, err)
		}
	}
	out.old = plan.Old
	out.notMade = s.makeObjects(ctx, *plan)
	if left, err := tablesOf(ctx, s.conn, k.e.Scratch); err == nil && len(left) == 0 && len(out.notMade) == 0 {
		_ = s.exec(ctx, "DROP DATABASE IF EXISTS "+quote(k.e.Scratch)) // empty but for copies of views and routines
	}
	return out, nil
}

// afterLostRename looks, on a new connection, at what became of a RENAME whose answer was lost.
func (r *restore) afterLostRename(ctx context.Context, k *held, cause error) (swapped, error) {
	at, _, err := r.stage(ctx, k.h, k.d, k.e, k.job)
	if err == nil && at == stageSwapped {
		return r.swap(ctx, k)
	}
	return swapped{}, fmt.Errorf("rename tables: %w", errors.Join(cause, err))
}

// number is the server's error number, 0 for any other error.
func number(err error) int64 {
	var m *mysql.MySQLError
	if errors.As(err, &m) {
		return int64(m.Number)
	}
	return 0
}

// rename makes the schemas, takes triggers off, and renames all tables at once.
func (s *session) rename(ctx context.Context, p swapPlan) error {
	steps := []string{"SET SESSION lock_wait_timeout=20, foreign_key_checks=0", "CREATE DATABASE IF NOT EXISTS " + quote(p.Schema) + p.Charset}
	if p.Old != "" {
		steps = append(steps, "CREATE DATABASE "+quote(p.Old)+p.Charset)
	}
	for _, o := range p.Objects {
		if o.Kind == "trigger" {
			steps = append(steps, "DROP TRIGGER IF EXISTS "+quote(o.From)+"."+quote(o.Name))
		}
	}
	var moves []string
	for _, t := range p.Tables {
		if slices.Contains(p.Replaced, t) {
			moves = append(moves, quote(p.Schema)+"."+quote(t)+" TO "+quote(p.Old)+"."+quote(t))
		}
		moves = append(moves, quote(p.Scratch)+"."+quote(t)+" TO "+quote(p.Schema)+"."+quote(t))
	}
	for _, t := range p.Away {
		moves = append(moves, quote(p.Schema)+"."+quote(t)+" TO "+quote(p.Old)+"."+quote(t))
	}
	for _, q := range append(steps, "RENAME TABLE "+strings.Join(moves, ", ")) {
		if err := s.exec(ctx, q); err != nil {
			if p.Old != "" && number(err) != 0 {
				if left, lerr := tablesOf(ctx, s.conn, p.Old); lerr == nil && len(left) == 0 {
					_ = s.exec(ctx, "DROP DATABASE IF EXISTS "+quote(p.Old))
				}
			}
			return err
		}
	}
	return nil
}

// restoreTriggers puts back the triggers that a RENAME which did not come about has taken off; p may be nil.
func (s *session) restoreTriggers(ctx context.Context, p *swapPlan) {
	if p == nil {
		return
	}
	for _, o := range p.Objects {
		if o.Kind != "trigger" {
			continue
		}
		var there int
		err := s.conn.GetContext(ctx, &there, "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA=? AND TRIGGER_NAME=?", o.From, o.Name)
		if err == nil && there == 0 {
			o.Schema = o.From
			_ = s.make(ctx, o)
		}
	}
}

// undo puts the live schema's triggers back where an exchange was cut off before its RENAME.
func (r *restore) undo(ctx context.Context, h fleet.Host, d fleet.Database, e effect, at stage, p *swapPlan) error {
	if p == nil || at == stageSwapped {
		return nil
	}
	s, err := r.session(ctx, h, d)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.lock(ctx, e.Schema); err != nil {
		return err
	}
	s.restoreTriggers(ctx, p)
	return nil
}

// planSwap looks at both schemas and writes down all that the swap will do.
func (r *restore) planSwap(ctx context.Context, s *session, k *held) (*swapPlan, error) {
	p := &swapPlan{Schema: k.e.Schema, Scratch: k.e.Scratch}
	var err error
	if p.Tables, err = tablesOf(ctx, s.conn, k.e.Scratch); err != nil {
		return nil, err
	}
	live, err := tablesOf(ctx, s.conn, k.e.Schema)
	if err != nil {
		return nil, err
	}
	for _, t := range p.Tables {
		if slices.Contains(live, t) {
			p.Replaced = append(p.Replaced, t)
		}
	}
	for _, t := range k.e.Out {
		if slices.Contains(live, t) {
			p.Away = append(p.Away, t)
		}
	}
	why := keptByRestore
	if k.e.Undo {
		why = keptByUndo
	}
	for n := 0; len(p.Replaced)+len(p.Away) > 0 && p.Old == ""; n++ {
		name := oldName(k.e.Schema, why, r.env.Now(), n)
		var there int
		if err := s.conn.GetContext(ctx, &there, "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME=?", name); err != nil {
			return nil, err
		}
		if there == 0 {
			p.Old = name
		}
	}
	var charset, collate string
	err = s.conn.QueryRowxContext(ctx, "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME=?",
		k.e.Scratch).Scan(&charset, &collate)
	if err != nil {
		return nil, err
	}
	p.Charset = " CHARACTER SET " + charset + " COLLATE " + collate
	p.Objects, err = s.objects(ctx, *p)
	return p, err
}
