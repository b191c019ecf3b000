package telegram

import (
	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"recoverbot/bot"
)

// renderer turns messages into posts. It is pure: the same message always gives the same post.
type renderer struct {
	label  func(id string, pairs ...any) string
	userID func(name string) int64               // 0 for a person without a Telegram id
	link   func(ref bot.Ref) string              // of a card in the chat; "" where it has none
	id     func(key string, b bot.Button) string // callback_data of a button: opaque, at most 64 bytes
}

// post is one message of Telegram, within all of its limits. A file has a caption (html) and contents.
type post struct {
	html     string // parse_mode HTML
	keyboard *tgbotapi.InlineKeyboardMarkup
	fileName string
	file     string
}

// card is m as a message of its own, to post or to edit.
func (r renderer) card(m bot.Message) post { return post{html: escape(bot.Plain(m, 0))} }

// nudge buzzes the people of m and leads them to its card.
func (r renderer) nudge(m bot.Message) post { return r.card(m) }
