package slack

import (
	"context"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"recoverbot/bot"
)

// cardEvent marks the bot's own messages in their metadata.
const cardEvent = "recoverbot_card"

// ref is a bot.Ref taken apart: CHANNEL:TS, and for a file CHANNEL:THREAD:FILE.
type ref struct{ channel, ts, file string }

func parseRef(r bot.Ref) ref {
	parts := append(strings.SplitN(string(r), ":", 3), "", "")
	return ref{channel: parts[0], ts: parts[1], file: parts[2]}
}

func (r ref) Ref() bot.Ref {
	if r.file != "" {
		return bot.Ref(r.channel + ":" + r.ts + ":" + r.file)
	}
	return bot.Ref(r.channel + ":" + r.ts)
}

// Send posts m in the channel, or in the thread of the card that it stands below.
func (s *Slack) Send(ctx context.Context, m bot.Message) (bot.Ref, error) {
	if _, err := s.whoami(ctx); err != nil { // links to cards need the workspace's address
		return "", err
	}
	channel, err := s.home(ctx)
	if err != nil {
		return "", err
	}
	at := ref{channel: channel}
	if m.Thread && m.OfRef != "" {
		at = parseRef(m.OfRef)
	}
	p := s.post(m)
	if p.fileName != "" {
		return s.upload(ctx, at, p)
	}
	options := []slack.MsgOption{slack.MsgOptionTS(at.ts), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl()}
	err = s.deliver(ctx, "chat.postMessage", m, p, func(ctx context.Context, content ...slack.MsgOption) (err error) {
		_, at.ts, err = s.api.PostMessageContext(ctx, at.channel, append(options, content...)...)
		return err
	})
	if err != nil {
		return "", err
	}
	return at.Ref(), nil
}

// Edit changes a message in place. What is gone, or may not be edited any more, is bot.ErrGone: it is posted anew.
func (s *Slack) Edit(ctx context.Context, r bot.Ref, m bot.Message) error {
	if _, err := s.whoami(ctx); err != nil {
		return err
	}
	at, p := parseRef(r), s.post(m)
	if at.file != "" || p.fileName != "" {
		return nil // the contents are part of the key: a file never changes
	}
	err := s.deliver(ctx, "chat.update", m, p, func(ctx context.Context, content ...slack.MsgOption) error {
		_, _, _, err := s.api.UpdateMessageContext(ctx, at.channel, at.ts, content...)
		return err
	})
	switch codeOf(err) {
	case "message_not_found", "cant_update_message", "edit_window_closed":
		return fmt.Errorf("%w: %w", bot.ErrGone, err)
	}
	return err
}

// post renders m by its purpose.
func (s *Slack) post(m bot.Message) post {
	switch {
	case m.Thread:
		return s.r.part(m)
	case m.Nudge:
		return s.r.nudge(m)
	}
	return s.r.card(m)
}

// deliver shows p. If Slack refuses its blocks, which a wrong limit in this program would cause, people get the plain
// text with the code that they can type.
func (s *Slack) deliver(ctx context.Context, method string, m bot.Message, p post, send func(context.Context, ...slack.MsgOption) error) error {
	mark := slack.MsgOptionMetadata(slack.SlackMetadata{EventType: cardEvent, EventPayload: map[string]any{"key": m.Key, "version": m.Version}})
	try := func(p post) error {
		return s.call(ctx, method, s.pace.call, func(ctx context.Context) error {
			return send(ctx, mark, slack.MsgOptionText(p.text, false), slack.MsgOptionBlocks(p.blocks...))
		})
	}
	err := try(p)
	switch codeOf(err) {
	case "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long":
		s.log.Error("Slack refuses the blocks of a message; its text is shown instead", "key", m.Key, "error", err)
		return try(bare(m))
	}
	return err
}

// bare is m without markup, as much of it as one block holds.
func bare(m bot.Message) post {
	const most = 2900
	text := []rune(bot.Plain(m, 80))
	if len(text) > most {
		half := most / 2
		text = append(append(text[:half:half], []rune("\n…\n")...), text[len(text)-half:]...)
	}
	return post{text: escape(cut(bot.Headline(bot.Cleaned(m)), maxNotification)), blocks: []slack.Block{
		slack.NewSectionBlock(plain(string(text)), nil, nil, slack.SectionBlockOptionBlockID(keyBlock(m.Key)))}}
}
