package restore

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pkg/sftp"

	"recoverbot/runbook"
	"recoverbot/runbook/dump"
	"recoverbot/runbook/fleet"
)

const (
	dialTimeout = 7 * time.Second // for the first word: the dead host is among those asked
	listTimeout = 20 * time.Second
	readers     = 16 // files read at once over one session: hosts can be far away
	steadyFor   = 1200 * time.Millisecond
	passedOver  = 36 * time.Hour
	maxFiles    = 160 // of a host, the newest: each costs round trips, and hosts can be far away
)

// candidate is a file that may be a dump, on one host; or a host that could not be searched (name empty).
type candidate struct {
	host     fleet.Host
	identity string
	name     string
	path     string
	size     int64
	mtime    time.Time
	ends     dump.Ends
	start    time.Time // of the dump: its data is as old as that
	end      time.Time
	dated    bool
	refused  runbook.Msg
}

func (c candidate) usable() bool { return c.refused.IsZero() && c.name != "" }

// find searches all hosts at once. A host that cannot be searched is a row with the reason.
func (r *restore) find(ctx context.Context, hosts []fleet.Host, schema string) []candidate {
	found := make([][]candidate, len(hosts))
	var wg sync.WaitGroup
	for i, h := range hosts {
		wg.Go(func() {
			cs, err := r.search(ctx, h, schema)
			if err != nil {
				cs = []candidate{{host: h, refused: reason(err)}}
			}
			found[i] = cs
		})
	}
	wg.Wait()
	var out []candidate
	for _, cs := range found {
		out = append(out, cs...)
	}
	return out
}

func reason(err error) runbook.Msg {
	var e *runbook.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return runbook.T("restore.host_slow", "seconds", listTimeout.Seconds())
	case errors.As(err, &e):
		return e.Msg
	case errors.Is(err, os.ErrNotExist):
		return runbook.T("restore.no_directory")
	}
	return runbook.T("restore.host_failed")
}

func (r *restore) search(ctx context.Context, h fleet.Host, schema string) ([]candidate, error) {
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	dial, stop := context.WithTimeout(ctx, dialTimeout)
	defer stop()
	c, err := r.env.Fleet.SSH(dial, h)
	if err != nil {
		return nil, err
	}
	zone, err := r.zone(dial, c) // one that froze just now must not cost more than one that is dead
	if err != nil {
		return nil, err
	}
	identity, err := c.Identity(dial)
	if err != nil {
		return nil, err
	}
	s, err := c.SFTP(ctx)
	if err != nil {
		return nil, err
	}
	type answer struct {
		cs  []candidate
		err error
	}
	done := make(chan answer, 1)
	go func() { // SFTP knows no deadline: a frozen host's session is closed, which ends this
		defer func() { _ = s.Close() }()
		cs, err := r.list(ctx, s, h, schema)
		done <- answer{cs, err}
	}()
	var cs []candidate
	select {
	case <-ctx.Done():
		go func() { _ = s.Close() }()
		return nil, ctx.Err()
	case a := <-done:
		if a.err != nil {
			return nil, a.err
		}
		cs = a.cs
	}
	for i := range cs {
		cs[i].identity = identity
		cs[i].date(zone)
	}
	r.unpack(whole, c, cs, schema, zone)
	return cs, nil
}

// date reads the dump's times in zone.
func (c *candidate) date(zone *time.Location) {
	c.start, c.end, c.dated = dump.Times(c.ends, c.name, zone)
}

func (r *restore) zone(ctx context.Context, c *fleet.Client) (*time.Location, error) {
	if r.spec.DumpTimezone != "" {
		return dump.Zone(r.spec.DumpTimezone)
	}
	ran, err := c.Run(ctx, fleet.Command{Script: "date +%z"})
	if err != nil {
		return nil, err
	}
	return dump.Zone(strings.TrimSpace(ran.Stdout))
}

func (r *restore) list(ctx context.Context, s *sftp.Client, h fleet.Host, schema string) ([]candidate, error) {
	dir, _ := r.env.Fleet.Config().PathOn(h, "sql_backup")
	before, err := s.ReadDirContext(ctx, dir)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(r.steady)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
	}
	after, err := s.ReadDirContext(ctx, dir)
	if err != nil {
		return nil, err
	}
	now := map[string]os.FileInfo{}
	for _, f := range after {
		now[f.Name()] = f
	}
	pattern := r.spec.Pattern
	if pattern == "" {
		pattern = schema + "*.sql*"
	}
	about := slices.DeleteFunc(before, func(f os.FileInfo) bool {
		match, _ := path.Match(pattern, f.Name()) // Validate has seen the pattern
		return f.IsDir() && !dump.IsDump(f.Name()) || !match && !dump.IsDump(f.Name()) && !strings.Contains(f.Name(), schema)
	})
	wanted := r.env.Run.Params["dump"] // FILE or HOST:FILE
	files := newest(about, wanted[strings.LastIndex(wanted, ":")+1:], maxFiles)
	var out []candidate
	if n := len(about) - len(files); n > 0 {
		out = append(out, candidate{host: h, name: "…", refused: runbook.T("restore.older_files", "count", n, "looked", len(files))})
	}
	for _, f := range files {
		name := f.Name()
		match, _ := path.Match(pattern, name)
		c := candidate{host: h, name: name, path: path.Join(dir, name), size: f.Size(), mtime: f.ModTime()}
		again, still := now[name]
		switch bad := dump.CheckName(name); {
		case !bad.IsZero():
			c.refused = bad
		case f.Mode()&os.ModeSymlink != 0:
			c.refused = runbook.T("dump.symlink")
		case !f.Mode().IsRegular():
			c.refused = runbook.T("dump.not_a_file")
		case !dump.IsDump(name):
			c.refused = runbook.T("dump.not_a_dump")
		case !match:
			c.refused = runbook.T("dump.other_name", "pattern", pattern)
		case f.Size() == 0:
			c.refused = runbook.T("dump.empty")
		case !still || again.Size() != f.Size() || !again.ModTime().Equal(f.ModTime()):
			c.refused = runbook.T("dump.growing")
		}
		out = append(out, c)
	}
	return out, readAllEnds(s, out, schema)
}

