// Package rewrite changes the text of configuration files byte for byte: hosts inside values, single lines, lists of
// hosts. It is pure: it reads and writes no file, and knows no fleet. Everything that it does not change it keeps as it
// is, line ends, byte order mark and a missing last newline included.
package rewrite

import (
	"bytes"
	"fmt"
	"strings"
)

// Op is one change. Kind says which of the other fields count.
type Op struct {
	Kind string   `json:"kind"`           // "rehost", "add_line", "remove_line" or "list"
	From []string `json:"from,omitempty"` // rehost: names of the host that goes
	To   string   `json:"to,omitempty"`   // rehost: what stands in its place
	Line string   `json:"line,omitempty"` // add_line, remove_line
	List string   `json:"list,omitempty"` // list: the variable or key that holds it
	Want []Host   `json:"want,omitempty"` // list: hosts that must be in it
	Drop []Host   `json:"drop,omitempty"` // list: hosts that must not be in it
	Know []Host   `json:"know,omitempty"` // list: all hosts, to recognise the elements that are there
}

// Host is a host as lists mean it: the address that is written, and all names by which it is recognised.
type Host struct {
	Address string   `json:"address"`
	Names   []string `json:"names"`
}

const bom = "\ufeff"

// Do makes all changes, in order. name is the file's name, whose extension gives the format. Changes that are there
// already change nothing: doing it again gives the same text.
func Do(name string, text []byte, ops []Op) ([]byte, error) {
	if bytes.IndexByte(text, 0) >= 0 {
		return nil, ErrBinary
	}
	s, marked := strings.CutPrefix(string(text), bom)
	format := FormatOf(name)
	var err error
	for _, op := range ops {
		switch op.Kind {
		case "rehost":
			s = Rehost(format, s, op.From, op.To)
		case "add_line":
			s = AddLine(s, op.Line)
		case "remove_line":
			s = RemoveLine(s, op.Line)
		case "list":
			s, err = ListHosts(format, s, op)
		default:
			err = fmt.Errorf("unknown change %q", op.Kind)
		}
		if err != nil {
			return nil, err
		}
	}
	if marked {
		s = bom + s
	}
	return []byte(s), nil
}

// AddLine appends a line with the text's own line end, unless a line equal to it (but for trailing space) is there.
// A text without a last newline stays without one.
func AddLine(text, line string) string {
	line = strings.TrimRight(line, " \t\r\n")
	eol := "\n"
	if strings.Contains(text, "\r\n") {
		eol = "\r\n"
	}
	for _, l := range strings.Split(text, "\n") {
		if strings.TrimRight(l, " \t\r") == line {
			return text
		}
	}
	switch {
	case text == "" || strings.HasSuffix(text, "\n"):
		return text + line + eol
	default:
		return text + eol + line
	}
}

// RemoveLine removes every line that equals line but for trailing space.
func RemoveLine(text, line string) string {
	line = strings.TrimRight(line, " \t\r\n")
	var out strings.Builder
	for _, l := range strings.SplitAfter(text, "\n") {
		if l != "" && strings.TrimRight(l, " \t\r\n") == line {
			continue
		}
		out.WriteString(l)
	}
	return out.String()
}
