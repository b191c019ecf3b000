package dump

import (
	"bytes"
	"io"
)

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
			if found, err := s.skipComment(); err != nil || !found {
				return err
			}
		}
	}
}

func space(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// skipComment skips a plain comment, however long it is; found is false where there is none.
func (s *Splitter) skipComment() (found bool, err error) {
	closing, err := s.commentEnd(0)
	if err != nil || closing == "" {
		return false, err
	}
	cut := s.bad("dump.unterminated", 0)
	const trailer = 128 // bytes, at most
	text := make([]byte, 0, trailer)
	for done, least := false, len(closing); !done; least = 0 { // "/*/" does not end itself
		piece := s.buf[s.start:]
		n := bytes.Index(piece[least:], []byte(closing))
		if done = n >= 0; done {
			n += least + len(closing)
		} else {
			n = max(least, len(piece)-len(closing)+1)
		}
		text = append(text, piece[:min(n, trailer-len(text))]...)
		s.skip(n)
		if done || s.fill() {
			continue
		}
		if s.err != nil {
			return false, s.err
		}
		if closing != "\n" {
			return false, cut
		}
		done = true
	}
	s.Trailer = len(text) < trailer && trailerLine.Match(bytes.TrimRight(text, " \t\r\n"))
	return true, nil
}

// commentEnd returns what ends the plain comment at i, "" where there is none.
func (s *Splitter) commentEnd(i int) (string, error) {
	c, _ := s.at(i)
	switch c {
	case '#':
		return "\n", nil
	case '-':
		if next, ok := s.at(i + 1); !ok || next != '-' {
			return "", nil
		}
		switch third, ok := s.at(i + 2); {
		case ok && third == 0x7F, ok && third > 0x7F && !s.lex.utf8(): // servers differ over whether this is a comment
			return "", s.bad("dump.not_text", i)
		case ok && third > ' ':
			return "", nil
		}
		return "\n", nil
	case '/':
		if s.has(i, []byte("/*")) && s.executable(i) == 0 {
			return "*/", nil
		}
	}
	return "", nil
}

// comment returns the length of the plain comment at i within a statement, 0 where there is none.
func (s *Splitter) comment(i int) (int, error) {
	closing, err := s.commentEnd(i)
	switch {
	case err != nil || closing == "":
		return 0, err
	case closing == "\n":
		return s.lineAt(i)
	}
	for n := 2; ; n++ {
		if _, ok := s.at(i + n); !ok {
			if s.err != nil {
				return 0, s.err
			}
			return 0, s.bad("dump.unterminated", i)
		}
		if s.has(i+n, []byte(closing)) {
			return n + 2, nil
		}
	}
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
