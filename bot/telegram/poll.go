package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"recoverbot/bot"
)

const (
	maxBatch = 100 // updates of one poll
	// After so long without Telegram, what it has kept meanwhile may be old.
	outage = time.Minute
)

// wanted are the kinds of updates that the bot reads.
const wanted = `["message","callback_query","my_chat_member"]`

// poller asks Telegram for updates. An update is confirmed by the next poll, with a higher offset: so only what is kept
// counts toward it.
type poller struct {
	*Telegram
	to      *session
	offset  int
	backlog bool      // what comes next has waited at Telegram
	last    time.Time // when what came last came, by the clock on the wall: it goes on while this machine stands still
	stuck   incoming  // could not be kept
}

// poll asks for updates until ctx ends. A webhook that is set would get them instead, so it is removed.
func (t *Telegram) poll(ctx context.Context, to *session) error {
	p := &poller{Telegram: t, to: to}
	err := t.again(ctx, to.in, func(ctx context.Context) (worked bool, err error) {
		if err := t.unhook(ctx); err != nil {
			return false, err
		}
		p.backlog = p.backlog || p.now().Sub(p.last) > outage
		for ctx.Err() == nil {
			if err := p.next(ctx); err != nil {
				return worked, err
			}
			worked = true
		}
		return worked, ctx.Err()
	})
	if no := refused(err); no != nil && codeOf(no) == http.StatusConflict { // polls work in between, and all is not well
		t.ails(err, t.pace.ailing)
	}
	return err
}

// next is one poll. What waited at Telegram comes without delay.
func (p *poller) next(ctx context.Context) error {
	wait := p.pace.poll
	if p.backlog {
		wait = 0
	}
	params := tgbotapi.Params{"offset": strconv.Itoa(p.offset), "limit": strconv.Itoa(maxBatch), "allowed_updates": wanted,
		"timeout": strconv.Itoa(int(wait / time.Second))}
	began, offset := time.Now(), p.offset
	var batch []json.RawMessage
	if err := p.call(ctx, "getUpdates", wait+p.pace.call, params, &batch); err != nil {
		return err
	}
	came, now := time.Now(), p.now()
	p.backlog = p.backlog || now.Sub(p.last) > outage
	for _, body := range batch {
		var u incoming
		if err := json.Unmarshal(body, &u); err != nil {
			p.log.Warn("unreadable update from Telegram", "error", p.scrub(err))
			if json.Unmarshal(body, &struct {
				ID *int `json:"update_id"`
			}{&u.ID}) != nil || u.ID == 0 {
				continue
			}
		} else {
			if u.at, u.came = p.c.Clock(), came; u.ID == p.stuck.ID {
				u.at = p.stuck.at
			}
			if err := p.receive(ctx, p.to, u, p.backlog); err != nil {
				p.stuck = u
				return err
			}
		}
		p.offset = u.ID + 1
	}
	p.last = now
	p.works(p.to.in)
	p.revisit(ctx)
	if p.offset == offset && !p.backlog && time.Since(began) < p.pace.idle { // a server that does not wait
		select {
		case <-ctx.Done():
		case <-time.After(p.pace.idle):
		}
	}
	p.backlog = p.backlog && len(batch) == maxBatch
	return nil
}

func (p *poller) now() time.Time { return p.c.Clock().Round(0) }

// unhook removes a webhook that is set.
func (t *Telegram) unhook(ctx context.Context) error {
	var hook tgbotapi.WebhookInfo
	err := t.call(ctx, "getWebhookInfo", t.pace.call, nil, &hook)
	if err != nil || hook.URL == "" {
		return unlessMissing(err)
	}
	t.log.Warn("Telegram sent updates to a webhook; it is removed, and the bot asks for them", "host", hostOf(hook.URL))
	return unlessMissing(t.call(ctx, "deleteWebhook", t.pace.call, nil, nil))
}

// unlessMissing forgives a server that has no such method.
func unlessMissing(err error) error {
	if no := refused(err); no != nil && (codeOf(no) == http.StatusNotFound || no.Code == 0 && no.Message == "") {
		return nil
	}
	return err
}

// receive takes one update: it is kept, or it will come again. late: it has waited at Telegram for nobody knows how long.
func (t *Telegram) receive(ctx context.Context, to *session, u incoming, late bool) (err error) {
	if !to.enter(ctx) {
		return errors.New("too much comes from Telegram at once: left for later")
	}
	t.taking.Lock()
	defer t.taking.Unlock()
	var todo func(context.Context)
	defer func() {
		if r := recover(); r != nil { // it would come again and again
			t.log.Error("an update from Telegram made the bot panic", "update", u.ID, "panic", fmt.Sprint(r))
			todo, err = nil, nil
		}
		if todo == nil {
			to.leave()
			return
		}
		to.start(u.person(), todo)
	}()
	id := t.updateID(u)
	if t.seen.has(id) {
		return nil
	}
	if todo, err = t.take(ctx, to, u, late); err != nil {
		return err
	}
	t.seen.mark(id, time.Hour)
	return nil
}

// take decides what an update is and keeps it if it is to be handled. What is left to do about it is returned.
func (t *Telegram) take(ctx context.Context, to *session, u incoming, late bool) (func(context.Context), error) {
	switch {
	case u.Member != nil:
		t.moved(*u.Member)
	case u.Press != nil:
		return t.pressed(ctx, to, u, late)
	case u.Message != nil:
		return t.heard(ctx, to, u, late)
	}
	return nil, nil
}

// keep journals in. While it fails, the person is told, and the update comes again.
func (t *Telegram) keep(ctx context.Context, to *session, in bot.Inbound, tell func(context.Context, bot.Reply)) (fresh bool, err error) {
	keeping, cancel := context.WithTimeout(ctx, t.pace.keep)
	defer cancel()
	fresh, err = to.in.Keep(keeping, in)
	if err == nil || ctx.Err() != nil {
		return fresh, err
	}
	t.log.Error("what came from Telegram could not be kept", "id", in.ID, "error", err)
	if t.told.first("not kept "+in.ID, time.Hour) {
		to.beside(func(ctx context.Context) {
			tell(ctx, bot.Reply{Text: t.say(in.Language, "telegram.not_kept"), Refused: true})
		})
	}
	return false, err
}
