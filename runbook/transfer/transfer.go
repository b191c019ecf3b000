// Package transfer streams files from one host of the fleet to another, through the bot: compressed where both hosts can,
// SFTP on both sides elsewhere; resumable, hashed at both ends, in place by one rename. It decides nothing and overwrites
// what it is told to overwrite.
package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/pkg/sftp"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// window is how much is under way at once; an interrupted transfer is taken up at a multiple of it.
const window = 4 << 20

// patience is for how long a lost connection is made again where nothing has moved since.
const patience = 2 * time.Minute

// ErrUnclear marks the error of a transfer whose file may be in place or not: the answer to the rename was lost.
var ErrUnclear = errors.New("outcome of the rename is not known")

// Job is one file to bring from one host to another.
type Job struct {
	From, To         *fleet.Client
	FromPath, ToPath string
	Size             int64
	SHA256           string // hex, of the source
	Mode             os.FileMode
	Progress         func(done int64) // may be nil
	// Redial gives both hosts anew where a connection was lost on the way; nil: that is an error. The copy goes on where it was.
	Redial func(ctx context.Context) (from, to *fleet.Client, err error)
}

// Run brings the file over. Until the rename at its end nothing at ToPath changes; what has arrived by then is taken
// up by a later Run of the same content. A source that differs from SHA256 is a Conflicting *runbook.Error.
func Run(ctx context.Context, j Job) error {
	moved := false
	tell := j.Progress
	j.Progress = func(done int64) {
		moved = true
		if tell != nil {
			tell(done)
		}
	}
	pause, last := backoff.NewExponentialBackOff(), time.Now()
	pause.InitialInterval, pause.MaxInterval = 200*time.Millisecond, 5*time.Second
	for {
		err := once(ctx, j)
		if err == nil || j.Redial == nil || errors.Is(err, ErrUnclear) || !j.lost(ctx) {
			return err
		}
		if moved {
			pause.Reset()
			last, moved = time.Now(), false
		}
		for again := error(nil); ; {
			if time.Since(last) > patience {
				return errors.Join(err, again)
			}
			select {
			case <-ctx.Done():
				return errors.Join(err, ctx.Err())
			case <-time.After(pause.NextBackOff()):
			}
			var from, to *fleet.Client
			if from, to, again = j.Redial(ctx); again == nil {
				j.From, j.To = from, to
				break
			}
		}
	}
}

// lost reports whether one of the connections is gone, which is known a moment after what waited for it.
func (j Job) lost(ctx context.Context) bool {
	select {
	case <-j.From.Lost():
	case <-j.To.Lost():
	case <-ctx.Done():
		return false
	case <-time.After(time.Second):
		return false
	}
	return true
}

func once(ctx context.Context, j Job) error {
	src, err := j.From.SFTP(ctx)
	if err != nil {
		return fmt.Errorf("open source: %w", err)
	}
	defer func() { _ = src.Close() }()
	dst, err := j.To.SFTP(ctx)
	if err != nil {
		return fmt.Errorf("open target: %w", err)
	}
	defer func() { _ = dst.Close() }()
	stop := context.AfterFunc(ctx, func() { // SFTP calls know no context: what waits for a frozen host ends with the session
		_ = src.Close()
		_ = dst.Close()
	})
	defer stop()
	if err := dst.MkdirAll(path.Dir(j.ToPath)); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	part := partOf(j.ToPath, j.SHA256)
	for again := false; ; again = true {
		if err := stream(ctx, j, src, dst, part); err != nil {
			return errors.Join(err, ctx.Err())
		}
		got, err := Hash(ctx, j.To, part)
		if err != nil {
			return fmt.Errorf("hash copy: %w", err)
		}
		if got == j.SHA256 {
			break
		}
		_ = dst.Remove(part) // what an earlier attempt left was bad: once from the beginning
		if again {
			return runbook.Errorf(runbook.Conflicting, "copy.source_changed", "file", path.Base(j.FromPath))
		}
	}
	return place(dst, part, j.ToPath, j.Mode)
}

// place gives a complete file its mode and its name.
func place(dst *sftp.Client, part, to string, mode os.FileMode) error {
	if err := dst.Chmod(part, mode.Perm()); err != nil {
		return fmt.Errorf("set mode: %w", err)
	}
	if err := dst.PosixRename(part, to); err != nil {
		var status *sftp.StatusError
		if errors.As(err, &status) || os.IsNotExist(err) || os.IsPermission(err) {
			return fmt.Errorf("put file in place: %w", err)
		}
		return fmt.Errorf("put file in place: %w: %w", ErrUnclear, err)
	}
	return nil
}

