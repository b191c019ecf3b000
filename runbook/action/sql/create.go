package sql

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// definition is a CREATE TABLE in a form that can be compared: one normal line a column, key or option.
type definition struct {
	name    string
	lines   []string // columns in order, then keys and options, sorted
	text    string   // exact, with IF NOT EXISTS
	charset string
	collate string
}

var (
	createHead = regexp.MustCompile("(?is)^CREATE\\s+TABLE\\s+(IF\\s+NOT\\s+EXISTS\\s+)?`?([A-Za-z0-9_$-]+)`?\\s*\\(")
	width      = regexp.MustCompile(`\b(tinyint|smallint|mediumint|int|bigint)\s*\(\d+\)`)
	spaces     = regexp.MustCompile(`\s+`)
	increments = regexp.MustCompile(`\bauto_increment\s*=\s*\d+`)
	btree      = regexp.MustCompile(`\busing btree\b`)
	nowCall    = regexp.MustCompile(`\b(?:current_timestamp|now)\(\)`)
	equals     = regexp.MustCompile(`\s*=\s*`)
	charsets   = regexp.MustCompile(`\b(?:default )?(?:character set|charset)[= ](\w+)`)
	collations = regexp.MustCompile(`\bcollate[= ](\w+)`)
	quotes     = regexp.MustCompile("'(?:[^'\\\\]|\\\\.)*'|\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`")
	number0    = regexp.MustCompile(`\bdefault '(-?\d+(?:\.\d+)?)'`)
	// notAnOption is what makes more of a table than its definition says, or keeps it elsewhere.
	notAnOption = regexp.MustCompile(`\b(?:select|with|values|table|as|like|union|replace|ignore|data directory|index directory|federated|connection|partition|tablespace)\b`)
)

// parseCreate reads a CREATE TABLE; anything else, a second statement, or a table made of a select is an error.
func parseCreate(text string) (definition, error) {
	d := definition{text: strings.TrimRight(strings.TrimSpace(text), "; \t\r\n")}
	if strings.Contains(text, "{{") {
		return d, errors.New("{{ }} is not filled in here")
	}
	m := createHead.FindStringSubmatchIndex(d.text)
	if m == nil {
		return d, errors.New("create: only CREATE TABLE [IF NOT EXISTS] name (…) is possible")
	}
	d.name = d.text[m[4]:m[5]]
	open := m[1] - 1
	items, end, err := splitItems(d.text, open)
	if err != nil {
		return d, err
	}
	tail := normal(d.text[end:])
	if word := notAnOption.FindString(strings.TrimSpace(quotes.ReplaceAllString(tail, " "))); word != "" {
		return d, fmt.Errorf("create: %s is not possible", word)
	}
	if m[2] < 0 {
		d.text = d.text[:m[4]-btoi(d.text[m[4]-1] == '`')] + "IF NOT EXISTS " + d.text[m[4]-btoi(d.text[m[4]-1] == '`'):]
	}
	d.options(tail)
	var columns, keys []string
	for _, item := range items {
		line := d.item(item)
		if strings.HasPrefix(line, "`") {
			columns = append(columns, line)
		} else {
			keys = append(keys, line)
		}
	}
	slices.Sort(keys)
	d.lines = append(append(columns, keys...), d.lines...)
	return d, nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// splitItems cuts what stands between the brackets at its commas.
func splitItems(text string, open int) (items []string, end int, err error) {
	depth, start := 0, open+1
	var quote byte
	for i := open; i < len(text); i++ {
		c := text[i]
		if quote != 0 {
			if c == '\\' && quote != '`' {
				i++
			} else if c == quote {
				quote = 0
			}
			continue
		}
		switch {
		case c == '\'' || c == '"' || c == '`':
			quote = c
		case c == ';':
			return nil, 0, errors.New("create: several statements in one text")
		case c == '#' || strings.HasPrefix(text[i:], "/*") || strings.HasPrefix(text[i:], "-- "):
			return nil, 0, errors.New("create: comments are not allowed")
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				items = append(items, text[start:i])
				return items, i + 1, tailOnly(text[i+1:])
			}
		case c == ',' && depth == 1:
			items, start = append(items, text[start:i]), i+1
		}
	}
	return nil, 0, errors.New("create: a bracket or quote is never closed")
}