// newest are at most max of the files, in their order: the one that is wanted, the newest by their times, and as many of
// the last by name, since either may mislead.
func newest(files []os.FileInfo, wanted string, max int) []os.FileInfo {
	if len(files) <= max {
		return files
	}
	keep := map[string]bool{}
	byTime, byName := slices.Clone(files), slices.Clone(files)
	slices.SortFunc(byTime, func(a, b os.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	slices.SortFunc(byName, func(a, b os.FileInfo) int { return strings.Compare(b.Name(), a.Name()) })
	for _, f := range slices.Concat(byTime[:max/2], byName[:max/2]) {
		keep[f.Name()] = true
	}
	return slices.DeleteFunc(slices.Clone(files), func(f os.FileInfo) bool { return !keep[f.Name()] && f.Name() != wanted })
}

// readAllEnds reads both ends of every plain dump, several at once.
func readAllEnds(s *sftp.Client, cs []candidate, schema string) error {
	errs := make([]error, len(cs))
	slots := make(chan struct{}, readers)
	var wg sync.WaitGroup
	for i := range cs {
		if !cs[i].usable() || dump.IsGzip(cs[i].name) {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			errs[i] = cs[i].readEnds(s, schema)
			<-slots
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// readEnds reads both ends of a plain dump.
func (c *candidate) readEnds(s *sftp.Client, schema string) error {
	f, err := s.Open(c.path)
	if err != nil {
		c.refused = runbook.T("dump.unreadable")
		return nil
	}
	defer func() { _ = f.Close() }()
	head, tail := make([]byte, min(dump.EdgeBytes, c.size)), make([]byte, min(dump.EdgeBytes, c.size))
	_, err = f.ReadAt(head, 0)
	if err == nil {
		_, err = f.ReadAt(tail, c.size-int64(len(tail)))
	}
	var status *sftp.StatusError
	switch {
	case err == nil:
		c.judge(head, tail, schema)
	case errors.Is(err, io.EOF), errors.As(err, &status): // a bad disk below one dump must not hide the others
		c.refused = runbook.T("dump.unreadable")
	default:
		return err
	}
	return nil
}

func (c *candidate) judge(head, tail []byte, schema string) {
	c.ends = dump.Edges(head, tail)
	switch {
	case !c.ends.Cut.IsZero():
		c.refused = c.ends.Cut
	case c.ends.Schema != "" && c.ends.Schema != schema:
		c.refused = runbook.T("dump.wrong_schema", "schema", c.ends.Schema)
	}
}

// unpackScript prints the first and the last bytes of a compressed dump, and how uncompressing ended.
const unpackScript = `gzip -dc -- "$RB_FILE" 2>/dev/null | head -c "$RB_EDGE" | base64 -w0
echo
{ gzip -dc -- "$RB_FILE" 2>/dev/null; printf '%d' $?; } | tail -c "$RB_EDGE" | base64 -w0
`

// unpack reads the ends of compressed dumps, one that a person named first, then the newest by name, and passes over what
// is older than a complete dump by more than passedOver: those are only ever the second choice.
func (r *restore) unpack(ctx context.Context, c *fleet.Client, cs []candidate, schema string, zone *time.Location) {
	var best time.Time
	wanted := r.env.Run.Params["dump"]
	tried := make([]bool, len(cs))
	patience := r.patience
	for _, x := range cs {
		if x.usable() && x.ends.Complete && x.end.After(best) {
			best = x.end
		}
	}
	for {
		next := -1
		for i, x := range cs {
			if !x.usable() || !dump.IsGzip(x.name) || tried[i] {
				continue
			}
			if x.named(wanted) {
				next = i
				break
			}
			if next < 0 || !x.dated || x.start.After(cs[next].start) {
				next = i
			}
		}
		if next < 0 {
			return
		}
		x := &cs[next]
		tried[next] = true
		if x.dated && !best.IsZero() && x.start.Add(passedOver).Before(best) && !x.named(wanted) {
			x.refused = runbook.T("dump.older_not_read", "hours", passedOver.Hours())
			continue
		}
		r.unpackEnds(ctx, c, x, schema, patience)
		if x.refused.ID == "restore.reading" { // the plan waits once
			patience = 0
		}
		x.date(zone)
		if x.usable() && x.ends.Complete && x.end.After(best) {
			best = x.end
		}
	}
}

func (r *restore) unpackEnds(ctx context.Context, client *fleet.Client, c *candidate, schema string, patience time.Duration) {
	env := map[string]string{"RB_FILE": c.path, "RB_EDGE": "8193"}
	text, err := r.read(ctx, client, *c, fmt.Sprint(c.size, c.mtime.UnixNano()), unpackScript, env, patience)
	if err != nil {
		c.refused = reason(err)
		return
	}
	a, b, _ := strings.Cut(text, "\n")
	head, err1 := base64.StdEncoding.DecodeString(strings.TrimSpace(a))
	tail, err2 := base64.StdEncoding.DecodeString(strings.TrimSpace(b))
	if err1 != nil || err2 != nil || len(tail) < 2 || tail[len(tail)-1] != '0' {
		c.refused = runbook.T("dump.bad_gzip")
		return
	}
	c.judge(head, tail[:len(tail)-1], schema)
}
