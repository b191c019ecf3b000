package telegram

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"recoverbot/bot"
)

const (
	maxBody = 1 << 20
	// keepWithin is how long a request waits until its update is kept; Telegram gives up later, and sends it again.
	keepWithin = 10 * time.Second
)

// Handler takes updates that Telegram sends in webhook mode: mount it at /telegram/. Without a webhook everything is
// refused.
func (t *Telegram) Handler() http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		given := r.Header.Get("X-Telegram-Bot-Api-Secret-Token")
		switch {
		case r.Method != http.MethodPost:
			rw.Header().Set("Allow", http.MethodPost)
			refuse(rw, http.StatusMethodNotAllowed)
			return
		case t.c.WebhookURL == "", subtle.ConstantTimeCompare([]byte(given), []byte(t.c.WebhookSecret)) != 1:
			refuse(rw, http.StatusForbidden)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxBody))
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			refuse(rw, http.StatusRequestEntityTooLarge)
			return
		}
		var u incoming
		if err != nil || json.Unmarshal(body, &u) != nil || u.ID == 0 {
			refuse(rw, http.StatusBadRequest)
			return
		}
		u.at, u.came = t.c.Clock(), time.Now()
		t.mu.Lock()
		to := t.session
		t.mu.Unlock()
		ctx, cancel := context.WithTimeout(r.Context(), keepWithin)
		defer cancel()
		if to == nil || t.receive(ctx, to, u, t.doubtful(u) && t.lags(ctx)) != nil {
			refuse(rw, http.StatusServiceUnavailable) // Telegram sends it again
		}
	})
}

func refuse(rw http.ResponseWriter, status int) { http.Error(rw, http.StatusText(status), status) }

// doubtful tells whether an update may have waited at Telegram: a press has no time of its own, and a message has that of
// Telegram's clock.
func (t *Telegram) doubtful(u incoming) bool {
	return u.Press != nil || u.Message != nil && u.at.Sub(t.said(u, true)).Abs() > outage
}

// lags tells whether what is delivered now may have waited at Telegram.
func (t *Telegram) lags(ctx context.Context) bool {
	var is tgbotapi.WebhookInfo
	if err := t.call(ctx, "getWebhookInfo", t.pace.keep, nil, &is); err != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.lagging
	}
	return t.waits(is, 1)
}

// waits notes what Telegram says of the updates that it keeps. One that comes while others do, after the start or a delivery
// that failed, may be old. now is how many are on their way this moment.
func (t *Telegram) waits(is tgbotapi.WebhookInfo, now int) (late bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if is.LastErrorDate != 0 && is.LastErrorDate != t.failed {
		t.lagging, t.failed = true, is.LastErrorDate
	}
	late = t.lagging
	t.lagging = late && is.PendingUpdateCount > now
	return late
}

// listen sets the webhook and looks after it until ctx ends.
func (t *Telegram) listen(ctx context.Context, in bot.Inbox) error {
	for {
		err := t.again(ctx, in, func(ctx context.Context) (bool, error) {
			if err := t.introduce(ctx); err != nil {
				return false, err
			}
			return false, t.rehook(ctx)
		})
		if err != nil || ctx.Err() != nil {
			return err
		}
		t.works(in)
		t.revisit(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(t.pace.self):
		}
	}
}

// rehook sets the webhook. Telegram takes the same again; who else uses the token may have changed it.
func (t *Telegram) rehook(ctx context.Context) error {
	var is tgbotapi.WebhookInfo
	if err := unlessMissing(t.call(ctx, "getWebhookInfo", t.pace.call, nil, &is)); err != nil {
		return err
	}
	t.waits(is, 0)
	if is.LastErrorMessage != "" {
		t.log.Warn("Telegram could not reach the webhook", "at", time.Unix(int64(is.LastErrorDate), 0), "why", t.clear(bot.CleanLine(is.LastErrorMessage)))
	}
	params := tgbotapi.Params{"url": t.c.WebhookURL, "secret_token": t.c.WebhookSecret, "allowed_updates": wanted, "max_connections": "1"}
	err := t.call(ctx, "setWebhook", t.pace.call, params, nil)
	if no := refused(err); no != nil && codeOf(no) == http.StatusBadRequest {
		return &bot.Fault{Text: t.label("telegram.webhook_refused", "host", hostOf(t.c.WebhookURL), "why", t.clear(strings.TrimPrefix(no.Message, "Bad Request: "))), Err: err}
	}
	return err
}

// hostOf is what of an address is no secret.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "…"
	}
	return u.Host
}
