package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"recoverbot/bot"
)

// refusals of a chat that a person must mend, by what Telegram says; the first that matches counts.
var refusals = []struct{ label, says string }{
	{"telegram.blocked", "blocked by the user"},
	{"telegram.blocked", "can't initiate conversation"},
	{"telegram.chat_not_found", "chat not found"},
	{"telegram.may_not_post", "not enough rights"},
	{"telegram.may_not_post", "no rights to send"},
	{"telegram.may_not_post", "need administrator rights"},
	{"telegram.may_not_post", "chat_write_forbidden"},
	{"telegram.may_not_post", "chat_restricted"},
	{"telegram.may_not_post", "chat_admin_required"},
	{"telegram.topic", "message thread not found"},
	{"telegram.topic", "topic_closed"},
	{"telegram.topic", "topic_deleted"},
	{"telegram.kicked", "forbidden"},
}

// explain turns an error of a call about chat ("" for none) into one of package bot: *bot.Later when Telegram asks to
// wait, *bot.Fault when a person must mend something.
func (t *Telegram) explain(method, chat string, err error) error {
	if err == nil {
		return nil
	}
	wrapped := fmt.Errorf("%s: %w", method, t.scrub(err))
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		wrapped = fmt.Errorf("%s: no answer in time: %w", method, context.DeadlineExceeded)
	case unreadableAnswer(err):
		wrapped = fmt.Errorf("%s: what came is no answer of Telegram: %w", method, t.scrub(err))
	}
	if p := (page{}); errors.As(err, &p) && p.status == http.StatusTooManyRequests {
		return &bot.Later{After: t.pace.rate, Err: wrapped}
	}
	no := refused(err)
	if no == nil {
		return wrapped
	}
	if no.Message == "" {
		wrapped = fmt.Errorf("%s: refused, without a reason: %w", method, err)
	}
	switch code := codeOf(no); {
	case no.RetryAfter > 0:
		return &bot.Later{After: time.Duration(no.RetryAfter) * time.Second, Err: wrapped}
	case code == http.StatusTooManyRequests:
		return &bot.Later{After: t.pace.rate, Err: wrapped}
	case code == http.StatusUnauthorized, code == http.StatusNotFound && method == "getMe":
		return &bot.Fault{Text: t.label("telegram.token_refused", "code", t.clear(no.Message)), Err: wrapped}
	case code == http.StatusConflict && !says(no, "webhook"):
		return &bot.Fault{Text: t.label("telegram.other_poller"), Err: wrapped}
	}
	if no.MigrateToChatID != 0 || chat != idOf(t.home()) {
		return wrapped
	}
	for _, r := range refusals {
		if says(no, r.says) {
			return t.chatFault(r.label, wrapped)
		}
	}
	return wrapped
}

// unreadableAnswer tells whether what came is no answer of Telegram.
func unreadableAnswer(err error) bool {
	return errors.As(err, new(*json.SyntaxError)) || errors.As(err, new(*json.UnmarshalTypeError))
}

// chatFault says what a person must mend about the chat.
func (t *Telegram) chatFault(label string, err error) error {
	return &bot.Fault{Text: t.label(label, "chat", idOf(t.home()), "topic", t.c.Thread, "name", t.who().UserName), Err: err}
}

// refused is how Telegram refused, nil where it did not answer with that.
func refused(err error) *tgbotapi.Error {
	var no *tgbotapi.Error
	if errors.As(err, &no) {
		return no
	}
	return nil
}

// codeOf is the error_code of a refusal, which the library leaves out where a file was sent.
func codeOf(no *tgbotapi.Error) int {
	if no.Code != 0 {
		return no.Code
	}
	for code := http.StatusBadRequest; code < 600; code++ {
		if text := http.StatusText(code); text != "" && strings.HasPrefix(no.Message, text) {
			return code
		}
	}
	return 0
}

func says(no *tgbotapi.Error, what string) bool {
	return no != nil && strings.Contains(strings.ToLower(no.Message), what)
}

// scrubbed is an error whose text was cleared of the token.
type scrubbed struct {
	text string
	err  error
}

func (e scrubbed) Error() string { return e.text }
func (e scrubbed) Unwrap() error { return e.err }

// scrub keeps the token out of the text of err.
func (t *Telegram) scrub(err error) error {
	text := t.clear(err.Error())
	if text == err.Error() {
		return err
	}
	return scrubbed{text: text, err: err}
}

// clear is text without the token, and without what of it is secret behind its colon.
func (t *Telegram) clear(text string) string {
	_, secret, _ := strings.Cut(t.c.Token, ":")
	for _, s := range []string{t.c.Token, url.QueryEscape(t.c.Token), secret, t.c.WebhookSecret} {
		if s != "" {
			text = strings.ReplaceAll(text, s, "…")
		}
	}
	return text
}
