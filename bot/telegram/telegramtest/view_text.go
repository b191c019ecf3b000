package telegramtest

import (
	"cmp"
	"html/template"
	"slices"
	"strings"
	"unicode/utf16"
)

var shownAs = map[string]string{"bold": "b", "italic": "i", "underline": "u", "strikethrough": "s", "code": "code", "pre": "pre", "spoiler": "mark",
	"blockquote": "blockquote", "expandable_blockquote": "blockquote", "text_link": "a", "text_mention": "em", "mention": "em", "bot_command": "em"}

// shown is the text of a message with its entities as HTML; commands and mentions in it look like links.
func (m *Message) shown() template.HTML {
	units := utf16.Encode([]rune(m.Text))
	all := slices.Clone(m.Entities)
	for _, e := range typed(m.Text) {
		if !slices.ContainsFunc(m.Entities, func(o Entity) bool { return o.Offset < e.Offset+e.Length && e.Offset < o.Offset+o.Length }) {
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b Entity) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(b.Length, a.Length))
	})
	var out strings.Builder
	var open []Entity
	at := 0
	upTo := func(end int) {
		if end <= at {
			return
		}
		template.HTMLEscape(&out, []byte(string(utf16.Decode(units[at:end]))))
		at = end
	}
	closeUpTo := func(end int) {
		for len(open) > 0 {
			last := open[len(open)-1]
			if last.Offset+last.Length > end {
				return
			}
			upTo(last.Offset + last.Length)
			out.WriteString("</" + shownAs[last.Type] + ">")
			open = open[:len(open)-1]
			if block := last.Type == "pre" || strings.HasSuffix(last.Type, "blockquote"); block && at < len(units) && units[at] == '\n' {
				at++ // the block ends its line by itself
			}
		}
	}
	for _, e := range all {
		closeUpTo(e.Offset)
		upTo(e.Offset)
		out.WriteString("<" + shownAs[e.Type] + e.attributes() + ">")
		open = append(open, e)
	}
	closeUpTo(len(units))
	upTo(len(units))
	return template.HTML(out.String()) // escaped above
}

func (e *Entity) attributes() string {
	attribute := func(name, value string) string {
		return " " + name + `="` + template.HTMLEscapeString(value) + `"`
	}
	switch {
	case e.Type == "text_link" && strings.HasPrefix(e.URL, "http"):
		return attribute("href", e.URL) + ` rel="noreferrer" target="_blank"`
	case e.Language != "":
		return attribute("data-language", e.Language)
	}
	return ""
}
