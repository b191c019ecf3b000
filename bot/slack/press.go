package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/slack-go/slack"

	"recoverbot/bot"
)

// maxFormError keeps a confirmation within the 20 KB that Slack reads.
const maxFormError = 1000

// maxPrivate is how many cards shown to one person are remembered.
const maxPrivate = 100

// meta is what a form carries from its button to its submission.
type meta struct {
	Action string `json:"a"`
	origin
}

// press takes a pressed button: it opens the form that the button needs, or is handled at once.
func (s *Slack) press(ctx context.Context, in bot.Inbox, d delivery, cb slack.InteractionCallback) {
	if len(cb.ActionCallback.BlockActions) == 0 || cb.ActionCallback.BlockActions[0].Value == "" {
		s.confirm(d, nil) // a link
		return
	}
	a := cb.ActionCallback.BlockActions[0]
	h := heard{at: whence(cb)}
	who := s.person(cb.User.TeamID, cb.User.ID)
	if m, b, ok := s.button(cb.Message, a.Value); ok && b.Asks() && s.c.Known(who) {
		s.confirm(d, nil)
		s.ask(ctx, h.from(s.c.Clock(), who, "", bot.Inbound{Action: a.Value}), m, b, cb.TriggerID)
		return
	}
	id := eventID("press", d.id, cb.TriggerID, a.ActionTs)
	s.hear(ctx, in, d, h.from(s.c.Clock(), who, id, bot.Inbound{Action: a.Value}))
}

// whence is where a press is answered.
func whence(cb slack.InteractionCallback) origin {
	at := origin{Channel: cb.Container.ChannelID, Thread: cb.Container.ThreadTs}
	if at.Channel == "" {
		at.Channel = cb.Channel.ID
	}
	if at.Thread == "" {
		at.Thread = cb.Message.ThreadTimestamp
	}
	if at.Thread == cb.Container.MessageTs || at.Thread == cb.Message.Timestamp {
		at.Thread = "" // the card that begins a thread stands in the channel
	}
	at.Still = cb.Container.IsEphemeral || direct(at.Channel)
	return at
}

// button finds what was pressed in the newest version of its card, or in a card that one person was shown. It is not
// there any more where the card has changed.
func (s *Slack) button(pressed slack.Message, action string) (bot.Message, bot.Button, bool) {
	var cards []bot.Message
	for _, key := range keysOf(pressed) {
		if m, ok := s.c.Render(s.c.Language, key); ok {
			cards = append(cards, m)
		}
	}
	s.mu.Lock()
	cards = append(cards, s.private...)
	s.mu.Unlock()
	for _, m := range cards {
		for _, b := range m.Buttons {
			if b.Action == action {
				return m, b, true
			}
		}
	}
	return bot.Message{}, bot.Button{}, false
}

// remember keeps a card that is shown to one person, for the forms of its buttons.
func (s *Slack) remember(m bot.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.private = append([]bot.Message{m}, s.private[:min(len(s.private), maxPrivate-1)]...)
}

// ask opens the form of b. Nothing is decided yet, so nothing is kept: whoever sees no form presses again.
func (s *Slack) ask(ctx context.Context, h heard, m bot.Message, b bot.Button, trigger string) {
	body, err := json.Marshal(meta{Action: b.Action, origin: h.at})
	if err == nil {
		err = s.call(ctx, "views.open", s.pace.modal, func(ctx context.Context) error {
			_, err := s.api.OpenViewContext(ctx, trigger, s.r.modal(m, b, string(body)))
			return err
		})
	}
	switch codeOf(err) {
	case "exchanged_trigger_id": // the same press, delivered again: its form is open
		return
	case "expired_trigger_id", "trigger_expired":
	default:
		if err == nil || ctx.Err() != nil {
			return
		}
		s.log.Error("form could not be opened", "key", m.Key, "error", err)
	}
	s.tell(ctx, h, bot.Reply{Text: s.label("slack.press_again"), Refused: true})
}

// submit takes a filled form. It is handled before it is confirmed, so that a refusal shows in the form; where that takes
// too long, the answer comes by itself.
func (s *Slack) submit(ctx context.Context, in bot.Inbox, d delivery, cb slack.InteractionCallback) {
	var from meta
	if err := json.Unmarshal([]byte(cb.View.PrivateMetadata), &from); err != nil || from.Action == "" {
		s.confirm(d, nil)
		return
	}
	confirmBy := time.After(s.pace.submit)
	reason, fields := answered(cb.View)
	state, _ := json.Marshal(cb.View.State) // what was decoded can be encoded
	h := heard{at: from.origin}
	h = h.from(s.c.Clock(), s.person(cb.User.TeamID, cb.User.ID), eventID("form", d.id, cb.TriggerID, cb.View.ID, cb.View.Hash, string(state)),
		bot.Inbound{Action: from.Action, Reason: reason, Fields: fields})
	fresh, err := s.keep(ctx, in, h)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		s.settle(ctx, d, h, cb.View, bot.Reply{Text: s.label("slack.not_kept"), Refused: true})
		return
	case !fresh:
		s.confirm(d, nil)
		return
	}
	replies := make(chan bot.Reply, 1)
	go func() {
		var r bot.Reply
		defer func() {
			if p := recover(); p != nil {
				s.log.Error("handling a form panicked", "panic", fmt.Sprint(p))
			}
			replies <- r
		}()
		r = in.Handle(ctx, h.in)
	}()
	select {
	case r := <-replies:
		s.settle(ctx, d, h, cb.View, r)
	case <-confirmBy:
		s.confirm(d, nil)
		s.tell(ctx, h, <-replies)
	}
}

// settle confirms a form: a refusal keeps it open and says why, anything else closes it.
func (s *Slack) settle(ctx context.Context, d delivery, h heard, v slack.View, r bot.Reply) {
	if field := firstInput(v); r.Refused && r.Message == nil && r.Text != "" && field != "" {
		s.confirm(d, slack.NewErrorsViewSubmissionResponse(map[string]string{field: cut(bot.Clean(r.Text), maxFormError)}))
		return
	}
	s.confirm(d, nil)
	s.tell(ctx, h, r)
}

// firstInput is the block of a form that can show an error.
func firstInput(v slack.View) string {
	for _, b := range v.Blocks.BlockSet {
		if b.BlockType() == slack.MBTInput {
			return b.ID()
		}
	}
	return ""
}
