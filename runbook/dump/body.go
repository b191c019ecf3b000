package dump

import "strings"

// forbidden reports what the body of a view, trigger or routine must not do at i, since the restored schema would do it
// to others as soon as it is used.
func forbidden(ts []token, i int) bool {
	a := ts[i]
	if a.kind == variable && strings.HasPrefix(a.text, "@@") {
		return a.text == "@@" || strings.HasSuffix(a.text, ".") || // written with spaces, as nobody does
			i+1 < len(ts) && (ts[i+1].p("=") || ts[i+1].p(":")) && (strings.HasPrefix(a.text, "@@GLOBAL.") || strings.HasPrefix(a.text, "@@PERSIST"))
	}
	if a.is("GRANT") || a.is("REVOKE") || a.is("UNINSTALL") {
		return true
	}
	if i+1 == len(ts) {
		return false
	}
	b := ts[i+1]
	switch a.text {
	case "GLOBAL", "PERSIST", "PERSIST_ONLY":
		return a.kind == word && setBefore(ts, i) >= 0
	case "PASSWORD", "ROLE": // often names of columns
		set := setBefore(ts, i)
		return a.kind == word && set >= 0 && (b.is("FOR") || !fills(ts[:set]))
	case "CREATE", "DROP", "ALTER":
		return a.kind == word && (b.is("USER") || b.is("ROLE") || b.is("DATABASE") || b.is("SCHEMA") || b.is("SERVER"))
	case "INTO":
		return b.is("OUTFILE") || b.is("DUMPFILE")
	case "LOAD":
		return b.is("DATA") || b.is("XML")
	case "INSTALL":
		return b.is("PLUGIN") || b.is("SONAME")
	case "LOAD_FILE":
		return a.kind == word && b.p("(")
	}
	return false
}

// setBefore returns the place of the SET whose list of assignments has the word at i at the beginning of one; -1: none.
func setBefore(ts []token, i int) int {
	if i--; i < 0 || !ts[i].is("SET") && !ts[i].p(",") {
		return -1
	}
	for depth := 0; i >= 0 && !ts[i].p(";"); i-- {
		switch t := ts[i]; {
		case t.p(")"):
			depth++
		case t.p("("):
			if depth--; depth < 0 {
				return -1
			}
		case t.is("SET") && depth == 0 && (i == 0 || !ts[i-1].is("CHARACTER")):
			return i
		}
	}
	return -1
}

// fills reports whether ts ends within an UPDATE or INSERT, whose SET names columns.
func fills(ts []token) bool {
	for i := len(ts) - 1; i >= 0; i-- {
		switch t := ts[i]; {
		case i > 0 && ts[i-1].p("."):
		case t.p(";"), t.is("BEGIN"), t.is("THEN"), t.is("ELSE"), t.is("DO"), t.is("LOOP"), t.is("REPEAT"), t.is("ROW"):
			return false
		case t.is("UPDATE"), t.is("INSERT"), t.is("REPLACE") && i > 0 && !ts[i-1].is("OR"):
			return true
		}
	}
	return false
}
