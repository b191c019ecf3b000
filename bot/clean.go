package bot

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Clean makes s safe to show anywhere: what cannot be seen or what reorders its neighbours (control, bidirectional and
// zero-width characters, invalid UTF-8) is written out as \u202e, so that a text never looks like another one. Newlines
// and tabs stay, CRLF becomes LF.
func Clean(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	for i, r := range s {
		if hidden(r) || (r == utf8.RuneError && !strings.HasPrefix(s[i:], "\ufffd")) {
			return clean(s, i)
		}
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
	for i := from; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case hidden(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

func hidden(r rune) bool {
	switch {
	case r >= 0x20 && r < 0x7f, r == '\n', r == '\t':
		return false
	case r < 0x20, r >= 0x7f && r < 0xa0, r == 0xad, r == 0x61c, r == 0xfeff, r == 0x180e,
		r >= 0x200b && r <= 0x200c, r >= 0x200e && r <= 0x200f, r >= 0x2028 && r <= 0x202e,
		r >= 0x2060 && r <= 0x206f, r >= 0xfff9 && r <= 0xfffb, r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return false
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
