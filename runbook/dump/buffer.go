package dump

import (
	"bytes"
	"fmt"
	"io"
)

const (
	firstChunk = 1 << 14
	readChunk  = 1 << 20
	// maxStatement is how long a statement may be, in bytes. All of it is in memory at once, beside a database that needs
	// that memory. mysqldump makes longer ones only of single rows, and of those only where it is told to.
	maxStatement = 32 << 20
)

// skip marks n bytes as read.
func (s *Splitter) skip(n int) {
	s.line += int64(bytes.Count(s.buf[s.start:s.start+n], []byte{'\n'}))
	s.start += n
}

// at returns the byte i behind the start of the unread part, reading more where needed.
func (s *Splitter) at(i int) (byte, bool) {
	for s.start+i >= len(s.buf) {
		if !s.fill() {
			return 0, false
		}
	}
	return s.buf[s.start+i], true
}

func (s *Splitter) fill() bool {
	if s.eof || s.err != nil {
		return false
	}
	chunk := min(readChunk, max(firstChunk, cap(s.buf)/2))
	full := cap(s.buf)-len(s.buf) < chunk
	if s.start > 0 && (s.start > len(s.buf)/2 || s.start == len(s.buf) || full && s.start >= chunk) {
		s.base += int64(s.start)
		s.buf = s.buf[:copy(s.buf, s.buf[s.start:])]
		s.start = 0
	}
	n := len(s.buf)
	if n-s.start > maxStatement {
		s.err = s.bad("dump.statement_too_long", 0)
		return false
	}
	if cap(s.buf)-n < chunk {
		grown := make([]byte, n, min(2*cap(s.buf)+2*chunk, max(n, maxStatement)+2*readChunk))
		copy(grown, s.buf)
		s.buf = grown
	}
	m, err := s.r.Read(s.buf[n : n+min(readChunk, cap(s.buf)-n)])
	s.buf = s.buf[:n+m]
	if err == io.EOF {
		s.eof = true
	} else if err != nil {
		s.err = fmt.Errorf("read dump: %w", err)
		return m > 0
	}
	return m > 0 || !s.eof
}

func (s *Splitter) has(i int, prefix []byte) bool {
	for j, want := range prefix {
		if c, ok := s.at(i + j); !ok || c != want {
			return false
		}
	}
	return true
}

func (s *Splitter) lineAt(i int) (int, error) {
	for n := 0; ; n++ {
		c, ok := s.at(i + n)
		if !ok {
			return n, s.err
		}
		if c == '\n' {
			return n + 1, nil
		}
	}
}
