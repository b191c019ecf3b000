package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"recoverbot/bot"
)

const (
	maxHookUses   = 5                // of one response_url
	maxAnswerWait = 30 * time.Second // for Slack to take more messages
	answerTries   = 3
)

// origin is where a person is answered.
type origin struct {
	Channel string `json:"c,omitempty"`
	Thread  string `json:"t,omitempty"`
	Still   bool   `json:"s,omitempty"` // the card that was pressed never changes: it was shown to one person alone
}

func (o origin) String() string {
	body, _ := json.Marshal(o) // strings can always be encoded
	return string(body)
}

// direct tells whether a channel is a conversation with one person.
func direct(channel string) bool { return strings.HasPrefix(channel, "D") }

// Answer answers what was kept by an earlier process.
func (s *Slack) Answer(ctx context.Context, in bot.Inbound, r bot.Reply) error {
	var at origin
	if in.Origin != "" {
		if err := json.Unmarshal([]byte(in.Origin), &at); err != nil {
			return fmt.Errorf("read where to answer: %w", err)
		}
	}
	return s.answer(ctx, in, at, "", r)
}

// answer says r to the person of in alone. An empty reply says nothing, nor does one that the pressed card says.
func (s *Slack) answer(ctx context.Context, in bot.Inbound, at origin, hook string, r bot.Reply) error {
	if r.Text == "" && r.Message == nil || r.Noted && in.Action != "" && !at.Still {
		return nil
	}
	if r.Message != nil {
		s.remember(*r.Message)
	}
	user := addressee(in.UserID)
	for i, p := range s.r.private(r) {
		if i >= maxHookUses {
			hook = ""
		}
		if err := s.whisper(ctx, user, at, hook, p); err != nil {
			return err
		}
	}
	return nil
}

// way is one manner of reaching a person.
type way struct {
	method string
	send   func(context.Context, ...slack.MsgOption) error
}

// whisper shows p to user by the first way that Slack allows.
func (s *Slack) whisper(ctx context.Context, user string, at origin, hook string, p post) error {
	if p.text == "" && len(p.blocks) == 0 {
		return nil
	}
	say := func(channel string, place ...slack.MsgOption) way {
		return way{"chat.postMessage", func(ctx context.Context, content ...slack.MsgOption) error {
			_, _, err := s.api.PostMessageContext(ctx, channel, append(place, content...)...)
			return err
		}}
	}
	var ways []way
	switch {
	case direct(at.Channel):
		ways = append(ways, say(at.Channel, slack.MsgOptionTS(at.Thread)))
	default:
		if hook != "" {
			ways = append(ways, say(at.Channel, slack.MsgOptionResponseURL(hook, slack.ResponseTypeEphemeral)))
		}
		if at.Channel != "" {
			ways = append(ways, way{"chat.postEphemeral", func(ctx context.Context, content ...slack.MsgOption) error {
				_, err := s.api.PostEphemeralContext(ctx, at.Channel, user, append(content, slack.MsgOptionTS(at.Thread))...)
				return err
			}})
		}
	}
	ways = append(ways, say(user))
	var err error
	for _, w := range ways {
		if err = s.try(ctx, w, p); err == nil || !refusedBy(err) {
			return err
		}
	}
	return err
}

// try goes one way, waiting where Slack asks to.
func (s *Slack) try(ctx context.Context, w way, p post) error {
	for n := 1; ; n++ {
		err := s.call(ctx, w.method, s.pace.call, func(ctx context.Context) error {
			return w.send(ctx, slack.MsgOptionText(p.text, false), slack.MsgOptionBlocks(p.blocks...),
				slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl())
		})
		var later *bot.Later
		if !errors.As(err, &later) || n == answerTries || later.After > maxAnswerWait {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(later.After):
		}
	}
}

// refusedBy tells that Slack showed nothing and will not by this way; after anything else it is not known whether it did.
func refusedBy(err error) bool {
	var status slack.StatusCodeError
	return codeOf(err) != "" || errors.As(err, &status) && status.Code < http.StatusInternalServerError
}
