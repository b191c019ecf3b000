package restore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"github.com/pkg/sftp"

	"recoverbot/runbook/fleet"
	"recoverbot/runbook/transfer"
)

// What lies on a host for longer was left there: the copy of a dump whose load never ended well, the directory of a
// helper that a dead bot could not remove, what is known of a load or an exchange that nobody asks for any more.
const (
	keepCopy     = time.Hour // of another dump; a helper that has opened it does not need its name
	keepHelper   = 24 * time.Hour
	keepLoaded   = 90 * 24 * time.Hour
	keepExchange = 400 * 24 * time.Hour // longer than data is kept: an undo looks into it
)

func (r *restore) copies(h fleet.Host) string { return path.Join(h.Path(stateDir), "dumps") }

// copied looks at the copies on a host: those of the dump of e, whole or in part, and those that are of no use.
func (r *restore) copied(s *sftp.Client, e effect, h fleet.Host) (mine, useless []string, size, uselessSize int64) {
	files, _ := s.ReadDir(r.copies(h)) // there may be none
	for _, f := range files {
		name := path.Join(r.copies(h), f.Name())
		switch {
		case !f.Mode().IsRegular():
		case strings.Contains(f.Name(), e.SHA256[:16]):
			mine, size = append(mine, name), size+f.Size()
		case r.env.Now().Sub(f.ModTime()) > keepCopy:
			useless, uselessSize = append(useless, name), uselessSize+f.Size()
		}
	}
	return mine, useless, size, uselessSize
}

// onHost does something with the files of a host, as far as it can be done.
func onHost(ctx context.Context, c *fleet.Client, do func(s *sftp.Client)) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	s, err := c.SFTP(ctx)
	if err != nil {
		return
	}
	defer func() { _ = s.Close() }()
	do(s)
}

// keep puts a file on a host, in a directory that may not be there yet: whole, or not at all.
func keep(ctx context.Context, c *fleet.Client, file string, text []byte) error {
	s, err := c.SFTP(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if err := s.MkdirAll(path.Dir(file)); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	if err := s.Remove(file + ".new"); err != nil && !errors.Is(err, os.ErrNotExist) { // of one that was cut off
		return fmt.Errorf("remove old file: %w", err)
	}
	if err := transfer.Put(ctx, c, file+".new", 0o600, bytesReader(text)); err != nil {
		return err
	}
	return s.PosixRename(file+".new", file)
}

// removeCopy removes what was brought to the target.
func (r *restore) removeCopy(ctx context.Context, e effect, h fleet.Host, c *fleet.Client) {
	if e.Source == h.Name {
		return
	}
	onHost(ctx, c, func(s *sftp.Client) {
		mine, _, _, _ := r.copied(s, e, h)
		for _, name := range mine {
			_ = s.Remove(name)
		}
	})
}

// sweep removes what earlier loads have left.
func (r *restore) sweep(ctx context.Context, e effect, h fleet.Host, c *fleet.Client) {
	onHost(ctx, c, func(s *sftp.Client) {
		_, useless, _, _ := r.copied(s, e, h)
		for _, dir := range append([]string{stateDir}, otherDirs...) {
			files, _ := s.ReadDir(h.Path(dir))
			for _, f := range files {
				name, age := path.Join(h.Path(dir), f.Name()), r.env.Now().Sub(f.ModTime())
				switch {
				case f.IsDir() && name != r.copies(h) && age > keepHelper:
					useless = append(useless, name+"/recoverbot", name+"/config.json", name)
				case strings.HasSuffix(name, loadedSuffix) && age > keepLoaded, strings.HasSuffix(name, swapSuffix) && age > keepExchange:
					useless = append(useless, name)
				}
			}
		}
		for _, name := range useless {
			_ = s.Remove(name) // also removes an empty directory
		}
	})
}

// room looks at how much space there is for the copy of a dump, which need not lie on the disk of the data.
func (r *restore) room(ctx context.Context, t *target, e effect, h fleet.Host) error {
	if e.Source == h.Name || e.Stream {
		return nil
	}
	c, err := r.env.Fleet.SSH(ctx, h)
	if err != nil {
		return err
	}
	s, err := c.SFTP(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	_, _, size, useless := r.copied(s, e, h)
	dir := h.Path(stateDir)
	free, err := r.free(s, dir)
	for err != nil && dir != "/" && dir != "." { // not made yet
		dir = path.Dir(dir)
		free, err = r.free(s, dir)
	}
	if err != nil {
		return err
	}
	t.copied = min(size, e.Size)
	t.room = free + size + useless
	return nil
}
