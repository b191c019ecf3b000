package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// Source is where a dump's bytes come from, as they are stored: compressed, where the dump is.
type Source struct {
	Size int64
	// Open reads from an offset of the stored bytes to their end. It may be called by several goroutines.
	Open func(ctx context.Context, offset int64) (io.ReadCloser, error)
	// Far says that a network lies in between: the bytes are then read in one stream, and as seldom as possible.
	Far bool
}

// Dialer opens a connection to the server.
type Dialer func(ctx context.Context) (net.Conn, error)

var errNotAFile = errors.New("not a regular file")

// localFile is a dump that lies on this host. The file stays the same one, whatever happens to its name.
func localFile(name string) (Source, func(), error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return Source{}, nil, fmt.Errorf("open dump: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNotAFile
	}
	if err != nil {
		_ = f.Close()
		return Source{}, nil, fmt.Errorf("open dump: %w", err)
	}
	open := func(_ context.Context, offset int64) (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(f, offset, 1<<62-offset)), nil
	}
	return Source{Size: info.Size(), Open: open}, func() { _ = f.Close() }, nil
}
