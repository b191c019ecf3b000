package dump

import (
	"bytes"
	"errors"
	"io"
	"maps"

	"recoverbot/runbook"
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

// Offset is how many bytes of the dump have been split.
func (s *Splitter) Offset() int64 { return s.base + int64(s.start) }

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

func (s *Splitter) bad(id string, i int) error {
	line := s.line + int64(bytes.Count(s.buf[s.start:min(s.start+i, len(s.buf))], []byte{'\n'}))
	return runbook.Errorf(runbook.Invalid, id, "offset", s.base+int64(s.start)+int64(i), "line", line)
}
