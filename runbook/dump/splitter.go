package dump

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"

	"recoverbot/runbook"
)

const (
	firstChunk   = 1 << 14
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

	delim    []byte
	lex      Lex   // under which the next statement is read
	read     Lex   // under which the last one was
	from     int64 // where the last statement begins
	line     int64 // that has begun, at the start of the unread part
	fromLine int64 // line that the last statement begins in
	first    bool  // nothing but the sandbox line was read
	Trailer  bool  // the last comment read outside statements is the trailer
}

// NewSplitter reads a dump, uncompressed.
func NewSplitter(r io.Reader) *Splitter {
	return &Splitter{r: r, delim: []byte(";"), first: true, line: 1}
}

// Lex is what Rules.Lex must be to judge the statement that Next returned last.
func (s *Splitter) Lex() Lex { return s.read }

// Where adds to a refusal of the statement that Next returned last where it stands.
func (s *Splitter) Where(err error) error {
	var e *runbook.Error
	if !errors.As(err, &e) || e.Msg.Args["offset"] != nil {
		return err
	}
	m := e.Msg
	m.Args = maps.Clone(m.Args)
	if m.Args == nil {
		m.Args = map[string]any{}
	}
	m.Args["offset"], m.Args["line"] = s.from, s.fromLine
	return &runbook.Error{Code: e.Code, Msg: m, Err: e.Err}
}

// Checked is the next statement, judged. SQL is valid until the call after.
func (s *Splitter) Checked(rules Rules) (Checked, error) {
	text, err := s.Next()
	if err != nil {
		return Checked{}, err
	}
	rules.Lex = s.read
	c, err := rules.Check(text)
	return c, s.Where(err)
}

// skip marks n bytes as read.
func (s *Splitter) skip(n int) {
	s.line += int64(bytes.Count(s.buf[s.start:s.start+n], []byte{'\n'}))
	s.start += n
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
	chunk := min(readChunk, max(firstChunk, cap(s.buf)/2))
	if cap(s.buf)-n < chunk {
		grown := make([]byte, n, 2*cap(s.buf)+2*chunk)
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
		s.from, s.fromLine, s.read = s.Offset(), s.line, s.lex
		text, err := s.statement()
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		if c, err := (Rules{Lex: s.lex}).set(text); err == nil { // one that may not run is refused by Rules
			s.lex = c.lex
		}
		return text, nil
	}
}

// skipSpace skips white space and plain comments before a statement.
func (s *Splitter) skipSpace() error {
	if s.Offset() == 0 && s.has(0, []byte("\xef\xbb\xbf")) { // some editors put it there
		s.skip(3)
	}
	for {
		c, ok := s.at(0)
		if !ok {
			if s.err != nil {
				return s.err
			}
			return io.EOF
		}
		switch {
		case space(c):
			s.skip(1)
		case s.first && (s.has(0, []byte(`/*M!999999\-`)) || s.has(0, []byte(`/*!999999\-`))):
			n, err := s.lineAt(0)
			if err != nil {
				return err
			}
			line := bytes.TrimSpace(s.buf[s.start : s.start+n])
			if string(line) != `/*M!999999\- enable the sandbox mode */` && string(line) != `/*!999999\- enable the sandbox mode */` {
				return s.bad("dump.client_command", 0)
			}
			s.skip(n)
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
			s.skip(n)
		}
	}
}

