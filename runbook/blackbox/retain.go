package blackbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// hardLimit is how long at most anything is kept: also the last copy of a machine that is gone for good, and a snapshot
// whose key is lost.
const hardLimit = 366 * 24 * time.Hour

// Prune removes snapshots older than keep, but for those of which Latest still needs a part, since nothing newer holds it.
func (s *Store) Prune(now time.Time, keep time.Duration) error {
	names, err := s.names()
	if err != nil {
		return err
	}
	var errs []error
	hosts := map[string]*merged{}
	for _, n := range names {
		age := now.Sub(timeOf(n))
		t := s.load(n)
		needed := t.Err != nil // perhaps for want of a key that comes back
		for name, h := range t.Hosts {
			if hosts[name] == nil {
				hosts[name] = &merged{}
			}
			if !hosts[name].complete() && hosts[name].add(h) {
				needed = true
			}
		}
		if age > hardLimit || age > keep && !needed {
			if err := os.Remove(filepath.Join(s.dir, n)); !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	errs = append(errs, s.sweep(now))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("prune black box: %w", err)
	}
	return nil
}

// sweep removes what was being written when the bot was killed: ciphertext, an hour old at least.
func (s *Store) sweep(now time.Time) error {
	left, err := filepath.Glob(filepath.Join(s.dir, temporary))
	if err != nil {
		return err
	}
	for _, f := range left {
		if info, err := os.Lstat(f); err == nil && now.Sub(info.ModTime()) > time.Hour {
			if err := os.Remove(f); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
