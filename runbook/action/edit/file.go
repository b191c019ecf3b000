package edit

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/pkg/sftp"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// maxSize bounds the files that are edited: configuration, not data.
const maxSize = 4 << 20

// file is a file as it was read.
type file struct {
	path  string // of the regular file
	link  string // the symbolic link that was followed, if one was
	text  []byte
	mode  fs.FileMode
	uid   uint32
	gid   uint32
	found bool
}

func (f file) hash() string { return hash(f.text) }

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// read reads a regular file. One symbolic link is followed, so that the link stays one when its file is replaced; a
// link to a link, a directory, a device, or more than 4 MiB is an *runbook.Error. found is false where there is nothing.
func read(c *sftp.Client, h fleet.Host, name string) (file, error) {
	f := file{path: name}
	info, err := c.Lstat(name)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		to, err := c.ReadLink(name)
		if err != nil {
			return f, fmt.Errorf("read link %s: %w", name, err)
		}
		if !path.IsAbs(to) {
			to = path.Join(path.Dir(name), to)
		}
		f.link, f.path = name, to
		info, err = c.Lstat(to)
		if err != nil {
			return f, fmt.Errorf("look at %s: %w", to, err)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f, nil
	case err != nil:
		return f, fmt.Errorf("look at %s: %w", name, err)
	case !info.Mode().IsRegular():
		return f, runbook.Errorf(runbook.Invalid, "edit.not_regular", "path", name, "host", h.Name)
	case info.Size() > maxSize:
		return f, runbook.Errorf(runbook.Invalid, "edit.too_large", "path", name, "size", info.Size())
	}
	in, err := c.Open(f.path)
	if err != nil {
		return f, fmt.Errorf("open %s: %w", f.path, err)
	}
	defer func() { _ = in.Close() }() // only read from
	if f.text, err = io.ReadAll(io.LimitReader(in, maxSize+1)); err != nil {
		return f, fmt.Errorf("read %s: %w", f.path, err)
	}
	if len(f.text) > maxSize {
		return f, runbook.Errorf(runbook.Invalid, "edit.too_large", "path", name, "size", len(f.text))
	}
	f.mode, f.found = info.Mode().Perm(), true
	if st, ok := info.Sys().(*sftp.FileStat); ok {
		f.uid, f.gid = st.UID, st.GID
	}
	return f, nil
}
