package telegram

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"recoverbot/bot"
)

// ref is a bot.Ref taken apart: CHAT:MESSAGE, and for a document CHAT:MESSAGE:file.
type ref struct {
	chat    int64
	message int
	file    bool
}

func parseRef(r bot.Ref) ref {
	parts := append(strings.SplitN(string(r), ":", 3), "", "")
	chat, _ := strconv.ParseInt(parts[0], 10, 64) // 0 is no chat
	message, _ := strconv.Atoi(parts[1])          // 0 is no message
	return ref{chat: chat, message: message, file: parts[2] != ""}
}

func (r ref) Ref() bot.Ref {
	out := idOf(r.chat) + ":" + strconv.Itoa(r.message)
	if r.file {
		out += ":file"
	}
	return bot.Ref(out)
}

func idOf(id int64) string { return strconv.FormatInt(id, 10) }

// spot is where a post goes.
type spot struct {
	chat   int64
	thread int
	reply  int         // to that message, if it is there still
	silent bool        // buzzes nobody
	who    string      // is answered; "": somebody is asked
	force  bool        // opens the reply box of whom it mentions or replies to
	paid   bool        // its first call was taken already
	leads  bool        // to a card
	wanted func() bool // whether it is to be sent still when its turn comes; nil: it is
}

func (at spot) fill(params tgbotapi.Params) {
	params["chat_id"] = idOf(at.chat)
	params.AddNonZero("message_thread_id", at.thread)
	params.AddNonZero("reply_to_message_id", at.reply)
	params.AddBool("allow_sending_without_reply", at.reply != 0)
	params.AddBool("disable_notification", at.silent)
}

// Send posts m in the chat, as a reply where it belongs to a card. Only what waits for people or calls them buzzes.
func (t *Telegram) Send(ctx context.Context, m bot.Message) (bot.Ref, error) {
	at := spot{thread: t.c.Thread, silent: m.Thread || m.Covered || m.Priority != bot.Prompt && !m.Nudge && len(m.Notify) == 0}
	p := t.post(m)
	t.memory.remember(m, t.buttonID)
	var sent ref
	err := t.deliver(ctx, m, p, func(ctx context.Context, p post) (err error) {
		at.chat, at.reply = t.home(), 0
		if of := parseRef(m.OfRef); (m.Thread || m.Nudge) && of.chat == at.chat {
			at.reply = of.message
		}
		sent, err = t.send(ctx, at, p)
		return err
	})
	if no := refused(err); no != nil && no.MigrateToChatID != 0 {
		return "", &bot.Later{Err: err} // the chat has another id by now
	}
	if err != nil {
		return "", err
	}
	t.open()
	t.memory.place(m.Key, sent)
	return sent.Ref(), nil
}

// Edit changes a message in place. What is gone, may not be edited any more or stands in another chat than the bot's is
// bot.ErrGone: it is posted anew.
func (t *Telegram) Edit(ctx context.Context, r bot.Ref, m bot.Message) error {
	at, p := parseRef(r), t.post(m)
	if at.file || p.fileName != "" {
		return nil // the contents are part of the key: a file never changes
	}
	if at.chat != t.home() {
		if err := t.find(ctx); err != nil {
			return fmt.Errorf("look for the chat: %w", err)
		}
	}
	if at.chat != t.home() {
		return fmt.Errorf("%w: it stands in the chat %d", bot.ErrGone, at.chat)
	}
	t.memory.remember(m, t.buttonID)
	err := t.deliver(ctx, m, p, func(ctx context.Context, p post) error {
		params := tgbotapi.Params{"chat_id": idOf(at.chat), "message_id": strconv.Itoa(at.message)}
		if err := p.fill(params); err != nil {
			return err
		}
		return t.call(ctx, "editMessageText", t.pace.call, params, nil)
	})
	no := refused(err)
	switch {
	case err == nil, says(no, "message is not modified"):
		t.memory.place(m.Key, at)
		return nil
	case no != nil && no.MigrateToChatID != 0,
		says(no, "message to edit not found"), says(no, "message can't be edited"), says(no, "message_id_invalid"):
		return fmt.Errorf("%w: %w", bot.ErrGone, err)
	}
	return err
}

// post renders m by its purpose.
func (t *Telegram) post(m bot.Message) post {
	switch {
	case m.Thread:
		return t.r.part(m)
	case m.Nudge:
		return t.r.nudge(m)
	}
	return t.r.card(m)
}

// unreadable are refusals of a post's form, which a wrong limit in this program would cause.
var unreadable = []string{"can't parse entities", "is too long", "too_long", "button_data_invalid", "reply_markup_invalid", "text is empty", "inline keyboard"}

// deliver shows p. If Telegram refuses its form, people get the plain text with the code that they can type.
func (t *Telegram) deliver(ctx context.Context, m bot.Message, p post, try func(context.Context, post) error) error {
	err := try(ctx, p)
	no := refused(err)
	if no == nil || codeOf(no) != http.StatusBadRequest || !slices.ContainsFunc(unreadable, func(what string) bool { return says(no, what) }) {
		return err
	}
	t.log.Error("Telegram refuses the form of a message; its text is shown instead", "key", m.Key, "error", err)
	t.budget.Take()
	return try(ctx, post{html: escape(cut(bot.Plain(m, 80), maxBare))})
}

// maxBare is the longest text of a post without markup.
const maxBare = 4000

// send posts p at a place.
func (t *Telegram) send(ctx context.Context, at spot, p post) (ref, error) {
	params := tgbotapi.Params{}
	at.fill(params)
	var posted struct {
		ID int `json:"message_id"`
	}
	if p.fileName != "" {
		params.AddNonEmpty("caption", p.html)
		params["parse_mode"] = tgbotapi.ModeHTML
		file := tgbotapi.RequestFile{Name: "document", Data: tgbotapi.FileBytes{Name: p.fileName, Bytes: []byte(p.file)}}
		err := t.upload(ctx, "sendDocument", t.pace.upload, params, file, &posted)
		return ref{chat: at.chat, message: posted.ID, file: true}, err
	}
	if err := p.fill(params); err != nil {
		return ref{}, err
	}
	if at.force {
		force, err := json.Marshal(tgbotapi.ForceReply{ForceReply: true, Selective: !private(at.chat)})
		if err != nil {
			return ref{}, fmt.Errorf("encode a reply box: %w", err)
		}
		params["reply_markup"] = string(force)
	}
	err := t.call(ctx, "sendMessage", t.pace.call, params, &posted)
	return ref{chat: at.chat, message: posted.ID}, err
}

// fill adds the text and buttons of p.
func (p post) fill(params tgbotapi.Params) error {
	params["text"], params["parse_mode"] = p.html, tgbotapi.ModeHTML
	params.AddBool("disable_web_page_preview", true)
	if err := params.AddInterface("reply_markup", p.keyboard); err != nil {
		return fmt.Errorf("encode buttons: %w", err)
	}
	return nil
}
