package dump

import (
	"bytes"
	"slices"
	"strings"

	"recoverbot/runbook"
)

// Rules decide what a dump's statements may do: fill one scratch schema, and nothing else.
type Rules struct {
	Schema  string // the dump's own schema; its name is replaced by Scratch
	Scratch string
	// Foreign lets other schemas' names pass: for the server's own text of objects, not for dumps.
	Foreign bool
	// Lex is how the statement is read: Splitter.Lex.
	Lex Lex
}

// Checked is a statement that may run.
type Checked struct {
	SQL     []byte // to be executed in the scratch schema; nil: left out
	Object  string // "table", "view", "trigger", "procedure", "function", "event", "sequence" of a CREATE; else ""
	Name    string // of what it creates, or of the table that an INSERT fills
	Rows    int64  // that an INSERT adds
	Definer string // user@host that a CREATE names
	Left    string // why it is left out, where people should know: "gtid", "event", "replication", "log_bin"
	Charset string // of a CREATE DATABASE
	Collate string
	// Collations are those and the character sets that a CREATE or ALTER names, in lower case.
	Collations []string

	lex Lex // of the statement behind
}

// Check judges one statement of a Splitter; a refusal is an *runbook.Error. A statement that some servers would read in
// another way, since they skip some executable comments, has to be harmless in both.
func (r Rules) Check(text []byte) (Checked, error) {
	z := tokenizer{b: text, lex: r.Lex}
	if first := z.next(); first.is("INSERT") || first.is("REPLACE") {
		return r.insert(text, &z)
	}
	c, err := r.check(text)
	if err != nil {
		return c, err
	}
	other, found := r.Lex.skipped(text)
	if !found {
		return c, nil
	}
	less, err := r.check(other)
	if err != nil {
		return Checked{}, err
	}
	runs, _ := r.Lex.skipped(c.SQL)
	if less.Object != c.Object || less.Name != c.Name || c.SQL != nil && !slices.EqualFunc(bytes.Fields(runs), bytes.Fields(less.SQL), bytes.Equal) {
		return Checked{}, refuse("dump.nested_comment", r.Lex.tokens(text))
	}
	return c, nil
}

func (r Rules) check(text []byte) (Checked, error) {
	ts := r.Lex.tokens(text)
	if len(ts) == 0 {
		return Checked{}, nil
	}
	if ts[0].kind != word {
		return Checked{}, refuse("dump.unknown_statement", ts)
	}
	switch ts[0].text {
	case "SET":
		return r.set(text)
	case "USE":
		return r.use(ts)
	case "CREATE":
		return r.create(text, ts)
	case "DROP":
		return r.drop(text, ts)
	case "ALTER":
		return r.alter(text, ts)
	case "LOCK":
		if len(ts) > 1 && (ts[1].is("TABLES") || ts[1].is("TABLE")) {
			return r.qualified(text, ts, false)
		}
	case "UNLOCK":
		if len(ts) == 2 && ts[1].is("TABLES") {
			return Checked{SQL: text}, nil
		}
	case "COMMIT", "BEGIN":
		if len(ts) == 1 {
			return Checked{SQL: text}, nil
		}
	case "START":
		if len(ts) == 2 && ts[1].is("TRANSACTION") {
			return Checked{SQL: text}, nil
		}
	case "CHANGE": // mysqldump --master-data, --source-data: where the dump's binlog stood; it must not start replication here
		return Checked{Left: "replication"}, nil
	case "DO", "SELECT":
		if len(ts) > 3 && ts[1].is("SETVAL") && ts[2].p("(") && strings.Count(strings.ToUpper(string(text)), "SELECT") <= 1 && !hasWord(ts, "INTO", "FROM") {
			return r.setval(text, ts)
		}
	}
	return Checked{}, refuse("dump.unknown_statement", ts)
}

func refuse(id string, ts []token, pairs ...any) error {
	var b strings.Builder
	for i := 0; i < len(ts) && i < 4 && b.Len() < 40; i++ {
		if ts[i].kind == literal { // may be data
			break
		}
		b.WriteString(ts[i].raw + " ")
	}
	return runbook.Errorf(runbook.Invalid, id, append([]any{"statement", strings.TrimSpace(b.String())}, pairs...)...)
}

func hasWord(ts []token, words ...string) bool {
	for _, t := range ts {
		for _, w := range words {
			if t.is(w) {
				return true
			}
		}
	}
	return false
}

