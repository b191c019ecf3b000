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

// private is what one person is answered: text, then the card, then what the card cannot hold.
func (r renderer) private(rep bot.Reply) []post {
	posts := r.pages("", bot.Clean(rep.Aside()))
	if rep.Message == nil {
		return posts
	}
	m := *rep.Message
	m.Notify = nil
	l := r.lay(m, below)
	posts = append(posts, l.post())
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
