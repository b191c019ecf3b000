package sql

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"recoverbot/runbook"
)

// maxValue bounds one value of a new row: more is nothing that a person looks through on a phone.
const maxValue = 16 << 10

// column is what a form for a new row must know of a column.
type column struct {
	name, kind string
	nullable   bool
	auto       bool // AUTO_INCREMENT
	generated  bool
	preset     bool     // has a default
	now        bool     // its default is the time
	length     int      // characters; 0: no text, or unlimited
	narrow     bool     // takes no 4-byte characters
	enum       []string // of an ENUM
}

func columns(ctx context.Context, q queryer, t table) ([]column, error) {
	_, rs, err := query(ctx, q, `SELECT column_name, data_type, column_type, is_nullable, column_default, extra, generation_expression,
		character_maximum_length, character_set_name FROM information_schema.columns
		WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position`, []string{t.schema, t.name})
	if err != nil {
		return nil, fmt.Errorf("look at columns of %s.%s: %w", t.schema, t.name, err)
	}
	var out []column
	for _, r := range rs {
		extra := strings.ToLower(r.at(5))
		c := column{name: r.at(0), kind: strings.ToLower(r.at(1)), nullable: r.at(3) == "YES", auto: strings.Contains(extra, "auto_increment"),
			generated: r.at(6) != "", narrow: r.at(8) == "utf8" || r.at(8) == "utf8mb3"}
		c.preset = c.nullable || r[4] != nil
		c.now = strings.Contains(strings.ToLower(r.at(4)), "current_timestamp")
		if c.kind == "enum" {
			c.enum = enumOf(r.at(2))
		}
		c.length, _ = strconv.Atoi(r.at(7)) // LONGTEXT's is no int everywhere; then the server says
		out = append(out, c)
	}
	return out, nil
}

// enumOf reads enum('a','it”s').
func enumOf(kind string) []string {
	_, list, _ := strings.Cut(strings.TrimSuffix(kind, ")"), "(")
	var out []string
	for list != "" {
		list = strings.TrimPrefix(strings.TrimLeft(list, ", "), "'")
		end := 0
		for end < len(list) && (list[end] != '\'' || end+1 < len(list) && list[end+1] == '\'') {
			if list[end] == '\'' {
				end++
			}
			end++
		}
		out = append(out, strings.ReplaceAll(list[:end], "''", "'"))
		list = list[min(end+1, len(list)):]
	}
	return out
}

func (c column) binary() bool {
	return slices.Contains([]string{"tinyblob", "blob", "mediumblob", "longblob", "binary", "varbinary", "bit", "geometry"}, c.kind)
}

func (c column) time() bool {
	return slices.Contains([]string{"date", "datetime", "timestamp"}, c.kind)
}

func (c column) integer() bool { return strings.HasSuffix(c.kind, "int") }

// raw reads the value so that it can be written again: binary ones as hex digits.
func (c column) raw() string {
	if c.binary() {
		return "HEX(" + quoted(c.name) + ")"
	}
	return quoted(c.name)
}

// The words that mean SQL's own in a field; anything else is a text, and '…' keeps any text as it is.
const (
	wordNull    = "NULL"
	wordDefault = "DEFAULT"
	wordNow     = "NOW()"
)

// fieldText is a value as a field shows it.
func fieldText(v *string) string {
	if v == nil {
		return wordNull
	}
	s := *v
	word := slices.ContainsFunc([]string{wordNull, wordDefault, wordNow}, func(w string) bool { return strings.EqualFold(s, w) })
	if s == "" || word || strings.TrimSpace(s) != s || len(s) > 1 && s[0] == '\'' && s[len(s)-1] == '\'' {
		return "'" + s + "'"
	}
	return s
}

// value is a field's meaning: the expression that stands for it in the statement, with the text bound to its ?.
type value struct {
	expr string // "?", "UNHEX(?)", "NULL", "NOW()"; "" leaves the column to its default
	text string
}

func (v value) bound() bool { return v.expr == "?" }

// read turns a field's text into a value; problem says what is wrong with it.
func (c column) read(field runbook.Text, s string) (v value, problem runbook.Msg) {
	switch {
	case strings.EqualFold(s, wordNull):
		if !c.nullable {
			problem = runbook.T("sql.add_not_null", "field", field)
		}
		return value{expr: wordNull}, problem
	case strings.EqualFold(s, wordDefault), s == "":
		if !c.preset && !c.auto || s == "" {
			problem = runbook.T("sql.add_needed", "field", field)
		}
		return value{}, problem
	case strings.EqualFold(s, wordNow) && c.time():
		return value{expr: wordNow}, problem
	case len(s) > 1 && s[0] == '\'' && s[len(s)-1] == '\'':
		s = s[1 : len(s)-1]
	}
	v = value{expr: "?", text: s}
	if c.binary() {
		v.expr = "UNHEX(?)"
		s = strings.Repeat("0", len(s)%2) + s // HEX of a BIT
		v.text = s
		if _, err := hex.DecodeString(s); err != nil {
			return v, runbook.T("sql.add_not_hex", "field", field)
		}
		return v, problem
	}
	_, notSigned := strconv.ParseInt(s, 10, 64)
	_, notUnsigned := strconv.ParseUint(s, 10, 64)
	n := utf8.RuneCountInString(s)
	switch {
	case len(s) > maxValue:
		return v, runbook.T("sql.add_too_long", "field", field, "length", n, "max", maxValue)
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		return v, runbook.T("sql.add_odd", "field", field)
	case c.length > 0 && c.enum == nil && c.kind != "set" && n > c.length:
		return v, runbook.T("sql.add_too_long", "field", field, "length", n, "max", c.length)
	case c.narrow && strings.IndexFunc(s, func(r rune) bool { return r > 0xFFFF }) >= 0:
		return v, runbook.T("sql.add_wide", "field", field)
	case c.enum != nil && !slices.ContainsFunc(c.enum, func(e string) bool { return strings.EqualFold(e, s) }):
		return v, runbook.T("sql.add_not_listed", "field", field, "values", clip(strings.Join(c.enum, ", ")))
	case c.integer() && notSigned != nil && notUnsigned != nil:
		return v, runbook.T("sql.add_no_number", "field", field)
	}
	return v, problem
}
