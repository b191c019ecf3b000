package telegram

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"unicode/utf8"
)

// validator reads the HTML of a post as strictly as Telegram does, and finds what it would refuse or cut.
type validator struct {
	wrong    []string
	shown    strings.Builder // what people read
	linkable strings.Builder // what Telegram looks for links in
	entities int
}

func (v *validator) check(ok bool, format string, args ...any) {
	if !ok {
		v.wrong = append(v.wrong, fmt.Sprintf(format, args...))
	}
}

var (
	token = regexp.MustCompile(`<[^<>]*>|[^<>]+|[<>]`)
	entry = regexp.MustCompile(`^<(b|i|code|pre|a href="[^"<>]*")>$`)
	// links is what a client makes links of by itself; Telegram's own rules are a little narrower.
	links = regexp.MustCompile(`(^|[^\w/])/[A-Za-z0-9_]|@[A-Za-z0-9_]|(^|\W)#\pL|(^|\W)\$[A-Z]|[a-z]://|[\pL\d-]\.\pL\pL|\d\.\d+\.\d+\.\d`)
)

func (v *validator) read(text string) {
	open := ""
	start := 0
	for _, s := range token.FindAllString(text, -1) {
		switch {
		case strings.HasPrefix(s, "</"):
			v.check(open != "" && s == "</"+open+">", "%s closes %q", s, open)
			v.check(strings.TrimSpace(v.shown.String()[start:]) != "", "<%s> is blank", open)
			open = ""
		case s[0] == '<' || s == ">":
			m := entry.FindStringSubmatch(s)
			v.check(m != nil, "tag %.60q", s)
			v.check(open == "", "%s within <%s>", s, open)
			if m != nil {
				open, _, _ = strings.Cut(m[1], " ")
			}
			start = v.shown.Len()
			v.entities++
			v.linkable.WriteString("\n")
		default:
			plain := html.UnescapeString(s)
			v.check(escape(plain) == s, "not escaped: %.60q", s)
			v.shown.WriteString(plain)
			if open != "code" && open != "pre" && open != "a" {
				v.linkable.WriteString(plain)
			}
		}
	}
	v.check(open == "", "<%s> is never closed", open)
}

// faults is what Telegram would refuse of a post, cut, or make a link of.
func faults(p post) []string {
	v := &validator{}
	v.read(p.html)
	text := v.shown.String()
	most := 4096
	if p.fileName != "" {
		most = 1024
		v.check(p.file != "" && len(p.fileName) <= 100 && !strings.ContainsAny(p.fileName, "/\\ \n"), "file %q of %d bytes", p.fileName, len(p.file))
		v.check(p.keyboard == nil, "a file with buttons")
	}
	v.check(utf8.ValidString(p.html) && strings.TrimSpace(text) != "", "blank or not UTF-8: %.60q", text)
	v.check(units(p.html) <= most, "%d units, %d with tags", units(text), units(p.html))
	v.check(v.entities <= 100, "%d entities", v.entities)
	v.check(!strings.ContainsAny(text, "\x00\r\t\u202e"), "control characters in %.60q", text)
	if found := links.FindString(v.linkable.String()); found != "" {
		v.check(false, "%q becomes a link", found)
	}
	if p.keyboard != nil {
		all := 0
		for _, row := range p.keyboard.InlineKeyboard {
			all += len(row)
			v.check(len(row) > 0 && len(row) <= 3, "%d buttons in a row", len(row))
			for _, b := range row {
				v.check(strings.TrimSpace(b.Text) != "" && units(b.Text) <= 64, "button %.80q", b.Text)
				v.check(b.CallbackData != nil && len(*b.CallbackData) > 0 && len(*b.CallbackData) <= 64, "callback data of %.80q", b.Text)
			}
		}
		v.check(all > 0 && all <= 100, "%d buttons", all)
	}
	return v.wrong
}

// shown is all text of a post that people read, its buttons, and its file.
func shown(p post) string {
	v := &validator{}
	v.read(p.html)
	out := strings.ReplaceAll(v.shown.String(), unseen, "") + "\n"
	for _, b := range labelled(p) {
		out += b + "\n"
	}
	return out + p.file
}

// labelled are the labels of the buttons of p.
func labelled(p post) []string {
	var out []string
	if p.keyboard != nil {
		for _, row := range p.keyboard.InlineKeyboard {
			for _, b := range row {
				out = append(out, b.Text)
			}
		}
	}
	return out
}
