package slacktest

import (
	"html/template"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// names tells what ids are called, and who looks at the page.
type names struct {
	users, channels map[string]string
	me              string
}

var (
	emojiName  = regexp.MustCompile(`^:([a-z0-9_+-]+):`)
	webAddress = regexp.MustCompile(`^https?://[^\s<>]+[^\s<>.,:;!?)'"]`)
	bareDomain = regexp.MustCompile(`^(?:[A-Za-z0-9-]+\.)+(?:com|net|org|io|dev|cn|de|uk|app|info)(?:/[^\s<>]*)?`)
	broadcast  = regexp.MustCompile(`^@(here|channel|everyone)\b`)
)

// emojis are the shortcodes that show as pictures. Others stay text here, though Slack knows many more.
var emojis = map[string]string{"red_circle": "🔴", "large_yellow_circle": "🟡", "large_blue_circle": "🔵", "large_green_circle": "🟢",
	"white_check_mark": "✅", "x": "❌", "question": "❓", "lock": "🔒", "warning": "⚠️", "black_right_pointing_double_triangle_with_vertical_bar": "⏭",
	"next_track_button": "⏭", "hourglass_flowing_sand": "⏳", "rotating_light": "🚨", "information_source": "ℹ️", "bell": "🔔",
	"tada": "🎉", "eyes": "👀", "+1": "👍", "-1": "👎", "fire": "🔥"}

var unescapeText = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// plainHTML is a plain_text object: nothing but emoji shortcodes means anything in it.
func plainHTML(text string, emoji bool) template.HTML {
	var b strings.Builder
	for i := 0; i < len(text); {
		if m := emojiName.FindStringSubmatch(text[i:]); m != nil && emoji && emojis[m[1]] != "" {
			b.WriteString(emojis[m[1]])
			i += len(m[0])
			continue
		}
		end := i + 1 + strings.IndexByte(text[i+1:]+":", ':')
		b.WriteString(literal(text[i:end]))
		i = end
	}
	return template.HTML(b.String()) //nolint:gosec // each piece went through literal
}

// literal is what Slack shows of text without markup: its three entities are undone, everything else is itself.
func literal(text string) string { return template.HTMLEscapeString(unescapeText.Replace(text)) }

// mrkdwnHTML renders Slack's markup as Slack does, so that text which the sender forgot to escape shows here as it would
// there: a mention, a link, bold. With verbatim, only what is marked up by hand becomes a link or a mention.
func (n names) mrkdwnHTML(text string, verbatim bool) template.HTML {
	var b strings.Builder
	for text != "" {
		before, rest, opened := strings.Cut(text, "```")
		code, after, closed := strings.Cut(rest, "```")
		if !opened || !closed || code == "" {
			n.quotes(&b, text, verbatim)
			break
		}
		if strings.HasSuffix(before, "\n") {
			before = before[:len(before)-1]
		}
		n.quotes(&b, before, verbatim)
		b.WriteString(`<pre>`)
		n.code(&b, strings.TrimSuffix(strings.TrimPrefix(code, "\n"), "\n"))
		b.WriteString(`</pre>`)
		text = strings.TrimPrefix(after, "\n")
	}
	return template.HTML(b.String()) //nolint:gosec // each piece went through literal
}

// quotes renders lines, those that begin with > as a quotation.
func (n names) quotes(b *strings.Builder, text string, verbatim bool) {
	var quoted []string
	flush := func() {
		if quoted != nil {
			b.WriteString(`<blockquote>`)
			n.inline(b, strings.Join(quoted, "\n"), verbatim)
			b.WriteString(`</blockquote>`)
		}
		quoted = nil
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		bare := strings.TrimPrefix(strings.TrimPrefix(line, "&gt;"), ">")
		if bare != line {
			quoted = append(quoted, strings.TrimPrefix(bare, " "))
			continue
		}
		flush()
		n.inline(b, line, verbatim)
		if i < len(lines)-1 {
			b.WriteByte('\n')
		}
	}
	flush()
}

var tags = map[byte]string{'*': "b", '_': "i", '~': "s"}

// inline renders one stretch of text outside of code blocks.
func (n names) inline(b *strings.Builder, text string, verbatim bool) {
	for i := 0; i < len(text); {
		c := text[i]
		opens := boundary(text[:i], true) && (i == 0 || text[i-1] != c)
		switch {
		case c == '<':
			if size := n.control(b, text[i:]); size > 0 {
				i += size
				continue
			}
		case c == '`' && opens:
			if end := closing(text, i); end > 0 {
				b.WriteString(`<code>`)
				n.code(b, text[i+1:end])
				b.WriteString(`</code>`)
				i = end + 1
				continue
			}
		case tags[c] != "" && opens:
			if end := closing(text, i); end > 0 {
				b.WriteString("<" + tags[c] + ">")
				n.inline(b, text[i+1:end], verbatim)
				b.WriteString("</" + tags[c] + ">")
				i = end + 1
				continue
			}
		case c == ':':
			if m := emojiName.FindStringSubmatch(text[i:]); m != nil && emojis[m[1]] != "" {
				b.WriteString(emojis[m[1]])
				i += len(m[0])
				continue
			}
		}
		if !verbatim && opens {
			if size := n.automatic(b, text[i:]); size > 0 {
				i += size
				continue
			}
		}
		size := 1
		if c == '&' {
			for _, entity := range []string{"&lt;", "&gt;", "&amp;"} {
				if strings.HasPrefix(text[i:], entity) {
					size = len(entity)
				}
			}
		} else if c >= utf8.RuneSelf {
			_, size = utf8.DecodeRuneInString(text[i:])
		}
		b.WriteString(literal(text[i : i+size]))
		i += size
	}
}

// automatic is what Slack finds in text that nobody marked up.
func (n names) automatic(b *strings.Builder, text string) int {
	if m := webAddress.FindString(text); m != "" {
		link(b, unescapeText.Replace(m), literal(m))
		return len(m)
	}
	if m := bareDomain.FindString(text); m != "" && boundary(text[len(m):], false) {
		link(b, "http://"+unescapeText.Replace(m), literal(m))
		return len(m)
	}
	if m := broadcast.FindString(text); m != "" {
		b.WriteString(`<span class="mention me">` + m + `</span>`)
		return len(m)
	}
	return 0
}

// code renders what stands between backticks: links and mentions work even there.
func (n names) code(b *strings.Builder, text string) {
	for text != "" {
		at := strings.IndexByte(text, '<')
		if at < 0 {
			b.WriteString(literal(text))
			return
		}
		b.WriteString(literal(text[:at]))
		size := n.control(b, text[at:])
		if size == 0 {
			b.WriteString("&lt;")
			size = 1
		}
		text = text[at+size:]
	}
}

// closing is where the marker at i ends its stretch, 0 for nowhere: on the same line, after something, before no letter.
func closing(text string, i int) int {
	marker := text[i]
	if i+1 >= len(text) || text[i+1] == marker {
		return 0
	}
	if r, _ := utf8.DecodeRuneInString(text[i+1:]); unicode.IsSpace(r) && marker != '`' {
		return 0
	}
	for j := i + 1; j < len(text); j++ {
		switch c := text[j]; {
		case c == '\n':
			return 0
		case c == '<' && marker != '`':
			if end := strings.IndexAny(text[j+1:], "<>\n"); end >= 0 && text[j+1+end] == '>' {
				j += end + 1
			}
		case c == marker:
			r, _ := utf8.DecodeLastRuneInString(text[:j])
			if (marker == '`' || !unicode.IsSpace(r)) && boundary(text[j+1:], false) {
				return j
			}
		}
	}
	return 0
}

// boundary says whether a marker may stand after (before) this text: no letter and no digit touches it.
func boundary(text string, after bool) bool {
	if text == "" {
		return true
	}
	r, _ := utf8.DecodeRuneInString(text)
	if after {
		r, _ = utf8.DecodeLastRuneInString(text)
	}
	return !unicode.IsLetter(r) && !unicode.IsDigit(r)
}
