package dump

import "bytes"

// notable lists the bytes outside of quotes that need a closer look.
var notable = func() (t [256]bool) {
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
		if !notable[c] {
			rest, n := s.buf[s.start+i:], 1
			for n < len(rest) && !notable[rest[n]] && rest[n] != s.delim[0] {
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
	escaped, wide := s.read.escaped(quote), s.read.double
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
