package journal

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"
	"syscall"

	"recoverbot/runbook"
)

// acquire takes the lock file that keeps a second process out. The kernel frees it with the process, however it ends.
func acquire(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, unavailable("open lock file", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		pid, _ := io.ReadAll(io.LimitReader(f, 20)) // for the message only
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, &runbook.Error{Code: runbook.Unavailable,
				Msg: runbook.T("journal.locked", "pid", string(bytes.TrimSpace(pid)), "path", path), Err: err}
		}
		return nil, unavailable("lock journal", err)
	}
	if err := f.Truncate(0); err != nil {
		_ = f.Close()
		return nil, unavailable("write lock file", err)
	}
	if _, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		_ = f.Close()
		return nil, unavailable("write lock file", err)
	}
	return f, nil
}

// Held tells whether a process has the journal at dsn open. It changes nothing.
func Held(dsn string) bool {
	path, err := filePath(dsn)
	if err != nil {
		return false
	}
	f, err := os.Open(path + ".lock")
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}
