package dump

import (
	"slices"
	"strings"
)

func (r Rules) create(text []byte, ts []token) (Checked, error) {
	if len(ts) > 2 && (ts[1].is("DATABASE") || ts[1].is("SCHEMA")) {
		return r.database(ts)
	}
	definer, object, at := "", "", 0
	for i := 1; i < len(ts) && object == ""; i++ {
		switch {
		case ts[i].is("DEFINER") && i > 1 && ts[i-1].is("SECURITY"):
		case ts[i].is("DEFINER"):
			d, n := readDefiner(ts[i+1:])
			if n == 0 {
				return Checked{}, refuse("dump.unknown_statement", ts)
			}
			definer = d
			i += n
		case ts[i].is("TABLE"), ts[i].is("VIEW"), ts[i].is("TRIGGER"), ts[i].is("PROCEDURE"), ts[i].is("FUNCTION"),
			ts[i].is("EVENT"), ts[i].is("SEQUENCE"):
			object, at = strings.ToLower(ts[i].text), i
		case ts[i].is("INDEX"):
			return r.qualified(text, ts, false)
		case ts[i].p("="), ts[i].is("OR"), ts[i].is("REPLACE"), ts[i].is("ALGORITHM"), ts[i].is("UNDEFINED"), ts[i].is("MERGE"),
			ts[i].is("TEMPTABLE"), ts[i].is("SQL"), ts[i].is("SECURITY"), ts[i].is("INVOKER"), ts[i].is("AGGREGATE"),
			ts[i].is("UNIQUE"), ts[i].is("FULLTEXT"), ts[i].is("SPATIAL"):
		default:
			return Checked{}, refuse("dump.unknown_statement", ts)
		}
	}
	if object == "" {
		return Checked{}, refuse("dump.unknown_statement", ts)
	}
	for at++; at < len(ts) && (ts[at].is("IF") || ts[at].is("NOT") || ts[at].is("EXISTS")); at++ {
	}
	if at+2 < len(ts) && ts[at+1].p(".") {
		at += 2
	}
	if at >= len(ts) {
		return Checked{}, refuse("dump.unknown_statement", ts)
	}
	n, ok := ts[at].ident()
	if !ok {
		return Checked{}, refuse("dump.unknown_statement", ts)
	}
	if object == "table" || object == "sequence" {
		if err := checkTable(ts, at+1, object == "table"); err != nil {
			return Checked{}, err
		}
	}
	if object == "function" && hasWord(ts, "SONAME") {
		return Checked{}, refuse("dump.unknown_statement", ts)
	}
	c, err := r.qualified(text, ts, object != "table" && object != "sequence")
	c.Object, c.Name, c.Definer = object, n, definer
	if object == "table" {
		c.Collations = collations(ts)
	}
	if object == "event" && err == nil { // would run while nobody has looked at the data yet
		c.SQL, c.Left = nil, "event"
	}
	return c, err
}

// readDefiner reads = `user`@`host` or = CURRENT_USER and returns how many tokens that took.
func readDefiner(ts []token) (string, int) {
	if len(ts) < 2 || !ts[0].p("=") {
		return "", 0
	}
	user := strings.Trim(ts[1].text, "'\"")
	if n, ok := ts[1].ident(); ok {
		user = n
	}
	if strings.EqualFold(user, "current_user") {
		return "", 2
	}
	if len(ts) > 2 && ts[2].kind == variable { // @`host` or @'host' or @host
		if host := strings.TrimPrefix(ts[2].raw, "@"); host != "" {
			return user + "@" + host, 3
		}
		if len(ts) > 3 {
			return user + "@" + strings.Trim(ts[3].text, "'\"`"), 4
		}
		return "", 0
	}
	return user + "@%", 2
}

func (r Rules) drop(text []byte, ts []token) (Checked, error) {
	if len(ts) < 3 {
		return Checked{}, refuse("dump.unknown_statement", ts)
	}
	switch ts[1].text {
	case "DATABASE", "SCHEMA":
		return r.database(ts)
	case "TABLE", "VIEW", "PROCEDURE", "FUNCTION", "TRIGGER", "SEQUENCE":
		return r.qualified(text, ts, false)
	case "EVENT":
		return Checked{}, nil
	}
	return Checked{}, refuse("dump.unknown_statement", ts)
}

func (r Rules) alter(text []byte, ts []token) (Checked, error) {
	if len(ts) > 2 && (ts[1].is("DATABASE") || ts[1].is("SCHEMA")) { // around routines: the schema's charset
		_, err := r.database(ts)
		return Checked{}, err
	}
	if len(ts) > 2 && ts[1].is("TABLE") && !hasWord(ts, "RENAME", "EXCHANGE", "TABLESPACE") {
		if err := checkTable(ts, 3, false); err != nil {
			return Checked{}, err
		}
		return r.qualified(text, ts, false)
	}
	return Checked{}, refuse("dump.unknown_statement", ts)
}

// collations lists the character sets and collations that a definition names.
func collations(ts []token) (out []string) {
	for i := 0; i+1 < len(ts); i++ {
		if !ts[i].is("CHARSET") && !ts[i].is("COLLATE") && (!ts[i].is("SET") || i == 0 || !ts[i-1].is("CHARACTER")) {
			continue
		}
		next := ts[i+1]
		if next.p("=") && i+2 < len(ts) {
			next = ts[i+2]
		}
		if n := strings.ToLower(strings.Trim(next.text, "'\"")); next.kind != punct && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}
