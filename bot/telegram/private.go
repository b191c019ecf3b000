package telegram

import (
	"strings"

	"recoverbot/bot"
)

// Limits of what one person is answered.
const (
	maxToast = 200  // UTF-16 units of a box over the chat
	maxLead  = 300  // of a text that stands above a card
	maxTold  = 3400 // of a post: the rest of a longer text is a document
)

// private is what one person is answered: text, above the card where it is short, then the card, then what the card cannot hold.
func (r renderer) private(rep bot.Reply) []post {
	lead := strings.TrimSpace(bot.Clean(rep.Aside()))
	var posts []post
	if rep.Message == nil || weight(lead) > maxLead {
		posts, lead = r.answer(lead), ""
	}
	if rep.Message == nil {
		return posts
	}
	m := *rep.Message
	m.Notify = nil
	l := r.layUnder(lead, m, below)
	posts = append(posts, l.post())
	for _, part := range l.parts.All {
		posts = append(posts, r.part(part))
	}
	return posts
}

// answer is text for one person: its head, and the whole as a document where it is long.
func (r renderer) answer(text string) []post {
	text = strings.TrimSpace(bot.Clean(text))
	if text == "" {
		return nil
	}
	inline := maxInline
	head, tail := split(text, maxTold)
	if tail == "" {
		return []post{{html: prose(text, "", &inline)}}
	}
	parts := bot.Parts{Of: bot.Message{Title: r.label("ui.output")}, Show: r.content}
	whole := parts.Add("answer", bot.Block{Kind: "text", Text: text})
	notice := r.label("ui.more_lines", "n", bot.CountLines(tail), "where", r.label("telegram.in_file", "file", fileName(whole)))
	return []post{{html: prose(strings.TrimSpace(head)+"\n"+notice, "", &inline)}, r.part(whole)}
}

// toast is the answer to a press: text for a box over the chat, and what that cannot hold. A refusal waits to be read.
func (r renderer) toast(rep bot.Reply) (text string, alert bool, rest []post) {
	all := strings.TrimSpace(bot.Clean(rep.Aside()))
	if text = all; units(text) > maxToast {
		text = bot.Cut(all, maxToast, utf16Units)
	} else {
		rep.Text = ""
	}
	return text, rep.Refused, r.private(rep)
}

func utf16Units(r rune) int { return units(string(r)) }
