package slack

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/slack-go/slack"

	"recoverbot/bot"
)

// channelID tells an id from a name: names of channels have no capitals.
var channelID = regexp.MustCompile(`^[CGD][A-Z0-9]+$`)

// maxChannelPages bounds the search for a channel by its name: 20 000 channels.
const maxChannelPages = 20

// home is the id of the configured channel. A name is looked up once.
func (s *Slack) home(ctx context.Context) (string, error) {
	if channelID.MatchString(s.c.Channel) {
		return s.c.Channel, nil
	}
	s.mu.Lock()
	id := s.channel
	s.mu.Unlock()
	if id != "" {
		return id, nil
	}
	id, err := s.lookUp(ctx, strings.TrimPrefix(s.c.Channel, "#"), []string{"public_channel", "private_channel"})
	if codeOf(err) == "missing_scope" { // a bot that was not given groups:read still finds public channels
		id, err = s.lookUp(ctx, strings.TrimPrefix(s.c.Channel, "#"), []string{"public_channel"})
	}
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.channel = id
	return id, nil
}

func (s *Slack) lookUp(ctx context.Context, name string, types []string) (string, error) {
	cursor := ""
	for range maxChannelPages {
		var page []slack.Channel
		err := s.call(ctx, "conversations.list", s.pace.call, func(ctx context.Context) (err error) {
			page, cursor, err = s.api.GetConversationsContext(ctx, &slack.GetConversationsParameters{
				Cursor: cursor, ExcludeArchived: true, Limit: 1000, Types: types})
			return err
		})
		if err != nil {
			return "", fmt.Errorf("look for the channel %s: %w", s.c.Channel, err)
		}
		for _, c := range page {
			if c.Name == name || c.NameNormalized == name {
				return c.ID, nil
			}
		}
		if cursor == "" {
			break
		}
	}
	return "", &bot.Fault{Text: s.label("slack.channel_not_found", "channel", s.c.Channel), Err: errors.New("no channel of that name is visible")}
}
