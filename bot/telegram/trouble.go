package telegram

import (
	"context"
	"errors"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"recoverbot/bot"
)

// trouble is what ails the chat though the connection works.
type trouble struct {
	err   error     // nil: nothing
	until time.Time // zero: until it is over
}

// ails notes what ails the chat, for a while or (0) until it is over.
func (t *Telegram) ails(err error, while time.Duration) {
	t.mu.Lock()
	t.trouble = trouble{err: err}
	if while > 0 {
		t.trouble.until = t.c.Clock().Add(while)
	}
	s := t.session
	t.mu.Unlock()
	if s != nil {
		s.in.Report(err)
	}
}

// works says that the connection works, and so does the chat unless something ails it still: that takes the place of
// what the connection suffered from.
func (t *Telegram) works(in bot.Inbox) {
	t.mu.Lock()
	if until := t.trouble.until; !until.IsZero() && !t.c.Clock().Before(until) {
		t.trouble = trouble{}
	}
	err := t.trouble.err
	t.mu.Unlock()
	in.Report(err)
}

// open notes that the chat takes posts.
func (t *Telegram) open() {
	t.mu.Lock()
	s, over := t.session, t.trouble.err != nil && t.trouble.until.IsZero()
	if t.found = true; over {
		t.trouble = trouble{}
	}
	t.mu.Unlock()
	if over && s != nil {
		s.in.Report(nil)
	}
}

// migrate follows a group that has become a supergroup. What was posted before cannot be edited any more.
func (t *Telegram) migrate(from, to int64) {
	t.mu.Lock()
	if t.chat != from || from == to {
		t.mu.Unlock()
		return
	}
	t.chat, t.found = to, true
	t.mu.Unlock()
	t.log.Warn("the group has become a supergroup: set TELEGRAM_CHAT_ID to its new id", "old", from, "new", to)
	t.ails(&bot.Fault{Text: t.label("telegram.migrated", "old", idOf(from), "new", idOf(to)), Err: errMigrated}, t.pace.ailing)
}

// Strayed tells that a message stands in the chat as it was before it moved. After a start it is unknown which chat that is:
// where TELEGRAM_CHAT_ID is still its old id, what was posted since stands in the new one.
func (t *Telegram) Strayed(r bot.Ref) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.found && parseRef(r).chat != t.chat
}

// find makes sure which chat is the one of cards.
func (t *Telegram) find(ctx context.Context) error {
	t.mu.Lock()
	found := t.found
	t.mu.Unlock()
	if found {
		return nil
	}
	err := t.knock(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.found { // also where the answer is that it has moved
		return nil
	}
	return err
}

// revisit looks now and then at a chat that could not be used, whether somebody has mended it.
func (t *Telegram) revisit(ctx context.Context) {
	t.mu.Lock()
	ails := t.trouble.err != nil && t.trouble.until.IsZero()
	t.mu.Unlock()
	if ails && t.told.first("revisit", t.pace.self) {
		_ = t.knock(ctx) // said already
	}
}

// knock finds out whether the chat takes posts, before there is something to say: the bot is shown as typing for a moment.
func (t *Telegram) knock(ctx context.Context) error {
	params := tgbotapi.Params{"action": tgbotapi.ChatTyping}
	spot{chat: t.home(), thread: t.c.Thread}.fill(params)
	err := t.call(ctx, "sendChatAction", t.pace.call, params, nil)
	switch {
	case err == nil:
		t.open()
	case ctx.Err() != nil:
	case errors.As(err, new(*bot.Fault)):
		t.ails(err, 0)
		fallthrough
	default:
		t.log.Warn("the chat could not be looked at", "error", err)
	}
	return err
}
