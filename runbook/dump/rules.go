package dump

import (
	"bytes"
	"slices"
	"strings"

	"recoverbot/runbook"
)

// What a statement without rows may be: a table of 8192 partitions is less.
const (
	maxTokens     = 1 << 17
	maxDefinition = 4 << 20 // bytes
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
	ts, ok := r.Lex.few(text, maxTokens)
	if !ok || len(text) > maxDefinition {
		return Checked{}, refuse("dump.statement_too_long", ts)
	}
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
	case "DO", "SELECT": // where a sequence stands
		return r.setval(text, ts)
	}
	return Checked{}, refuse("dump.unknown_statement", ts)
}

const longestWord = 64

func refuse(id string, ts []token, pairs ...any) error {
	var b strings.Builder
	for i := 0; i < len(ts) && i < 4 && b.Len() < 40; i++ {
		if ts[i].kind == literal { // may be data
			break
		}
		raw := ts[i].raw
		if len(raw) > longestWord { // no name is that long
			raw = strings.ToValidUTF8(raw[:longestWord], "") + "…"
		}
		b.WriteString(raw + " ")
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

// splice replaces the named tokens by the scratch schema's name. Behind a quoted name a server takes .2024 for a number:
// a name that begins with a digit is quoted, too.
func (r Rules) splice(text []byte, at ...token) []byte {
	at = slices.Clone(at)
	for i := range at {
		if rest := text[at[i].to:]; len(rest) > 1 && rest[0] == '.' && digit(rest[1]) {
			n := 1
			for n < len(rest) && identByte(rest[n]) {
				n++
			}
			at[i].to += n
		}
	}
	return replace(text, at, func(t token) string {
		if name := text[t.from+len(t.raw) : t.to]; len(name) > 0 {
			return "`" + r.Scratch + "`.`" + string(name[1:]) + "`"
		}
		return "`" + r.Scratch + "`"
	})
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
