package load

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"recoverbot/runbook/dump"
)

// maxSessions is how many connections load at a time at most: more gain nothing on one server.
const maxSessions = 4

// load fills the scratch schema as the plan says: tables without their secondary keys, rows by several sessions, keys
// table by table, all else at the end.
func (l *loader) load(ctx context.Context, maker *session) ([]*table, error) {
	tables, err := l.make(ctx, maker)
	if err != nil {
		return nil, err
	}
	sessions := l.cfg.Sessions
	if sessions <= 0 {
		sessions = min(runtime.NumCPU(), maxSessions)
	}
	if l.src.Far {
		sessions = 1
	}
	worth := int64(worthHelp)
	if l.cfg.Gzip {
		worth = max(worth, l.summary.Bytes/8) // it costs uncompressing all that stands before
	}
	w := deal(tables, sessions, l.src.Far, worth)
	var rows int64
	for _, t := range tables {
		for _, r := range t.Runs {
			rows += r.Length
		}
	}
	l.status.phase("load", rows)
	group, ctx := errgroup.WithContext(ctx)
	stop := context.AfterFunc(ctx, w.end)
	defer stop()
	for range sessions {
		group.Go(func() error {
			s, err := l.scratchSession(ctx)
			if err != nil {
				return err
			}
			defer s.close()
			return w.session(ctx, l, s)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return tables, nil
}

// make makes all tables, in the dump's order and with the settings that are in force there.
func (l *loader) make(ctx context.Context, s *session) ([]*table, error) {
	var tables []*table
	made, filled := map[int]*table{}, map[int][]*table{}
	for _, section := range l.plan.Sections {
		t := &table{Section: section}
		tables = append(tables, t)
		made[section.Create] = t
		filled[section.Step] = append(filled[section.Step], t)
	}
	settings := ""
	for i := 0; i <= len(l.plan.Steps); i++ {
		if len(filled[i]) > 0 || made[i] != nil {
			if settings == "" {
				var err error
				if settings, err = s.snapshot(ctx); err != nil {
					return nil, err
				}
			}
			for _, t := range filled[i] {
				t.filled = settings
			}
		}
		if i == len(l.plan.Steps) {
			break
		}
		switch step := l.plan.Steps[i]; step.Kind {
		case dump.Late:
		case dump.Create:
			l.filling(step.Table)
			made[i].made = settings
			if err := l.create(ctx, s, made[i], step.SQL); err != nil {
				return nil, err
			}
		default:
			if step.Kind == dump.Setting {
				settings = ""
			}
			if err := s.exec(ctx, step.SQL); err != nil {
				return nil, err
			}
		}
	}
	l.filling("")
	return tables, l.judge.ownEngines(ctx, l.cfg.Scratch, "")
}

// create makes a table as the dump says and, where its keys wait, once more without them.
func (l *loader) create(ctx context.Context, s *session, t *table, create string) error {
	if err := s.exec(ctx, create); err != nil {
		return err
	}
	if !l.plan.Altered {
		var err error
		if t.shape, err = l.judge.shape(ctx, l.cfg.Scratch, t.Name); err != nil {
			return err
		}
	}
	t.shared = !t.Ordered && sharable(t.shape.create) // not known: not shared
	if t.Keys == "" {
		return nil
	}
	if err := s.exec(ctx, "DROP TABLE "+quote(t.Name)); err != nil {
		return err
	}
	l.status.keysAll.Add(t.waiting())
	return s.exec(ctx, t.Bare)
}

// fill loads a piece of a table's rows.
func (l *loader) fill(ctx context.Context, w *work, s *session, in *text, piece *span) error {
	if err := s.set(ctx, piece.t.filled); err != nil {
		return err
	}
	for {
		r, ok := w.run(piece)
		if !ok {
			return ctx.Err()
		}
		err := in.seek(ctx, r.Offset)
		if err == nil && r.Plain {
			err = s.send(ctx, in, r.Length)
		} else if err == nil {
			err = l.several(ctx, s, piece.t, io.LimitReader(in, r.Length), r.Statements)
		}
		if err != nil {
			l.filling(piece.t.Name)
			return err
		}
		l.status.done.Add(r.Length)
		w.loaded(piece.t)
	}
}

// several loads a run of short statements in one transaction: each of them alone would wait for the disk.
func (l *loader) several(ctx context.Context, s *session, t *table, run io.Reader, statements int64) error {
	rules := dump.Rules{Schema: l.cfg.Schema, Scratch: l.cfg.Scratch}
	split := t.Splitter(io.MultiReader(run, strings.NewReader(";")))
	if err := s.exec(ctx, "START TRANSACTION"); err != nil {
		return err
	}
	for range statements {
		c, err := split.Checked(rules)
		if err != nil {
			return err
		}
		if err := s.send(ctx, bytes.NewReader(c.SQL), int64(len(c.SQL))); err != nil {
			return err
		}
	}
	return s.exec(ctx, "COMMIT")
}

// finish adds the keys of a table whose rows are in, and counts them.
func (l *loader) finish(ctx context.Context, s *session, t *table) error {
	err := error(nil)
	if t.Keys != "" {
		if err = s.set(ctx, t.made); err == nil {
			err = s.exec(ctx, t.Keys)
		}
		if err == nil {
			l.status.keys.Add(t.waiting())
		}
	}
	if err == nil {
		err = s.set(ctx, l.neutral)
	}
	if err == nil {
		t.report = TableReport{Name: t.Name, LiveRows: -1}
		t.report.Rows, t.report.Newest, err = s.count(ctx, l.cfg.Scratch, t.Name)
	}
	if err != nil {
		l.filling(t.Name)
	}
	return err
}

// late makes views, triggers and routines, one after the other, with the settings that the dump gives each.
func (l *loader) late(ctx context.Context) error {
	s, err := l.scratchSession(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	for _, step := range l.plan.Steps {
		if step.Kind != dump.Late && step.Kind != dump.Setting {
			continue
		}
		if err := s.exec(ctx, step.SQL); err != nil {
			return err
		}
	}
	return s.leave(ctx)
}

// inOrder loads the dump as the mysql client would: statement by statement, from its beginning to its end.
func (l *loader) inOrder(ctx context.Context, s *session) ([]*table, error) {
	if err := l.statements(ctx, s); err != nil {
		return nil, err
	}
	var tables []*table
	for _, t := range l.summary.Tables {
		x := &table{Section: &dump.Section{Name: t.Name}}
		if err := l.finish(ctx, s, x); err != nil {
			return nil, err
		}
		tables = append(tables, x)
	}
	return tables, nil
}

func (l *loader) statements(ctx context.Context, s *session) error {
	in := l.text()
	defer in.close()
	if err := in.seek(ctx, 0); err != nil {
		return err
	}
	l.status.phase("load", l.summary.Bytes)
	rules := dump.Rules{Schema: l.cfg.Schema, Scratch: l.cfg.Scratch}
	split := dump.NewSplitter(io.LimitReader(in, l.summary.Bytes))
	for {
		c, err := split.Checked(rules)
		if errors.Is(err, io.EOF) {
			l.filling("")
			return s.leave(ctx)
		}
		if err != nil {
			return err
		}
		if c.Name != "" {
			l.filling(c.Name)
		}
		switch {
		case c.SQL == nil:
		case c.Rows > 0:
			err = s.send(ctx, bytes.NewReader(c.SQL), int64(len(c.SQL)))
		default:
			err = s.exec(ctx, string(c.SQL))
		}
		if err == nil && c.Object == "table" {
			err = l.judge.ownEngines(ctx, l.cfg.Scratch, c.Name)
		}
		if err != nil {
			return err
		}
		l.status.done.Store(split.Offset())
	}
}

func (s *session) leave(ctx context.Context) error {
	for _, q := range []string{"UNLOCK TABLES", "COMMIT", "SET SESSION autocommit=1, foreign_key_checks=1"} {
		if err := s.exec(ctx, q); err != nil {
			return err
		}
	}
	return nil
}
