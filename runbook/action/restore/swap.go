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
	if e.Rehearse { // its load stands in no binary log either
		if err := s.exec(ctx, "SET SESSION sql_log_bin=0"); err != nil {
			return sqlError(err, h)
		}
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

func (r *restore) stageOf(ctx context.Context, h fleet.Host, d fleet.Database, e effect, job runbook.Job) (stage, *swapPlan, error) {
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
	refused := func(m runbook.Msg) (swapped, error) { return swapped{failed: m}, nil }
	c, err := r.env.Connect(ctx, k.h, k.plan.Effect.Identity)
	if err != nil {
		var refusal *runbook.Refusal
		if errors.As(err, &refusal) {
			return refused(refusal.Text)
		}
		return swapped{}, err
	}
	begun, err := r.readSwap(ctx, c, k.h, k.job)
	if err != nil {
		return swapped{}, err
	}
	s, err := r.session(ctx, k.h, k.d)
	if err != nil {
		return k.broken(begun, "restore.mysql_failed", err)
	}
	defer s.close()
	if err := s.takeOver(ctx, k.e.Schema, begun); err != nil {
		return k.broken(begun, "dump.another_load", err)
	}
	at, plan, err := r.stageOf(ctx, k.h, k.d, k.e, k.job)
	switch {
	case err != nil:
		return k.broken(begun, "restore.mysql_failed", err)
	case at == stageSwapped:
		return s.finish(ctx, k, *plan), nil
	case at == stageGone:
		return refused(runbook.T("restore.scratch_gone", "scratch", k.e.Scratch))
	}
	if lost := s.takeBack(ctx, begun); len(lost) > 0 { // of an exchange that was cut off: its plan alone knows them
		return swapped{failed: runbook.T("restore.swap_failed", "number", int64(0)), notMade: lost}, nil
	}
	plan, err = r.planSwap(ctx, s, k)
	if err == nil {
		err = r.writeSwap(ctx, c, k.h, k.job, *plan)
	}
	if err != nil {
		return refused(runbook.T("restore.swap_failed", "number", number(err)))
	}
	if err := s.rename(ctx, *plan); err != nil {
		if number(err) == 0 {
			return r.afterLostRename(ctx, k, *plan, err)
		}
		return s.failed(ctx, *plan, err), nil // the server answered: all of the statement or nothing
	}
	return s.finish(ctx, k, *plan), nil
}

// broken is how an exchange ends that got nowhere: failed, or not known where an earlier attempt had begun one.
func (k *held) broken(begun *swapPlan, id string, err error) (swapped, error) {
	if begun != nil {
		return swapped{}, fmt.Errorf("go on with an exchange: %w", err)
	}
	return swapped{failed: runbook.T(id, "host", k.h.Name)}, nil
}

// afterLostRename finds out, on a new connection, what became of a RENAME whose answer was lost. The server may still
// be at it, and keep the lock for a connection that is gone.
func (r *restore) afterLostRename(ctx context.Context, k *held, plan swapPlan, cause error) (swapped, error) {
	unknown := func(err error) (swapped, error) {
		return swapped{}, fmt.Errorf("rename tables: %w", errors.Join(cause, err))
	}
	s, err := r.session(ctx, k.h, k.d)
	if err != nil {
		return unknown(err)
	}
	defer s.close()
	if err := s.takeOver(ctx, k.e.Schema, &plan); err != nil {
		return unknown(err)
	}
	switch at, _, err := r.stageOf(ctx, k.h, k.d, k.e, k.job); {
	case err == nil && at == stageSwapped:
		return s.finish(ctx, k, plan), nil
	case err == nil && at == stageLoaded: // and nobody is at work on it any more
		return s.failed(ctx, plan, cause), nil
	default:
		return unknown(err)
	}
}

// finish makes what a RENAME does not move.
func (s *session) finish(ctx context.Context, k *held, plan swapPlan) swapped {
	out := swapped{old: plan.Old, notMade: s.makeObjects(ctx, plan)}
	left, err := tablesOf(ctx, s.conn, k.e.Scratch)
	if err == nil && len(left) == 0 && len(out.notMade) == 0 {
		err = s.exec(ctx, "DROP DATABASE IF EXISTS "+quote(k.e.Scratch)) // empty but for copies of views and routines
	}
	if err != nil && len(out.notMade) == 0 { // the connection broke, the exchange is done
		k.r.dropEmptied(ctx, k.h, k.d, k.e)
	}
	return out
}

// failed takes back what was prepared for a RENAME that did not come about.
func (s *session) failed(ctx context.Context, plan swapPlan, err error) swapped {
	return swapped{failed: runbook.T("restore.swap_failed", "number", number(err)), notMade: s.takeBack(ctx, &plan)}
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
			return err
		}
	}
	return nil
}

// planSwap looks at both schemas and writes down all that the swap will do.
func (r *restore) planSwap(ctx context.Context, s *session, k *held) (*swapPlan, error) {
	p := &swapPlan{Schema: k.e.Schema, Scratch: k.e.Scratch}
	err := s.conn.GetContext(ctx, &p.Connection, "SELECT CONNECTION_ID()")
	if err != nil {
		return nil, err
	}
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
