package telegram

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"recoverbot/bot"
)

// errMigrated is why the chat has another id.
var errMigrated = errors.New("group chat was upgraded to a supergroup chat")

// incoming is what the bot reads of an update. The library does not know topics.
type incoming struct {
	ID      int      `json:"update_id"`
	Message *message `json:"message"`
	Press   *press   `json:"callback_query"`
	Member  *member  `json:"my_chat_member"`

	at   time.Time // when it came first
	came time.Time // when it came now, with others or alone
}

type message struct {
	ID          int            `json:"message_id"`
	Thread      int            `json:"message_thread_id"`
	Topic       bool           `json:"is_topic_message"` // else Thread names the replies to one message
	From        *tgbotapi.User `json:"from"`
	As          *tgbotapi.Chat `json:"sender_chat"` // an anonymous administrator speaks as the group
	Chat        tgbotapi.Chat  `json:"chat"`
	Date        int64          `json:"date"` // 0: too old for Telegram to show
	Edited      int64          `json:"edit_date"`
	Text        string         `json:"text"`
	ReplyTo     *message       `json:"reply_to_message"`
	Markup      markup         `json:"reply_markup"`
	MigrateTo   int64          `json:"migrate_to_chat_id"`
	MigrateFrom int64          `json:"migrate_from_chat_id"`
}

type markup struct {
	Rows [][]struct {
		Data string `json:"callback_data"`
	} `json:"inline_keyboard"`
}

type press struct {
	ID      string        `json:"id"`
	From    tgbotapi.User `json:"from"`
	Message *message      `json:"message"`
	Data    string        `json:"data"`
}

// member is the bot's new standing in a chat.
type member struct {
	Chat tgbotapi.Chat `json:"chat"`
	New  struct {
		Status  string `json:"status"`
		CanSend *bool  `json:"can_send_messages"`
	} `json:"new_chat_member"`
}

// person is whose update it is, so that each is served in order.
func (u incoming) person() int64 {
	switch {
	case u.Press != nil:
		return u.Press.From.ID
	case u.Message != nil && u.Message.From != nil:
		return u.Message.From.ID
	}
	return 0
}

// topic is the topic that m stands in, 0 for none.
func (m *message) topic() int {
	if m.Topic {
		return m.Thread
	}
	return 0
}

// private tells whether the chat is that of one person with the bot.
func private(chat int64) bool { return chat > 0 }

// updateID names an update in the journal, where those of another bot may be as well: each bot counts for itself.
func (t *Telegram) updateID(u incoming) string { return fmt.Sprintf("u%d-%d", t.who().ID, u.ID) }

// said is when a message was written, by the clock of this machine. What has waited has only the time of Telegram, whose
// clock is compared with this one whenever a message comes at once.
func (t *Telegram) said(u incoming, late bool) time.Time {
	if u.Message.Date == 0 {
		return u.at
	}
	written := time.Unix(u.Message.Date, 0)
	t.mu.Lock()
	defer t.mu.Unlock()
	if !late {
		t.ahead = u.at.Sub(written).Round(time.Second)
		return u.at
	}
	return written.Add(t.ahead)
}

// heard takes what somebody wrote. late: it has waited.
func (t *Telegram) heard(ctx context.Context, to *session, u incoming, late bool) (func(context.Context), error) {
	m, home := u.Message, t.home()
	switch {
	case m.MigrateTo != 0 && m.Chat.ID == home:
		t.migrate(home, m.MigrateTo)
		return nil, nil
	case m.MigrateFrom == home:
		t.migrate(home, m.Chat.ID)
		return nil, nil
	case !private(m.Chat.ID) && m.Chat.ID != home:
		if t.told.first("chat "+idOf(m.Chat.ID), 24*time.Hour) {
			t.log.Info("a chat that is not TELEGRAM_CHAT_ID is ignored", "chat_id", m.Chat.ID)
		}
		return nil, nil
	case m.From == nil:
		return nil, nil
	}
	at := origin{Chat: m.Chat.ID, Thread: m.topic(), Message: m.ID, Author: m.From.FirstName}
	in := bot.Inbound{Platform: t.Name(), UserID: idOf(m.From.ID), ID: t.updateID(u), Origin: at.String(),
		Language: t.language(m.Chat.ID, m.From.ID), At: t.said(u, late)}
	text, casual, mine := t.meant(m)
	if m.As != nil || m.From.IsBot {
		if mine && !casual && m.As != nil {
			why := "telegram.as_channel"
			if m.As.ID == m.Chat.ID {
				why = "telegram.anonymous"
			}
			return t.once(why, 24*time.Hour, func(context.Context) {
				to.beside(func(ctx context.Context) {
					t.tell(ctx, in, at, bot.Reply{Text: t.say(in.Language, why), Refused: true})
				})
			}), nil
		}
		return nil, nil
	}
	if todo, taken, err := t.replied(ctx, to, m, in, at); taken || err != nil {
		return todo, err
	}
	if t.mine(m.ReplyTo) && t.asks(ctx, m.ReplyTo) {
		why := "telegram.question_over"
		if _, open := t.forms.at(m.Chat.ID, m.ReplyTo.ID); open {
			why = "telegram.not_yours"
		}
		once := time.Duration(0) // each reply is answered: nobody waits for what is not going to happen
		if !t.c.Known(m.From.ID) {
			once = strangerRest
		}
		return t.once(why+in.UserID, once, func(context.Context) {
			to.beside(func(ctx context.Context) {
				t.tell(ctx, in, at, bot.Reply{Text: t.say(in.Language, why), Refused: true})
			})
		}), nil
	}
	if !mine {
		return nil, nil
	}
	heard := fmt.Sprintf("heard %s %t", in.UserID, casual) // what is said to others must not use up the word to a stranger
	if !t.c.Known(m.From.ID) && t.told.has(heard) {        // else anybody could fill the journal
		return nil, nil
	}
	in.Text, in.Casual, in.Called = text, casual, t.called()
	in.Replied = casual && t.mine(m.ReplyTo)
	fresh, err := t.keep(ctx, to, in, func(ctx context.Context, r bot.Reply) { t.tell(ctx, in, at, r) })
	if err != nil || !fresh {
		return nil, err
	}
	if !t.c.Known(m.From.ID) {
		t.told.mark(heard, strangerRest)
	}
	return func(ctx context.Context) {
		r := to.in.Handle(ctx, in)
		to.beside(func(ctx context.Context) { t.tell(ctx, in, at, r) })
	}, nil
}

