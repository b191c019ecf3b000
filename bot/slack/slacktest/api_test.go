package slacktest_test

import (
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"recoverbot/bot/slack/slacktest"
)

func TestMessages(t *testing.T) {
	t.Parallel()
	s, api := start(t, slacktest.Options{})
	ctx := t.Context()
	meta := slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "card", EventPayload: map[string]any{"key": "run-1"}})
	card := say(t, api, slack.MsgOptionText("a &lt; b for <@U0OPS1>", false), meta)
	reply := say(t, api, slack.MsgOptionText("below", false), slack.MsgOptionTS(card))
	say(t, api, slack.MsgOptionText("deeper", false), slack.MsgOptionTS(reply))
	if _, _, _, err := api.UpdateMessageContext(ctx, "C0OPS", card, slack.MsgOptionBlocks(slack.NewHeaderBlock(slack.NewTextBlockObject("plain_text", "A < B", false, false)))); err != nil {
		t.Fatal(err)
	}
	top, below := s.Messages("#ops"), s.Thread("ops", card)
	if len(top) != 1 || top[0].Edited != 1 || s.Plain(top[0]) != "A < B" || !strings.Contains(string(top[0].Metadata), "run-1") {
		t.Errorf("%+v", top)
	}
	if len(below) != 2 || below[1].ThreadTS != card {
		t.Errorf("%+v", below)
	}
	h, err := api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: "C0OPS", Oldest: card, Inclusive: true, Limit: 5, IncludeAllMetadata: true})
	if err != nil || len(h.Messages) != 1 || h.Messages[0].Metadata.EventPayload["key"] != "run-1" || h.Messages[0].ReplyCount != 2 || h.Messages[0].BotID == "" {
		t.Errorf("%+v %v", h, err)
	}
	if h, err = api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: "C0OPS", Oldest: card}); err != nil || len(h.Messages) != 0 {
		t.Errorf("%+v %v", h, err)
	}
	replies, _, _, err := api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{ChannelID: "C0OPS", Timestamp: card})
	if err != nil || len(replies) != 3 || replies[0].Timestamp != card || replies[2].Text != "deeper" {
		t.Errorf("%+v %v", replies, err)
	}
	link, err := api.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: "C0OPS", Ts: reply})
	if err != nil || !strings.Contains(link, "thread_ts="+card) {
		t.Errorf("%s %v", link, err)
	}
	if _, _, err := api.DeleteMessageContext(ctx, "C0OPS", card); err != nil || len(s.Messages("ops")) != 0 {
		t.Errorf("%v", err)
	}
	if gone, ok := s.Message("ops", card); !ok || !gone.Deleted {
		t.Error("a deleted message cannot be asked for")
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	_, api := start(t, slacktest.Options{})
	stamps := map[string]bool{}
	for range 7 {
		stamps[say(t, api, slack.MsgOptionText("a", false))] = true
	}
	seen, cursor, pages := map[string]bool{}, "", 0
	for {
		h, err := api.GetConversationHistoryContext(t.Context(), &slack.GetConversationHistoryParameters{ChannelID: "C0OPS", Limit: 3, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range h.Messages {
			seen[got.Timestamp] = true
		}
		pages++
		if cursor = h.ResponseMetaData.NextCursor; h.HasMore != (cursor != "") {
			t.Error("has_more does not fit the cursor")
		}
		if cursor == "" {
			break
		}
	}
	if pages != 3 || len(seen) != 7 || len(stamps) != 7 {
		t.Errorf("%d pages, %d messages, %d ts", pages, len(seen), len(stamps))
	}
	if _, err := api.GetConversationHistoryContext(t.Context(), &slack.GetConversationHistoryParameters{ChannelID: "C0OPS", Cursor: "odd"}); err == nil || err.Error() != "invalid_cursor" {
		t.Errorf("%v", err)
	}
}

func TestUploads(t *testing.T) {
	t.Parallel()
	s, api := start(t, slacktest.Options{})
	card := say(t, api, slack.MsgOptionText("a", false))
	f, err := api.UploadFileContext(t.Context(), slack.UploadFileParameters{Filename: "out.txt", Title: "Output", Content: "hello", FileSize: 5, Channel: "C0OPS", ThreadTimestamp: card})
	if err != nil {
		t.Fatal(err)
	}
	below := s.Thread("ops", card)
	if got := s.Files(); len(got) != 1 || string(got[0].Content) != "hello" || got[0].Thread != card || len(below) != 1 || s.Plain(below[0]) != "[Output]" {
		t.Errorf("%+v %+v", got, below)
	}
	info, _, _, err := api.GetFileInfoContext(t.Context(), f.ID, 0, 0)
	if err != nil || info.Shares.Public["C0OPS"][0].Ts != below[0].TS {
		t.Errorf("%+v %v", info, err)
	}
	var got strings.Builder
	if err := api.GetFileContext(t.Context(), info.URLPrivateDownload, &got); err != nil || got.String() != "hello" {
		t.Errorf("%q %v", got.String(), err)
	}
	if _, err := api.UploadFileContext(t.Context(), slack.UploadFileParameters{Filename: "out.txt", Content: "hello", FileSize: 6, Channel: "C0OPS"}); err == nil || len(s.Messages("ops")) != 1 {
		t.Errorf("a file of the wrong size was shared: %v", err)
	}
}

func TestPeopleAndChannels(t *testing.T) {
	t.Parallel()
	s, api := start(t, slacktest.Options{Users: []slacktest.User{{ID: "U1", Name: "li", Locale: "zh-CN"}}, Channels: []slacktest.Channel{{ID: "C1", Name: "a"}, {ID: "C2", Name: "b", Archived: true}, {ID: "G1", Name: "c", Private: true, Members: []string{"U1"}}}})
	ctx := t.Context()
	if u, err := api.GetUserInfoContext(ctx, "U1"); err != nil || u.Name != "li" || u.Locale != "zh-CN" {
		t.Errorf("%+v %v", u, err)
	}
	if _, err := api.GetUserInfoContext(ctx, "U9"); err == nil || err.Error() != "user_not_found" {
		t.Errorf("%v", err)
	}
	all, _, err := api.GetConversationsContext(ctx, &slack.GetConversationsParameters{Types: []string{"public_channel", "private_channel"}, ExcludeArchived: true})
	if err != nil || len(all) != 1 || all[0].Name != "a" {
		t.Errorf("%+v %v", all, err)
	}
	c, _, _, err := api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{"U1"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{c.ID, "U1"} {
		if _, _, err := api.PostMessageContext(ctx, to, slack.MsgOptionText("for you", false)); err != nil {
			t.Error(err)
		}
	}
	if got := s.Private("li"); len(got) != 2 || got[0].Channel != c.ID || got[1].Channel != c.ID {
		t.Errorf("%+v", got)
	}
	who, err := api.AuthTestContext(ctx)
	if err != nil || who.UserID != "U0BOT" || who.BotID == "" {
		t.Errorf("%+v %v", who, err)
	}
	in, _, err := api.GetUsersInConversationContext(ctx, &slack.GetUsersInConversationParameters{ChannelID: "C1"})
	if err != nil || len(in) != 2 {
		t.Errorf("%v %v", in, err)
	}
}
