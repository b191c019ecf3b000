package nginx

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// op replaces Old by New at byte At of a file. Old is part of the approval: a file that differs there is not touched.
type op struct {
	At   int    `json:"at"`
	Line int    `json:"line"`
	Old  string `json:"old,omitempty"`
	New  string `json:"new,omitempty"`
}

// splice applies edits to a file's text; every byte outside them stays.
func splice(src []byte, ops []op) ([]byte, error) {
	ops = slices.SortedStableFunc(slices.Values(ops), func(a, b op) int { return a.At - b.At })
	var out bytes.Buffer
	at, cut := 0, false
	for _, o := range ops {
		if over := at - o.At; cut && o.New == "" && over > 0 && over <= len(o.Old) { // neighbours that go share the blanks between them
			o.At, o.Old = at, o.Old[over:]
		}
		cut = o.New == ""
		if o.At < at || o.At+len(o.Old) > len(src) || string(src[o.At:o.At+len(o.Old)]) != o.Old {
			return nil, fmt.Errorf("splice line %d: the text there is another one", o.Line)
		}
		out.Write(src[at:o.At])
		out.WriteString(o.New)
		at = o.At + len(o.Old)
	}
	out.Write(src[at:])
	return out.Bytes(), nil
}

func (s statement) cut(src []byte, from, to int) op {
	return op{At: from, Line: s.line, Old: string(src[from:to])}
}

// remove takes a statement out: the whole line where nothing else is on it, everything but the comment where one
// follows, and otherwise the statement with the blanks behind it.
func (s statement) remove(src []byte) op {
	from, to := lineStart(src, s.start), lineEnd(src, s.end)
	before, after := src[from:s.start], src[s.end:to]
	alone := len(bytes.TrimSpace(before)) == 0
	rest := bytes.TrimLeft(after, " \t\r")
	switch {
	case alone && len(rest) == 0:
		return s.cut(src, from, min(to+1, len(src)))
	case alone && rest[0] == '#':
		return s.cut(src, s.start, to-len(rest))
	case len(rest) == 0: // the last of several on the line
		return s.cut(src, from+len(bytes.TrimRight(before, " \t")), s.end)
	}
	return s.cut(src, s.start, to-len(rest))
}

// drop takes one parameter out of a statement, with the blanks before it.
func (s statement) drop(src []byte, param string) (op, bool) {
	for i, w := range s.words {
		if i > 1 && w.text == param {
			return s.cut(src, s.words[i-1].end, w.end), true
		}
	}
	return op{}, false
}

// rehost puts another host into the statement's first argument.
func (s statement) rehost(src []byte, host string) op {
	w := s.words[1]
	o := s.cut(src, w.start, w.end)
	o.New = strings.Replace(o.Old, w.text, replaceHost(w.text, host), 1)
	return o
}

// beside inserts a further statement after (or before) s: on a line of its own where s has one.
func (s statement) beside(src []byte, text string, before bool) op {
	from, to := lineStart(src, s.start), lineEnd(src, s.end)
	indent := src[from:s.start]
	rest := bytes.TrimSpace(src[s.end:to])
	own := len(bytes.TrimSpace(indent)) == 0 && (len(rest) == 0 || rest[0] == '#')
	eol := "\n"
	if to > from && src[to-1] == '\r' {
		eol = "\r\n"
	}
	switch {
	case own && before:
		return op{At: from, Line: s.line, New: string(indent) + text + eol}
	case own && to < len(src):
		return op{At: to + 1, Line: s.line, New: string(indent) + text + eol}
	case own:
		return op{At: to, Line: s.line, New: eol + string(indent) + text}
	case before:
		return op{At: s.start, Line: s.line, New: text + " "}
	}
	return op{At: s.end, Line: s.line, New: " " + text}
}
