package slack

import (
	"strings"

	"recoverbot/bot"
)

// What one person is answered at most, beside the card: the rest is in the console.
const (
	maxPages  = 6 // posts
	pageTexts = 3 // blocks of a post
)

// private is what one person is answered: text, then the card, in one post where the text is short, then what the card
// cannot hold.
func (r renderer) private(rep bot.Reply) []post {
	lead, posts := bot.Clean(rep.Aside()), []post(nil)
	if rep.Message == nil || weight(lead) > maxContext {
		lead, posts = "", r.pages("", lead)
	}
	if rep.Message == nil {
		return posts
	}
	m := *rep.Message
	m.Notify = nil
	l := r.layUnder(lead, m, below)
	p := l.post()
	p.text = strings.TrimLeft(escape(cut(lead, maxNotification))+"\n"+p.text, "\n")
	posts = append(posts, p)
	for _, part := range l.parts.All {
		posts = append(posts, r.pages(cut(bot.Headline(part), maxHeader), r.whole(part))...)
	}
	return posts
}

// pages are posts with body: as prose, or exact under its label.
func (r renderer) pages(label, body string) []post {
	var posts []post
	for body != "" && len(posts) < maxPages {
		p := post{text: escape(cut(body, maxNotification))}
		for body != "" && len(p.blocks) < pageTexts {
			var some string
			some, body = split(body, maxText)
			if some = strings.TrimRight(some, "\n"); strings.TrimSpace(some) == "" {
				continue
			}
			if label == "" {
				p.blocks = append(p.blocks, prose("", text(some)))
			} else {
				p.blocks = append(p.blocks, exact("", label, some))
			}
		}
		if body != "" && len(posts) == maxPages-1 {
			notice := r.label("ui.more_lines", "n", bot.CountLines(body), "where", r.label("ui.in_console"))
			p.blocks = append(p.blocks, prose("", text(notice)))
		}
		if len(p.blocks) > 0 {
			posts = append(posts, p)
		}
	}
	return posts
}
