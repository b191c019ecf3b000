package paper

import (
	"regexp"
	"strconv"
	"strings"
)

const masked = "•••"

var hunkAt = regexp.MustCompile(`^@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@`)

// Sed turns a unified diff of one file into a script of sed that changes a line only where it still says what the diff
// found there. by tells the line numbers that a person must edit, since the diff hides a secret in them.
func Sed(diff string) (script string, by []int) {
	var out strings.Builder
	line := 0 // the next line of the old text
	var minus, plus []string
	before := ""
	flush := func() {
		if len(minus)+len(plus) == 0 {
			return
		}
		at := line - len(minus)
		for i, old := range minus {
			with := plus
			if i < len(minus)-1 {
				with = plus[:min(1, len(plus))]
				plus = plus[len(with):]
			}
			if !one(&out, at+i, old, "c", with) {
				by = append(by, at+i)
			}
		}
		if len(minus) == 0 {
			ok := at == 1
			if ok {
				ok = one(&out, 1, "", "i", plus)
			} else {
				ok = one(&out, at-1, before, "a", plus)
			}
			if !ok {
				by = append(by, at)
			}
		}
		minus, plus = nil, nil
	}
	inside := false
	for l := range strings.Lines(diff) {
		l = strings.TrimSuffix(l, "\n")
		if m := hunkAt.FindStringSubmatch(l); m != nil {
			flush()
			line, _ = strconv.Atoi(m[1]) // digits
			if strings.HasPrefix(l, "@@ -0,0") {
				line = 1
			}
			inside, before = true, ""
			continue
		}
		if !inside || l == "" {
			continue
		}
		switch l[0] {
		case '-':
			if len(plus) > 0 {
				flush()
			}
			minus = append(minus, l[1:])
			line++
			before = l[1:]
		case '+':
			plus = append(plus, l[1:])
		case ' ':
			flush()
			line++
			before = l[1:]
		}
	}
	flush()
	return out.String(), by
}

// one writes the change of one line; false where a secret or a control character is in it.
func one(out *strings.Builder, at int, old, verb string, lines []string) bool {
	text := strings.Join(lines, "\n")
	if strings.Contains(text, masked) || strings.ContainsAny(old+text, "\r\x00\x1b") {
		return false
	}
	if verb == "c" && len(lines) == 0 {
		verb = "d"
	}
	out.WriteString(strconv.Itoa(at) + "{\n")
	if verb != "i" {
		out.WriteString("/^" + strings.ReplaceAll(Regexp(old), masked, ".*") + "$/")
	}
	out.WriteString(verb)
	for _, l := range lines {
		out.WriteString("\\\n\\" + strings.ReplaceAll(l, `\`, `\\`))
	}
	out.WriteString("\n}\n")
	return true
}

// Regexp is a basic regular expression that matches exactly the text; "/" is escaped too.
func Regexp(text string) string {
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune(`\.*[]^$/`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Rehost is an extended expression of sed that puts one host in the place of another wherever it stands as a whole word.
func Rehost(from, to string) string {
	var b strings.Builder
	for _, r := range from {
		if strings.ContainsRune(`\.*[]^$/+?(){}|`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	with := strings.NewReplacer(`\`, `\\`, "/", `\/`, "&", `\&`).Replace(to)
	return `s/(^|[^A-Za-z0-9_.-])` + b.String() + `([^A-Za-z0-9_.-]|\.?$)/\1` + with + `\2/g`
}

// Keep saves a copy of the file in $F where nobody looks for it, in $SAVED, before it is changed.
func Keep(dir string) string {
	return "SAVED=" + Quote(dir+"/paper") + "\n(umask 077; mkdir -p \"$SAVED\")\n" +
		"SAVED=$SAVED/$(date +%Y%m%d%H%M%S)-$(basename \"$F\")\ncp -p \"$F\" \"$SAVED\" || { echo 'FAILED: nothing is changed'; exit 1; }\n"
}
