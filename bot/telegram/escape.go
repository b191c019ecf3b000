package telegram

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"recoverbot/bot"
)

// weight is what s takes at most of a limit: UTF-16 units once it is escaped and its links are broken.
func weight(s string) int {
	n := 0
	for _, r := range s {
		n += weigh(r)
	}
	return n
}

func weigh(r rune) int {
	switch {
	case r == '&':
		return 5
	case r == '<' || r == '>':
		return 4
	case r > 0xffff, r < utf8.RuneSelf && heavy[r]:
		return 2
	}
	return 1
}

// split divides s where its first part weighs at most limit.
func split(s string, limit int) (head, tail string) { return bot.Split(s, limit, weigh) }

// cut shortens s to limit, with an ellipsis where something is missing.
func cut(s string, limit int) string { return bot.Cut(s, limit, weigh) }

var entities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\t", " ")

// escape makes s literal in HTML of Telegram's, but not what Telegram links by itself.
func escape(s string) string { return entities.Replace(s) }

// tabs stand for two columns: Telegram makes one space of each.
var tabs = strings.NewReplacer("\t", "  ")

// Telegram makes links of what looks like a host, a file (backup.sh is a host to it), a command, a name or a tag, and a
// tap on one sends or opens it. Such words stand in <code>, where a tap copies them.
const linking = "./@#$:+"

var heavy = func() (is [utf8.RuneSelf]bool) {
	for _, r := range linking {
		is[r] = true
	}
	return is
}()

var (
	tokens   = regexp.MustCompile(`[A-Za-z0-9_./@#$:~%+=?&-]+`)
	misleads = regexp.MustCompile(`(^|[^\w/])[/#]\w|@\w|\$[A-Z]|://|\.[A-Za-z]{2}|\d+\.\d+\.\d+\.\d+|^\+?\d{7}`)
	joints   = regexp.MustCompile("[" + linking + "]")
	foreign  = regexp.MustCompile(`([.@#])([^\x00-\x7f\x{200b}])`)
)

const unseen = "\u200b" // parts what would be a link

// prose is s within tag ("b", "i", or none), with at most so many words of it in <code> as *inline entities allow. Each
// takes at most inlineWeight.
func prose(s, tag string, inline *int) string {
	var out strings.Builder
	plain := func(s string) {
		s = escape(foreign.ReplaceAllString(s, "$1"+unseen+"$2"))
		if tag != "" && strings.TrimSpace(s) != "" {
			s = "<" + tag + ">" + s + "</" + tag + ">"
		}
		out.WriteString(s)
	}
	cost, from := 1, 0
	if tag != "" {
		cost = 2
	}
	var text strings.Builder // since the last <code>
	for _, at := range tokens.FindAllStringIndex(s, -1) {
		word := strings.TrimRight(s[at[0]:at[1]], ".:?&+=")
		if !misleads.MatchString(word) {
			continue
		}
		text.WriteString(s[from:at[0]])
		if from = at[0] + len(word); *inline < cost {
			text.WriteString(joints.ReplaceAllString(word, "$0"+unseen))
			continue
		}
		*inline -= cost
		plain(text.String())
		text.Reset()
		out.WriteString("<code>" + escape(word) + "</code>")
	}
	plain(text.String() + s[from:])
	return out.String()
}