func space(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// comment returns the length of the plain comment at i, 0 where there is none.
func (s *Splitter) comment(i int) (int, error) {
	c, _ := s.at(i)
	switch c {
	case '#':
		return s.lineAt(i)
	case '-':
		if next, ok := s.at(i + 1); !ok || next != '-' {
			return 0, nil
		}
		switch third, ok := s.at(i + 2); {
		case ok && third == 0x7F, ok && third > 0x7F && !s.lex.utf8(): // servers differ over whether this is a comment
			return 0, s.bad("dump.not_text", i)
		case ok && third > ' ':
			return 0, nil
		}
		return s.lineAt(i)
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
	n, err := s.lineAt(0)
	if err != nil {
		return false, err
	}
	d := bytes.TrimSpace(s.buf[s.start+len(word) : s.start+n])
	if len(d) == 0 || len(d) > 15 || bytes.ContainsAny(d, " \t\\'\"`abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-*/#") {
		return false, s.bad("dump.delimiter", 0)
	}
	s.delim = append([]byte(nil), d...)
	s.skip(n)
	return true, nil
}

// special lists the bytes outside of quotes that need a closer look.
var special = func() (t [256]bool) {
	for c := range t {
		t[c] = c < ' ' && !space(byte(c)) || c >= 0x7F || bytes.IndexByte([]byte("'\"`\\#-/*"), byte(c)) >= 0
	}
	return t
}()

// statement reads to the delimiter.
func (s *Splitter) statement() ([]byte, error) {
	within := none
	for i := 0; ; {
		c, ok := s.at(i)
		if !ok {
			if s.err != nil {
				return nil, s.err
			}
			return nil, s.bad("dump.unterminated", 0)
		}
		if c == s.delim[0] && s.has(i, s.delim) {
			if within != none {
				return nil, s.bad("dump.nested_comment", i)
			}
			text := s.buf[s.start : s.start+i]
			s.skip(i + len(s.delim))
			s.Trailer = false
			return text, nil
		}
		if !special[c] {
			rest, n := s.buf[s.start+i:], 1
			for n < len(rest) && !special[rest[n]] && rest[n] != s.delim[0] {
				n++
			}
			i += n
			continue
		}
		n, next, err := s.special(i, c, within)
		if err != nil {
			return nil, err
		}
		i += n
		within = next
	}
}

// special returns the length of what begins at i with a special byte, and in what comment the reading goes on.
func (s *Splitter) special(i int, c byte, within comment) (n int, next comment, err error) {
	switch {
	case c == '\'' || c == '"' || c == '`':
		n, err = s.quoted(i, c)
		if err == nil && within == unsure && bytes.Contains(s.buf[s.start+i:s.start+i+n], []byte("*/")) {
			err = s.bad("dump.nested_comment", i) // ends the comment for a server that skips it
		}
		return n, within, err
	case c == '\\':
		return 0, within, s.bad("dump.client_command", i)
	case c < ' ' || c == 0x7F || c > 0x7F && !s.lex.utf8():
		return 0, within, s.bad("dump.not_text", i)
	case c == '*' && within != none && s.has(i, []byte("*/")):
		return 2, none, nil
	case c == '#' || c == '-' || c == '/':
		if n, err = s.comment(i); err != nil {
			return 0, within, err
		}
		if n > 0 && within == unsure {
			return 0, within, s.bad("dump.nested_comment", i)
		}
		if n > 0 || c != '/' {
			return max(n, 1), within, nil
		}
		if n = s.executable(i); n == 0 {
			return 1, within, nil
		}
		if within != none {
			return 0, within, s.bad("dump.nested_comment", i)
		}
		s.at(i + n + 7) // so that all digits are there
		digits, sure, ok := version(s.buf[s.start+i:])
		if !ok {
			return 0, within, s.bad("dump.nested_comment", i)
		}
		if !sure {
			return n + digits, unsure, nil
		}
		return n + digits, executed, nil
	}
	return 1, within, nil
}

// quoted returns the length of the quoted text at i.
func (s *Splitter) quoted(i int, quote byte) (int, error) {
	escaped, wide := s.read.escaped(quote), s.read.wide()
	n := 1
	for {
		if _, ok := s.at(i + n); !ok {
			if s.err != nil {
				return 0, s.err
			}
			return 0, s.bad("dump.unterminated", 0)
		}
		if wide != nil {
			s.at(i + n + 1) // so that a character is not cut in two, but at the end
		}
		m, done := skipQuoted(s.buf[s.start+i+n:], quote, escaped, wide)
		n += m
		if done {
			return n, nil // a doubled quote is the next quoted text, which is the same for splitting
		}
	}
}

// skipQuoted returns how many bytes of b, which begins within quotes, belong to them, and whether the quote was closed.
// The count goes beyond b where b ends in a backslash.
func skipQuoted(b []byte, quote byte, escaped bool, wide *wide) (n int, done bool) {
	for n < len(b) {
		if wide == nil {
			for n < len(b) && b[n] != quote && b[n] != '\\' {
				n++
			}
			if n == len(b) {
				break
			}
		}
		switch c := b[n]; {
		case c == quote:
			return n + 1, true
		case c == '\\' && escaped:
			n += 2
		case c >= 0x80 && wide != nil:
			if n+1 == len(b) && n > 0 {
				return n, false // the next piece begins with it
			}
			if n+1 < len(b) && wide.pair(c, b[n+1]) {
				n++
			}
			n++
		default:
			n++
		}
	}
	return n, false
}

func (s *Splitter) bad(id string, i int) error {
	line := s.line + int64(bytes.Count(s.buf[s.start:min(s.start+i, len(s.buf))], []byte{'\n'}))
	return runbook.Errorf(runbook.Invalid, id, "offset", s.base+int64(s.start)+int64(i), "line", line)
}
