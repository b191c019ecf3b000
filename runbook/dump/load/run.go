package load

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/dump"
)

// loader is one run.
type loader struct {
	cfg     Config
	src     Source
	dial    Dialer
	status  status
	started time.Time

	summary dump.Summary
	plan    dump.Plan
	sums    *sums

	// judge is a session that the dump's settings never reach, neutral what is in force there.
	judge   *session
	neutral string

	made bool // the scratch schema is this run's
	mu   sync.Mutex
	at   string  // table that is being filled
	ids  []int64 // of connections
}

// Run checks a dump, loads it into the scratch schema and compares it. say hears how far it is, every second, from one
// goroutine at a time. The line that is returned holds the Report, or why there is none: the scratch schema is gone
// then, unless the line says that it is left.
func Run(ctx context.Context, cfg Config, src Source, dial Dialer, say func(Line)) Line {
	l := &loader{cfg: cfg, src: src, dial: dial, started: time.Now(), sums: newSums()}
	l.status.phase("check", src.Size)
	stop := l.status.tell(ctx, say)
	defer stop()
	report, err := l.run(ctx)
	if err == nil {
		return Line{Report: &report}
	}
	if cause := context.Cause(ctx); cause != nil && ctx.Err() != nil {
		err = ctx.Err() // what the sessions say then is a consequence
	}
	line := refusal(err, l.at)
	if l.made {
		line.Left = l.dropScratch() != nil
	}
	return line
}

func refusal(err error, table string) Line {
	var known *runbook.Error
	if !errors.As(err, &known) {
		known = failure(err, table)
	}
	return Line{Refused: &known.Msg, Changed: known.Code == runbook.Conflicting, Bad: known.Code == runbook.Invalid}
}

// filling notes the table that an error will be about.
func (l *loader) filling(table string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = table
}

func (l *loader) run(ctx context.Context) (Report, error) {
	var r Report
	live := l.countLive(ctx) // the server has nothing else to do meanwhile
	defer live.stop()
	if err := l.check(ctx); err != nil {
		return r, err
	}
	r.Summary = l.summary
	first, err := l.begin(ctx)
	if err != nil {
		return r, err
	}
	defer first.close()
	if err := first.knows(ctx, l.summary.Collations); err != nil {
		return r, err
	}
	if r.Definers, err = first.missingDefiners(ctx, l.summary.Objects); err != nil {
		return r, err
	}
	l.made = true
	if err := first.makeScratch(ctx, l.cfg.Scratch, l.summary); err != nil {
		return r, err
	}
	defer first.stayAlive(ctx)() // from here on it does nothing else
	s, err := l.scratchSession(ctx)
	if err != nil {
		return r, err
	}
	defer s.close()
	if l.judge, err = l.scratchSession(ctx); err != nil {
		return r, err
	}
	defer l.judge.close()
	if l.neutral, err = l.judge.snapshot(ctx); err != nil {
		return r, err
	}
	var tables []*table
	if l.plan.InOrder {
		tables, err = l.inOrder(ctx, s)
	} else if tables, err = l.load(ctx, s); err == nil {
		err = l.late(ctx)
	}
	if err == nil {
		err = l.compare(ctx, tables, live, &r)
	}
	r.Seconds = time.Since(l.started).Seconds()
	return r, err
}

// check reads the whole dump before anything is written.
func (l *loader) check(ctx context.Context) error {
	raw, err := l.src.Open(ctx, 0)
	if err != nil {
		return gone(err)
	}
	defer func() { _ = raw.Close() }()
	d, err := dump.Open(raw, l.cfg.Gzip)
	if err != nil {
		return runbook.Errorf(runbook.Invalid, "dump.bad_gzip")
	}
	defer d.Close()
	rules := dump.Rules{Schema: l.cfg.Schema, Scratch: l.cfg.Scratch}
	var planner dump.Planner
	l.summary, err = dump.Scan(ctx, io.TeeReader(d, l.sums), rules, func(s dump.Statement) {
		planner.See(s)
		l.status.done.Store(d.Position())
	})
	if err != nil {
		if l.cfg.Gzip && ctx.Err() == nil { // damage may look like anything, and is known by a sum at the end
			var known *runbook.Error
			if _, damaged := io.Copy(io.Discard, d); damaged != nil || !errors.As(err, &known) {
				err = runbook.Errorf(runbook.Invalid, "dump.bad_gzip")
			}
		}
		return err
	}
	l.sums.end()
	sum, err := d.SHA256()
	if err != nil {
		return err
	}
	if sum != l.cfg.SHA256 {
		return runbook.Errorf(runbook.Conflicting, "dump.changed")
	}
	if l.cfg.Trailer && !l.summary.Trailer {
		return runbook.Errorf(runbook.Invalid, "dump.no_trailer")
	}
	l.plan = planner.Plan(l.summary)
	return nil
}