func (r Rules) foreign(ts []token, schema string) error {
	return refuse("dump.foreign_schema", ts, "schema", schema)
}

func (r Rules) use(ts []token) (Checked, error) {
	if len(ts) != 2 {
		return Checked{}, refuse("dump.unknown_statement", ts)
	}
	if n, ok := ts[1].ident(); !ok || n != r.Schema {
		return Checked{}, r.foreign(ts, n)
	}
	return Checked{}, nil
}

// database judges CREATE, DROP and ALTER DATABASE: only of the own schema, and left out.
func (r Rules) database(ts []token) (Checked, error) {
	var c Checked
	i := 2
	for i < len(ts) && (ts[i].is("IF") || ts[i].is("NOT") || ts[i].is("EXISTS")) {
		i++
	}
	if i >= len(ts) {
		return c, refuse("dump.unknown_statement", ts)
	}
	if n, ok := ts[i].ident(); !ok || n != r.Schema {
		return c, r.foreign(ts, n)
	}
	for i++; i+1 < len(ts); i++ {
		switch {
		case ts[i].is("CHARACTER") && ts[i+1].is("SET"), ts[i].is("CHARSET"), ts[i].is("COLLATE"):
			j := i + 1
			if ts[i].is("CHARACTER") {
				j++
			}
			if j < len(ts) && ts[j].p("=") {
				j++
			}
			if j < len(ts) && ts[j].kind == word {
				if ts[i].is("COLLATE") {
					c.Collate = strings.ToLower(ts[j].raw)
				} else {
					c.Charset = strings.ToLower(ts[j].raw)
				}
				i = j
			}
		}
	}
	return c, nil
}

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
	if at < len(ts) && at+2 < len(ts) && ts[at+1].p(".") {
		at += 2
	}
	if at >= len(ts) {
		return Checked{}, refuse("dump.unknown_statement", ts)
	}
	n, ok := ts[at].ident()
	if !ok {
		return Checked{}, refuse("dump.unknown_statement", ts)
	}
	if object == "table" {
		if err := checkTable(ts); err != nil {
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

// checkTable refuses tables whose rows live elsewhere.
func checkTable(ts []token) error {
	for i, t := range ts {
		if t.is("AS") && i+1 < len(ts) && (ts[i+1].is("SELECT")) || t.is("SELECT") {
			return refuse("dump.table_elsewhere", ts)
		}
		if (t.is("DATA") || t.is("INDEX")) && i+1 < len(ts) && ts[i+1].is("DIRECTORY") {
			return refuse("dump.table_elsewhere", ts)
		}
		if (t.is("CONNECTION") || t.is("UNION") || t.is("ENGINE")) && i+1 < len(ts) && ts[i+1].p("=") {
			if !t.is("ENGINE") {
				return refuse("dump.table_elsewhere", ts)
			}
			if i+2 < len(ts) {
				switch strings.ToUpper(strings.Trim(ts[i+2].text, "'\"")) {
				case "INNODB", "MYISAM", "ARIA", "MEMORY", "HEAP", "CSV", "ARCHIVE", "TOKUDB", "ROCKSDB", "XTRADB":
				default:
					return refuse("dump.table_elsewhere", ts)
				}
			}
		}
	}
	return nil
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
		if err := checkTable(ts); err != nil {
			return Checked{}, err
		}
		return r.qualified(text, ts, false)
	}
	return Checked{}, refuse("dump.unknown_statement", ts)
}

func (r Rules) setval(text []byte, ts []token) (Checked, error) {
	if len(ts) > 4 && ts[4].p(".") {
		if n, _ := ts[3].ident(); n != r.Schema {
			return Checked{}, r.foreign(ts, n)
		}
		return Checked{SQL: r.splice(text, ts[3])}, nil
	}
	return Checked{SQL: text}, nil
}

// splice replaces the named tokens by the scratch schema's name.
func (r Rules) splice(text []byte, at ...token) []byte {
	return replace(text, at, func(token) string { return "`" + r.Scratch + "`" })
}

func replace(text []byte, at []token, by func(token) string) []byte {
	if len(at) == 0 {
		return text
	}
	var out []byte
	last := 0
	for _, t := range at {
		out = append(out, text[last:t.from]...)
		out = append(out, by(t)...)
		last = t.to
	}
	return append(out, text[last:]...)
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
