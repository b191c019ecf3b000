package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"sync"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"recoverbot/bot"
)

// maxAnswer is the longest answer of the Bot API that is read: a hundred updates take less.
const maxAnswer = 16 << 20

// silence keeps the library from logging: what it logs are whole requests, whose address holds the token.
var silence = sync.OnceFunc(func() { _ = tgbotapi.SetLogger(mute{}) })

type mute struct{}

func (mute) Println(...any)        {}
func (mute) Printf(string, ...any) {}

// call makes one call of the Bot API, bounded by limit, and decodes its result into out unless that is nil. Its error names
// the method and holds no secret.
func (t *Telegram) call(ctx context.Context, method string, limit time.Duration, params tgbotapi.Params, out any) error {
	return t.within(ctx, method, limit, params, out, func(api *tgbotapi.BotAPI) (*tgbotapi.APIResponse, error) {
		return api.MakeRequest(method, params)
	})
}

// upload is call with a file.
func (t *Telegram) upload(ctx context.Context, method string, limit time.Duration, params tgbotapi.Params, file tgbotapi.RequestFile, out any) error {
	return t.within(ctx, method, limit, params, out, func(api *tgbotapi.BotAPI) (*tgbotapi.APIResponse, error) {
		return api.UploadFiles(method, params, []tgbotapi.RequestFile{file})
	})
}

func (t *Telegram) within(ctx context.Context, method string, limit time.Duration, params tgbotapi.Params, out any,
	do func(*tgbotapi.BotAPI) (*tgbotapi.APIResponse, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	api := &tgbotapi.BotAPI{Token: t.c.Token, Client: t.client(ctx)}
	api.SetAPIEndpoint(t.endpoint)
	answer, err := do(api)
	if err == nil && out != nil {
		err = json.Unmarshal(answer.Result, out)
	}
	if no := refused(err); no != nil && no.MigrateToChatID != 0 && params["chat_id"] == idOf(t.home()) {
		t.migrate(t.home(), no.MigrateToChatID)
	}
	err = t.explain(method, params["chat_id"], err)
	if later := (*bot.Later)(nil); errors.As(err, &later) && params["chat_id"] == idOf(t.home()) {
		t.budget.Rest(later.After) // whoever else posts there waits, too
	}
	return err
}

// doer is a function as the library's HTTP client.
type doer func(*http.Request) (*http.Response, error)

// Do makes one request.
func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

// client makes requests within ctx, of which the library knows nothing. No error of it holds an address.
func (t *Telegram) client(ctx context.Context) doer {
	return func(r *http.Request) (*http.Response, error) {
		resp, err := t.http.Do(r.WithContext(ctx))
		if u := (*url.Error)(nil); errors.As(err, &u) {
			err = u.Err
		}
		if err != nil {
			return nil, err
		}
		if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind == "text/html" { // an unreadable one is read as JSON
			_ = resp.Body.Close()
			return nil, page{resp.StatusCode}
		}
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
		return resp, nil
	}
}

// page is the error where a proxy answers with a page instead of Telegram.
type page struct{ status int }

func (p page) Error() string {
	return fmt.Sprintf("a web page with status %d came instead of an answer", p.status)
}
