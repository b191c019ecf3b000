package telegram

import "recoverbot/bot"

// private is what one person is answered: text, then the card, then what the card cannot hold.
func (r renderer) private(rep bot.Reply) []post {
	posts := []post{{html: escape(rep.Aside())}}
	if rep.Message != nil {
		posts = append(posts, r.card(*rep.Message))
	}
	return posts
}

// toast is the answer to a press: text for the box, and what that cannot hold. A refusal waits to be read.
func (r renderer) toast(rep bot.Reply) (text string, alert bool, rest []post) {
	return rep.Aside(), rep.Refused, nil
}
