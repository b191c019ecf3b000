package dump

import (
	"context"
	"errors"
	"io"
	"slices"
	"sort"

	"recoverbot/runbook"
)

// Table is one table of a dump.
type Table struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"` // counted in its INSERT statements
}

// Object is a view, trigger, routine, event or sequence of a dump.
type Object struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Definer string `json:"definer,omitempty"` // user@host
}

// Summary is what a whole dump holds.
type Summary struct {
	Tables     []Table  `json:"tables"`
	Objects    []Object `json:"objects,omitempty"`
	Left       []string `json:"left,omitempty"` // kinds of statements left out: see Checked.Left
	Statements int64    `json:"statements"`
	Bytes      int64    `json:"bytes"`   // uncompressed
	Longest    int      `json:"longest"` // statement, in bytes
	Trailer    bool     `json:"trailer"` // the last line is the trailer
	Charset    string   `json:"charset,omitempty"`
	Collate    string   `json:"collate,omitempty"`
	// Collations are all collations and character sets that tables name, sorted: a server may lack one.
	Collations []string `json:"collations,omitempty"`
}

// Scan reads a whole dump (uncompressed) and refuses it at the first statement that may not run. see hears of each
// statement. What it counts is the truth that a load is compared with.
func Scan(ctx context.Context, r io.Reader, rules Rules, see func(Statement)) (Summary, error) {
	var s Summary
	rows, triggered := map[string]int64{}, map[string]bool{}
	split := NewSplitter(r)
	for {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		text, err := split.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return s, err
		}
		rules.Lex = split.read
		c, err := rules.Check(text)
		if err != nil {
			return s, split.Where(err)
		}
		s.Statements++
		s.Longest = max(s.Longest, len(c.SQL))
		if c.Left != "" && !slices.Contains(s.Left, c.Left) {
			s.Left = append(s.Left, c.Left)
		}
		for _, n := range c.Collations {
			if i, found := slices.BinarySearch(s.Collations, n); !found {
				s.Collations = slices.Insert(s.Collations, i, n)
			}
		}
		if c.Charset != "" || c.Collate != "" {
			s.Charset, s.Collate = c.Charset, c.Collate
		}
		switch {
		case c.Object == "table":
			rows[c.Name] = 0
		case c.Object != "":
			if c.Object == "view" {
				delete(rows, c.Name) // old dumps make a table first, in the view's place
			}
			if c.Object == "trigger" { // it stands behind the rows of its table; none may run before somebody has looked
				for table := range rows {
					triggered[table] = true
				}
			}
			o := Object{Kind: c.Object, Name: c.Name, Definer: c.Definer}
			s.Objects = slices.DeleteFunc(s.Objects, func(x Object) bool { return x.Kind == o.Kind && x.Name == o.Name })
			s.Objects = append(s.Objects, o)
		case c.Rows > 0:
			if _, ok := rows[c.Name]; !ok {
				return s, split.Where(runbook.Errorf(runbook.Invalid, "dump.rows_without_table", "table", c.Name))
			}
			if triggered[c.Name] {
				return s, split.Where(runbook.Errorf(runbook.Invalid, "dump.rows_behind_trigger", "table", c.Name))
			}
			rows[c.Name] += c.Rows
		}
		if see != nil {
			see(Statement{Checked: c, Text: text, Offset: split.from, lex: split.read, delimited: string(split.delim) != ";"})
		}
	}
	s.Bytes = split.Offset()
	s.Trailer = split.Trailer
	for n, count := range rows {
		s.Tables = append(s.Tables, Table{Name: n, Rows: count})
	}
	sort.Slice(s.Tables, func(i, j int) bool { return s.Tables[i].Name < s.Tables[j].Name })
	if len(s.Tables) == 0 {
		return s, runbook.Errorf(runbook.Invalid, "dump.no_tables")
	}
	return s, nil
}
