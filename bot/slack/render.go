package slack

import (
	"github.com/slack-go/slack"

	"recoverbot/bot"
)

// renderer turns messages into posts. It is pure: the same message always gives the same post.
type renderer struct {
	label     func(id string, pairs ...any) string
	userID    func(name string) string // "" for a person without a Slack id
	permalink func(ref bot.Ref) string // of a card in the channel; "" unknown
}

// post is one message of Slack, within all of its limits. A file has no blocks.
type post struct {
	blocks   []slack.Block
	text     string // for notifications and for clients without blocks
	fileName string
	file     string
}

// card is m as a message of its own, to post or to edit.
func (r renderer) card(m bot.Message) post {
	return post{text: m.Title, blocks: []slack.Block{slack.NewHeaderBlock(plain(m.Title), slack.HeaderBlockOptionBlockID(keyBlock(m.Key)))}}
}

// keyBlock is the block_id of the first block of the card of key.
func keyBlock(key string) string { return key }

func plain(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
}
