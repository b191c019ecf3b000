package copy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pkg/sftp"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/transfer"
)

const (
	maxFiles    = 5000
	maxBytes    = 50 << 30
	askTimeout  = 20 * time.Second // for finding a file on one candidate
	hashTimeout = 30 * time.Minute
)

// item is one regular file to be there afterwards.
type item struct {
	Source   string `json:"source"` // host
	Identity string `json:"identity"`
	From     string `json:"from"`
	To       string `json:"to"`
	Size     int64  `json:"size"`
	SHA256   string `json:"sha256"`
	Mode     uint32 `json:"mode"`
	Before   string `json:"before,omitempty"` // hash of what is at To now, "" for nothing
}

// source is a candidate that has the file.
type source struct {
	host    fleet.Host
	is      string // which machine it is, as fleet.Client.Identity has it
	client  *fleet.Client
	items   []item
	skipped []string  // links, devices, strange names
	top     string    // the directory itself, links resolved
	at      time.Time // when the black box's oldest of these was copied
}

// ask looks for a path on one host and lists the regular files that it means.
func (c *copier) ask(ctx context.Context, h fleet.Host, f File, target fleet.Host) (*source, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	from, err := c.on(h, f.Path)
	if err != nil {
		return nil, err
	}
	to, err := c.on(target, f.ToPath)
	if err != nil {
		return nil, err
	}
	client, err := c.env.Fleet.SSH(ctx, h)
	if err != nil {
		return nil, err
	}
	is, err := client.Identity(ctx)
	if err != nil {
		return nil, err
	}
	s, err := client.SFTP(ctx)
	if err != nil {
		return nil, err
	}
	src := &source{host: h, client: client, is: is}
	done := make(chan error, 1)
	go func() { // SFTP knows no deadline: closing the session ends this
		defer func() { _ = s.Close() }()
		done <- src.walk(ctx, s, from, to)
	}()
	select {
	case <-ctx.Done():
		go func() { _ = s.Close() }()
		return nil, runbook.Errorf(runbook.Unavailable, "copy.host_slow", "host", h.Name, "seconds", askTimeout.Seconds())
	case err := <-done:
		return src, err
	}
}

func (s *source) walk(ctx context.Context, c *sftp.Client, from, to string) error {
	info, err := c.Lstat(from)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return runbook.Errorf(runbook.NotFound, "copy.not_there", "host", s.host.Name, "path", from)
		}
		return fmt.Errorf("look at %s: %w", from, err)
	}
	if info.Mode().IsRegular() {
		s.add(info, from, to)
		return nil
	}
	if !info.IsDir() {
		return runbook.Errorf(runbook.Invalid, "copy.not_a_file", "host", s.host.Name, "path", from)
	}
	if s.top, err = c.RealPath(from); err != nil {
		return fmt.Errorf("resolve %s: %w", from, err)
	}
	return s.dir(ctx, c, from, to, 0)
}

// behind is the regular file that a link within the directory means, as nginx's sites-enabled has them; a link that
// leads out of the directory is not followed.
func (s *source) behind(c *sftp.Client, link fs.FileInfo, p string) (fs.FileInfo, bool) {
	if link.Mode()&fs.ModeSymlink == 0 {
		return nil, false
	}
	real, err := c.RealPath(p)
	if err != nil || !strings.HasPrefix(real, s.top+"/") {
		return nil, false
	}
	info, err := c.Lstat(real)
	return info, err == nil && info.Mode().IsRegular()
}

func (s *source) dir(ctx context.Context, c *sftp.Client, from, to string, depth int) error {
	if depth > 40 {
		return runbook.Errorf(runbook.Invalid, "copy.too_deep", "path", from)
	}
	entries, err := c.ReadDirContext(ctx, from)
	if err != nil {
		return fmt.Errorf("list %s: %w", from, err)
	}
	var total int64
	for _, e := range entries {
		name := e.Name()
		p, q := path.Join(from, name), path.Join(to, name)
		switch {
		case !plain(name):
			s.skipped = append(s.skipped, fmt.Sprintf("%q", name))
		case e.IsDir():
			if err := s.dir(ctx, c, p, q, depth+1); err != nil {
				return err
			}
		case e.Mode().IsRegular():
			s.add(e, p, q)
		default:
			if info, ok := s.behind(c, e, p); ok {
				s.add(info, p, q)
			} else {
				s.skipped = append(s.skipped, p)
			}
		}
	}
	for _, i := range s.items {
		total += i.Size
	}
	if len(s.items) > maxFiles || total > maxBytes {
		return runbook.Errorf(runbook.Invalid, "copy.too_much", "path", from, "files", maxFiles, "bytes", int64(maxBytes))
	}
	return nil
}

func (s *source) add(info os.FileInfo, from, to string) {
	s.items = append(s.items, item{Source: s.host.Name, Identity: s.is, From: from, To: to,
		Size: info.Size(), Mode: uint32(info.Mode().Perm())})
}

// plain reports whether a name that a host told is safe to use on another one.
func plain(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.Contains(name, "/") && utf8.ValidString(name) &&
		!strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) })
}

// hash fills in the hashes of the items at their source.
func (s *source) hash(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, hashTimeout)
	defer cancel()
	paths := make([]string, len(s.items))
	for i, it := range s.items {
		paths[i] = it.From
	}
	sums, err := transfer.Hashes(ctx, s.client, paths)
	if err != nil {
		return err
	}
	for i := range s.items {
		s.items[i].SHA256 = sums[i]
	}
	return nil
}

// present tells the hashes of the files that are on the target; those that are not there are missing from the map.
// What is there but not a regular file is an error.
func present(ctx context.Context, client *fleet.Client, paths []string) (map[string]string, error) {
	s, err := client.SFTP(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }()
	var there []string
	for _, p := range paths {
		info, err := s.Stat(p)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, fmt.Errorf("look at %s: %w", p, err)
		case !info.Mode().IsRegular():
			return nil, runbook.Errorf(runbook.Invalid, "copy.in_the_way", "path", p)
		default:
			there = append(there, p)
		}
	}
	sums, err := transfer.Hashes(ctx, client, there)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for i, p := range there {
		out[p] = sums[i]
	}
	return out, nil
}
