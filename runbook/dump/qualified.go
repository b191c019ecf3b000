package dump

// place is what is known of where a name stands while names are read.
type place struct {
	table  bool // the next name is a table's
	list   bool // and so is the one after the next comma
	scalar bool // within the parentheses of a function that knows FROM: EXTRACT(YEAR FROM x)
	rows   bool // that table is filled: VALUES gives its rows
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
		if body && !r.Foreign && forbidden(ts, i) {
			return Checked{}, refuse("dump.body", ts)
		}
		switch {
		case t.p("."): // not behind a name: those of names are read with them
			if !r.Foreign && !decimal(ts, i) {
				return Checked{}, refuse("dump.unknown_statement", ts)
			}
			continue
		case t.p("("):
			outer = append(outer, at)
			at.scalar = i > 0 && hasWord(ts[i-1:i], "EXTRACT", "TRIM", "SUBSTRING", "SUBSTR", "MID") && !hasWord(ts[i+1:min(i+2, len(ts))], "SELECT", "WITH")
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
		case t.p("{"): // {OJ a LEFT JOIN b …}, {d '2026-11-22'}: behind the word stands what could stand here
			if i++; i == len(ts) || ts[i].kind != word {
				return Checked{}, refuse("dump.unknown_statement", ts)
			}
			continue
		case t.p(","):
			at.table = at.list
			continue
		case t.p(";"):
			at = place{}
			continue
		case t.kind == word && !dotted(ts, i) && keyword(ts, i, &at, &trigger):
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
			} else if !r.Foreign {
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
	case "INTO":
		at.table, at.list, at.rows = true, true, true
	case "TABLE", "TABLES", "TO", "RENAME", "JOIN", "REFERENCES", "CALL", "HANDLER", "STRAIGHT_JOIN", "USING":
		at.table, at.list = true, true
	case "FROM":
		if !at.scalar {
			at.table, at.list, at.rows = true, true, false
		}
	case "UPDATE":
		at.table = i == 0 || !ts[i-1].is("KEY")
		at.list, at.rows = at.table, false
	case "VIEW", "TRIGGER", "PROCEDURE", "FUNCTION", "EVENT", "SEQUENCE": // also names of columns
		if i > 16 && !hasWord(ts[i-1:i], "CREATE", "DROP", "ALTER", "SHOW") && (i+2 >= len(ts) || !ts[i+2].p(".")) {
			return false
		}
		at.table, at.list = true, true
	case "INSERT", "REPLACE", "TRUNCATE", "DELETE": // the first three are functions, too
		if i+1 < len(ts) && ts[i+1].p("(") {
			return true
		}
		at.table, at.list, at.rows = true, true, true
	case "NEXTVAL", "LASTVAL", "SETVAL":
		at.table = i+1 < len(ts) && ts[i+1].p("(")
	case "FOR":
		at.table = i > 0 && ts[i-1].is("VALUE")
	case "LIKE": // CREATE TABLE a LIKE b; elsewhere it compares
		at.table = i > 1 && hasWord(ts[max(0, i-6):i], "TABLE", "EXISTS")
	case "IF", "NOT", "EXISTS", "LOW_PRIORITY", "HIGH_PRIORITY", "IGNORE", "DELAYED", "QUICK":
	case "ON":
		at.table = *trigger || ofIndex(ts[:i])
		*trigger = false
	case "VALUES": // in a condition between tables it is a function
		at.table, at.list = false, at.list && !at.rows && i > 0 && !ts[i-1].p("(")
	case "GROUP", "ORDER": // USE INDEX FOR ORDER BY (i) stands between tables
		at.table, at.list = false, at.list && hasWord(ts[max(0, i-1):i], "FOR")
	case "WHERE", "SET", "HAVING", "LIMIT", "SELECT": // nothing that can name a table or stand in a condition between tables
		at.table, at.list = false, false
	default:
		return false
	}
	return true
}

// ofIndex reports whether ts ends within CREATE or DROP INDEX, before ON.
func ofIndex(ts []token) bool {
	for i := len(ts) - 1; i > 0 && i > len(ts)-8; i-- {
		if ts[i].is("INDEX") {
			return hasWord(ts[i-1:i], "CREATE", "DROP", "UNIQUE", "FULLTEXT", "SPATIAL", "IGNORE", "REPLACE", "ONLINE", "OFFLINE")
		}
	}
	return false
}

// sequenceCall reports the functions whose first argument is a sequence.
func sequenceCall(t token) bool { return t.is("NEXTVAL") || t.is("LASTVAL") || t.is("SETVAL") }

// dotted reports whether a dot and a name follow the word at i so closely that it is a name, even if it looks like a
// keyword.
func dotted(ts []token, i int) bool {
	return i+2 < len(ts) && ts[i+1].p(".") && ts[i+1].from == ts[i].to && ts[i+2].kind == word && ts[i+2].from == ts[i+1].to
}

// decimal reports whether the dot at i belongs to a number.
func decimal(ts []token, i int) bool {
	if i+1 < len(ts) {
		if _, named := ts[i+1].ident(); named {
			return false
		}
		if ts[i+1].kind == literal && digit(ts[i+1].raw[0]) {
			return true
		}
	}
	return i > 0 && ts[i-1].kind == literal && digit(ts[i-1].raw[0])
}
