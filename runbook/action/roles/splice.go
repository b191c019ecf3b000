package roles

import (
	"errors"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/token"
)

// splicer collects replacements in a text by the parser's lines and columns (in characters), and makes them at once.
type splicer struct {
	text   string
	starts []int // byte offset of each line
	edits  []edit
	newl   string
	err    error
}

type edit struct {
	from, to int
	text     string
}

func newSplicer(text []byte) *splicer {
	s := &splicer{text: string(text), starts: []int{0}, newl: "\n"}
	for i := range len(s.text) {
		if s.text[i] == '\n' {
			s.starts = append(s.starts, i+1)
		}
	}
	if strings.Contains(s.text, "\r\n") {
		s.newl = "\r\n"
	}
	return s
}

// at is the byte offset of a position, moved on by some characters.
func (s *splicer) at(p *token.Position, on int) int {
	if p.Line < 1 || p.Line > len(s.starts) {
		s.err = errors.New("the parser named a line that is not there")
		return 0
	}
	off := s.starts[p.Line-1]
	for range p.Column - 1 + on {
		_, n := utf8.DecodeRuneInString(s.text[off:])
		off += n
	}
	return off
}

// line is the byte offset of the beginning of a line, or the end of the text.
func (s *splicer) line(n int) int {
	if n-1 >= len(s.starts) {
		return len(s.text)
	}
	return s.starts[n-1]
}

func (s *splicer) replace(from, to *token.Position, width int, text string) {
	s.edits = append(s.edits, edit{s.at(from, 0), s.at(to, width), text})
}

func (s *splicer) insertAfter(p *token.Position, width int, text string) {
	s.edits = append(s.edits, edit{s.at(p, width), s.at(p, width), text})
}

// insertBefore inserts before a position and the spaces in front of it.
func (s *splicer) insertBefore(p *token.Position, text string) {
	off := len(strings.TrimRight(s.text[:s.at(p, 0)], " "))
	s.edits = append(s.edits, edit{off, off, text})
}

func (s *splicer) insertLine(after, indent int, text string) {
	off := s.line(after + 1)
	text = strings.Repeat(" ", indent) + text + s.newl
	if off > 0 && s.text[off-1] != '\n' {
		text = s.newl + strings.TrimSuffix(text, s.newl)
	}
	s.edits = append(s.edits, edit{off, off, text})
}

func (s *splicer) removeLines(first, last int) {
	s.edits = append(s.edits, edit{s.line(first), s.line(last + 1), ""})
}

func (s *splicer) result() ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	sort.SliceStable(s.edits, func(i, j int) bool { return s.edits[i].from < s.edits[j].from })
	var b strings.Builder
	done := 0
	for _, e := range s.edits {
		if e.from < done || e.to < e.from {
			return nil, errors.New("two changes meet in one place")
		}
		b.WriteString(s.text[done:e.from] + e.text)
		done = e.to
	}
	b.WriteString(s.text[done:])
	return []byte(b.String()), nil
}
