package slack

import "recoverbot/bot"

// private is what one person is answered.
func (r renderer) private(rep bot.Reply) []post {
	posts := []post{{text: rep.Aside()}}
	if rep.Message != nil {
		posts = append(posts, r.card(*rep.Message))
	}
	return posts
}

// nudge buzzes the people of m and leads them to its card.
func (r renderer) nudge(m bot.Message) post { return post{text: m.Title} }
