package dump

// qualified finds schema names before table names. The own schema's is replaced by the scratch schema's; another one
// is refused. In the bodies of views, triggers and routines a name before a dot may also be a table's: there, places
// where only a table can stand and names of three parts count.
func (r Rules) qualified(text []byte, ts []token, body bool) (Checked, error) {
	var own []token
	table, list := false, false
	trigger := hasWord(ts[:min(len(ts), 12)], "TRIGGER")
	for i := 0; i < len(ts); i++ {
		t := ts[i]
		switch t.text {
		case "TABLE", "TABLES", "FROM", "JOIN", "INTO", "UPDATE", "VIEW", "TRIGGER", "REFERENCES", "PROCEDURE", "FUNCTION", "EVENT", "LIKE",
			"CALL", "SEQUENCE", "TRUNCATE", "HANDLER", "STRAIGHT_JOIN":
			if t.kind == word {
				table, list = true, true
				continue
			}
		case "IF", "NOT", "EXISTS", "LOW_PRIORITY", "IGNORE", "DELAYED", "QUICK":
			if t.kind == word {
				continue
			}
		case "(":
			if t.kind == punct {
				if !table { // column lists, calls; after FROM a group of tables goes on
					list = false
				}
				continue
			}
		case ",":
			if t.kind == punct {
				table = list
				continue
			}
		case "ON":
			if t.kind == word {
				table, list = trigger || (len(ts) > 1 && hasWord(ts[:3], "INDEX")), false
				trigger = false
				continue
			}
		case "WHERE", "SET", "VALUES", "GROUP", "ORDER", "HAVING", "LIMIT", "SELECT", "USING", "BEGIN", "THEN", ")", ";":
			if t.kind == word || t.kind == punct {
				table, list = false, false
				continue
			}
		}
		n, ok := t.ident()
		if !ok {
			table = false
			continue
		}
		parts := 1
		for i+2*parts < len(ts) && ts[i+2*parts-1].p(".") {
			if _, ok := ts[i+2*parts].ident(); !ok && !ts[i+2*parts].p("*") {
				break
			}
			parts++
		}
		if parts >= 3 || parts == 2 && (table || !body || n == r.Schema) {
			if n != r.Schema && !r.Foreign && !(body && parts == 2 && !table) && !pseudo(n, body) {
				return Checked{}, r.foreign(ts, n)
			}
			if n == r.Schema {
				own = append(own, t)
			}
		}
		i += 2 * (parts - 1)
		table = false
	}
	if len(own) == 0 {
		return Checked{SQL: text}, nil
	}
	return Checked{SQL: r.splice(text, own...)}, nil
}

// pseudo reports the names that stand for rows, not schemas, in a trigger.
func pseudo(n string, body bool) bool {
	return body && (n == "NEW" || n == "OLD" || n == "new" || n == "old")
}
