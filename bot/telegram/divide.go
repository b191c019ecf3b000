package telegram

import "recoverbot/bot"

// divide returns what of m its card cannot hold.
func (r renderer) divide(bot.Message) []bot.Message { return nil }

// part is a message of divide: a reply below the card, or a document there.
func (r renderer) part(m bot.Message) post { return r.card(m) }
