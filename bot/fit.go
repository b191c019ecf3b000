package bot

import (
	"regexp"
	"strings"
	"time"

	"github.com/rivo/uniseg"
)

// Split divides s where its first part weighs at most limit: behind a line where that wastes little, never inside a
// character that people see as one.
func Split(s string, limit int, weigh func(rune) int) (head, tail string) {
	end, used, line, state := 0, 0, 0, -1
	for rest := s; rest != ""; {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		w := 0
		for _, r := range cluster {
			w += weigh(r)
		}
		if used+w > limit {
			if end == 0 {
				end = runes(cluster, limit, weigh)
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
func runes(cluster string, limit int, weigh func(rune) int) int {
	used := 0
	for i, r := range cluster {
		if used += weigh(r); used > limit && i > 0 {
			return i
		}
	}
	return len(cluster)
}

// Cut shortens s to limit, with an ellipsis where something is missing.
func Cut(s string, limit int, weigh func(rune) int) string {
	head, tail := Split(s, limit, weigh)
	if tail == "" {
		return s
	}
	head, _ = Split(s, limit-1, weigh)
	return strings.TrimRight(head, " \n") + "…"
}

// CountLines counts the lines of s.
func CountLines(s string) int { return strings.Count(strings.TrimRight(s, "\n"), "\n") + 1 }

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

// Headline is the emoji and title of m, never empty.
func Headline(m Message) string {
	if t := strings.TrimSpace(m.Emoji + " " + m.Title); t != "" {
		return t
	}
	return "…"
}

var runningTime = regexp.MustCompile(`\d{1,3}:\d\d(:\d\d)?`)

// sameDay is within how long a time of day needs no date.
const sameDay = 12 * time.Hour

// between separates the parts of a Context.
const between = " · "

// StillContext is m's Context with its running time as the time since when it runs: a post that nobody edits stays true.
func StillContext(m Message, label func(id string, pairs ...any) string) string {
	if m.Since.IsZero() {
		return m.Context
	}
	parts := strings.Split(m.Context, between)
	for i, part := range parts {
		if at := runningTime.FindStringIndex(part); at != nil {
			id := "ui.since"
			if m.At.Sub(m.Since) > sameDay {
				id = "ui.since_day"
			}
			parts[i] = label(id, "what", strings.TrimSpace(part[:at[0]]), "at", m.Since) + part[at[1]:]
			break
		}
	}
	return strings.Join(parts, between)
}
