package dump

import (
	"bytes"
	"fmt"
	"io"

	"recoverbot/runbook"
)

const (
	readChunk    = 1 << 20
	maxStatement = 1 << 30 // no server takes a larger packet
)

// Splitter cuts a dump into statements as strictly as it can: whatever the mysql client would treat as a command of its
// own is an error, except DELIMITER and the sandbox line at the beginning.
type Splitter struct {
	r     io.Reader
	buf   []byte
	start int   // of the unread part of buf
	base  int64 // offset in the file of buf[0]
	eof   bool
	err   error

	delim   []byte
	first   bool // nothing but the sandbox line was read
	Trailer bool // the last comment read outside statements is the trailer
}

// NewSplitter reads a dump, uncompressed.
func NewSplitter(r io.Reader) *Splitter {
	return &Splitter{r: r, delim: []byte(";"), first: true}
}

// Offset is how many bytes of the dump have been split.
func (s *Splitter) Offset() int64 { return s.base + int64(s.start) }

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
	if s.start > 0 && (s.start > len(s.buf)/2 || s.start == len(s.buf)) {
		s.base += int64(s.start)
		s.buf = s.buf[:copy(s.buf, s.buf[s.start:])]
		s.start = 0
	}
	n := len(s.buf)
	if n-s.start > maxStatement {
		s.err = runbook.Errorf(runbook.Invalid, "dump.statement_too_long")
		return false
	}
	if cap(s.buf)-n < readChunk {
		grown := make([]byte, n, 2*cap(s.buf)+2*readChunk)
		copy(grown, s.buf)
		s.buf = grown
	}
	m, err := s.r.Read(s.buf[n : n+readChunk])
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

// Next returns the next statement without its delimiter; the slice is valid until the call after. io.EOF is the end.
func (s *Splitter) Next() ([]byte, error) {
	for {
		if err := s.skipSpace(); err != nil {
			return nil, err
		}
		if done, err := s.delimiter(); err != nil {
			return nil, err
		} else if done {
			continue
		}
		text, err := s.statement()
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(text)) > 0 {
			return text, nil
		}
	}
}

// skipSpace skips white space and plain comments before a statement.
func (s *Splitter) skipSpace() error {
	for {
		c, ok := s.at(0)
		if !ok {
			if s.err != nil {
				return s.err
			}
			return io.EOF
		}
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			s.start++
		case s.first && (s.has(0, []byte(`/*M!999999\-`)) || s.has(0, []byte(`/*!999999\-`))):
			n, err := s.line(0)
			if err != nil {
				return err
			}
			line := bytes.TrimSpace(s.buf[s.start : s.start+n])
			if string(line) != `/*M!999999\- enable the sandbox mode */` && string(line) != `/*!999999\- enable the sandbox mode */` {
				return s.bad("dump.client_command", 0)
			}
			s.start += n
			s.first = false
		default:
			s.first = false
			n, err := s.comment(0)
			if err != nil {
				return err
			}
			if n == 0 {
				return nil
			}
			line := bytes.TrimRight(s.buf[s.start:s.start+n], " \t\r\n")
			s.Trailer = trailerLine.Match(line)
			s.start += n
		}
	}
}

// comment returns the length of the plain comment at i, 0 where there is none.
func (s *Splitter) comment(i int) (int, error) {
	c, _ := s.at(i)
	switch c {
	case '#':
		return s.line(i)
	case '-':
		if next, ok := s.at(i + 1); !ok || next != '-' {
			return 0, nil
		}
		if third, ok := s.at(i + 2); ok && third > ' ' {
			return 0, nil
		}
		return s.line(i)
	case '/':
		if !s.has(i, []byte("/*")) || s.executable(i) > 0 {
			return 0, nil
		}
		for n := 2; ; n++ {
			if _, ok := s.at(i + n); !ok {
				return 0, s.bad("dump.unterminated", i)
			}
			if s.has(i+n, []byte("*/")) {
				return n + 2, nil
			}
		}
	}
	return 0, nil
}

// executable returns the length of the opening of an executable comment at i, 0 where there is none.
func (s *Splitter) executable(i int) int {
	if s.has(i, []byte("/*!")) {
		return 3
	}
	if s.has(i, []byte("/*M!")) {
		return 4
	}
	return 0
}

func (s *Splitter) line(i int) (int, error) {
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

// delimiter obeys a DELIMITER line.
func (s *Splitter) delimiter() (bool, error) {
	const word = "delimiter"
	for i := range len(word) {
		if c, ok := s.at(i); !ok || c|0x20 != word[i] {
			return false, nil
		}
	}
	if c, ok := s.at(len(word)); ok && c != ' ' && c != '\t' {
		return false, nil
	}
	n, err := s.line(0)
	if err != nil {
		return false, err
	}
	d := bytes.TrimSpace(s.buf[s.start+len(word) : s.start+n])
	if len(d) == 0 || len(d) > 15 || bytes.ContainsAny(d, " \t\\'\"`abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-*/#") {
		return false, s.bad("dump.delimiter", 0)
	}
	s.delim = append([]byte(nil), d...)
	s.start += n
	return true, nil
}

// statement reads to the delimiter.
func (s *Splitter) statement() ([]byte, error) {
	executable := false
	for i := 0; ; {
		c, ok := s.at(i)
		if !ok {
			if s.err != nil {
				return nil, s.err
			}
			return nil, s.bad("dump.unterminated", 0)
		}
		switch c {
		case '\'', '"', '`':
			n, err := s.quoted(i, c)
			if err != nil {
				return nil, err
			}
			i += n
			continue
		case '\\':
			return nil, s.bad("dump.client_command", i)
		case 0:
			return nil, s.bad("dump.not_text", i)
		case '#', '-', '/':
			n, err := s.comment(i)
			if err != nil {
				return nil, err
			}
			if n == 0 && c == '/' {
				if n = s.executable(i); n > 0 {
					if executable {
						return nil, s.bad("dump.nested_comment", i)
					}
					executable = true
				}
			}
			if n > 0 {
				i += n
				continue
			}
		case '*':
			if executable && s.has(i, []byte("*/")) {
				executable = false
				i += 2
				continue
			}
		}
		if c == s.delim[0] && s.has(i, s.delim) {
			if executable {
				return nil, s.bad("dump.nested_comment", i)
			}
			text := s.buf[s.start : s.start+i]
			s.start += i + len(s.delim)
			s.Trailer = false
			return text, nil
		}
		i++
	}
}

// quoted returns the length of the quoted text at i.
func (s *Splitter) quoted(i int, quote byte) (int, error) {
	n := 1
	for {
		if _, ok := s.at(i + n); !ok {
			if s.err != nil {
				return 0, s.err
			}
			return 0, s.bad("dump.unterminated", i)
		}
		rest := s.buf[s.start+i+n:]
		j := 0
		for j < len(rest) && rest[j] != quote && rest[j] != '\\' {
			j++
		}
		n += j
		if j == len(rest) {
			continue
		}
		if rest[j] == '\\' && quote != '`' {
			n += 2 // the byte behind may not be read yet: at() sees to it
			continue
		}
		n++
		if rest[j] == quote {
			return n, nil // a doubled quote is the next quoted text, which is the same for splitting
		}
	}
}

func (s *Splitter) bad(id string, i int) error {
	return runbook.Errorf(runbook.Invalid, id, "offset", s.base+int64(s.start)+int64(i))
}
