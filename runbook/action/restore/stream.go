package restore

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"strconv"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/dump/load"
	"recoverbot/runbook/fleet"
)

// stream loads a dump that lies on host from through this process: what the helper does, over SSH both ways.
func (r *restore) stream(ctx context.Context, e effect, h fleet.Host, d fleet.Database, job runbook.Job, from fleet.Host, identity, file string, l *lines) action.Ended {
	cfg := loadConfig(e, h, d)
	open := func(ctx context.Context, offset int64) (io.ReadCloser, error) {
		c, err := r.env.Connect(ctx, from, identity)
		if err != nil {
			return nil, err
		}
		return openFar(ctx, c, file, offset)
	}
	dial := func(ctx context.Context) (net.Conn, error) {
		c, err := r.env.Fleet.SSH(ctx, h)
		if err != nil {
			return nil, err
		}
		return c.Dial(ctx, cfg.Network, cfg.Address)
	}
	last := load.Run(ctx, cfg, load.Source{Size: e.Size, Open: open, Far: true}, dial, l.take)
	l.take(last)
	ended := action.Ended{JobState: fleet.JobState{Status: fleet.JobExited}}
	if last.Report == nil {
		ended.Exit = 3
	} else if !e.Rehearse {
		if err := r.keepStreamed(ctx, h, job, last); err != nil {
			l.report, ended.Exit = nil, 3
			l.take(load.Line{Refused: &action.Refuse(err).Text})
		}
	}
	return ended
}

// through loads the dump of e through this process. The error says that nothing was begun.
func (r *restore) through(ctx context.Context, e effect, h fleet.Host, d fleet.Database, job runbook.Job, l *lines) (action.Ended, error) {
	source, ok := r.env.Fleet.Config().Host(e.Source)
	if !ok {
		return action.Ended{}, runbook.Errorf(runbook.Invalid, "fleet.unknown_host", "ref", e.Source)
	}
	if _, err := r.env.Connect(ctx, source, e.SourceIdentity); err != nil {
		return action.Ended{}, err
	}
	l.meter.tell(runbook.Progress{}, "restore.streaming", "host", h.Name)
	return r.stream(ctx, e, h, d, job, source, e.SourceIdentity, e.Path, l), nil
}

// reattach is how an attempt's load ended, whichever way it went.
func (r *restore) reattach(ctx context.Context, e effect, h fleet.Host, identity string, job runbook.Job, l *lines) (action.Ended, error) {
	if found, err := r.streamedBefore(ctx, h, identity, job, l); err != nil || found {
		return action.Ended{JobState: fleet.JobState{Status: fleet.JobExited}}, err
	}
	if e.Stream { // it ended with the process that it ran in
		return action.Ended{JobState: fleet.JobState{Status: fleet.JobDied}}, nil
	}
	ended, err := r.env.Reattach(ctx, h, identity, job.ID(), l)
	if c, cerr := r.env.Connect(ctx, h, identity); err != nil && cerr == nil {
		r.cleanRefused(ctx, c, e, h, job, err)
	}
	return ended, err
}

// far is a file read over SFTP; closing it ends its session.
type far struct {
	io.Reader
	io.Closer
}

func openFar(ctx context.Context, c *fleet.Client, file string, offset int64) (io.ReadCloser, error) {
	s, err := c.SFTP(ctx)
	if err != nil {
		return nil, err
	}
	info, err := s.Lstat(file)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("open dump: %w", err)
	}
	f, err := s.Open(file)
	if err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("open dump: %w", err)
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("open dump: %w", err)
	}
	return far{bufio.NewReaderSize(f, 1<<20), s}, nil // in pieces that are asked for side by side
}

// loadedSuffix ends the names of the files that hold the reports of loads through the bot.
const loadedSuffix = ".loaded.json"

func (r *restore) streamedFile(h fleet.Host, job runbook.Job) string {
	return path.Join(h.Path(stateDir), job.ID()+loadedSuffix)
}

// keepStreamed keeps on the host what a load through this process came to, whole or not at all: a helper's output
// would lie there too.
func (r *restore) keepStreamed(ctx context.Context, h fleet.Host, job runbook.Job, last load.Line) error {
	text, err := json.Marshal(last)
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	c, err := r.env.Fleet.SSH(ctx, h)
	if err != nil {
		return err
	}
	return keep(ctx, c, r.streamedFile(h, job), text)
}

// streamedBefore finds the report of a load through this process or an earlier one; false where there is none.
func (r *restore) streamedBefore(ctx context.Context, h fleet.Host, identity string, job runbook.Job, l *lines) (bool, error) {
	c, err := r.env.Connect(ctx, h, identity)
	if err != nil {
		return false, err
	}
	f, err := openFar(ctx, c, r.streamedFile(h, job), 0)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, 64<<20))
	if err != nil {
		return false, fmt.Errorf("read report: %w", err)
	}
	l.line(text)
	return l.report != nil, nil
}

// loadConfig is what a load is told, wherever it runs; file and what is to be removed are the helper's.
func loadConfig(e effect, h fleet.Host, d fleet.Database) load.Config {
	cfg := load.Config{
		Gzip: e.Gzip, SHA256: e.SHA256, Trailer: e.Complete, Schema: e.Schema, Scratch: e.Scratch, NotEmpty: e.NotEmpty,
		User: d.User, Password: d.Password.Reveal(), Rehearsal: e.Rehearse,
	}
	if e.Rehearse {
		cfg.Sessions = 1
	}
	if cfg.User == "" {
		cfg.User = "root"
	}
	cfg.Network, cfg.Address = "unix", h.Path("/run/mysqld/mysqld.sock")
	if d.Socket != "" {
		cfg.Address = h.Path(d.Socket)
	}
	if d.Port != 0 {
		cfg.Network, cfg.Address = "tcp", net.JoinHostPort(h.LoopbackAddress(), strconv.Itoa(d.Port))
	}
	return cfg
}
