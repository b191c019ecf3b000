package load

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	"recoverbot/runbook"
)

// block is how much of a dump is read and verified at a time.
const block = 256 << 10

// sums holds a keyed hash of each block of the uncompressed dump as it was checked: what is loaded later is that, and
// nothing that has been put in its place.
type sums struct {
	seed maphash.Seed
	list []uint64
	open maphash.Hash
	n    int
}

func newSums() *sums {
	s := &sums{seed: maphash.MakeSeed()}
	s.open.SetSeed(s.seed)
	return s
}

// Write takes the next bytes of the dump.
func (s *sums) Write(p []byte) (int, error) {
	all := len(p)
	for len(p) > 0 {
		k := min(len(p), block-s.n)
		_, _ = s.open.Write(p[:k])
		s.n += k
		p = p[k:]
		if s.n == block {
			s.end()
		}
	}
	return all, nil
}

// end closes the last block.
func (s *sums) end() {
	if s.n > 0 {
		s.list = append(s.list, s.open.Sum64())
		s.open.Reset()
		s.n = 0
	}
}

// text reads the uncompressed dump from anywhere, verified.
type text struct {
	l     *loader
	raw   io.ReadCloser
	plain io.Reader
	next  int64 // number of the block that plain gives next
	buf   []byte
	rest  []byte // of the block in buf
	at    int64  // offset of rest
}

func (l *loader) text() *text { return &text{l: l, buf: make([]byte, block)} }

func (t *text) close() {
	if t.raw != nil {
		_ = t.raw.Close()
	}
}

// seek makes offset the place where Read goes on.
func (t *text) seek(ctx context.Context, offset int64) error {
	if skip := offset - t.at; t.raw != nil && skip >= 0 && skip <= int64(len(t.rest)) {
		t.rest, t.at = t.rest[skip:], offset
		return nil
	}
	want := offset / block
	if err := t.open(ctx, want); err != nil {
		return err
	}
	for t.next < want {
		if _, err := io.CopyN(io.Discard, t.plain, block); err != nil {
			return unread(err)
		}
		t.next++
	}
	t.at, t.rest = want*block, nil
	if err := t.fill(); err != nil {
		return err
	}
	skip := offset - t.at
	if skip > int64(len(t.rest)) {
		return changed(io.ErrUnexpectedEOF)
	}
	t.rest, t.at = t.rest[skip:], offset
	return nil
}

// open sees to it that block want is not behind; a compressed dump is read again from its beginning for that.
func (t *text) open(ctx context.Context, want int64) error {
	near := t.raw != nil && t.next <= want
	if near && (t.l.cfg.Gzip || t.l.src.Far && want-t.next < 64 || want == t.next) {
		return nil
	}
	t.close()
	t.raw = nil
	from := want
	if t.l.cfg.Gzip {
		from = 0
	}
	raw, err := t.l.src.Open(ctx, from*block)
	if err != nil {
		return gone(err)
	}
	t.raw, t.plain, t.next = raw, raw, from
	if t.l.cfg.Gzip {
		if t.plain, err = gzip.NewReader(bufio.NewReaderSize(raw, 1<<16)); err != nil {
			return unread(err)
		}
	}
	return nil
}

// fill reads and verifies the next block.
func (t *text) fill() error {
	t.at += int64(len(t.rest))
	n, err := io.ReadFull(t.plain, t.buf)
	if err != nil && err != io.ErrUnexpectedEOF {
		return unread(err)
	}
	if t.next >= int64(len(t.l.sums.list)) || maphash.Bytes(t.l.sums.seed, t.buf[:n]) != t.l.sums.list[t.next] {
		return changed(fmt.Errorf("verify block %d: it differs", t.next))
	}
	t.next++
	t.rest = t.buf[:n]
	return nil
}

func (t *text) Read(p []byte) (int, error) {
	if len(t.rest) == 0 {
		if err := t.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, t.rest)
	t.rest = t.rest[n:]
	t.at += int64(n)
	return n, nil
}

// unread tells a dump that is not what it was from one that cannot be reached.
func unread(err error) error {
	var known *runbook.Error
	var flaw flate.CorruptInputError
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &flaw):
		return changed(err)
	}
	return &runbook.Error{Code: runbook.Unavailable, Msg: runbook.T("dump.unreadable"), Err: err}
}

func gone(err error) error {
	return &runbook.Error{Code: runbook.Conflicting, Msg: runbook.T("dump.gone"), Err: err}
}

func changed(err error) error {
	return &runbook.Error{Code: runbook.Conflicting, Msg: runbook.T("dump.changed"), Err: err}
}
