package rewrite

import (
	"net/netip"
	"slices"
	"strings"
)

// Rehost replaces a host by another wherever a value, or the host part of a value, is one of its names: alone, with a
// port, in a URL, in a Go DSN, after user@, in a list or a command line. Comments, keys, the user and password part,
// URL paths and longer names or addresses that merely contain a name stay as they are.
func Rehost(f Format, text string, from []string, to string) string {
	var out strings.Builder
	last := 0
	for _, m := range matches(f, text, from) {
		start, end, with := m.start, m.end, to
		old := text[start:end]
		if is6(old) && bracketed(text, start, end) && !is6(to) {
			start, end = start-1, end+1
		}
		if is6(to) && !is6(old) && needsBrackets(text, start, end) {
			with = "[" + to + "]"
		}
		out.WriteString(text[last:start])
		out.WriteString(with)
		last = end
	}
	out.WriteString(text[last:])
	return out.String()
}

// Has tells whether a value of the text has the host as its host part.
func Has(f Format, text string, names []string) bool { return len(matches(f, text, names)) > 0 }

// Mentions lists the lines (from 1) that still name a host as a whole word, comments and secrets left out: what a
// person should look at, because Rehost did not take it for a host part.
func Mentions(f Format, text string, names []string) []int {
	var out []int
	secret := spansOf(secrets(f, text))
	for _, v := range values(f, text) {
		for _, s := range words(text, v, names) {
			n := 1 + strings.Count(text[:s.start], "\n")
			if !within(secret, s.start) && !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}

func matches(f Format, text string, names []string) []span {
	secret := spansOf(secrets(f, text))
	var out []span
	for _, v := range values(f, text) {
		for _, s := range words(text, v, names) {
			if !within(secret, s.start) && hostPart(f, text, v, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

// words lists where a name stands as a whole word, the longest name first.
func words(text string, in span, names []string) []span {
	names = slices.Clone(names)
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) })
	var out []span
	for i := in.start; i < in.end; i++ {
		if i > in.start && wordByte(text[i-1]) && !afterFlag(text, in, i) {
			continue
		}
		for _, name := range names {
			end := i + len(name)
			if name == "" || end > in.end || !strings.EqualFold(text[i:end], name) {
				continue
			}
			if end < in.end && (wordByte(text[end]) && !fullStop(text, in, end)) {
				continue
			}
			if is6(name) && (i > in.start && text[i-1] == ':' || end < in.end && text[end] == ':') {
				continue
			}
			out = append(out, span{i, end})
			i = end - 1
			break
		}
	}
	return out
}

// wordByte is true for what can continue a host name or an address.
func wordByte(c byte) bool {
	return c == '_' || c == '-' || c == '.' || c >= 0x80 ||
		c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// fullStop is a dot that ends a name or a sentence.
func fullStop(text string, in span, at int) bool {
	return text[at] == '.' && (at+1 >= in.end || !wordByte(text[at+1]))
}

// afterFlag is the -h of -hHOST.
func afterFlag(text string, in span, at int) bool {
	return at-2 >= in.start && text[at-2:at] == "-h" && (at-2 == in.start || text[at-3] == ' ' || text[at-3] == '\t')
}

// hostPart tells whether the word at s stands where a value has its host.
func hostPart(f Format, text string, in, s span) bool {
	url, user := false, false
	if s.start > in.start && !afterFlag(text, in, s.start) {
		switch c := text[s.start-1]; c {
		case '/':
			url = s.start-2 >= in.start && text[s.start-2] == '/'
			if !url {
				return false
			}
		case '@':
			user = true
		case ':', '\\', '$', '%', '#', '!', '?', '*', '~', '^', '+', '}', ']', ')':
			return false
		}
	}
	rest := text[s.end:in.end]
	token := rest
	if i := strings.IndexAny(rest, " \t\r\n\"'`,;)]}|<>&"); i >= 0 {
		token = rest[:i]
	}
	switch {
	case token == "":
		return !isKey(f, text, s.end)
	case token[0] == ':':
		return len(token) > 1 && !strings.Contains(token, "@") && !strings.HasPrefix(token, "://")
	case token[0] == '/':
		return url || user || !cidr(token)
	case token[0] == '?' || token[0] == '#':
		return url || user
	case token[0] == '\\' || token[0] == '.':
		return true
	}
	return false
}

// isKey tells whether what ends at this point is the key of a mapping: "192.0.2.1": x.
func isKey(f Format, text string, end int) bool {
	if end < len(text) && (text[end] == '"' || text[end] == '\'') {
		end++
	}
	rest := strings.TrimLeft(text[end:lineEnd(text, end)], " \t")
	if rest == "" || rest[0] != ':' {
		return f != Python && f != JSON && strings.HasPrefix(rest, "=") && !strings.HasPrefix(rest, "==")
	}
	return true
}

// cidr is /24 and the like: a network, not a host.
func cidr(token string) bool {
	digits := token[1:]
	return len(digits) > 0 && len(digits) <= 3 && strings.Trim(digits, "0123456789") == ""
}

func is6(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is6()
}

func bracketed(text string, start, end int) bool {
	if start == 0 || end >= len(text) || text[start-1] != '[' || text[end] != ']' {
		return false
	}
	return end+1 < len(text) && text[end+1] == ':' || start > 1 && strings.IndexByte("/@(", text[start-2]) >= 0
}

func needsBrackets(text string, start, end int) bool {
	return end < len(text) && text[end] == ':' || start > 0 && strings.IndexByte("/@(", text[start-1]) >= 0
}
