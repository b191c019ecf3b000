package fleet

import (
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/token"

	"recoverbot/runbook"
)

// Problem is one thing that is wrong (or, as a warning, doubtful) in fleet.yaml. Line and Column count from 1; both are
// 0 where the problem is of the whole file. Excerpt is the line with a caret below the place; passwords are hidden.
type Problem struct {
	File         string
	Line, Column int
	Msg          runbook.Msg
	Excerpt      string
}

// Text is the problem with its place, as a message.
func (p Problem) Text() runbook.Msg {
	if p.Line == 0 {
		return runbook.T("fleet.problem_of_file", "file", p.File, "text", p.Msg)
	}
	return runbook.T("fleet.problem", "file", p.File, "line", p.Line, "column", p.Column, "text", p.Msg, "excerpt", p.Excerpt)
}

// ConfigError is everything that is wrong in a fleet.yaml, in the file's order.
type ConfigError struct {
	File     string
	Problems []Problem
}

// Error lists the places and message keys; people are shown the rendered Msg instead.
func (e *ConfigError) Error() string {
	lines := make([]string, 0, len(e.Problems))
	for _, p := range e.Problems {
		lines = append(lines, fmt.Sprintf("%s:%d:%d: %s %v", p.File, p.Line, p.Column, p.Msg.ID, p.Msg.Args))
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the error as one for people: an invalid file, with its first problem.
func (e *ConfigError) Unwrap() error {
	return runbook.Errorf(runbook.Invalid, "fleet.config_invalid", "file", e.File, "count", len(e.Problems),
		"first", e.Problems[0].Text())
}

// add notes a problem; at nil means the whole file.
func (d *decoder) add(at *token.Token, id string, pairs ...any) {
	if len(d.problems) < maxProblems {
		d.problems = append(d.problems, d.problem(at, id, pairs...))
	}
}

// maxProblems is more than anybody reads of one file.
const maxProblems = 200

func (d *decoder) problem(at *token.Token, id string, pairs ...any) Problem {
	p := Problem{File: d.file, Msg: runbook.T(id, pairs...)}
	if at != nil && at.Position != nil {
		p.Line, p.Column = at.Position.Line, at.Position.Column
		p.Excerpt = excerpt(d.text, p.Line, p.Column)
	}
	return p
}

// wrong notes a problem with the value at a path, or at the nearest path above it that the file has.
func (d *decoder) wrong(path, id string, pairs ...any) { d.add(d.where(path), id, pairs...) }

// within notes a number that is too small or too large.
func (d *decoder) within(path string, n, from, to int) {
	if n < from || n > to {
		d.wrong(path, "fleet.config_number_from", "key", last(path), "number", n, "from", from, "to", to)
	}
}

func (d *decoder) where(path string) *token.Token {
	for path != "" {
		if t := d.at[path]; t != nil {
			return t
		}
		if t := d.at[path+":"]; t != nil {
			return t
		}
		path = path[:max(strings.LastIndexByte(path, '.'), 0)]
	}
	return nil
}

func (d *decoder) syntax(err error) {
	var y yaml.Error
	if errors.As(err, &y) {
		d.add(y.GetToken(), "fleet.config_syntax", "text", y.GetMessage())
		return
	}
	d.add(nil, "fleet.config_syntax", "text", err.Error())
}

func (d *decoder) failed() error {
	sort.SliceStable(d.problems, func(i, j int) bool {
		a, b := d.problems[i], d.problems[j]
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Column < b.Column
	})
	return &ConfigError{File: d.file, Problems: d.problems}
}

var secretKey = regexp.MustCompile(`(?i)(password|passwd|secret|token)[^:]*:`)

// excerpt shows the line and points at the column. What could be a secret is hidden, whatever the problem is.
func excerpt(text []byte, line, column int) string {
	lines := strings.Split(string(text), "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	s := strings.ReplaceAll(lines[line-1], "\t", " ")
	if at := secretKey.FindStringIndex(s); at != nil && !strings.Contains(s[at[1]:], "${") {
		s = s[:at[1]] + " " + redacted
	}
	if r := []rune(s); len(r) > 160 {
		s = string(r[:160]) + "…"
	}
	number := fmt.Sprintf("%4d | ", line)
	return number + s + "\n" + strings.Repeat(" ", len(number)+max(min(column, len([]rune(s))+1)-1, 0)) + "^"
}
