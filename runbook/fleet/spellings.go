package fleet

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// caseLength is from which length on a secret is also looked for in capitals and in small letters: a short one could be a
// word.
const caseLength = 12

var (
	unsafeInShell = regexp.MustCompile(`[^A-Za-z0-9_@%+=:,./-]`)
	percent       = regexp.MustCompile(`%[0-9A-F]{2}`)
)

// spellings are the forms in which a secret occurs in what programs print: quoted and escaped for JSON, shells, SQL, URLs and
// markup, in base64 at any place of what was encoded, and in hex. Of one with several lines, each line is one, too.
func spellings(s string) []string {
	out := []string{s}
	add := func(forms ...string) { out = append(out, forms...) }
	if strings.Contains(s, "\n") {
		for line := range strings.Lines(s) {
			if line = strings.TrimSpace(line); len(line) >= 2*shortest && !strings.HasPrefix(line, "-----") {
				add(spellings(line)...)
			}
		}
	}
	add(inner(strconv.Quote(s)), inner(strconv.QuoteToASCII(s)))
	if quoted, err := json.Marshal(s); err == nil {
		add(inner(string(quoted)))
	}
	var plain bytes.Buffer
	e := json.NewEncoder(&plain)
	e.SetEscapeHTML(false)
	if e.Encode(s) == nil {
		add(inner(strings.TrimSpace(plain.String())))
	}
	add(strings.ReplaceAll(s, "'", `'\''`), strings.ReplaceAll(s, "'", `'"'"'`), strings.ReplaceAll(s, "'", "''"),
		unsafeInShell.ReplaceAllStringFunc(s, func(c string) string { return `\` + c }),
		strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(s),
		strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s), strings.NewReplacer(`\`, `\\`, "'", `\'`, `"`, `\"`).Replace(s))
	for _, v := range []string{url.QueryEscape(s), url.PathEscape(s), url.UserPassword("", s).String()[1:]} {
		add(v, percent.ReplaceAllStringFunc(v, strings.ToLower))
	}
	add(html.EscapeString(s), strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s))
	add(hex.EncodeToString([]byte(s)), strings.ToUpper(hex.EncodeToString([]byte(s))))
	for _, code := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text := code.EncodeToString(append(make([]byte, before), s...))
			add(text[(before*8+5)/6 : (before+len(s))*8/6]) // what its neighbours do not change
		}
	}
	if len(s) >= caseLength {
		add(strings.ToUpper(s), strings.ToLower(s))
	}
	return out
}

// inner is what stands between quotes.
func inner(quoted string) string { return quoted[1 : len(quoted)-1] }
