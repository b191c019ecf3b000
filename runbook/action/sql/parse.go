package sql

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"recoverbot/runbook/paper"
)

// token is one word, literal, number or sign of a statement.
type token struct {
	kind       byte // 'w' word, 'i' quoted identifier, 's' string, 'n' number, '?' parameter, 'p' sign
	text       string
	start, end int
}

func (t token) is(word string) bool { return t.kind == 'w' && strings.EqualFold(t.text, word) }
func (t token) sign(s string) bool  { return t.kind == 'p' && t.text == s }

// lex splits one statement. Comments, templates, control characters and a second statement are errors.
func lex(text string) ([]token, error) {
	if strings.Contains(text, "{{") {
		return nil, errors.New("{{ }} is not filled in here: use ? and args")
	}
	text = strings.TrimRight(strings.TrimSpace(text), "; \t\r\n")
	var out []token
	for i := 0; i < len(text); {
		c := text[i]
		start := i
		switch {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			i++
			continue
		case c == '#' || strings.HasPrefix(text[i:], "--") || strings.HasPrefix(text[i:], "/*"):
			return nil, errors.New("comments are not allowed")
		case c == ';':
			return nil, errors.New("several statements in one text")
		case c == '\'' || c == '"' || c == '`':
			for i++; ; i++ {
				if i >= len(text) {
					return nil, fmt.Errorf("%c is never closed", c)
				}
				if text[i] == '\\' && c != '`' {
					i++
				} else if text[i] == c {
					if i+1 < len(text) && text[i+1] == c {
						i++
						continue
					}
					break
				}
			}
			i++
			kind := byte('s')
			if c == '`' {
				kind = 'i'
			}
			out = append(out, token{kind, text[start:i], start, i})
		case c == '?':
			i++
			out = append(out, token{'?', "?", start, i})
		case c == '_' || c == '$' || c >= 0x80 || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			for i < len(text) && (text[i] == '_' || text[i] == '$' || text[i] >= 0x80 || isAlnum(text[i])) {
				i++
			}
			out = append(out, token{'w', text[start:i], start, i})
		case c >= '0' && c <= '9':
			for i < len(text) && (isAlnum(text[i]) || text[i] == '.') {
				i++
			}
			out = append(out, token{'n', text[start:i], start, i})
		case strings.IndexByte("(),.=<>!+-*/%", c) >= 0:
			i++
			for i < len(text) && strings.IndexByte("<>=!", c) >= 0 && strings.IndexByte("<>=", text[i]) >= 0 {
				i++
			}
			out = append(out, token{'p', text[start:i], start, i})
		default:
			return nil, fmt.Errorf("%q is not allowed", string(c))
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no statement")
	}
	return out, nil
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// parsed is a simple change of one table: update T set A where W, delete from T where W, insert into T … values ….
type parsed struct {
	verb          string // "update", "delete" or "insert"
	schema, table string // schema "" is the database's own
	sets          []set  // of an update
	where         string // text of the condition
	whereArgs     int    // its parameters; they come last
	setArgs       int
}

// set is one assignment: column and the text of its value.
type set struct {
	column, value string
	args          int
}

func (p parsed) args() int { return p.setArgs + p.whereArgs }

// allowedFunctions may be called in a statement; everything else that has effects or reads other tables is refused.
var allowedFunctions = []string{"in", "now", "current_timestamp", "utc_timestamp", "where", "set", "lower", "upper", "concat", "coalesce", "ifnull", "trim", "values", "and", "or", "not", "between"}

// parse reads a statement, and refuses all that is not a simple change of rows.
func parse(text string) (parsed, error) {
	var p parsed
	toks, err := lex(text)
	if err != nil {
		return p, err
	}
	for i, t := range toks {
		if t.kind != 'w' {
			continue
		}
		if i > 0 && slices.Contains([]string{"select", "union", "join", "into", "limit", "order", "using", "procedure", "returning", "as"}, strings.ToLower(t.text)) &&
			!(i == 1 && t.is("into")) {
			return p, fmt.Errorf("%s is not allowed in a change of rows", strings.ToLower(t.text))
		}
		if i+1 < len(toks) && toks[i+1].sign("(") && !toks[0].is("insert") && !slices.Contains(allowedFunctions, strings.ToLower(t.text)) {
			return p, fmt.Errorf("%s( is not allowed in a change of rows", t.text)
		}
	}
	p.verb = strings.ToLower(toks[0].text)
	switch p.verb {
	case "update":
		return p, p.update(strings.TrimSpace(text), toks)
	case "delete":
		return p, p.delete(strings.TrimSpace(text), toks)
	case "insert":
		return p, p.insert(toks)
	}
	return p, fmt.Errorf("%s: only update, insert and delete are possible here, no definitions and no transaction control", toks[0].text)
}

// target reads [schema.]table at i and returns the index behind it.
func (p *parsed) target(toks []token, i int) (int, error) {
	name := func() (string, bool) {
		if i < len(toks) && (toks[i].kind == 'w' || toks[i].kind == 'i') {
			i++
			return strings.Trim(toks[i-1].text, "`"), true
		}
		return "", false
	}
	first, ok := name()
	if !ok {
		return i, errors.New("a table is needed")
	}
	p.table = first
	if i < len(toks) && toks[i].sign(".") {
		i++
		second, ok := name()
		if !ok {
			return i, errors.New("a table is needed")
		}
		p.schema, p.table = first, second
	}
	for _, n := range []string{p.schema, p.table} {
		if n != "" && !identifier(n) {
			return i, fmt.Errorf("%q is not a simple name", n)
		}
	}
	return i, nil
}

func (p *parsed) update(text string, toks []token) error {
	i, err := p.target(toks, 1)
	if err != nil {
		return err
	}
	if i >= len(toks) || !toks[i].is("set") {
		return errors.New("update is possible for one table only: update TABLE set … where …")
	}
	i++
	for {
		if i+1 >= len(toks) || toks[i].kind != 'w' && toks[i].kind != 'i' || !toks[i+1].sign("=") {
			return errors.New("set: column = value is needed")
		}
		s := set{column: strings.Trim(toks[i].text, "`")}
		if !identifier(s.column) {
			return fmt.Errorf("%q is not a simple name", s.column)
		}
		i += 2
		from, depth := i, 0
		for ; i < len(toks) && (depth > 0 || !toks[i].sign(",") && !toks[i].is("where")); i++ {
			depth += nesting(toks[i])
			if toks[i].kind == '?' {
				s.args++
			}
		}
		if i == from {
			return errors.New("set: a value is needed")
		}
		s.value = text[toks[from].start:toks[i-1].end]
		p.setArgs += s.args
		p.sets = append(p.sets, s)
		if i < len(toks) && toks[i].sign(",") {
			i++
			continue
		}
		return p.condition(text, toks, i)
	}
}

func (p *parsed) delete(text string, toks []token) error {
	if len(toks) < 2 || !toks[1].is("from") {
		return errors.New("delete is possible for one table only: delete from TABLE where …")
	}
	i, err := p.target(toks, 2)
	if err != nil {
		return err
	}
	return p.condition(text, toks, i)
}

func (p *parsed) condition(text string, toks []token, i int) error {
	if i >= len(toks) || !toks[i].is("where") || i+1 >= len(toks) {
		return errors.New("where is needed: no change of all rows")
	}
	depth := 0
	for _, t := range toks[i+1:] {
		if t.is("where") || t.is("set") {
			return fmt.Errorf("a second %s", t.text)
		}
		depth += nesting(t)
		if depth < 0 {
			break
		}
		if t.kind == '?' {
			p.whereArgs++
		}
	}
	if depth != 0 {
		return errors.New("brackets do not match")
	}
	p.where = text[toks[i+1].start:toks[len(toks)-1].end]
	return nil
}

func (p *parsed) insert(toks []token) error {
	if len(toks) < 2 || !toks[1].is("into") {
		return errors.New("insert into TABLE (columns) values (…) is needed")
	}
	i, err := p.target(toks, 2)
	if err != nil {
		return err
	}
	if i >= len(toks) || !toks[i].sign("(") {
		return errors.New("insert needs its columns")
	}
	values := false
	for _, t := range toks[i:] {
		values = values || t.is("values")
		if t.is("on") || t.is("duplicate") {
			return errors.New("insert … on duplicate key is not possible here")
		}
		if t.kind == '?' {
			p.setArgs++
		}
	}
	if !values {
		return errors.New("insert needs values")
	}
	return nil
}

func nesting(t token) int {
	switch {
	case t.sign("("):
		return 1
	case t.sign(")"):
		return -1
	}
	return 0
}

// checkSelect holds show: to one plain select, and counts its parameters.
func checkSelect(text string) (int, error) {
	toks, err := lex(text)
	if err != nil {
		return 0, fmt.Errorf("show: %w", err)
	}
	if !toks[0].is("select") {
		return 0, errors.New("show: only a select is possible")
	}
	n := 0
	for _, t := range toks {
		if t.is("into") || t.is("for") || t.is("lock") || t.is("sleep") || t.is("get_lock") || t.is("benchmark") {
			return 0, fmt.Errorf("show: %s is not allowed", t.text)
		}
		if t.kind == '?' {
			n++
		}
	}
	return n, nil
}

// identifier holds for names that need no escaping between backquotes.
func identifier(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		if !isAlnum(s[i]) && s[i] != '_' && s[i] != '$' && s[i] != '-' {
			return false
		}
	}
	return true
}

// quoted is a name between backquotes; identifier must hold for it.
func quoted(name string) string { return "`" + name + "`" }

// shown renders a statement with its parameters quoted, for people only: what is executed always binds them.
func shown(text string, args []string) string { return paper.Bind(text, args, literal) }

// literal is a value as people write it in SQL: plain numbers bare, everything else quoted and escaped.
func literal(v string) string {
	if v != "" && len(v) < 16 && strings.Trim(v, "0123456789") == "" && (v == "0" || v[0] != '0') {
		return v
	}
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", `\n`, "\r", `\r`, "\x00", `\0`, "\x1a", `\Z`).Replace(v) + "'"
}