// once is f, unless the same was done within a while.
func (t *Telegram) once(what string, while time.Duration, f func(context.Context)) func(context.Context) {
	if !t.told.first(what, while) {
		return nil
	}
	return f
}

var (
	slash   = regexp.MustCompile(`^/(\w+)(?:@(\w+))?(?:\s+|$)`)
	general = []string{"recover", "status", "history", "list", "help", "start"}
)

// meant is what m says to the bot. In a group that is a command, what names the bot, and what replies to one of its posts.
func (t *Telegram) meant(m *message) (text string, casual, mine bool) {
	me := t.who()
	text = strings.TrimSpace(m.Text)
	named := false
	if cmd := slash.FindStringSubmatch(text); cmd != nil {
		if !t.me(cmd[2]) {
			return "", false, false
		}
		rest := strings.TrimSpace(text[len(cmd[0]):])
		if text = strings.TrimSpace("/" + cmd[1] + " " + rest); cmd[1] == "start" {
			text = "/help"
		}
		named = cmd[2] != "" || slices.Contains(general, cmd[1])
		casual = !named // else perhaps it is another bot's
	} else {
		mention := regexp.MustCompile(`(?i)(^|\W)@` + regexp.QuoteMeta(me.UserName) + `(\W|$)`)
		if named = me.UserName != "" && mention.MatchString(text); named {
			if text = strings.TrimSpace(mention.ReplaceAllString(text, "$1 $2")); text == "" {
				text = "/recover"
			}
		} else {
			casual = t.mine(m.ReplyTo)
		}
	}
	if private(m.Chat.ID) {
		return text, false, text != ""
	}
	return text, casual, text != "" && (named || casual)
}

// mine tells whether m is a post of the bot.
func (t *Telegram) mine(m *message) bool { return m != nil && m.From != nil && m.From.ID == t.who().ID }

// called is how people speak to the bot in a group: what reaches it in the privacy mode.
func (t *Telegram) called() string {
	me := t.who()
	if me.UserName == "" {
		return ""
	}
	out := "/recover@" + me.UserName
	if me.CanReadAllGroupMessages {
		out += ", @" + me.UserName
	}
	return out
}

// me tells whether a command names this bot, or none.
func (t *Telegram) me(name string) bool {
	return name == "" || strings.EqualFold(name, t.who().UserName)
}

// language is in which a person is answered in a chat: what all read is in one.
func (t *Telegram) language(chat, person int64) string {
	if chat != t.home() {
		return t.lang(t.c.LanguageOf(person))
	}
	return t.c.Language
}

// say is a text in a language, by default that of the bot.
func (t *Telegram) say(lang, id string, pairs ...any) string {
	return t.c.Label(t.lang(lang), id, pairs...)
}

// moved takes the bot's new standing in a chat.
func (t *Telegram) moved(m member) {
	if m.Chat.ID != t.home() {
		return
	}
	switch {
	case m.New.Status == "kicked" || m.New.Status == "left":
		label := "telegram.kicked"
		if private(m.Chat.ID) {
			label = "telegram.blocked"
		}
		t.ails(t.chatFault(label, errors.New("the bot is no member of the chat")), 0)
	case m.New.CanSend != nil && !*m.New.CanSend:
		t.ails(t.chatFault("telegram.may_not_post", errors.New("the bot may not write")), 0)
	default:
		t.open()
	}
}
