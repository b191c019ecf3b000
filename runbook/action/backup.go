package action

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/pkg/sftp"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

const backupDir = "/var/lib/recoverbot/backup"

// BackupPath is where the old text of a file is kept on its host while a job changes it: away from the program's own
// directory, where include patterns and people who search would find it.
func BackupPath(h fleet.Host, job runbook.Job, file string) string {
	if h.Root != "" {
		file = strings.TrimPrefix(file, path.Clean(h.Root))
	}
	return path.Join(h.Path(backupDir), job.ID(), path.Clean("/"+file))
}

// BackUp writes text, the content of file, to BackupPath, readable by the owner alone (0600 below directories of 0700).
// remove takes it away again, with the directories that are empty then.
func BackUp(s *sftp.Client, h fleet.Host, job runbook.Job, file string, text []byte) (to string, remove func(), err error) {
	to = BackupPath(h, job, file)
	top := path.Dir(h.Path(backupDir))
	remove = func() {
		_ = s.Remove(to) // best effort: it harms nobody there
		for dir := path.Dir(to); dir != top && len(dir) > len(top); dir = path.Dir(dir) {
			if s.RemoveDirectory(dir) != nil {
				return
			}
		}
	}
	if err := makePrivate(s, path.Dir(to), top); err != nil {
		return to, remove, err
	}
	if err := s.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) { // cut off while it was written
		return to, remove, fmt.Errorf("remove %s: %w", to, err)
	}
	f, err := s.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return to, remove, fmt.Errorf("create %s: %w", to, err)
	}
	err = f.Chmod(0o600)
	if err == nil {
		_, err = f.Write(text)
	}
	if _, ok := s.HasExtension("fsync@openssh.com"); ok && err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		remove()
		return to, remove, fmt.Errorf("write %s: %w", to, err)
	}
	return to, remove, nil
}

// makePrivate makes a directory and its parents up to top; those that it makes are 0700.
func makePrivate(s *sftp.Client, dir, top string) error {
	if len(dir) <= len(top) {
		if err := s.MkdirAll(dir); err != nil {
			return fmt.Errorf("make %s: %w", dir, err)
		}
		return nil
	}
	if info, err := s.Lstat(dir); err == nil {
		if !info.IsDir() {
			return fmt.Errorf("make %s: %w", dir, fs.ErrExist)
		}
		return nil
	}
	if err := makePrivate(s, path.Dir(dir), top); err != nil {
		return err
	}
	if err := s.Mkdir(dir); err != nil {
		if info, lerr := s.Lstat(dir); lerr == nil && info.IsDir() { // another step was faster
			return nil
		}
		return fmt.Errorf("make %s: %w", dir, err)
	}
	if err := s.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("protect %s: %w", dir, err)
	}
	return nil
}
