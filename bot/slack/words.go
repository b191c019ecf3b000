package slack

import (
	"regexp"
	"strings"
)

// marked is what Slack writes in angle brackets: <https://a|label>, <@U1>, <#C1|name>, <!here>.
var marked = regexp.MustCompile(`<([^<>|]*)(?:\|([^<>]*))?>`)

var unescape = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&", "\u00a0", " ")

// typed undoes what Slack makes of a line that a person typed: host names and addresses that became links, and escapes.
func typed(text string) string {
	text = marked.ReplaceAllStringFunc(text, func(found string) string {
		parts := marked.FindStringSubmatch(found)
		target, label := parts[1], parts[2]
		switch {
		case strings.HasPrefix(target, "#"), strings.HasPrefix(target, "@"):
			if label != "" {
				return target[:1] + strings.TrimLeft(label, "#@")
			}
			return target
		case label != "":
			return label
		case strings.HasPrefix(target, "!"):
			return "@" + target[1:]
		}
		return target
	})
	return unformatted(strings.TrimSpace(unescape.Replace(text)))
}

// unformatted undoes the formatting of a line, or of its beginning as code: it comes along where people copy an answer from
// a card.
func unformatted(line string) string {
	if n := len(line) - len(strings.TrimLeft(line, "`")); n > 0 {
		return strings.TrimSpace(strings.Replace(line[n:], line[:n], "", 1))
	}
	if n := len(line); n > 2 && line[0] == line[n-1] && strings.IndexByte("*_~", line[0]) >= 0 {
		return unformatted(line[1 : n-1])
	}
	return line
}

// mention is how Slack writes the bot's own name, with or without it.
func mention(user string) *regexp.Regexp {
	return regexp.MustCompile(`<@` + regexp.QuoteMeta(user) + `(?:\|[^<>]*)?>`)
}
