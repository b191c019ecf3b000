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
	say     func(Line)
	started time.Time
	told    time.Time
	made    bool // the scratch schema is this run's
	mu      sync.Mutex
	at      string // table that is being filled
}

// Run checks a dump, loads it into the scratch schema and compares it. say hears how far it is, at least every second,
// from one goroutine at a time. The line that is returned holds the Report, or why there is none: the scratch schema is
// gone then, unless the line says that it is left.
func Run(ctx context.Context, cfg Config, src Source, dial Dialer, say func(Line)) Line {
	l := &loader{cfg: cfg, src: src, dial: dial, say: say, started: time.Now()}
	report, err := l.run(ctx)
	if err == nil {
		return Line{Report: &report}
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
	return Line{Refused: &known.Msg, Changed: known.Code == runbook.Conflicting}
}

func (l *loader) progress(phase string, done, total, statements int64) {
	if now := time.Now(); now.Sub(l.told) >= time.Second {
		l.told = now
		l.say(Line{Progress: &Progress{Phase: phase, Done: done, Total: total, Statements: statements}})
	}
}

func (l *loader) run(ctx context.Context) (Report, error) {
	var r Report
	var err error
	if r.Summary, err = l.check(ctx); err != nil {
		return r, err
	}
	db, err := l.connect(ctx)
	if err != nil {
		return r, err
	}
	defer db.close()
	if err := db.knows(ctx, r.Summary.Collations); err != nil {
		return r, err
	}
	if r.Definers, err = db.missingDefiners(ctx, r.Summary.Objects); err != nil {
		return r, err
	}
	l.made = true
	if err := db.makeScratch(ctx, r.Summary); err != nil {
		return r, err
	}
	if err := l.load(ctx, db); err != nil {
		return r, err
	}
	if err := l.compare(ctx, db, &r); err != nil {
		return r, err
	}
	r.Seconds = time.Since(l.started).Seconds()
	return r, nil
}

// check reads the whole dump before anything is written.
func (l *loader) check(ctx context.Context) (dump.Summary, error) {
	raw, err := l.src.Open(ctx, 0)
	if err != nil {
		return dump.Summary{}, gone(err)
	}
	defer func() { _ = raw.Close() }()
	d, err := dump.Open(raw, l.cfg.Gzip)
	if err != nil {
		return dump.Summary{}, runbook.Errorf(runbook.Invalid, "dump.bad_gzip")
	}
	rules := dump.Rules{Schema: l.cfg.Schema, Scratch: l.cfg.Scratch}
	s, err := dump.Scan(ctx, d, rules, func(_, n int64) { l.progress("check", d.Position(), l.src.Size, n) })
	if err != nil {
		var known *runbook.Error
		if l.cfg.Gzip && ctx.Err() == nil && !errors.As(err, &known) {
			err = runbook.Errorf(runbook.Invalid, "dump.bad_gzip")
		}
		return s, err
	}
	sum, err := d.SHA256()
	if err != nil {
		return s, err
	}
	if sum != l.cfg.SHA256 {
		return s, runbook.Errorf(runbook.Conflicting, "dump.changed")
	}
	if l.cfg.Trailer && !s.Trailer {
		return s, runbook.Errorf(runbook.Invalid, "dump.no_trailer")
	}
	return s, nil
}

func gone(err error) error {
	return &runbook.Error{Code: runbook.Conflicting, Msg: runbook.T("dump.gone"), Err: err}
}

func (l *loader) load(ctx context.Context, db *server) error {
	raw, err := l.src.Open(ctx, 0)
	if err != nil {
		return gone(err)
	}
	defer func() { _ = raw.Close() }()
	d, err := dump.Open(raw, l.cfg.Gzip)
	if err != nil {
		return runbook.Errorf(runbook.Invalid, "dump.bad_gzip")
	}
	rules := dump.Rules{Schema: l.cfg.Schema, Scratch: l.cfg.Scratch}
	split := dump.NewSplitter(d)
	for n := int64(1); ; n++ {
		c, err := split.Checked(rules)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if c.Name != "" {
			l.at = c.Name
		}
		if c.SQL != nil {
			if err := db.exec(ctx, string(c.SQL)); err != nil {
				return err
			}
		}
		l.progress("load", d.Position(), l.src.Size, n)
	}
	l.at = ""
	if sum, err := d.SHA256(); err != nil || sum != l.cfg.SHA256 {
		return runbook.Errorf(runbook.Conflicting, "dump.changed")
	}
	return db.finish(ctx)
}