// tailOnly holds the table's options to one statement.
func tailOnly(tail string) error {
	toks := 0
	var quote byte
	for i := 0; i < len(tail); i++ {
		c := tail[i]
		switch {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"' || c == '`':
			quote = c
		case c == ';' || c == '#' || c == '(' || strings.HasPrefix(tail[i:], "/*") || strings.HasPrefix(tail[i:], "--"):
			return errors.New("create: after the columns only table options are possible")
		}
		toks++
	}
	if quote != 0 {
		return errors.New("create: a quote is never closed")
	}
	return nil
}

// normal folds what does not count: case and spaces outside of quotes.
func normal(s string) string {
	var out strings.Builder
	var quote byte
	plain := func(p string) string { return spaces.ReplaceAllString(strings.ToLower(p), " ") }
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0 && c == '\\' && quote != '`':
			i++
		case quote != 0 && c == quote:
			out.WriteString(s[start : i+1])
			quote, start = 0, i+1
		case quote == 0 && (c == '\'' || c == '`' || c == '"'):
			out.WriteString(plain(s[start:i]))
			quote, start = c, i
		}
	}
	out.WriteString(plain(s[start:]))
	return strings.TrimSpace(out.String())
}

// options reads engine, charset, collation and comment; how far AUTO_INCREMENT has come does not count.
func (d *definition) options(tail string) {
	tail = increments.ReplaceAllString(equals.ReplaceAllString(tail, "="), "")
	if m := charsets.FindStringSubmatch(tail); m != nil {
		d.charset = alias(m[1])
	}
	if m := collations.FindStringSubmatch(tail); m != nil {
		d.collate = alias(m[1])
	}
	tail = collations.ReplaceAllString(charsets.ReplaceAllString(tail, ""), "")
	for _, o := range regexp.MustCompile(`\w+='(?:[^'\\]|\\.|'')*'|\w+=\S+`).FindAllString(tail, -1) {
		if !strings.HasPrefix(o, "row_format=") && !strings.HasPrefix(o, "stats_") {
			d.lines = append(d.lines, o)
		}
	}
	slices.Sort(d.lines)
	d.lines = append(d.lines, "charset="+d.charset)
	if d.collate != "" {
		d.lines = append(d.lines, "collate="+d.collate)
	}
}

// alias gives the one name of a charset that has two.
func alias(name string) string {
	if name == "utf8" || strings.HasPrefix(name, "utf8_") {
		return "utf8mb3" + strings.TrimPrefix(name, "utf8")
	}
	return name
}

// item folds one column or key: widths of integers, spelling of defaults, charset where it is the table's own.
func (d *definition) item(s string) string {
	s = normal(s)
	head, comment := s, ""
	if i := strings.Index(s, " comment '"); i >= 0 {
		head, comment = s[:i], s[i:]
	}
	head = width.ReplaceAllString(head, "$1")
	head = btree.ReplaceAllString(head, "")
	head = nowCall.ReplaceAllString(head, "current_timestamp")
	head = number0.ReplaceAllString(head, "default $1")
	head = charsets.ReplaceAllStringFunc(head, func(m string) string {
		if alias(charsets.FindStringSubmatch(m)[1]) == d.charset {
			return ""
		}
		return m
	})
	head = collations.ReplaceAllStringFunc(head, func(m string) string {
		if c := alias(collations.FindStringSubmatch(m)[1]); c == d.collate || d.collate == "" && strings.HasPrefix(c, d.charset+"_") {
			return ""
		}
		return m
	})
	if !strings.HasPrefix(head, "`") {
		head = strings.Replace(head, "index ", "key ", 1)
		head = regexp.MustCompile("[`\\s]*([(),])[`\\s]*").ReplaceAllString(strings.ReplaceAll(head, "`", ""), "$1")
	} else {
		if !strings.Contains(head, "not null") {
			head = strings.Replace(head, " default null", "", 1)
			head = regexp.MustCompile(` null\b`).ReplaceAllString(head, "")
		}
		head = strings.ReplaceAll(head, " ,", ",")
	}
	return strings.TrimSpace(spaces.ReplaceAllString(head+comment, " "))
}
