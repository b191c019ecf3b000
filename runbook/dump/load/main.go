package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/dump"
)

// Exit codes of Main.
const (
	exitDone    = 0
	exitFailed  = 1 // nothing can be said; what was loaded is in the scratch schema, if anywhere
	exitRefused = 3 // the last line says why; the scratch schema is gone
)

// Main is the hidden subcommand load-dump.
func Main(_ []string, _ io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	cfg, err := readConfig(os.Getenv(ConfigVariable))
	if err != nil {
		fmt.Fprintln(stderr, "load-dump:", err)
		return exitFailed
	}
	defer func() {
		for _, p := range cfg.Remove {
			_ = os.Remove(p) // the bot removes the directory later in any case
		}
	}()
	l := &loader{cfg: cfg, out: json.NewEncoder(stdout), started: time.Now()}
	report, err := l.run(ctx)
	if err == nil {
		return l.say(Line{Report: &report}, exitDone)
	}
	var known *runbook.Error
	if !errors.As(err, &known) {
		known = failure(err, l.at)
	}
	if l.made {
		if err := l.dropScratch(); err != nil {
			fmt.Fprintln(stderr, "load-dump: drop scratch schema:", failure(err, l.at).Msg.ID)
		}
	}
	return l.say(Line{Refused: &known.Msg, Changed: known.Code == runbook.Conflicting}, exitRefused)
}

func (l *loader) say(line Line, exit int) int {
	if l.out.Encode(line) != nil {
		return exitFailed
	}
	return exit
}

func readConfig(path string) (Config, error) {
	var c Config
	if path == "" {
		return c, errors.New("to be run by recoverbot only: " + ConfigVariable + " is not set")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("read configuration: %w", err)
	}
	if err := os.Remove(path); err != nil { // it holds a password
		return c, fmt.Errorf("remove configuration: %w", err)
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, errors.New("configuration is not valid JSON")
	}
	if c.Schema == "" || c.Scratch == "" || c.Scratch == c.Schema {
		return c, errors.New("configuration names no schemas")
	}
	return c, nil
}

// loader is one run of the helper.
type loader struct {
	cfg     Config
	out     *json.Encoder
	started time.Time
	told    time.Time
	made    bool   // the scratch schema is this run's
	at      string // table that is being filled
}

func (l *loader) progress(phase string, done, total, statements int64) {
	if now := time.Now(); now.Sub(l.told) >= time.Second {
		l.told = now
		_ = l.out.Encode(Line{Progress: &Progress{Phase: phase, Done: done, Total: total, Statements: statements}}) // output is a file
	}
}

func (l *loader) run(ctx context.Context) (Report, error) {
	var r Report
	f, err := os.OpenFile(l.cfg.File, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return r, &runbook.Error{Code: runbook.Conflicting, Msg: runbook.T("dump.gone"), Err: err}
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return r, &runbook.Error{Code: runbook.Conflicting, Msg: runbook.T("dump.gone"), Err: err}
	}
	if r.Summary, err = l.check(ctx, f, info.Size()); err != nil {
		return r, err
	}
	db, err := l.connect(ctx)
	if err != nil {
		return r, err
	}
	defer db.close()
	if r.Definers, err = db.missingDefiners(ctx, r.Summary.Objects); err != nil {
		return r, err
	}
	l.made = true
	if err := db.makeScratch(ctx, r.Summary); err != nil {
		return r, err
	}
	if err := l.load(ctx, db, f, info.Size()); err != nil {
		return r, err
	}
	if err := l.compare(ctx, db, &r); err != nil {
		return r, err
	}
	r.Seconds = time.Since(l.started).Seconds()
	return r, nil
}

// check reads the whole file before anything is written.
func (l *loader) check(ctx context.Context, f *os.File, size int64) (dump.Summary, error) {
	d, err := dump.Open(f, l.cfg.Gzip)
	if err != nil {
		return dump.Summary{}, runbook.Errorf(runbook.Invalid, "dump.bad_gzip")
	}
	rules := dump.Rules{Schema: l.cfg.Schema, Scratch: l.cfg.Scratch}
	s, err := dump.Scan(ctx, d, rules, func(_, n int64) { l.progress("check", d.Position(), size, n) })
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

func (l *loader) load(ctx context.Context, db *server, f *os.File, size int64) error {
	d, err := dump.Open(f, l.cfg.Gzip)
	if err != nil {
		return runbook.Errorf(runbook.Invalid, "dump.bad_gzip")
	}
	rules := dump.Rules{Schema: l.cfg.Schema, Scratch: l.cfg.Scratch}
	split := dump.NewSplitter(d)
	for n := int64(1); ; n++ {
		text, err := split.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		c, err := rules.Check(text)
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
		l.progress("load", d.Position(), size, n)
	}
	l.at = ""
	if sum, err := d.SHA256(); err != nil || sum != l.cfg.SHA256 {
		return runbook.Errorf(runbook.Conflicting, "dump.changed")
	}
	return db.finish(ctx)
}
