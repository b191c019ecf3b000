package journal

import (
	"errors"
	"io/fs"
	"syscall"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"recoverbot/runbook"
)

// Cause says in plain words, without a path, why the journal cannot be written or read.
func Cause(err error) runbook.Msg { return runbook.T("journal.cause_" + cause(err)) }

func cause(err error) string {
	if lite := (*sqlite.Error)(nil); errors.As(err, &lite) {
		switch lite.Code() & 0xff { // the rest of the code is detail
		case lib.SQLITE_FULL:
			return "full"
		case lib.SQLITE_READONLY:
			return "read_only"
		case lib.SQLITE_CORRUPT:
			return "damaged"
		case lib.SQLITE_NOTADB:
			return "foreign"
		case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
			return "busy"
		case lib.SQLITE_IOERR:
			return "disk"
		}
	}
	for _, c := range []struct {
		is error
		id string
	}{
		{syscall.ENOSPC, "full"}, {syscall.EDQUOT, "full"}, {syscall.EROFS, "read_only"}, {fs.ErrPermission, "denied"}, {errReplaced, "gone"},
		{fs.ErrNotExist, "gone"}, {syscall.EISDIR, "directory"}, {syscall.EIO, "disk"},
	} {
		if errors.Is(err, c.is) {
			return c.id
		}
	}
	return "unknown"
}