// partOf is where a file gathers before it is in place.
func partOf(to, sum string) string {
	return path.Join(path.Dir(to), "."+path.Base(to)+"."+sum[:min(16, len(sum))]+".part")
}

func stream(ctx context.Context, j Job, src, dst *sftp.Client, part string) error {
	in, err := src.Open(j.FromPath)
	if err != nil {
		return fmt.Errorf("open source: %w", err)
	}
	defer func() { _ = in.Close() }()
	info, err := in.Stat()
	if err != nil {
		return fmt.Errorf("look at source: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() != j.Size {
		return runbook.Errorf(runbook.Conflicting, "copy.source_changed", "file", path.Base(j.FromPath))
	}
	var off int64
	if have, err := dst.Lstat(part); err == nil {
		if !have.Mode().IsRegular() {
			return fmt.Errorf("resume copy: %s is not a regular file", part)
		}
		off = min(have.Size(), j.Size) / window * window
	}
	out, err := dst.OpenFile(part, os.O_WRONLY|os.O_CREATE)
	if err != nil {
		return fmt.Errorf("open target: %w", err)
	}
	defer func() { _ = out.Close() }()
	if err := dst.Chmod(part, 0o600); err != nil {
		return fmt.Errorf("set mode: %w", err)
	}
	if err := out.Truncate(off); err != nil {
		return fmt.Errorf("resume copy: %w", err)
	}
	if j.Size-off > window {
		if t := compressor(ctx, j); t.pack != "" {
			if err := j.squeeze(ctx, t, part, off); err != nil {
				return err
			}
			off = j.Size
		}
	}
	buf := make([]byte, min(window, j.Size-off))
	for off < j.Size {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := in.ReadAt(buf[:min(window, j.Size-off)], off)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read source: %w", err)
		}
		if n == 0 {
			return runbook.Errorf(runbook.Conflicting, "copy.source_changed", "file", path.Base(j.FromPath))
		}
		if _, err := out.Seek(off, io.SeekStart); err != nil {
			return fmt.Errorf("write copy: %w", err)
		}
		if _, err := out.ReadFromWithConcurrency(bytes.NewReader(buf[:n]), 64); err != nil {
			return fmt.Errorf("write copy: %w", err)
		}
		off += int64(n)
		j.Progress(off)
	}
	if _, ok := dst.HasExtension("fsync@openssh.com"); ok {
		if err := out.Sync(); err != nil {
			return fmt.Errorf("flush copy: %w", err)
		}
	}
	return out.Close()
}

// Put writes data to a file of its own on a host: it must not exist yet.
func Put(ctx context.Context, c *fleet.Client, p string, mode os.FileMode, data io.Reader) error {
	s, err := c.SFTP(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	f, err := s.OpenFile(p, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return fmt.Errorf("create %s: %w", path.Base(p), err)
	}
	defer func() { _ = f.Close() }()
	if err := s.Chmod(p, mode); err != nil {
		return fmt.Errorf("set mode of %s: %w", path.Base(p), err)
	}
	if _, err := f.ReadFromWithConcurrency(data, 64); err != nil {
		return fmt.Errorf("write %s: %w", path.Base(p), err)
	}
	return f.Close()
}

// Hash returns the hex SHA-256 of a file on a host, computed there.
func Hash(ctx context.Context, c *fleet.Client, p string) (string, error) {
	sums, err := Hashes(ctx, c, []string{p})
	if err != nil {
		return "", err
	}
	return sums[0], nil
}

// Hashes returns the hex SHA-256 of each file, computed on the host.
func Hashes(ctx context.Context, c *fleet.Client, paths []string) ([]string, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	ran, err := c.Run(ctx, fleet.Command{
		Script: `exec xargs -0 -r sha256sum --`,
		Stdin:  strings.NewReader(strings.Join(paths, "\x00") + "\x00"),
		Max:    64<<10 + len(paths)*512,
	})
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimRight(ran.Stdout, "\n"), "\n")
	if ran.Exit != 0 || len(lines) != len(paths) {
		return nil, fmt.Errorf("hash files: exit %d, %d of %d", ran.Exit, len(lines), len(paths))
	}
	for i, l := range lines {
		l = strings.TrimPrefix(l, `\`) // names with newlines are escaped
		if len(l) < 64 {
			return nil, errors.New("hash files: unexpected answer")
		}
		lines[i] = l[:64]
	}
	return lines, nil
}
