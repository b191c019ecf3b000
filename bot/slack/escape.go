package slack

import (
	"strings"

	"recoverbot/bot"
)

// weight is what s takes of a limit. Slack counts characters after its own escaping; UTF-16 units of the text as JSON are
// at least as many as any way of counting gives.
func weight(s string) int {
	n := 0
	for _, r := range s {
		n += weigh(r)
	}
	return n
}

func weigh(r rune) int {
	switch {
	case r == '&' || r == '<' || r == '>':
		return 6
	case r == '"' || r == '\\' || r == '\n' || r == '\t' || r > 0xffff:
		return 2
	}
	return 1
}

// split divides s where its first part weighs at most limit.
func split(s string, limit int) (head, tail string) { return bot.Split(s, limit, weigh) }

// cut shortens s to limit, with an ellipsis where something is missing.
func cut(s string, limit int) string { return bot.Cut(s, limit, weigh) }

var entities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escape makes s literal in a text of Slack's, but for bold and the like: for notifications, which show none.
func escape(s string) string { return entities.Replace(s) }

var formatting = strings.NewReplacer("*", "\u200b*", "_", "\u200b_", "~", "\u200b~", "`", "\u200b`", ":", ":\u200b")

// literal makes s literal where Slack formats: a character that nobody sees parts what would be markup. Nothing that
// people copy stands there.
func literal(s string) string { return formatting.Replace(escape(s)) }
