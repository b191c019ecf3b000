package rewrite

import (
	"errors"
	"path"
	"regexp"
	"strings"
)

// ErrBinary is the answer to a file that is not text.
var ErrBinary = errors.New("not a text file")

// Format is how a file marks its comments and values.
type Format int

// The formats.
const (
	Lines  Format = iota // key = value, shell, anything else
	Ini                  // the same, where ; begins a comment too
	YAML                 // also the format of JSON's YAML-like cousins
	JSON                 // values are string literals
	Python               // values are string literals
)

// FormatOf tells the format by the file's name.
func FormatOf(name string) Format {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml":
		return YAML
	case ".json":
		return JSON
	case ".py":
		return Python
	case ".ini", ".cnf", ".conf", ".cfg":
		return Ini
	}
	return Lines
}

// span is a half-open range of bytes.
type span struct{ start, end int }

func within(spans []span, at int) bool {
	for _, s := range spans {
		if at >= s.start && at < s.end {
			return true
		}
	}
	return false
}

// values lists where values may stand: outside of comments, and inside string literals where the format has them.
func values(f Format, text string) []span {
	switch f {
	case JSON:
		return jsonStrings(text)
	case Python:
		return pythonStrings(text)
	}
	return plainLines(f, text)
}

func jsonStrings(text string) []span {
	var out []span
	for i := 0; i < len(text); i++ {
		if text[i] != '"' {
			continue
		}
		start := i + 1
		for i++; i < len(text) && text[i] != '"'; i++ {
			if text[i] == '\\' {
				i++
			}
		}
		out = append(out, span{start, min(i, len(text))})
	}
	return out
}

// pythonStrings lists the insides of string literals; a triple-quoted one that is a statement of its own is a comment.
func pythonStrings(text string) []span {
	var out []span
	depth := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case '#':
			for i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
		case '"', '\'':
			quote := string(c)
			if triple := strings.Repeat(quote, 3); strings.HasPrefix(text[i:], triple) {
				quote = triple
			}
			doc := len(quote) == 3 && depth <= 0 && strings.Trim(text[lineStart(text, i):i], " \trRuU") == ""
			start := i + len(quote)
			j := start
			for j < len(text) && !strings.HasPrefix(text[j:], quote) && (len(quote) == 3 || text[j] != '\n') {
				if text[j] == '\\' {
					j++
				}
				j++
			}
			j = min(j, len(text))
			if !doc {
				out = append(out, span{start, j})
			}
			i = j + len(quote) - 1
		}
	}
	return out
}

var blockScalar = regexp.MustCompile(`(?:^|[:\-\s])[|>][+-]?[0-9]?[+-]?$`)

// plainLines lists every line without its comment. In YAML a quoted scalar may go over several lines, and a block
// scalar has no comments.
func plainLines(f Format, text string) []span {
	var out []span
	var quote byte
	block := -1
	for start := 0; start < len(text); {
		end := strings.IndexByte(text[start:], '\n')
		if end < 0 {
			end = len(text)
		} else {
			end += start
		}
		line := text[start:end]
		indent := len(line) - len(strings.TrimLeft(line, " "))
		if f == YAML && block >= 0 && (strings.TrimSpace(line) == "" || indent > block) {
			out = append(out, span{start, end})
			start = end + 1
			continue
		}
		block = -1
		if f != YAML {
			quote = 0
		}
		stop := comment(f, line, &quote)
		out = append(out, span{start, start + stop})
		if f == YAML && quote == 0 && blockScalar.MatchString(strings.TrimRight(line[:stop], " \t\r")) {
			block = indent
		}
		start = end + 1
	}
	return out
}

// comment returns where the line's comment begins, or the line's length.
func comment(f Format, line string, quote *byte) int {
	for i := 0; i < len(line); i++ {
		c := line[i]
		if *quote != 0 {
			switch {
			case c == '\\' && *quote == '"':
				i++
			case c == *quote && c == '\'' && f == YAML && i+1 < len(line) && line[i+1] == '\'':
				i++
			case c == *quote:
				*quote = 0
			}
			continue
		}
		spaced := i == 0 || line[i-1] == ' ' || line[i-1] == '\t'
		switch {
		case c == '#' && spaced, c == ';' && f == Ini && spaced:
			return i
		case (c == '"' || c == '\'') && opens(f, line[:i]):
			*quote = c
		}
	}
	return len(line)
}

// opens tells whether a quote after this much of a line opens a quoted value, rather than being an apostrophe.
func opens(f Format, before string) bool {
	before = strings.TrimRight(before, " \t")
	if before == "" {
		return true
	}
	last := before[len(before)-1]
	if f == YAML {
		return strings.IndexByte(":-,[{?", last) >= 0
	}
	return strings.IndexByte(":=,[{(-", last) >= 0
}

func lineStart(text string, at int) int { return strings.LastIndexByte(text[:at], '\n') + 1 }

func lineEnd(text string, at int) int {
	if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i
	}
	return len(text)
}
