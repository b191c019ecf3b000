// Package journal stores runs, decisions, events and wanted messages in one SQLite file. Every change is a
// compare-and-swap in one transaction with its hash-chained event. It decides nothing: what may follow what is the
// engine's business, what people see is the handlers'.
package journal

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"recoverbot/runbook"
	"recoverbot/runbook/failpoint"
)

//go:embed migrations/sqlite/*.sql
var migrations embed.FS

const (
	driver = "sqlite"
	// instant sorts as text, which time.RFC3339Nano does not.
	instant      = "2006-01-02T15:04:05.000000000Z"
	writeTimeout = 10 * time.Second
)

// Journal is an open journal. It is safe for concurrent use.
type Journal struct {
	writer, readers *sqlx.DB
	lock            *os.File
	path            string
	file            fs.FileInfo // what path led to when it was opened
	now             func() time.Time
	redact          func(string) string
	subscribers     subscribers
	fresh           bool
	failed          chan error
}

// Open opens the journal at dsn ("sqlite:///absolute/path", "sqlite://relative/path"), makes it where it is missing,
// and brings its tables up to date. Another process that has it open is an Unavailable error that names its pid. Every
// text is passed through redact on its way in; nil leaves it as it is.
func Open(ctx context.Context, dsn string, now func() time.Time, redact func(string) string) (*Journal, error) {
	path, err := filePath(dsn)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, unavailable("create directory of journal", err)
	}
	lock, err := acquire(path + ".lock")
	if err != nil {
		return nil, err
	}
	j := &Journal{lock: lock, path: path, now: now, redact: redact, failed: make(chan error, 1)}
	if err := j.open(ctx, path); err != nil {
		_ = j.Close() // the error that matters is err
		return nil, &runbook.Error{Code: runbook.Unavailable, Msg: runbook.T("journal.not_opened", "path", path, "cause", Cause(err)), Err: err}
	}
	return j, nil
}

func (j *Journal) open(ctx context.Context, path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // SQLite would make it readable by everybody
	if err != nil {
		return unavailable("create journal", err)
	}
	info, err := file.Stat()
	if err = errors.Join(err, file.Close()); err != nil {
		return unavailable("create journal", err)
	}
	j.file, j.fresh = info, info.Size() == 0
	if j.writer, err = connect(path, "_pragma=journal_mode(WAL)&_txlock=immediate"); err != nil {
		return err
	}
	j.writer.SetMaxOpenConns(1)
	if err := Migrate(ctx, j.writer, "up"); err != nil {
		return unavailable("migrate journal", err)
	}
	if j.readers, err = connect(path, "_pragma=query_only(1)"); err != nil {
		return err
	}
	j.readers.SetMaxOpenConns(4)
	return nil
}

func connect(path, more string) (*sqlx.DB, error) {
	sqlx.BindDriver(driver, sqlx.QUESTION) // sqlx does not know modernc's name
	pragmas := "_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + pragmas + "&" + more
	db, err := sqlx.Open(driver, dsn)
	if err != nil {
		return nil, unavailable("open journal", err)
	}
	return db, nil
}

// Migrate brings the tables of db up to date ("up") or takes them all away ("down").
func Migrate(ctx context.Context, db *sqlx.DB, direction string) error {
	dir, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		return fmt.Errorf("open migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db.DB, dir)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if direction == "down" {
		_, err = p.DownTo(ctx, 0)
	} else {
		_, err = p.Up(ctx)
	}
	if err != nil {
		return fmt.Errorf("migrate %s: %w", direction, err)
	}
	return nil
}

// Close closes the journal and gives its lock back. Closing it again is harmless.
func (j *Journal) Close() error {
	var errs []error
	for _, db := range []*sqlx.DB{j.readers, j.writer} { // the writer last: it checkpoints
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if j.lock != nil {
		errs = append(errs, j.lock.Close())
		j.lock = nil
	}
	j.subscribers.close()
	return errors.Join(errs...)
}

// Fresh tells whether there was no journal, or an empty file, when this one was opened.
func (j *Journal) Fresh() bool { return j.fresh }

// Failed gets the error of a write that failed, but for those of Healthy: of many that nobody has read, the first.
func (j *Journal) Failed() <-chan error { return j.failed }

// Healthy writes a row to find out whether writing is possible. It is Unavailable where not.
func (j *Journal) Healthy(ctx context.Context) error {
	return j.transact(ctx, func(tx *tx) error {
		_, err := tx.ExecContext(tx.ctx,
			`INSERT INTO heartbeat (id, at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at`, stamp(tx.at))
		return err
	})
}

var errReplaced = errors.New("another file is in its place")

// there tells whether what is written can be found again: SQLite goes on writing to a file that was removed.
func (j *Journal) there() error {
	now, err := os.Stat(j.path)
	if err == nil && !os.SameFile(now, j.file) {
		return errReplaced
	}
	return err
}

// tx is one write transaction.
type tx struct {
	*sqlx.Tx
	ctx   context.Context // of this transaction only
	at    time.Time
	last  int64 // id of the newest event written in it
	event runbook.Event
}

// write is transact; whoever watches over the journal is told where that failed.
func (j *Journal) write(ctx context.Context, f func(*tx) error) error {
	err := j.transact(ctx, f)
	if runbook.CodeOf(err) == runbook.Unavailable {
		select {
		case j.failed <- err:
		default:
		}
	}
	return err
}

// transact runs f in one transaction. Once begun it is not cut short by ctx, so that no caller is left in doubt.
func (j *Journal) transact(ctx context.Context, f func(*tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if j.writer == nil {
		return runbook.Errorf(runbook.Unavailable, "journal.read_only")
	}
	if err := j.there(); err != nil {
		return unavailable("find journal", err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	begun, err := j.writer.BeginTxx(ctx, nil)
	if err != nil {
		return unavailable("begin transaction", err)
	}
	t := &tx{Tx: begun, ctx: ctx, at: j.now().UTC()}
	if err := f(t); err != nil {
		_ = begun.Rollback() // the transaction is gone either way
		return classify(err)
	}
	if err := failpoint.Before("journal", t.event.Kind, t.event.Data["from"], t.event.Data["to"]); err != nil {
		_ = begun.Rollback() // nothing was written
		return unavailable("commit", err)
	}
	if err := begun.Commit(); err != nil {
		_ = begun.Rollback() // where COMMIT failed SQLite keeps the transaction open
		return unavailable("commit", err)
	}
	if err := failpoint.After("journal", t.event.Kind, t.event.Data["from"], t.event.Data["to"]); err != nil {
		return unavailable("commit", err)
	}
	if t.last > 0 {
		j.subscribers.tell(t.last)
	}
	return nil
}

// classify leaves errors for callers as they are and makes everything else Unavailable.
func classify(err error) error {
	var e *runbook.Error
	if errors.As(err, &e) || errors.Is(err, runbook.ErrMoved) {
		return err
	}
	return unavailable("write", err)
}

func unavailable(verb string, err error) error {
	return &runbook.Error{Code: runbook.Unavailable, Msg: runbook.T("journal.unavailable", "cause", Cause(err)), Err: fmt.Errorf("%s: %w", verb, err)}
}

func filePath(dsn string) (string, error) {
	path, ok := strings.CutPrefix(dsn, "sqlite://")
	if !ok || path == "" || path == "/" {
		return "", runbook.Errorf(runbook.Invalid, "journal.bad_url")
	}
	return path, nil
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(instant)
}

func parseStamp(s string) time.Time {
	t, err := time.Parse(instant, s)
	if err != nil { // "" and nothing else is written besides stamps
		return time.Time{}
	}
	return t.UTC()
}
