package dump

import (
	"bytes"
	"strings"
)

// SplitKeys splits a CREATE TABLE into one without its secondary keys and the ALTER TABLE that adds them all, to be run
// once the rows are in. ok is false where that is not certain to give the same table, or where there is nothing to add.
func (l Lex) SplitKeys(create []byte) (bare, add []byte, ok bool) {
	ts := l.tokens(create)
	for i := 1; i < len(ts); i++ { // comments, also executable ones, are not understood here
		if len(bytes.TrimSpace(create[ts[i-1].to:ts[i].from])) > 0 {
			return nil, nil, false
		}
	}
	i := 2
	if len(ts) < 6 || !ts[0].is("CREATE") || !ts[1].is("TABLE") || len(bytes.TrimSpace(create[:ts[0].from])) > 0 ||
		len(bytes.TrimSpace(create[ts[len(ts)-1].to:])) > 0 {
		return nil, nil, false
	}
	if ts[2].is("IF") && ts[3].is("NOT") && ts[4].is("EXISTS") {
		i = 5
	}
	first := ts[i]
	for i+2 < len(ts) && ts[i+1].p(".") {
		i += 2
	}
	table := create[first.from:ts[i].to]
	if i++; ts[i-1].kind != name || !ts[i].p("(") {
		return nil, nil, false
	}
	elements, rest := elements(ts[i+1:])
	if len(rest) == 0 || !plainOptions(rest[1:]) {
		return nil, nil, false
	}
	var s shape
	for _, e := range elements {
		text := create[e[0].from:e[len(e)-1].to]
		deferred, ok := s.see(e)
		switch {
		case !ok:
			return nil, nil, false
		case deferred && len(add) == 0:
			add = append(append(append(add, "ALTER TABLE "...), table...), " ADD "...)
			add = append(add, text...)
		case deferred:
			add = append(append(add, ", ADD "...), text...)
		case len(bare) == 0:
			bare = append(append(bare, create[:ts[i].to]...), text...)
		default:
			bare = append(append(bare, ", "...), text...)
		}
	}
	if len(add) == 0 || len(bare) == 0 || !s.splits() {
		return nil, nil, false
	}
	return append(bare, create[rest[0].from:]...), add, true
}

// elements splits what stands between the parentheses of a CREATE TABLE at its commas; rest begins with the ")".
func elements(ts []token) (out [][]token, rest []token) {
	depth, from := 0, 0
	for i, t := range ts {
		switch {
		case t.p("("):
			depth++
		case t.p(")") && depth > 0:
			depth--
		case (t.p(")") || t.p(",")) && depth == 0:
			if i == from {
				return nil, nil
			}
			out = append(out, ts[from:i])
			if t.p(")") {
				return out, ts[i:]
			}
			from = i + 1
		}
	}
	return nil, nil
}

// shape is what is known of a table's keys.
type shape struct {
	primary string // first column of the primary key
	counter string // column with AUTO_INCREMENT
	unique  bool
}

// splits reports whether the table keeps its clustered index and its counter without the secondary keys.
func (s shape) splits() bool {
	if s.primary == "" {
		return !s.unique && s.counter == ""
	}
	return s.counter == "" || s.counter == s.primary
}

// see judges one element: a secondary key that can wait, or one that stays. ok is false where the table must be made
// as it is.
func (s *shape) see(e []token) (deferred, ok bool) {
	switch {
	case e[0].kind == name:
		if hasWord(e, "GENERATED", "AS", "VIRTUAL", "STORED", "PERSISTENT", "REFERENCES", "UNIQUE", "KEY", "PRIMARY", "SYSTEM", "ROW") {
			return false, false
		}
		if hasWord(e, "AUTO_INCREMENT") {
			s.counter = e[0].text
		}
		return false, true
	case e[0].is("PRIMARY") && len(e) > 4 && e[1].is("KEY") && e[2].p("(") && e[3].kind == name && !hasWord(e, "WITHOUT"):
		s.primary = e[3].text
		return false, true
	case e[0].is("CONSTRAINT") && len(e) > 2 && e[1].kind == name && e[2].is("CHECK"), e[0].is("CHECK"):
		return false, true
	case e[0].is("UNIQUE") && len(e) > 1 && e[1].is("KEY"):
		s.unique = true
		return true, plainKey(e[2:])
	case e[0].is("KEY"):
		return true, plainKey(e[1:])
	}
	return false, false
}

// plainKey knows `name` (`column`(10) DESC, …) and what may stand behind.
func plainKey(e []token) bool {
	if len(e) < 4 || e[0].kind != name || !e[1].p("(") {
		return false
	}
	i := 2
	for depth := 1; depth > 0; i++ {
		if i == len(e) {
			return false
		}
		switch t := e[i]; {
		case t.p("("):
			depth++
		case t.p(")"):
			depth--
		case t.kind == name && depth == 1, t.p(","), t.is("ASC"), t.is("DESC"), t.kind == literal && depth == 2:
		default:
			return false
		}
	}
	for ; i < len(e); i++ {
		switch t := e[i]; {
		case t.is("USING") && i+1 < len(e) && (e[i+1].is("BTREE") || e[i+1].is("HASH")), t.is("COMMENT") && i+1 < len(e) && e[i+1].kind == literal:
			i++
		case t.is("KEY_BLOCK_SIZE"), t.p("="), t.kind == literal, t.is("IGNORED"), t.is("NOT"):
		default:
			return false
		}
	}
	return true
}

// plainOptions knows the options of an InnoDB table that say nothing about keys.
func plainOptions(ts []token) bool {
	engine := false
	for i := 0; i < len(ts); i++ {
		switch t := ts[i]; {
		case t.is("ENGINE") && i+2 < len(ts) && ts[i+1].p("="):
			engine = strings.EqualFold(ts[i+2].text, "InnoDB")
			i += 2
		case t.is("DEFAULT"):
		case t.kind == word && i+2 < len(ts) && ts[i+1].p("=") && (ts[i+2].kind == word || ts[i+2].kind == literal):
			switch t.text {
			case "AUTO_INCREMENT", "CHARSET", "COLLATE", "COMMENT", "ROW_FORMAT", "KEY_BLOCK_SIZE", "STATS_PERSISTENT", "STATS_AUTO_RECALC", "STATS_SAMPLE_PAGES":
			default:
				return false
			}
			i += 2
		default:
			return false
		}
	}
	return engine
}
