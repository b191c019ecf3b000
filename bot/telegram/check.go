package telegram

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"recoverbot/bot"
)

// Problem is something that Check found. Fatal: the bot cannot do all of its work in Telegram like that.
type Problem struct {
	Text  string
	Fatal bool
}

// checkTimeout bounds all that Check asks Telegram, and askTimeout one question.
const (
	checkTimeout = 20 * time.Second
	askTimeout   = 5 * time.Second
)

// Check asks Telegram whether the bot can work with these settings, and whether the people of the fleet (name to Telegram
// id) are in its chat. It changes and posts nothing. In says where the bot is; "" where Telegram did not let it in.
func Check(ctx context.Context, c Config, people map[string]int64) (in string, found []Problem) {
	t, err := New(c)
	if err != nil {
		return "", []Problem{{Text: err.Error(), Fatal: true}}
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	x := &check{Telegram: t}
	return x.all(ctx, people), x.found
}

type check struct {
	*Telegram
	found    []Problem
	admin    bool // the bot is one in its chat
	hooked   bool // Telegram delivers to a webhook
	unhooked bool // a webhook is wanted, and Telegram has none
}

// checkedChat is what the library does not know of a chat.
type checkedChat struct {
	tgbotapi.Chat
	IsForum bool `json:"is_forum"`
}

func (x *check) all(ctx context.Context, people map[string]int64) string {
	if err := x.introduce(ctx); err != nil {
		x.failed(err)
		return ""
	}
	x.webhook(ctx)
	if x.c.Alone && x.c.WebhookURL == "" && !x.hooked {
		x.elsewhere(ctx)
	}
	me := x.who()
	chat := x.chatOf(ctx, me)
	if chat == nil {
		return x.label("telegram.check_in", "name", me.UserName)
	}
	x.people(ctx, people, chat)
	topic := ""
	if x.c.Thread != 0 { // Telegram tells bots no names of topics
		topic = strconv.Itoa(x.c.Thread)
	}
	said := []string{x.label("telegram.check_in_chat", "name", me.UserName, "chat", titleOf(chat.Chat), "topic", topic)}
	if !chat.IsPrivate() {
		said = append(said, x.label("telegram.check_may_write", "admin", x.admin))
		switch {
		case x.admin:
		case me.CanReadAllGroupMessages:
			said = append(said, x.label("telegram.check_privacy_off"))
		default:
			said = append(said, x.label("telegram.check_privacy_on"))
		}
	}
	if x.unhooked {
		said = append(said, x.label("telegram.check_no_webhook"))
	}
	return strings.Join(said, "\n")
}

// webhook compares how Telegram hands out what people say with how the bot asks for it.
func (x *check) webhook(ctx context.Context) {
	var info tgbotapi.WebhookInfo
	err := x.ask(ctx, "getWebhookInfo", nil, &info)
	x.hooked = err == nil && info.URL != ""
	x.unhooked = err == nil && info.URL == "" && x.c.WebhookURL != ""
	switch {
	case err != nil:
		x.failed(err)
	case info.URL != "" && info.URL != x.c.WebhookURL:
		x.warn("telegram.check_other_webhook", "host", hostOf(info.URL))
	case info.URL != "" && info.LastErrorMessage != "":
		x.warn("telegram.check_webhook_error", "at", time.Unix(int64(info.LastErrorDate), 0), "why", x.clear(bot.CleanLine(info.LastErrorMessage)))
	}
}

// chatOf is where the bot posts; nil where it cannot post there.
func (x *check) chatOf(ctx context.Context, me tgbotapi.User) *checkedChat {
	var chat checkedChat
	if err := x.ask(ctx, "getChat", x.inChat(), &chat); err != nil {
		x.failed(err)
		return nil
	}
	switch {
	case chat.IsChannel():
		x.fatal("telegram.check_channel", "chat", titleOf(chat.Chat))
		return nil
	case x.c.Thread != 0 && !chat.IsForum:
		x.fatal("telegram.check_no_topics", "chat", titleOf(chat.Chat), "topic", x.c.Thread)
		return nil
	}
	if !chat.IsPrivate() && !x.mayPost(ctx, me, chat) {
		return nil
	}
	if x.c.Thread != 0 || chat.IsPrivate() { // the least visible call that is refused as a post would be: people may see "typing…" for a moment
		params := x.inChat()
		params.AddNonZero("message_thread_id", x.c.Thread)
		params.AddNonEmpty("action", tgbotapi.ChatTyping)
		if err := x.ask(ctx, "sendChatAction", params, nil); err != nil {
			x.failed(err)
			return nil
		}
	}
	return &chat
}

func (x *check) mayPost(ctx context.Context, me tgbotapi.User, chat checkedChat) bool {
	self, err := x.member(ctx, me.ID)
	switch {
	case err != nil:
		x.failed(err)
	case self.HasLeft() || self.WasKicked():
		x.failed(x.chatFault("telegram.kicked", errOutside))
	case self.Status == "restricted" && !self.CanSendMessages,
		self.Status == "member" && chat.Permissions != nil && !chat.Permissions.CanSendMessages:
		x.failed(x.chatFault("telegram.may_not_post", errOutside))
	default:
		x.admin = self.IsAdministrator() || self.IsCreator()
		return true
	}
	return false
}

var errOutside = errors.New("the bot is not a member who may post")

// people looks for everybody, and for those whom a call in the chat would not reach.
func (x *check) people(ctx context.Context, people map[string]int64, chat *checkedChat) {
	var outside []string
	for _, name := range slices.Sorted(maps.Keys(people)) {
		id := people[name]
		if chat.IsPrivate() {
			if id != chat.ID {
				outside = append(outside, name)
			}
			continue
		}
		who, err := x.member(ctx, id)
		no := refused(err)
		switch {
		case no != nil && codeOf(no) == http.StatusBadRequest && !says(no, "chat not found"):
			x.warn("telegram.check_no_person", "name", name, "id", strconv.FormatInt(id, 10))
		case err != nil:
			x.failed(err)
			return
		case who.User != nil && who.User.IsBot:
			x.warn("telegram.check_is_bot", "name", name, "id", strconv.FormatInt(id, 10))
		case who.HasLeft() || who.WasKicked():
			outside = append(outside, name)
		}
	}
	switch {
	case len(outside) == 0:
	case chat.IsPrivate():
		x.warn("telegram.check_private", "names", strings.Join(outside, ", "))
	default:
		x.warn("telegram.check_outside", "names", strings.Join(outside, ", "), "chat", titleOf(chat.Chat))
	}
}

func (x *check) inChat() tgbotapi.Params {
	return tgbotapi.Params{"chat_id": strconv.FormatInt(x.c.Chat, 10)}
}

func (x *check) member(ctx context.Context, id int64) (who tgbotapi.ChatMember, err error) {
	params := x.inChat()
	params.AddNonZero64("user_id", id)
	return who, x.ask(ctx, "getChatMember", params, &who)
}

func (x *check) ask(ctx context.Context, method string, params tgbotapi.Params, out any) error {
	return x.call(ctx, method, askTimeout, params, out)
}

// failed notes what x.ask returned: something to mend, or a Telegram that cannot be asked now.
func (x *check) failed(err error) {
	var fault *bot.Fault
	no := refused(err)
	switch {
	case errors.As(err, &fault):
		x.add(Problem{Text: fault.Text, Fatal: true})
	case no != nil && no.MigrateToChatID != 0:
		x.fatal("telegram.check_migrated", "chat", strconv.FormatInt(no.MigrateToChatID, 10))
	case no != nil && codeOf(no) < http.StatusInternalServerError && !errors.As(err, new(*bot.Later)):
		x.fatal("telegram.check_refused", "why", x.clear(err.Error()))
	default:
		x.unreached(err)
	}
}

func titleOf(c tgbotapi.Chat) string {
	if c.Title != "" {
		return bot.CleanLine(c.Title)
	}
	return nameOf(c.FirstName, c.LastName)
}

func (x *check) fatal(id string, pairs ...any) {
	x.add(Problem{Text: x.label(id, pairs...), Fatal: true})
}

func (x *check) warn(id string, pairs ...any) { x.add(Problem{Text: x.label(id, pairs...)}) }

func (x *check) add(p Problem) {
	if !slices.Contains(x.found, p) {
		x.found = append(x.found, p)
	}
}

func nameOf(first, last string) string { return bot.CleanLine(strings.TrimSpace(first + " " + last)) }
