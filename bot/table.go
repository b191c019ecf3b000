package bot

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rivo/uniseg"
)

// PhoneWidth is how many columns of exact text a phone shows without breaking them.
const PhoneWidth = 35

// marks are the words of a table's row marks as one character in front of the row.
var marks = map[string]string{"match": ">", "changed": "*", "refused": "x", "bad": "x", "ok": "+"}

// sign stands in front of row i; a blank for one without a mark, or no row.
func (bl Block) sign(i int) string {
	if i >= 0 && i < len(bl.Marks) && marks[bl.Marks[i]] != "" {
		return marks[bl.Marks[i]]
	}
	return " "
}

// PlainTable is the table of a block in aligned columns, with its marks as signs in front of the rows.
func PlainTable(bl Block) string {
	var b strings.Builder
	rows := bl.Rows
	if len(bl.Columns) > 0 {
		rows = append([][]string{bl.Columns}, rows...)
	}
	var widths []int
	for _, r := range rows {
		for i, c := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], uniseg.StringWidth(oneLine(c)))
		}
	}
	for i, r := range rows {
		line := bl.sign(i-(len(rows)-len(bl.Rows))) + " "
		for k, c := range r {
			c = oneLine(c)
			line += c + strings.Repeat(" ", widths[k]-uniseg.StringWidth(c)+2)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// NarrowTable is PlainTable where that fits into width columns. Else it is one record a row, those that need a look first:
//
//	x 1 n1.example.com
//	  ip 127.0.11.11 · status 1 → 2
//
// The first two cells name the record, or the first alone where the second is a number. Each other one stands behind the
// name of its column; a line is broken between them.
func NarrowTable(bl Block, width int) string {
	aligned := PlainTable(bl)
	wide := func(line string) bool { return uniseg.StringWidth(line) > width }
	if !slices.ContainsFunc(strings.Split(aligned, "\n"), wide) {
		return aligned
	}
	var first, rest strings.Builder
	for i, row := range bl.Rows {
		b := &first
		if s := bl.sign(i); s == " " || bl.Marks[i] == "ok" {
			b = &rest
		}
		b.WriteString(record(bl, i, row, width))
	}
	return first.String() + rest.String()
}

// record is one row of a table as lines.
func record(bl Block, i int, row []string, width int) string {
	names := 2 // cells that name the row
	if slices.ContainsFunc(bl.Rows, func(r []string) bool { return len(r) > 1 && isNumber(r[1]) }) {
		names = 1
	}
	var b strings.Builder
	line, begun, named := bl.sign(i), false, false
	next := func() {
		if begun {
			b.WriteString(line + "\n")
			line, begun = " ", false
		}
	}
	for k, cell := range row {
		if cell = strings.TrimSpace(oneLine(cell)); cell == "" {
			continue
		}
		gap := " "
		if k >= names {
			if k < len(bl.Columns) && bl.Columns[k] != "" {
				cell = oneLine(bl.Columns[k]) + " " + cell
			}
			if !named {
				named = true
				next()
			}
			if begun {
				gap = " · "
			}
		}
		if uniseg.StringWidth(line+gap+cell) > width {
			next()
			gap = " "
		}
		line, begun = line+gap+cell, true
	}
	return b.String() + line + "\n"
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

// Legend says what the signs of a table mean, in words of label (ui.mark_changed and so on): "x = bad, * = changed". It is
// empty for a table without signs.
func Legend(bl Block, label func(id string, pairs ...any) string) string {
	var out []string
	for i := range bl.Rows {
		if s := bl.sign(i); s != " " {
			if word := s + " = " + label("ui.mark_"+bl.Marks[i]); !slices.Contains(out, word) {
				out = append(out, word)
			}
		}
	}
	return strings.Join(out, ", ")
}
