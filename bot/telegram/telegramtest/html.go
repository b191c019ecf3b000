package telegramtest

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// maxEntities is how many entities of a text count; the others are dropped without a word.
const maxEntities = 100

var entityOf = map[string]string{"b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
	"s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "code": "code", "pre": "pre", "a": "text_link",
	"tg-spoiler": "spoiler", "span": "spoiler", "blockquote": "blockquote"}

type openTag struct {
	name, attribute string
	at              int // UTF-16 units before it
	nested          int // entities before it
}

var (
	attributeForm = regexp.MustCompile(`^\s+([a-z-]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s>"']+))?`)
	referenceForm = regexp.MustCompile(`^&(?:lt|gt|amp|quot|#[0-9]+|#x[0-9a-fA-F]+);`)
	languageForm  = regexp.MustCompile(`^language-`)
)

// parseHTML is a text of parse_mode HTML without its tags, and what they mark.
func (s *Server) parseHTML(text string) (string, []Entity, error) {
	var (
		out   strings.Builder
		units int
		open  []openTag
		all   []Entity
	)
	fail := func(format string, a ...any) (string, []Entity, error) {
		return "", nil, bad("can't parse entities: "+format, a...)
	}
	for i := 0; i < len(text); {
		switch rest := text[i:]; {
		case strings.HasPrefix(rest, "</"):
			end := strings.IndexByte(rest, '>')
			if end < 0 {
				return fail("Unclosed end tag at byte offset %d", i)
			}
			name := strings.ToLower(strings.TrimSpace(rest[2:end]))
			if len(open) == 0 {
				return fail("Unexpected end tag at byte offset %d", i)
			}
			tag := open[len(open)-1]
			if name != "" && name != tag.name {
				return fail(`Unmatched end tag at byte offset %d, expected "</%s>", found "</%s>"`, i, tag.name, name)
			}
			open = open[:len(open)-1]
			if e, ok := s.entity(tag, units); ok {
				all = slices.Insert(all, tag.nested, e)
			}
			i += end + 1
		case rest[0] == '<':
			tag, length, why := startTag(rest)
			if why != "" {
				return fail(why+" at byte offset %d", i)
			}
			tag.at, tag.nested = units, len(all)
			open = append(open, tag)
			i += length
		case referenceForm.MatchString(rest):
			raw := referenceForm.FindString(rest)
			for _, r := range html.UnescapeString(raw) {
				out.WriteRune(r)
				units += utf16.RuneLen(r)
			}
			i += len(raw)
		default:
			r, size := utf8.DecodeRuneInString(rest)
			out.WriteRune(r)
			units += utf16.RuneLen(r)
			i += size
		}
	}
	if len(open) > 0 {
		return fail(`Can't find end tag corresponding to start tag "%s"`, open[len(open)-1].name)
	}
	return out.String(), all, nil
}

// startTag reads one start tag; why says what is wrong with it.
func startTag(rest string) (tag openTag, length int, why string) {
	length = 1 + strings.IndexFunc(rest[1:]+" ", func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' })
	tag.name = strings.ToLower(rest[1:length])
	if entityOf[tag.name] == "" {
		return tag, 0, fmt.Sprintf("Unsupported start tag %q", tag.name)
	}
	for {
		m := attributeForm.FindStringSubmatch(rest[length:])
		if m == nil {
			break
		}
		length += len(m[0])
		value := html.UnescapeString(strings.Trim(m[2], `"'`))
		switch {
		case tag.name == "a" && m[1] == "href", tag.name == "span" && m[1] == "class":
			tag.attribute = value
		case tag.name == "code" && m[1] == "class" && languageForm.MatchString(value):
			tag.attribute = languageForm.ReplaceAllString(value, "")
		case tag.name == "blockquote" && m[1] == "expandable":
			tag.attribute = "expandable"
		}
	}
	if tag.name == "span" && tag.attribute != "tg-spoiler" {
		return tag, 0, `Tag "span" must have class "tg-spoiler"`
	}
	space := len(rest[length:]) - len(strings.TrimLeft(rest[length:], " \n\t"))
	if length += space; length >= len(rest) || rest[length] != '>' {
		return tag, 0, "Unclosed start tag"
	}
	return tag, length + 1, ""
}

// entity is what a tag marks up to here; a link that leads nowhere marks nothing.
func (s *Server) entity(tag openTag, units int) (Entity, bool) {
	e := Entity{Type: entityOf[tag.name], Offset: tag.at, Length: units - tag.at}
	switch tag.name {
	case "a":
		var id int64
		if _, err := fmt.Sscanf(tag.attribute, "tg://user?id=%d", &id); err == nil {
			if s.userByID(id) == nil {
				return e, false
			}
			e.Type, e.User = "text_mention", s.wireUser(id)
		} else if !linkForm.MatchString(tag.attribute) {
			return e, false
		} else {
			e.URL = tag.attribute
		}
	case "blockquote":
		if tag.attribute != "" {
			e.Type = "expandable_blockquote"
		}
	case "code":
		e.Language = tag.attribute
	}
	return e, e.Length > 0
}

var linkForm = regexp.MustCompile(`^(?:https?://[^\s/]+\.[^\s/]+|https?://[^\s/]+/|tg://|mailto:|tel:)`)

// settle is what Telegram makes of a text: a language goes from the code in a pre to the pre, spaces around it go, and so do
// the entities that are too many.
func settle(text string, entities []Entity) (string, []Entity) {
	var kept []Entity
	for _, e := range entities {
		if e.Type == "code" && len(kept) > 0 {
			if p := &kept[len(kept)-1]; p.Type == "pre" && p.Offset == e.Offset && p.Length == e.Length {
				p.Language = e.Language
				continue
			}
			e.Language = ""
		}
		kept = append(kept, e)
	}
	left := strings.TrimLeftFunc(text, unicode.IsSpace)
	lead := length(text) - length(left)
	text = strings.TrimRightFunc(left, unicode.IsSpace)
	total := length(text)
	var all []Entity
	for _, e := range kept {
		start, end := max(0, e.Offset-lead), min(total, e.Offset-lead+e.Length)
		if e.Offset, e.Length = start, end-start; end > start && len(all) < maxEntities {
			all = append(all, e)
		}
	}
	return text, all
}

// length is in UTF-16 units, as Telegram counts.
func length(text string) int {
	n := 0
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}

var typedForm = regexp.MustCompile(`(^|\s)(/[A-Za-z0-9_]{1,32}(?:@[A-Za-z0-9_]{3,32})?|@[A-Za-z][A-Za-z0-9_]{2,31})`)

// typed are the commands and mentions that Telegram finds in what people type.
func typed(text string) []Entity {
	var all []Entity
	for _, at := range typedForm.FindAllStringSubmatchIndex(text, -1) {
		found := text[at[4]:at[5]]
		e := Entity{Type: "mention", Offset: length(text[:at[4]]), Length: length(found)}
		if found[0] == '/' {
			e.Type = "bot_command"
		}
		all = append(all, e)
	}
	return all
}
