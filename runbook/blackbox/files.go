package blackbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/pkg/sftp"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

const (
	maxEntries = 2000 // of a host's directories
	maxDepth   = 12
	readers    = 8 // files of a host that are read at once: its way may be long
)

// finder gathers what there is to read on one host.
type finder struct {
	c       *sftp.Client
	max     int
	out     *Host
	seen    map[string]bool
	found   []found
	entries int
}

type found struct {
	path string
	mode uint32
	size int64
}

// files reads what is wanted. It fails where the host lets nothing be read.
func (c *Collector) files(ctx context.Context, client *fleet.Client, wants []want, out *Host) error {
	s, err := client.SFTP(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	f := &finder{c: s, max: c.Limits.File, out: out, seen: map[string]bool{}}
	for _, w := range wants {
		if err := f.find(ctx, w); err != nil {
			return err
		}
	}
	room := c.Limits.Host
	f.found = slices.DeleteFunc(f.found, func(x found) bool {
		if int64(room) < x.size {
			out.problem("blackbox.left_out", "path", shown(x.path), "bytes", x.size)
			return true
		}
		room -= int(x.size) + len(x.path)
		return false
	})
	f.read(ctx, c)
	if ctx.Err() != nil && len(out.Files) == 0 && len(f.found) > 0 {
		return ctx.Err()
	}
	slices.SortFunc(out.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return nil
}

// find looks at one wanted path. A failure here that is not about the path itself is one of the host.
func (f *finder) find(ctx context.Context, w want) error {
	info, err := f.c.Stat(w.path)
	var status *sftp.StatusError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if w.must {
			f.unread(w.path, runbook.T("blackbox.not_there"))
		}
	case errors.Is(err, fs.ErrPermission):
		f.unread(w.path, runbook.T("blackbox.forbidden"))
	case errors.As(err, &status):
		f.unread(w.path, runbook.T("blackbox.failed"))
	case err != nil:
		return errors.Join(fmt.Errorf("look at %s: %w", path.Base(w.path), err), ctx.Err())
	case info.IsDir():
		f.dir(ctx, w.path, 0)
	default:
		f.add(w.path, info)
	}
	return nil
}

// dir lists a directory. Links in it are followed to files, as a web server's sites-enabled needs it, not to directories.
func (f *finder) dir(ctx context.Context, dir string, depth int) {
	if depth > maxDepth {
		f.out.problem("blackbox.too_deep", "path", shown(dir))
		return
	}
	entries, err := f.c.ReadDirContext(ctx, dir)
	if err != nil {
		f.unread(dir, why(err))
		return
	}
	for _, e := range entries {
		if f.entries++; f.entries > maxEntries {
			if f.entries == maxEntries+1 {
				f.out.problem("blackbox.too_many", "path", shown(dir), "max", maxEntries)
			}
			return
		}
		p := path.Join(dir, e.Name())
		switch {
		case !plain(e.Name()):
			f.out.problem("blackbox.strange_name", "name", fmt.Sprintf("%.80q", e.Name()))
		case e.IsDir():
			f.dir(ctx, p, depth+1)
		case e.Mode()&fs.ModeSymlink != 0:
			info, err := f.c.Stat(p)
			if err != nil {
				f.out.problem("blackbox.bad_link", "path", shown(p))
			} else if !info.IsDir() {
				f.add(p, info)
			}
		default:
			f.add(p, e)
		}
	}
}

// add takes a regular file; sockets, pipes and devices are nothing to keep.
func (f *finder) add(p string, info os.FileInfo) {
	switch {
	case f.seen[p] || !info.Mode().IsRegular():
	case info.Size() > int64(f.max):
		f.out.problem("blackbox.left_out", "path", shown(p), "bytes", info.Size())
	default:
		f.seen[p] = true
		f.found = append(f.found, found{p, uint32(info.Mode().Perm()), info.Size()})
	}
}

func (f *finder) unread(p string, why runbook.Msg) {
	f.out.Unread = append(f.out.Unread, p)
	f.out.problem("blackbox.unread", "path", shown(p), "why", why)
}

// read fetches what was found.
func (f *finder) read(ctx context.Context, c *Collector) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, readers)
	for _, x := range f.found {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			content, err := f.content(ctx, x.path)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && len(content) > f.max:
				f.out.problem("blackbox.left_out", "path", shown(x.path), "bytes", len(content))
			case err == nil:
				f.out.Files = append(f.out.Files, File{Path: x.path, Mode: x.mode, At: c.Now().UTC(), Content: content})
			case errors.Is(err, fs.ErrNotExist): // gone meanwhile
			case errors.Is(err, fs.ErrPermission):
				f.unread(x.path, runbook.T("blackbox.forbidden"))
			default:
				f.unread(x.path, why(errors.Join(err, ctx.Err())))
			}
		})
	}
	wg.Wait()
	slices.Sort(f.out.Unread)
}

func (f *finder) content(ctx context.Context, p string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	in, err := f.c.Open(p)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }() // only read from
	return io.ReadAll(io.LimitReader(in, int64(f.max)+1))
}

// plain reports whether a name that a host told is safe to use on another one.
func plain(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.Contains(name, "/") && utf8.ValidString(name) &&
		!strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) })
}

// shown is a path for people, of bounded length.
func shown(p string) string {
	if r := []rune(p); len(r) > 160 {
		return "…" + string(r[len(r)-159:])
	}
	return p
}
