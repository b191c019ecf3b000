package telegram

import (
	"regexp"
	"strings"

	"recoverbot/bot"
)

// maxText is how heavy a part may be that is shown as text; a heavier one is a document.
const (
	maxText   = 3000
	maxFileOf = 50 // of the name of a file
)

// divide returns what of m its card cannot hold.
func (r renderer) divide(m bot.Message) []bot.Message {
	if m.Thread || m.Nudge || m.Priority == bot.Ticker {
		return nil
	}
	return r.lay(m, below).parts.All
}

// part is a message of divide: a reply below the card, or a document there.
func (r renderer) part(m bot.Message) post {
	m = bot.Cleaned(m)
	if m.Output == "" && len(m.Blocks) == 0 { // no part of a card, but words about it
		return r.lay(m, inConsole).post()
	}
	inline := maxInline
	p := post{html: prose(cut(bot.Headline(m), maxTitle), "b", &inline)}
	body := r.whole(m)
	switch {
	case r.filed(m):
		p.fileName, p.file = fileName(m), bot.Whole(m, r.filedContent)+"\n"
		caption := r.label("ui.lines_count", "n", bot.CountLines(p.file))
		if m.Context != "" { // a file is passed on without its card
			caption = cut(m.Context, maxTitle) + " · " + caption
		}
		p.html += "\n" + prose(caption, "", &inline)
	case strings.TrimSpace(body) != "":
		p.html += "\n" + exact(body)
	}
	return p
}

// whole is everything that a part shows as text.
func (r renderer) whole(m bot.Message) string { return tabs.Replace(bot.Whole(m, r.content)) }

var unnamed = regexp.MustCompile(`[^A-Za-z0-9_.]+`)

// fileName is bot.FileName behind the run and the step, by which people find the file among their downloads.
func fileName(part bot.Message) string {
	_, of, _ := strings.Cut(part.Of, "/")
	if of = strings.Trim(unnamed.ReplaceAllString(of, "-"), "-."); of != "" {
		of = of[:min(len(of), maxFileOf)] + "-"
	}
	return of + bot.FileName(part)
}

// filed tells that a part is shown as a document.
func (r renderer) filed(m bot.Message) bool { return weight(r.whole(m)) > maxText }
