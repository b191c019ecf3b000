package slack

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"recoverbot/bot"
)

// A lost post is looked for from findBefore earlier on (its first version may be older than the one that is wanted now),
// in at most findPages pages of findLimit messages.
const (
	findBefore = 24 * time.Hour
	findPages  = 5
	findLimit  = 200
)

// Find looks for the bot's own message of key in the channel, and for a part of a card in that card's thread.
func (s *Slack) Find(ctx context.Context, key string, since time.Time) (bot.Ref, bool, error) {
	who, err := s.whoami(ctx)
	if err != nil {
		return "", false, err
	}
	channel, err := s.home(ctx)
	if err != nil {
		return "", false, err
	}
	oldest := strconv.FormatInt(since.Add(-findBefore).Unix(), 10)
	history := func(ctx context.Context, cursor string) ([]slack.Message, string, error) {
		got, err := s.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
			ChannelID: channel, Cursor: cursor, Limit: findLimit, Oldest: oldest, IncludeAllMetadata: true})
		if err != nil {
			return nil, "", err
		}
		return got.Messages, got.ResponseMetaData.NextCursor, nil
	}
	card := key
	if i := strings.LastIndex(key, "#"); i >= 0 {
		card = key[:i]
	}
	root, ok, err := s.search(ctx, "conversations.history", history, func(m slack.Message) bool {
		return who.posted(m) && (shows(m, key) || shows(m, card))
	})
	if err != nil || !ok {
		return "", false, err
	}
	if shows(root, key) {
		return ref{channel: channel, ts: root.Timestamp}.Ref(), true, nil
	}
	replies := func(ctx context.Context, cursor string) ([]slack.Message, string, error) {
		got, _, next, err := s.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
			ChannelID: channel, Timestamp: root.Timestamp, Cursor: cursor, Limit: findLimit, IncludeAllMetadata: true})
		return got, next, err
	}
	reply, ok, err := s.search(ctx, "conversations.replies", replies, func(m slack.Message) bool {
		return who.posted(m) && (shows(m, key) || fileOf(m, key) != "")
	})
	if err != nil || !ok {
		return "", false, err
	}
	if file := fileOf(reply, key); file != "" {
		return ref{channel: channel, ts: root.Timestamp, file: file}.Ref(), true, nil
	}
	return ref{channel: channel, ts: reply.Timestamp}.Ref(), true, nil
}

// search reads page after page until is holds for a message.
func (s *Slack) search(ctx context.Context, method string, read func(context.Context, string) ([]slack.Message, string, error),
	is func(slack.Message) bool,
) (slack.Message, bool, error) {
	cursor := ""
	for range findPages {
		var page []slack.Message
		err := s.call(ctx, method, s.pace.call, func(ctx context.Context) (err error) {
			page, cursor, err = read(ctx, cursor)
			return err
		})
		if err != nil {
			return slack.Message{}, false, fmt.Errorf("look for a lost post: %w", err)
		}
		if i := slices.IndexFunc(page, is); i >= 0 {
			return page[i], true, nil
		}
		if cursor == "" {
			break
		}
	}
	return slack.Message{}, false, nil
}

// posted tells whether the bot wrote m.
func (s self) posted(m slack.Message) bool {
	return (s.user != "" && m.User == s.user) || (s.bot != "" && m.BotID == s.bot)
}

// shows tells whether m is the message of key: by its metadata, or by its first block where metadata is not kept.
func shows(m slack.Message, key string) bool {
	return slices.Contains(keysOf(m), key) || firstBlock(m) == keyBlock(key)
}

// keysOf are the keys that m may have, the surest first.
func keysOf(m slack.Message) []string {
	var keys []string
	if key, ok := m.Metadata.EventPayload["key"].(string); ok && m.Metadata.EventType == cardEvent {
		keys = append(keys, key)
	}
	if id := firstBlock(m); id != "" {
		keys = append(keys, id)
	}
	return keys
}

func firstBlock(m slack.Message) string {
	if len(m.Blocks.BlockSet) == 0 {
		return ""
	}
	return m.Blocks.BlockSet[0].ID()
}

// fileOf is the id of the file of m that holds the part of key: it is called as the key ends, with the hash of its contents.
func fileOf(m slack.Message, key string) string {
	name := key[strings.LastIndex(key, "#")+1:] + "."
	for _, f := range m.Files {
		if strings.HasPrefix(f.Name, name) {
			return f.ID
		}
	}
	return ""
}
