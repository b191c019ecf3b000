package dump

import "strings"

// session lists the variables that dumps set, for their own session, to be read back right.
var session = map[string]bool{
	"CHARACTER_SET_CLIENT": true, "CHARACTER_SET_RESULTS": true, "CHARACTER_SET_CONNECTION": true, "COLLATION_CONNECTION": true,
	"CHARACTER_SET_DATABASE": true, "COLLATION_DATABASE": true,
	"TIME_ZONE": true, "UNIQUE_CHECKS": true, "FOREIGN_KEY_CHECKS": true, "SQL_MODE": true, "SQL_NOTES": true, "AUTOCOMMIT": true,
	"NOTE_VERBOSITY": true, "SQL_QUOTE_SHOW_CREATE": true, "INSERT_ID": true, "NAMES": true, "SYSTEM_VERSIONING_INSERT_HISTORY": true,
	"SHOW_CREATE_TABLE_SKIP_SECONDARY_ENGINE": true, "SQL_REQUIRE_PRIMARY_KEY": true, "INNODB_STRICT_MODE": true,
}

// charsets are those in which no character holds a byte that looks like a quote or a backslash.
var charsets = map[string]bool{
	"UTF8": true, "UTF8MB3": true, "UTF8MB4": true, "LATIN1": true, "ASCII": true, "BINARY": true, "DEFAULT": true, "NULL": true,
}

// checkSet judges SET: user variables and the session variables above, given literals or variables.
func checkSet(text []byte, ts []token) (Checked, error) {
	bad := func() (Checked, error) { return Checked{}, refuse("dump.set_refused", ts) }
	for i := 1; i < len(ts); {
		if ts[i].is("SESSION") || ts[i].is("LOCAL") {
			i++
		}
		if i >= len(ts) {
			return bad()
		}
		t := ts[i]
		v := t.text
		switch {
		case t.kind == variable && strings.HasPrefix(v, "@@GLOBAL."):
			if v == "@@GLOBAL.GTID_PURGED" {
				return Checked{Left: "gtid"}, nil
			}
			return bad()
		case t.is("GLOBAL") && i+1 < len(ts) && ts[i+1].is("GTID_SLAVE_POS"):
			return Checked{Left: "gtid"}, nil
		case t.kind == variable && strings.HasPrefix(v, "@@"):
			v = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(v, "@@"), "SESSION."), "LOCAL.")
		}
		if v == "SQL_LOG_BIN" { // replicas of this server shall hear of the restored data
			return Checked{Left: "log_bin"}, nil
		}
		user := t.kind == variable && !strings.HasPrefix(t.text, "@@")
		if user && v == "@" || !user && !session[v] || t.kind != word && t.kind != variable {
			return bad()
		}
		i++
		if v == "NAMES" {
			if i >= len(ts) || !charsets[value(ts[i])] {
				return bad()
			}
			i++
			if i+1 < len(ts) && ts[i].is("COLLATE") {
				i += 2
			}
		} else {
			if i < len(ts) && ts[i].p(":") {
				i++
			}
			if i+1 >= len(ts) || !ts[i].p("=") {
				return bad()
			}
			i++
			if ts[i].p("-") && i+1 < len(ts) {
				i++
			}
			x := ts[i]
			if x.kind != literal && x.kind != variable && x.kind != word {
				return bad()
			}
			up := value(x)
			if user && x.kind == literal && strings.ContainsAny(x.raw[:1], `'"`) { // could become a charset later
				return bad()
			}
			if strings.HasPrefix(v, "CHARACTER_SET_") && x.kind != variable && !charsets[up] ||
				v == "COLLATION_CONNECTION" && x.kind != variable && !charsets[strings.SplitN(up, "_", 2)[0]] ||
				strings.Contains(up, "NO_BACKSLASH_ESCAPES") || strings.Contains(up, "ANSI") || // would change what a quote is
				v == "SQL_MODE" && x.kind == literal && !strings.ContainsAny(x.raw[:1], `'"`) {
				return bad()
			}
			i++
		}
		if i < len(ts) {
			if !ts[i].p(",") {
				return bad()
			}
			i++
		}
	}
	return Checked{SQL: text}, nil
}

func value(t token) string { return strings.ToUpper(strings.Trim(t.text, "'\"")) }
