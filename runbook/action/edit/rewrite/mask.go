package rewrite

import (
	"regexp"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

const hidden = "<redacted>"

// secret is a range that no one may see; value is the part of it that is the secret itself.
type secret struct {
	span
	value string
}

var (
	keyed    = regexp.MustCompile("([A-Za-z0-9_.-]+)[\"']?[ \\t]*(?::=|=>|[:=])[ \\t]*")
	leading  = regexp.MustCompile(`^[ \t]*(?:[#;][ \t]*)?(?:-[ \t]+)*(?:export[ \t]+)?["']?$`)
	prefixed = regexp.MustCompile(`^[ \t]*(?:-[ \t]+)*(?:export[ \t]+)?["']?[A-Za-z0-9_.-]+["']?[ \t]*[:=][ \t]*`)
	urlUser  = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://([^\s"'<>]+)`)
	dsn      = regexp.MustCompile(`@[a-z0-9]*\(`)
	userPass = regexp.MustCompile("(?:^|[\\s\"'`=,\\[(])([^\\s\"'/@:,=\\[(]+:[^\\s\"'@/][^\\s\"'@]*)@")
	flagged  = regexp.MustCompile(`(?:\b(?:mysql|maria)[a-z-]*\b[^|;&]*?\s-p|\bsshpass\s+-p\s*|\bredis-cli\b[^|;&]*?\s-a\s*)([^\s"'|;&,]+)`)
	literal  = regexp.MustCompile("^[rRbBfFuU]{0,2}([\"'`])")
)

// isSecretKey tells by a key's name whether its value is secret.
func isSecretKey(key string) bool {
	k := strings.ToLower(strings.NewReplacer("_", "", "-", "", ".", "").Replace(key))
	for _, end := range []string{"url", "uri", "host", "hosts", "addr", "address", "endpoint", "port", "ttl", "server", "path", "file", "expire"} {
		if strings.HasSuffix(k, end) { // where a secret is got or sent, not the secret
			return false
		}
	}
	for _, part := range []string{"password", "passwd", "passphrase", "secret", "token", "apikey", "accesskey", "privatekey", "credential", "pwd"} {
		if strings.Contains(k, part) {
			return true
		}
	}
	return k == "auth" || strings.HasSuffix(k, "pass") || strings.HasSuffix(k, "masterauth") || strings.HasSuffix(k, "key") && len(k) > 3
}

// Secrets lists the secret values of a text: of password, secret, token and key entries, and the passwords of URLs
// and DSNs.
func Secrets(name, text string) []string {
	var out []string
	for _, s := range secrets(FormatOf(name), text) {
		switch s.value {
		case "", "true", "false", "null", "none", "None", "default", "localhost":
		default:
			out = append(out, s.value)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Diff is a unified diff in which secrets are hidden, equally on both sides.
func Diff(name, before, after string) string {
	edits := udiff.Lines(before, after)
	d, err := udiff.ToUnifiedDiff(name, name, before, edits, udiff.DefaultContextLines)
	if err != nil {
		return ""
	}
	f := FormatOf(name)
	old, new := strings.SplitAfter(Mask(f, before), "\n"), strings.SplitAfter(Mask(f, after), "\n")
	for _, h := range d.Hunks {
		i, j := h.FromLine-1, h.ToLine-1
		for k := range h.Lines {
			switch h.Lines[k].Kind {
			case udiff.Delete:
				h.Lines[k].Content = at(old, i)
				i++
			case udiff.Insert:
				h.Lines[k].Content = at(new, j)
				j++
			default:
				h.Lines[k].Content = at(old, i)
				i, j = i+1, j+1
			}
		}
	}
	return d.String()
}

func at(lines []string, i int) string {
	if i < 0 || i >= len(lines) {
		return ""
	}
	return lines[i]
}

// Mask hides the secrets of a text; it keeps its lines.
func Mask(f Format, text string) string {
	var out strings.Builder
	last := 0
	for _, s := range merged(spansOf(secrets(f, text))) {
		out.WriteString(text[last:s.start])
		out.WriteString(hidden)
		last = s.end
	}
	out.WriteString(text[last:])
	return out.String()
}

func spansOf(in []secret) []span {
	out := make([]span, len(in))
	for i, s := range in {
		out[i] = s.span
	}
	return out
}

func merged(in []span) []span {
	slices.SortFunc(in, func(a, b span) int { return a.start - b.start })
	var out []span
	for _, s := range in {
		if n := len(out); n > 0 && s.start <= out[n-1].end {
			out[n-1].end = max(out[n-1].end, s.end)
			continue
		}
		out = append(out, s)
	}
	return out
}

func secrets(f Format, text string) []secret {
	var out []secret
	var literals []span
	if f == Python {
		literals = pythonStrings(text)
	}
	pem, block := false, -1
	for start := 0; start < len(text); {
		end := lineEnd(text, start)
		line := strings.TrimRight(text[start:end], "\r")
		indent := len(line) - len(strings.TrimLeft(line, " "))
		add := func(s, e int, value string) {
			if e > s {
				out = append(out, secret{span{start + s, start + e}, value})
			}
		}
		switch {
		case strings.Contains(line, "-----BEGIN") && strings.Contains(line, "PRIVATE"):
			pem = true
		case strings.Contains(line, "-----END"):
			pem = false
		case pem:
			add(0, len(line), strings.TrimSpace(line))
		case block >= 0 && strings.TrimSpace(line) != "" && indent > block:
			add(indent, len(line), line[indent:])
		default:
			block = -1
			if inLine(f, line, start, literals, add) {
				block = indent
			}
		}
		start = end + 1
	}
	return out
}

// inLine reports the secrets of one line to add; it returns true where a block scalar of a secret key begins.
func inLine(f Format, line string, offset int, literals []span, add func(start, end int, value string)) (block bool) {
	for _, m := range keyed.FindAllStringSubmatchIndex(line, -1) {
		if !isSecretKey(line[m[2]:m[3]]) {
			continue
		}
		s, e := valueAt(f, line, m[2], m[1], f == Python && !within(literals, offset+m[2]))
		v := line[s:e]
		if f == YAML && blockScalar.MatchString(v) {
			return true
		}
		if strings.HasPrefix(v, "${") || strings.HasPrefix(v, "$(") {
			continue
		}
		add(s, e, v)
	}
	for _, m := range urlUser.FindAllStringSubmatchIndex(line, -1) {
		rest := line[m[2]:m[3]]
		authority := rest
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			authority = rest[:i]
		}
		i := strings.LastIndexByte(authority, '@')
		if i < 0 && strings.Contains(authority, ":") && !portOnly(authority) { // a raw / ? or # in the password
			i = strings.LastIndexByte(rest, '@')
		}
		if i > 0 {
			add(m[2], m[2]+i, afterColon(rest[:i]))
		}
	}
	for _, m := range dsn.FindAllStringIndex(line, -1) {
		s := 0
		if q := strings.LastIndexAny(line[:m[0]], "\"'`"); q >= 0 {
			s = q + 1
		} else if p := prefixed.FindString(line); len(p) <= m[0] {
			s = len(p)
		}
		if p := prefixed.FindString(line[s:m[0]]); strings.Contains(p, "=") {
			s += len(p)
		}
		add(s, m[0], afterColon(line[s:m[0]]))
	}
	for _, m := range userPass.FindAllStringSubmatchIndex(line, -1) {
		add(m[2], m[3], afterColon(line[m[2]:m[3]]))
	}
	for _, m := range flagged.FindAllStringSubmatchIndex(line, -1) {
		add(m[2], m[3], line[m[2]:m[3]])
	}
	return false
}

// valueAt returns where the value of a key lies; literalOnly: only a string literal is a value, not an expression.
func valueAt(f Format, line string, key, s int, literalOnly bool) (int, int) {
	if m := literal.FindStringSubmatchIndex(line[s:]); m != nil {
		quote := line[s+m[2]]
		from := s + m[1]
		for i := from; i < len(line); i++ {
			if line[i] == '\\' && quote == '"' {
				i++
			} else if line[i] == quote {
				return from, i
			}
		}
		return from, len(line)
	}
	if literalOnly {
		return s, s
	}
	if f != JSON && f != Python && leading.MatchString(line[:key]) { // the whole rest of the line
		var quote byte
		e := s + comment(f, line[s:], &quote)
		return s, s + len(strings.TrimRight(line[s:e], " \t"))
	}
	if i := strings.IndexAny(line[s:], " \t,}])&;\"'"); i >= 0 {
		return s, s + i
	}
	return s, len(line)
}

func portOnly(authority string) bool {
	i := strings.LastIndexByte(authority, ':')
	return strings.Trim(authority[i+1:], "0123456789") == ""
}

func afterColon(s string) string {
	if _, p, ok := strings.Cut(s, ":"); ok {
		return p
	}
	return ""
}
