package telegram

import (
	"context"
	"slices"
	"strconv"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

// heard is an update, as far as it says where somebody wrote.
type heard struct {
	Message      *heardMessage `json:"message"`
	MyChatMember *heardMessage `json:"my_chat_member"`
}

type heardMessage struct {
	Chat   checkedChat    `json:"chat"`
	From   *tgbotapi.User `json:"from"`
	Thread int            `json:"message_thread_id"`
	Topic  bool           `json:"is_topic_message"`
}

// FindChats is for who does not know the number of the chat yet: it says where people wrote to the bot lately, and who, one
// line each. It must not be asked while the bot runs, from which it would take the connection. It confirms nothing, so that
// the bot hears all of it later.
func FindChats(ctx context.Context, c Config) (lines []string, found []Problem) {
	c.Chat, c.Thread = 1, 0 // any: none is asked about
	t, err := New(c)
	if err != nil {
		return nil, []Problem{{Text: err.Error(), Fatal: true}}
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	x := &check{Telegram: t}
	var updates []heard
	var info tgbotapi.WebhookInfo
	err = x.introduce(ctx)
	if err == nil {
		err = x.ask(ctx, "getWebhookInfo", nil, &info)
	}
	if err == nil && info.URL != "" {
		x.warn("telegram.find_webhook", "host", hostOf(info.URL))
		return nil, x.found
	}
	if err == nil {
		err = x.ask(ctx, "getUpdates", nil, &updates)
	}
	if err != nil {
		x.failed(err)
		return nil, x.found
	}
	for _, u := range updates {
		for _, m := range []*heardMessage{u.Message, u.MyChatMember} {
			if m == nil || m.Chat.ID == 0 {
				continue
			}
			lines = append(lines, x.where(m))
			if m.From != nil && !m.From.IsBot {
				lines = append(lines, x.label("telegram.find_person", "name", nameOf(m.From.FirstName, m.From.LastName), "id", strconv.FormatInt(m.From.ID, 10)))
			}
		}
	}
	slices.Sort(lines)
	if lines = slices.Compact(lines); len(lines) == 0 {
		return []string{x.label("telegram.find_nothing", "name", x.who().UserName)}, x.found
	}
	return lines, x.found
}

func (x *check) where(m *heardMessage) string {
	title, chat := titleOf(m.Chat.Chat), strconv.FormatInt(m.Chat.ID, 10)
	switch {
	case m.Chat.IsPrivate():
		return x.label("telegram.find_private", "name", title, "chat", chat)
	case m.Topic:
		return x.label("telegram.find_topic", "name", title, "chat", chat, "topic", strconv.Itoa(m.Thread))
	}
	return x.label("telegram.find_group", "name", title, "chat", chat)
}
