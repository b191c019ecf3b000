package dump

import (
	"bytes"
	"strings"
)

// insert judges INSERT and REPLACE: literal rows into a table of the own schema. It counts the rows.
func (r Rules) insert(text []byte, z *tokenizer) (Checked, error) {
	head := []token{{kind: word, text: "INSERT", raw: "INSERT"}}
	t := z.next()
	for t.is("IGNORE") || t.is("INTO") || t.is("LOW_PRIORITY") || t.is("DELAYED") || t.is("HIGH_PRIORITY") {
		t = z.next()
	}
	table, ok := t.ident()
	if !ok {
		return Checked{}, refuse("dump.unknown_statement", head)
	}
	var own []token
	first := t
	t = z.next()
	if t.p(".") {
		if table != r.Schema {
			return Checked{}, r.foreign(append(head, first), table)
		}
		own = append(own, first)
		if table, ok = z.next().ident(); !ok {
			return Checked{}, refuse("dump.unknown_statement", head)
		}
		t = z.next()
	}
	if t.p("(") { // names of columns
		for t = z.next(); !t.p(")"); t = z.next() {
			if _, ok := t.ident(); !ok && !t.p(",") {
				return Checked{}, refuse("dump.unknown_statement", head)
			}
		}
		t = z.next()
	}
	if !t.is("VALUES") && !t.is("VALUE") {
		return Checked{}, refuse("dump.insert_not_literal", head, "table", table)
	}
	if bytes.Contains(text[:z.pos], []byte("!")) { // a comment that a server may skip
		if _, found := r.Lex.skipped(text[:z.pos]); found {
			return Checked{}, refuse("dump.nested_comment", head)
		}
	}
	rows, ok := countRows(z)
	if !ok {
		return Checked{}, refuse("dump.insert_not_literal", head, "table", table)
	}
	return Checked{SQL: r.splice(text, own...), Name: table, Rows: rows}, nil
}

// countRows counts the tuples behind VALUES; ok is false where anything but literals stands in them.
func countRows(z *tokenizer) (rows int64, ok bool) {
	b := z.b
	i := z.pos
	inside, comma := false, true
	for i < len(b) {
		c := b[i]
		switch {
		case c == '\'' || c == '"':
			if !inside || c == '"' && z.lex.ansi {
				return 0, false
			}
			z.pos = i
			z.quoted(c)
			i = z.pos
			continue
		case c <= ' ':
		case c == '(':
			if inside || !comma {
				return 0, false
			}
			inside, comma = true, false
			rows++
		case c == ')':
			if !inside {
				return 0, false
			}
			inside = false
		case c == ',':
			if !inside {
				if comma {
					return 0, false
				}
				comma = true
			}
		case c == '-' && i+1 < len(b) && b[i+1] == '-': // may begin a comment
			return 0, false
		case inside && digit(c):
			n := number(b[i:])
			if n == 0 { // a name
				return 0, false
			}
			i += n
			continue
		case inside && (c == '-' || c == '+'):
		case inside && c == '.':
			if i+1 < len(b) && identByte(b[i+1]) && !digit(b[i+1]) {
				return 0, false
			}
		case inside && identByte(c):
			j := i
			for j < len(b) && identByte(b[j]) {
				j++
			}
			if j < len(b) && b[j] == '.' {
				return 0, false
			}
			switch w := strings.ToUpper(string(b[i:j])); w {
			case "NULL", "TRUE", "FALSE", "DEFAULT", "_BINARY", "_UTF8", "_UTF8MB3", "_UTF8MB4", "_LATIN1", "_ASCII", "X", "B", "N":
			default:
				return 0, false
			}
			i = j
			continue
		default:
			return 0, false
		}
		i++
	}
	return rows, rows > 0 && !inside && !comma
}
