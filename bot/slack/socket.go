package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"recoverbot/bot"
)

const (
	openMethod = "apps.connections.open"
	maxFrame   = 4 << 20 // of what Slack sends
	maxAck     = 32 << 10
	// A connection that lives for stable is one; tooOften that do not are a failure.
	stable   = 10 * time.Second
	tooOften = 3
)

// again repeats f, which connects to Slack.
func (s *Slack) again(ctx context.Context, in bot.Inbox, f func(context.Context) (worked bool, err error)) error {
	return bot.Again(ctx, in, s.log, s.pace.retry, s.pace.longest, f)
}

// listen keeps a connection of Socket Mode until ctx ends.
func (s *Slack) listen(ctx context.Context, to *session) error {
	return s.again(ctx, to.in, func(ctx context.Context) (bool, error) { return s.connect(ctx, to) })
}

// connect runs the library's client for as long as it holds or renews its connection by itself. The library waits up to
// five minutes between its tries, so the first that fails ends it.
func (s *Slack) connect(ctx context.Context, to *session) (worked bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	client := socketmode.New(s.api, socketmode.OptionPingInterval(s.pace.ping), socketmode.OptionReadLimit(maxFrame),
		socketmode.OptionDialer(&websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: s.pace.call, WriteBufferSize: maxAck}))
	ended := make(chan error, 1)
	go func() { ended <- client.RunContext(ctx) }()
	over := false
	defer func() {
		cancel()
		if !over {
			<-ended
		}
	}()
	greeted, short, since := true, 0, time.Time{}
	for {
		select {
		case err := <-ended:
			over = true
			return worked, s.explain(openMethod, err)
		case e := <-client.Events:
			lived := !since.IsZero() && time.Since(since) >= stable
			worked = worked || lived
			switch e.Type {
			case socketmode.EventTypeConnecting:
				if !greeted {
					return worked, errors.New("Socket Mode: connected, but Slack said no hello")
				}
				if short++; lived || since.IsZero() {
					short = 0
				}
				if short >= tooOften {
					return worked, errors.New("Socket Mode: the connection breaks again and again")
				}
			case socketmode.EventTypeConnected:
				greeted, since = false, time.Now()
			case socketmode.EventTypeHello:
				greeted = true
				to.in.Report(nil)
			case socketmode.EventTypeConnectionError:
				return worked, s.connectionError(e.Data)
			case socketmode.EventTypeErrorBadMessage:
				if bad, ok := e.Data.(*socketmode.ErrorBadMessage); ok {
					s.unknown(client, bad, to)
				}
			case socketmode.EventTypeEventsAPI, socketmode.EventTypeInteractive, socketmode.EventTypeSlashCommand:
				s.delivered(client, e, to)
			}
		}
	}
}

// unknown takes an event of a kind that the library does not know: one that is not confirmed comes again and again.
func (s *Slack) unknown(client *socketmode.Client, bad *socketmode.ErrorBadMessage, to *session) {
	var r socketmode.Request
	if err := json.Unmarshal(bad.Message, &r); err == nil && r.Type == socketmode.RequestTypeEventsAPI && r.EnvelopeID != "" {
		s.delivered(client, socketmode.Event{Type: socketmode.EventTypeEventsAPI, Request: &r}, to)
		return
	}
	s.log.Warn("unreadable message from Slack", "error", s.scrub(bad.Cause))
}

func (s *Slack) connectionError(data any) error {
	failed, ok := data.(*slack.ConnectionErrorEvent)
	if !ok {
		return errors.New("Socket Mode: no connection")
	}
	return s.explain(openMethod, failed.ErrorObj)
}

// delivered hands an envelope over. What nobody can take now is not confirmed: Slack delivers it again.
func (s *Slack) delivered(client *socketmode.Client, e socketmode.Event, to *session) {
	if e.Request == nil {
		return
	}
	d := delivery{id: e.Request.EnvelopeID, what: e.Data, ack: func(payload any) error {
		ctx, cancel := context.WithTimeout(context.Background(), s.pace.ack)
		defer cancel()
		if err := client.AckCtx(ctx, e.Request.EnvelopeID, payload); err != nil {
			return fmt.Errorf("confirm an envelope: %w", err)
		}
		return nil
	}}
	if e.Type == socketmode.EventTypeEventsAPI {
		var body eventBody
		if err := json.Unmarshal(e.Request.Payload, &body); err != nil {
			s.log.Warn("unreadable event from Slack", "error", err)
			return
		}
		d.what = body
	}
	if !to.start(d.what, func(ctx context.Context) { s.take(ctx, to.in, d) }) {
		s.log.Warn("too much comes from Slack at once: left for later")
	}
}
