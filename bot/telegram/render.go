package telegram

import (
	"fmt"
	"html"
	"strconv"
	"strings"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"recoverbot/bot"
)

// renderer turns messages into posts. It is pure: the same message always gives the same post.
type renderer struct {
	label  func(id string, pairs ...any) string
	userID func(name string) int64               // 0 for a person without a Telegram id
	link   func(ref bot.Ref) string              // of a card in the chat; "" where it has none
	id     func(key string, b bot.Button) string // callback_data of a button: opaque, at most 64 bytes
	// check holds a value of a field against its rule: its one spelling, or what is wanted instead.
	check func(f bot.Field, value string) (spelled, wrong string)
}

// post is one message of Telegram, within all of its limits. A file has a caption (html) and contents.
type post struct {
	html     string // parse_mode HTML
	keyboard *tgbotapi.InlineKeyboardMarkup
	fileName string
	file     string
}

// card is m as a message of its own, to post or to edit.
func (r renderer) card(m bot.Message) post {
	where := below
	if m.Priority == bot.Ticker { // a card that still moves would leave a file behind at each edit
		where = inConsole
	}
	return r.lay(m, where).post()
}

// nudge buzzes the people of m and leads them to its card.
func (r renderer) nudge(m bot.Message) post {
	m = bot.Cleaned(m)
	line := bot.Headline(m)
	if c := bot.StillContext(m, r.label); c != "" {
		line += " — " + c
	}
	inline := maxInline
	line = prose(cut(line, maxLine), "", &inline)
	if people := r.mentions(m); people != "" {
		line = people + " " + line
	}
	return post{html: line + r.opening(r.link(m.OfRef))}
}

// opening is a link to the card at that address; "" where there is none.
func (r renderer) opening(url string) string {
	if !strings.HasPrefix(url, "https://") {
		return ""
	}
	return fmt.Sprintf(` <a href="%s">%s</a>`, html.EscapeString(url), escape(r.label("ui.open_card")))
}

// mentions call the people of m when the post is new.
func (r renderer) mentions(m bot.Message) string {
	var out []string
	for _, name := range m.Notify {
		if id := r.userID(name); id > 0 && len(out) < maxMentions {
			out = append(out, person(id, name))
		}
	}
	return strings.Join(out, " ")
}

// person calls one person, who needs no @name for it.
func person(id int64, name string) string {
	if name = bot.CleanLine(name); name == "" {
		name = strconv.FormatInt(id, 10)
	}
	return fmt.Sprintf(`<a href="tg://user?id=%d">%s</a>`, id, escape(cut(name, maxName)))
}
