package dump

import "strings"

// place is what is known of where a name stands while names are read.
type place struct {
	table  bool // the next name is a table's
	list   bool // and so is the one after the next comma
	scalar bool // within the parentheses of a function that knows FROM: EXTRACT(YEAR FROM x)
}

// qualified finds schema names before table names. The own schema's is replaced by the scratch schema's; another one
// is refused. In the bodies of views, triggers and routines a name before a dot may also be a table's: there, places
// where only a table can stand, calls, and names of three parts count.
func (r Rules) qualified(text []byte, ts []token, body bool) (Checked, error) {
	var own []token
	var outer []place
	var at place
	trigger := hasWord(ts[:min(len(ts), 12)], "TRIGGER")
	for i := 0; i < len(ts); i++ {
		t := ts[i]
		if body && !r.Foreign && forbidden(ts[i:]) {
			return Checked{}, refuse("dump.body", ts)
		}
		switch {
		case t.p("("):
			outer = append(outer, at)
			at.scalar = i > 0 && (ts[i-1].is("EXTRACT") || ts[i-1].is("TRIM") || ts[i-1].is("SUBSTRING") || ts[i-1].is("SUBSTR") || ts[i-1].is("MID"))
			at.list = at.table // after FROM a group of tables goes on; else columns or arguments
			if at.table && i > 0 && sequenceCall(ts[i-1]) {
				at.list = false
			}
			continue
		case t.p(")"):
			if at = (place{}); len(outer) > 0 {
				at = outer[len(outer)-1]
				outer = outer[:len(outer)-1]
			}
			at.table = false
			continue
		case t.p(","):
			at.table = at.list
			continue
		case t.p(";"):
			at = place{}
			continue
		case t.kind == word && keyword(ts, i, &at, &trigger):
			continue
		}
		n, ok := t.ident()
		if !ok {
			at.table = false
			continue
		}
		parts := 1
		for i+2*parts < len(ts) && ts[i+2*parts-1].p(".") {
			if _, ok := ts[i+2*parts].ident(); !ok && !ts[i+2*parts].p("*") {
				break
			}
			parts++
		}
		call := parts == 2 && i+3 < len(ts) && ts[i+3].p("(")
		if parts >= 3 || parts == 2 && (at.table || call || !body || n == r.Schema) {
			if n == r.Schema {
				own = append(own, t)
			} else if !r.Foreign && !pseudo(n, body) {
				return Checked{}, r.foreign(ts, n)
			}
		}
		i += 2 * (parts - 1)
		at.table = false
	}
	if len(own) == 0 {
		return Checked{SQL: text}, nil
	}
	return Checked{SQL: r.splice(text, own...)}, nil
}

// keyword moves at behind the word at i of ts; false where the word may be a name.
func keyword(ts []token, i int, at *place, trigger *bool) bool {
	switch ts[i].text {
	case "TABLE", "TABLES", "JOIN", "INTO", "REFERENCES", "CALL", "HANDLER", "STRAIGHT_JOIN", "USING":
		at.table, at.list = true, true
	case "FROM":
		if !at.scalar {
			at.table, at.list = true, true
		}
	case "UPDATE":
		at.table = i == 0 || !ts[i-1].is("KEY")
		at.list = at.table
	case "VIEW", "TRIGGER", "PROCEDURE", "FUNCTION", "EVENT", "SEQUENCE": // also names of columns
		if i > 16 && !hasWord(ts[i-1:i], "CREATE", "DROP", "ALTER", "SHOW") {
			return false
		}
		at.table, at.list = true, true
	case "INSERT", "REPLACE", "TRUNCATE", "DELETE": // the first three are functions, too
		if i+1 < len(ts) && ts[i+1].p("(") {
			return true
		}
		at.table, at.list = true, true
	case "NEXTVAL", "LASTVAL", "SETVAL":
		at.table = i+1 < len(ts) && ts[i+1].p("(")
	case "FOR":
		at.table = i > 0 && ts[i-1].is("VALUE")
	case "LIKE": // CREATE TABLE a LIKE b; elsewhere it compares
		at.table = i > 1 && hasWord(ts[max(0, i-6):i], "TABLE", "EXISTS")
	case "IF", "NOT", "EXISTS", "LOW_PRIORITY", "HIGH_PRIORITY", "IGNORE", "DELAYED", "QUICK":
	case "ON":
		at.table = *trigger || len(ts) > 2 && hasWord(ts[:3], "INDEX")
		*trigger = false
	case "WHERE", "SET", "VALUES", "GROUP", "ORDER", "HAVING", "LIMIT", "SELECT", "BEGIN", "THEN", "ELSE", "DO", "LOOP", "REPEAT":
		at.table, at.list = false, false
	default:
		return false
	}
	return true
}

// sequenceCall reports the functions whose first argument is a sequence.
func sequenceCall(t token) bool { return t.is("NEXTVAL") || t.is("LASTVAL") || t.is("SETVAL") }

// forbidden reports what the body of a view, trigger or routine must not do, since the restored schema would do it to
// others as soon as it is used.
func forbidden(ts []token) bool {
	if len(ts) < 2 {
		return false
	}
	a, b := ts[0], ts[1]
	switch {
	case a.is("SET") && (b.is("GLOBAL") || b.is("PERSIST") || b.is("PASSWORD") || b.is("ROLE")),
		a.is("CREATE") && (b.is("USER") || b.is("ROLE") || b.is("DATABASE") || b.is("SCHEMA") || b.is("SERVER")),
		(a.is("DROP") || a.is("ALTER")) && (b.is("USER") || b.is("ROLE") || b.is("DATABASE") || b.is("SCHEMA") || b.is("SERVER")),
		a.is("INTO") && (b.is("OUTFILE") || b.is("DUMPFILE")),
		a.is("LOAD") && (b.is("DATA") || b.is("XML")), a.is("INSTALL") && (b.is("PLUGIN") || b.is("SONAME")), a.is("UNINSTALL"),
		a.is("LOAD_FILE") && b.p("("):
		return true
	}
	return a.kind == variable && (strings.HasPrefix(a.text, "@@GLOBAL.") || strings.HasPrefix(a.text, "@@PERSIST")) && (b.p("=") || b.p(":"))
}

// pseudo reports the names that stand for rows, not schemas, in a trigger.
func pseudo(n string, body bool) bool {
	return body && (n == "NEW" || n == "OLD" || n == "new" || n == "old")
}
