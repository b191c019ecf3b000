package bot

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes s safe to show anywhere: what cannot be seen or what reorders its neighbours (control, bidirectional and
// zero-width characters, invalid UTF-8) is written out as \u202e, so that a text never looks like another one. Newlines
// and tabs stay, CRLF becomes LF.
func Clean(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	before := rune(0)
	for i, r := range s {
		if hidden(r, before) || (r == utf8.RuneError && !strings.HasPrefix(s[i:], "\ufffd")) {
			return clean(s, i)
		}
		before = r
	}
	return s
}

// CleanLine is Clean for a text that must stay on one line.
func CleanLine(s string) string {
	return strings.Join(strings.Fields(Clean(s)), " ")
}

func clean(s string, from int) string {
	var b strings.Builder
	b.WriteString(s[:from])
	before := rune(0)
	if from > 0 {
		before, _ = utf8.DecodeLastRuneInString(s[:from])
	}
	for i := from; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
			before = 0
		case hidden(r, before):
			fmt.Fprintf(&b, `\u%04x`, r)
			before = 0
		default:
			b.WriteRune(r)
			before = r
		}
		i += size
	}
	return b.String()
}

// hidden tells whether nobody sees r behind the rune before. What joins pictures, or makes one of a sign, is kept behind one.
func hidden(r, before rune) bool {
	switch {
	case r >= 0x20 && r < 0x7f, r == '\n', r == '\t', unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return false
	case r == 0x200d, r == 0xfe0f:
		return before < 0x300
	}
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// Cleaned returns m with every text cleaned; the opaque Action stays.
func Cleaned(m Message) Message {
	m.Context, m.Title, m.Footer = CleanLine(m.Context), CleanLine(m.Title), Clean(m.Footer)
	m.Code = CleanLine(m.Code)
	m.Emoji, m.UntilText, m.Output = CleanLine(m.Emoji), CleanLine(m.UntilText), Clean(m.Output)
	m.Lines, m.Warn = cleanAll(m.Lines), cleanAll(m.Warn)
	m.Blocks = append([]Block(nil), m.Blocks...)
	for i := range m.Blocks {
		b := &m.Blocks[i]
		b.Label, b.Text, b.Columns = CleanLine(b.Label), Clean(b.Text), cleanAll(b.Columns)
		rows := make([][]string, len(b.Rows))
		for j := range b.Rows {
			rows[j] = cleanAll(b.Rows[j])
		}
		b.Rows = rows
	}
	if m.Progress != nil {
		p := *m.Progress
		p.Text = CleanLine(p.Text)
		m.Progress = &p
	}
	m.Form = append([]Field(nil), m.Form...)
	for i := range m.Form {
		f := &m.Form[i]
		f.Name, f.Label, f.Value, f.Enum = CleanLine(f.Name), CleanLine(f.Label), Clean(f.Value), cleanAll(f.Enum)
	}
	m.Buttons = append([]Button(nil), m.Buttons...)
	for i := range m.Buttons {
		b := &m.Buttons[i]
		b.Label, b.Choice, b.Confirm = CleanLine(b.Label), CleanLine(b.Choice), Clean(b.Confirm)
		b.For, b.Code = CleanLine(b.For), CleanLine(b.Code)
	}
	return m
}

func cleanAll(in []string) []string {
	if in == nil {
		return nil
	}
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = Clean(s)
	}
	return out
}
