package slack

import (
	"github.com/slack-go/slack"

	"recoverbot/bot"
)

// divide returns what of m its card cannot hold.
func (r renderer) divide(m bot.Message) []bot.Message {
	if m.Thread || m.Nudge || m.Priority == bot.Ticker {
		return nil
	}
	return r.lay(m, inThread).parts.All
}

// part is a message of divide: a reply in the card's thread, or a file in it. The file's name holds the hash of what it
// shows, so that it can be found.
func (r renderer) part(m bot.Message) post {
	m = bot.Cleaned(m)
	body := r.whole(m)
	label := cut(bot.Headline(m), maxHeader)
	if weight(body) <= maxText {
		return post{blocks: []slack.Block{exact(keyBlock(m.Key), label, body)}, text: escape(label)}
	}
	return post{text: literal(label), fileName: bot.FileName(m), file: body + "\n"}
}

// whole is everything that a part shows.
func (r renderer) whole(m bot.Message) string { return bot.Whole(m, r.content) }
