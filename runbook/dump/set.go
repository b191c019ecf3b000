package dump

import "strings"

// maxSet is how long a SET may be, in bytes: each statement up to that is looked at, since it may change how the next
// one is read.
const maxSet = 1 << 16

// session lists the variables that dumps set, for their own session, to be read back right.
var session = map[string]bool{
	"CHARACTER_SET_CLIENT": true, "CHARACTER_SET_RESULTS": true, "CHARACTER_SET_CONNECTION": true, "COLLATION_CONNECTION": true,
	"CHARACTER_SET_DATABASE": true, "COLLATION_DATABASE": true,
	"TIME_ZONE": true, "UNIQUE_CHECKS": true, "FOREIGN_KEY_CHECKS": true, "SQL_MODE": true, "SQL_NOTES": true, "AUTOCOMMIT": true,
	"NOTE_VERBOSITY": true, "SQL_QUOTE_SHOW_CREATE": true, "INSERT_ID": true, "NAMES": true, "SYSTEM_VERSIONING_INSERT_HISTORY": true,
	"SHOW_CREATE_TABLE_SKIP_SECONDARY_ENGINE": true, "SQL_REQUIRE_PRIMARY_KEY": true, "INNODB_STRICT_MODE": true,
}

// setting is one assignment of a SET.
type setting struct {
	variable string // in capitals, without @@session.; "@x" is a user's
	value    token
}

// set judges SET: user variables and the session variables above, given literals or variables. What changes how
// statements are read is followed, and written with its value: what a variable holds by then may have been changed.
func (r Rules) set(text []byte) (Checked, error) {
	if len(text) > maxSet {
		return Checked{}, refuse("dump.set_refused", nil)
	}
	ts := r.Lex.tokens(text)
	if len(ts) == 0 || !ts[0].is("SET") {
		return Checked{lex: r.Lex}, refuse("dump.unknown_statement", ts)
	}
	list, left := settings(ts)
	if left != "" {
		return Checked{Left: left, lex: r.Lex}, nil
	}
	if list == nil {
		return Checked{}, refuse("dump.set_refused", ts)
	}
	lex, ok := r.Lex, true
	var known []token
	for _, s := range list {
		v := value(s.value)
		certain := s.value.kind == literal
		if s.value.kind == variable {
			if v, certain = lex.value(s.value.text); certain {
				s.value.text = v
			}
		}
		switch {
		case strings.HasPrefix(s.variable, "@"):
			lex = lex.remember(s.variable, v, certain)
			continue
		case s.variable == "SQL_MODE":
			ok = certain && (s.value.kind == variable || strings.ContainsAny(s.value.raw[:1], `'"`))
			if ok {
				lex, ok = lex.withMode(v)
			}
		case s.variable == "NAMES", s.variable == "CHARACTER_SET_CLIENT":
			ok = certain || s.value.kind == word
			if ok {
				lex, ok = lex.withCharset(v)
			}
		default:
			continue
		}
		if !ok {
			return Checked{}, refuse("dump.set_refused", ts)
		}
		if s.value.kind == variable {
			known = append(known, s.value)
		}
	}
	if _, unsure := r.Lex.skipped(text); unsure && !lex.same(r.Lex) {
		return Checked{}, refuse("dump.set_refused", ts)
	} else if unsure {
		lex.vars = nil // nobody knows which of them are set
	}
	return Checked{SQL: replace(text, known, func(t token) string { return "'" + t.text + "'" }), lex: lex}, nil
}

// settings reads a SET; nil where something stands in it that dumps do not have. left says why all of it is left out.
func settings(ts []token) (list []setting, left string) {
	for i := 1; i < len(ts); {
		if ts[i].is("SESSION") || ts[i].is("LOCAL") {
			i++
		}
		if i >= len(ts) {
			return nil, ""
		}
		t := ts[i]
		v := t.text
		switch {
		case v == "@@GLOBAL.GTID_PURGED" && t.kind == variable, t.is("GLOBAL") && i+1 < len(ts) && ts[i+1].is("GTID_SLAVE_POS"):
			return nil, "gtid"
		case t.kind == variable && strings.HasPrefix(v, "@@"):
			v = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(v, "@@"), "SESSION."), "LOCAL.")
		}
		if v == "SQL_LOG_BIN" { // replicas of this server shall hear of the restored data
			return nil, "log_bin"
		}
		user := t.kind == variable && !strings.HasPrefix(t.text, "@@")
		if user && v == "@" || !user && !session[v] || t.kind != word && t.kind != variable {
			return nil, ""
		}
		i++
		if v != "NAMES" {
			if i < len(ts) && ts[i].p(":") {
				i++
			}
			if i >= len(ts) || !ts[i].p("=") {
				return nil, ""
			}
			i++
			if i < len(ts) && ts[i].p("-") {
				i++
			}
		}
		if i >= len(ts) || ts[i].kind != literal && ts[i].kind != variable && ts[i].kind != word {
			return nil, ""
		}
		list = append(list, setting{v, ts[i]})
		i++
		if v == "NAMES" && i+1 < len(ts) && ts[i].is("COLLATE") {
			i += 2
		}
		if i < len(ts) {
			if !ts[i].p(",") || i+1 == len(ts) {
				return nil, ""
			}
			i++
		}
	}
	return list, ""
}

func value(t token) string { return strings.ToUpper(strings.Trim(t.text, "'\"")) }
