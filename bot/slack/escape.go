package slack

import (
	"strings"

	"github.com/rivo/uniseg"
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

// split divides s where its first part weighs at most limit: behind a line where that wastes little, never inside a
// character that people see as one.
func split(s string, limit int) (head, tail string) {
	end, used, line, state := 0, 0, 0, -1
	for rest := s; rest != ""; {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		w := weight(cluster)
		if used+w > limit {
			if end == 0 {
				end = runes(cluster, limit)
			}
			if line > end/2 {
				end = line
			}
			return s[:end], s[end:]
		}
		end, used = end+len(cluster), used+w
		if cluster == "\n" {
			line = end
		}
	}
	return s, ""
}

// runes is how many bytes of a cluster heavier than limit fit, and at least one character.
func runes(cluster string, limit int) int {
	used := 0
	for i, r := range cluster {
		if used += weigh(r); used > limit && i > 0 {
			return i
		}
	}
	return len(cluster)
}

// cut shortens s to limit, with an ellipsis where something is missing.
func cut(s string, limit int) string {
	head, tail := split(s, limit)
	if tail == "" {
		return s
	}
	head, _ = split(s, limit-1)
	return strings.TrimRight(head, " \n") + "…"
}

// lines counts the lines of s.
func lines(s string) int { return strings.Count(strings.TrimRight(s, "\n"), "\n") + 1 }

// firstLines are the first n lines of s.
func firstLines(s string, n int) string {
	end := 0
	for range n {
		next := strings.IndexByte(s[end:], '\n')
		if next < 0 {
			return s
		}
		end += next + 1
	}
	return s[:end]
}

var entities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escape makes s literal in a text of Slack's, but for bold and the like: for notifications, which show none.
func escape(s string) string { return entities.Replace(s) }

var formatting = strings.NewReplacer("*", "\u200b*", "_", "\u200b_", "~", "\u200b~", "`", "\u200b`", ":", ":\u200b")

// literal makes s literal where Slack formats: a character that nobody sees parts what would be markup. Nothing that
// people copy stands there.
func literal(s string) string { return formatting.Replace(escape(s)) }
