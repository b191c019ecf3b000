package slack

import "recoverbot/bot"

// divide returns what of m its card cannot hold.
func (r renderer) divide(bot.Message) []bot.Message { return nil }

// part is a message of divide: a reply in the card's thread, or a file in it.
func (r renderer) part(m bot.Message) post { return post{text: m.Title, fileName: "part.txt", file: m.Output} }
