package slacktest

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
)

// control renders the <…> that text begins with and returns its size, 0 if it is none.
func (n names) control(b *strings.Builder, text string) int {
	end := strings.IndexAny(text[1:], "<>\n") + 1
	if end < 2 || text[end] != '>' {
		return 0
	}
	body, label, labelled := strings.Cut(text[1:end], "|")
	shown := literal(label)
	switch {
	case body[0] == '@':
		n.mention(b, body[1:])
	case body[0] == '#':
		name := n.channels[body[1:]]
		if name == "" {
			name = body[1:]
		}
		b.WriteString(`<span class="mention">#` + template.HTMLEscapeString(name) + `</span>`)
	case body == "!here" || body == "!channel" || body == "!everyone":
		b.WriteString(`<span class="mention me">@` + body[1:] + `</span>`)
	case strings.HasPrefix(body, "!subteam^"):
		if !labelled {
			shown = "@group"
		}
		b.WriteString(`<span class="mention">` + shown + `</span>`)
	case strings.HasPrefix(body, "!date^"):
		date(b, strings.Split(body, "^"), shown)
	case strings.HasPrefix(body, "http://"), strings.HasPrefix(body, "https://"), strings.HasPrefix(body, "mailto:"), strings.HasPrefix(body, "tel:"), strings.HasPrefix(body, "slack:"):
		if !labelled {
			shown = literal(strings.TrimPrefix(body, "mailto:"))
		}
		link(b, unescapeText.Replace(body), shown)
	default: // Slack takes anything for an address: text between unescaped signs loses them
		if !labelled {
			shown = literal(body)
		}
		link(b, "", shown)
	}
	return end + 1
}

// mention names a person; the one who looks sees it in yellow.
func (n names) mention(b *strings.Builder, id string) {
	class, name := "mention", n.users[id]
	if id == n.me {
		class += " me"
	}
	if name == "" {
		name = id
	}
	fmt.Fprintf(b, `<span class="%s">@%s</span>`, class, template.HTMLEscapeString(name))
}

// link needs shown escaped already; without an address it goes nowhere.
func link(b *strings.Builder, address, shown string) {
	if address == "" {
		b.WriteString(`<a>` + shown + `</a>`)
		return
	}
	fmt.Fprintf(b, `<a href="%s" target="_blank" rel="noreferrer noopener">%s</a>`, template.HTMLEscapeString(address), shown)
}

// date renders !date^unix^format[^link]; a broken one shows its fallback, as everywhere where Slack cannot tell the time.
func date(b *strings.Builder, parts []string, fallback string) {
	unix, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || len(parts) < 3 {
		b.WriteString(fallback)
		return
	}
	shown := literal(formatDate(unix, parts[2], time.Now()))
	if len(parts) > 3 && strings.HasPrefix(parts[3], "http") {
		link(b, parts[3], shown)
		return
	}
	fmt.Fprintf(b, `<time title="%s">%s</time>`, time.Unix(unix, 0).Format(time.RFC1123), shown)
}

func formatDate(unix int64, format string, now time.Time) string {
	t := time.Unix(unix, 0)
	pretty := func(layout string) string {
		y, m, d := t.Date()
		switch ny, nm, nd := now.Date(); {
		case y == ny && m == nm && d == nd:
			return "today"
		case now.AddDate(0, 0, -1).Format(time.DateOnly) == t.Format(time.DateOnly):
			return "yesterday"
		case now.AddDate(0, 0, 1).Format(time.DateOnly) == t.Format(time.DateOnly):
			return "tomorrow"
		}
		return t.Format(layout)
	}
	const long, medium, short = "Monday, January 2, 2006", "January 2, 2006", "Jan 2, 2006"
	return strings.NewReplacer("{date_num}", t.Format(time.DateOnly), "{date_slash}", t.Format("01/02/2006"), "{date}", t.Format(medium),
		"{date_short}", t.Format(short), "{date_long}", t.Format(long), "{date_pretty}", pretty(medium), "{date_short_pretty}", pretty(short),
		"{date_long_pretty}", pretty(long), "{time}", t.Format("3:04 PM"), "{time_secs}", t.Format("3:04:05 PM"), "{ago}", ago(now.Sub(t))).Replace(format)
}

func ago(d time.Duration) string {
	words := func(d time.Duration) string {
		switch {
		case d < time.Minute:
			return fmt.Sprintf("%d seconds", int(d.Seconds()))
		case d < time.Hour:
			return fmt.Sprintf("%d minutes", int(d.Minutes()))
		case d < 48*time.Hour:
			return fmt.Sprintf("%d hours", int(d.Hours()))
		}
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
	if d < 0 {
		return "in " + words(-d)
	}
	return words(d) + " ago"
}
