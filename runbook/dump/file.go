package dump

import (
	"bufio"
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
)

// File is an open dump, read once from its beginning. Whoever opens it closes it.
type File struct {
	io.Reader // uncompressed
	raw       *counter
	sum       *hasher
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// Open reads a dump from its beginning, as it is stored, uncompressing it where gz says so.
func Open(f io.Reader, gz bool) (*File, error) {
	d := &File{sum: newHasher()}
	d.raw = &counter{r: io.TeeReader(f, d.sum)}
	d.Reader = d.raw
	if gz {
		z, err := gzip.NewReader(bufio.NewReaderSize(d.raw, 1<<18))
		if err != nil {
			d.Close()
			return nil, fmt.Errorf("uncompress dump: %w", err)
		}
		d.Reader = z
	}
	return d, nil
}

// Close ends the hashing; what was opened stays open.
func (d *File) Close() { d.sum.end() }

// Position is how many bytes of the file itself have been read.
func (d *File) Position() int64 { return d.raw.n }

// SHA256 reads what remains of the file and returns the hex hash of all of it, as it is on disk. Nothing is read after it.
func (d *File) SHA256() (string, error) {
	if _, err := io.Copy(io.Discard, d.raw); err != nil {
		return "", fmt.Errorf("read dump: %w", err)
	}
	d.sum.end()
	return hex.EncodeToString(d.sum.h.Sum(nil)), nil
}
