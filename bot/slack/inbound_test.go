package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"recoverbot/bot/bottest"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	s := made(t, Config{}, brisk)
	s.self = self{team: "T1", user: "UBOT", bot: "BBOT"}
	tests := []struct {
		name, event string // of the inner event, beside user and ts
		text        string // "": nothing is heard
		casual      bool
		thread      string
	}{
		{name: "mention", event: `"type":"app_mention","channel":"C9","text":"<@UBOT> status"`, text: "status"},
		{name: "mention with a label, in the middle", event: `"type":"app_mention","channel":"C9","text":"hey <@UBOT|recoverbot> status"`, text: "hey   status"},
		{name: "mention alone", event: `"type":"app_mention","channel":"C9","text":"<@UBOT>"`, text: "/recover"},
		{name: "mention in a thread", event: `"type":"app_mention","channel":"C0OPS","thread_ts":"1.0","text":"<@UBOT> skip 3f2a"`, text: "skip 3f2a", thread: "1.0"},
		{name: "mention edited in", event: `"type":"app_mention","channel":"C9","text":"<@UBOT> status","edited":{"ts":"1"}`},
		{name: "direct message", event: `"type":"message","channel":"D1","channel_type":"im","text":"primary ip=<http://192.0.2.9|192.0.2.9>"`, text: "primary ip=192.0.2.9"},
		{name: "reply below a card", event: `"type":"message","channel":"C0OPS","thread_ts":"1.0","parent_user_id":"UBOT","text":"approve 3f2a"`, text: "approve 3f2a", casual: true, thread: "1.0"},
		{name: "reply where Slack names no parent", event: `"type":"message","channel":"C0OPS","thread_ts":"1.0","text":"ok"`, text: "ok", casual: true, thread: "1.0"},
		{name: "reply that the channel sees", event: `"type":"message","subtype":"thread_broadcast","channel":"C0OPS","thread_ts":"1.0","parent_user_id":"UBOT","text":"ok"`, text: "ok", casual: true, thread: "1.0"},
		{name: "reply that mentions comes as a mention", event: `"type":"message","channel":"C0OPS","thread_ts":"1.0","parent_user_id":"UBOT","text":"<@UBOT> approve"`},
		{name: "reply to somebody else", event: `"type":"message","channel":"C0OPS","thread_ts":"1.0","parent_user_id":"U2","text":"approve 3f2a"`},
		{name: "reply in another channel", event: `"type":"message","channel":"C9","thread_ts":"1.0","parent_user_id":"UBOT","text":"approve 3f2a"`},
		{name: "channel talk", event: `"type":"message","channel":"C0OPS","text":"approve 3f2a"`},
		{name: "the root of a thread", event: `"type":"message","channel":"C0OPS","thread_ts":"1.2","text":"approve 3f2a"`},
		{name: "a bot", event: `"type":"message","channel":"D1","channel_type":"im","bot_id":"B2","text":"status"`},
		{name: "itself", event: `"type":"message","channel":"D1","channel_type":"im","user":"UBOT","text":"status"`},
		{name: "a subtype", event: `"type":"message","channel":"D1","channel_type":"im","subtype":"message_changed","text":"status"`},
		{name: "an empty reply", event: `"type":"message","channel":"C0OPS","thread_ts":"1.0","parent_user_id":"UBOT","text":" "`},
		{name: "something else", event: `"type":"reaction_added"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var b eventBody
			body := `{"type":"event_callback","team_id":"T1","event_id":"Ev1","event":{"user":"U1","ts":"1.2",` + tt.event + `}}`
			if err := json.Unmarshal([]byte(body), &b); err != nil {
				t.Fatal(err)
			}
			h, ok := s.fromEvent(t.Context(), b, "e1")
			if ok != (tt.text != "") || h.in.Text != tt.text || h.in.Casual != tt.casual || h.at.Thread != tt.thread {
				t.Fatalf("heard %v: %+v at %+v", ok, h.in, h.at)
			}
			if ok && (h.in.UserID != "U1" || h.in.ID != "event-Ev1" || h.in.Platform != "slack" || !strings.Contains(h.in.Origin, b.Event.Channel)) {
				t.Errorf("heard %+v", h.in)
			}
			b.TeamID = "T2"
			if h, ok := s.fromEvent(t.Context(), b, "e1"); ok {
				t.Errorf("heard another workspace: %+v", h)
			}
		})
	}
}

func TestEventID(t *testing.T) {
	t.Parallel()
	same := [][2]string{
		{eventID("press", "e1", "t1", "3.4"), eventID("press", "e2", "t1", "3.4")}, // a redelivery has another envelope
		{eventID("press", "e1", "", ""), eventID("press", "e1", "", "")},
	}
	different := [][2]string{
		{eventID("press", "e1", "t1", "3.4"), eventID("press", "e1", "t1", "3.5")},
		{eventID("press", "e1", "", ""), eventID("press", "e2", "", "")},
		{eventID("press", "e", "ab", "c"), eventID("press", "e", "a", "bc")},
		{eventID("form", "e", "a"), eventID("press", "e", "a")},
		{eventID("command", "", ""), eventID("command", "", "")}, // neither is a redelivery of the other
	}
	for _, p := range same {
		if p[0] != p[1] {
			t.Errorf("%q is not %q", p[0], p[1])
		}
	}
	for _, p := range different {
		if p[0] == p[1] {
			t.Errorf("both are %q", p[0])
		}
	}
	lackAll(t, "an id", eventID("press", "e", "canary"), "canary")
}

func TestWhence(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cb   slack.InteractionCallback
		want origin
	}{
		"a card":               {slack.InteractionCallback{Container: slack.Container{ChannelID: "C1", MessageTs: "1.2"}}, origin{Channel: "C1"}},
		"a card with replies":  {slack.InteractionCallback{Container: slack.Container{ChannelID: "C1", MessageTs: "1.2", ThreadTs: "1.2"}}, origin{Channel: "C1"}},
		"a reply":              {slack.InteractionCallback{Container: slack.Container{ChannelID: "C1", MessageTs: "1.2", ThreadTs: "1.0"}}, origin{Channel: "C1", Thread: "1.0"}},
		"an older description": {slack.InteractionCallback{Channel: slack.Channel{GroupConversation: slack.GroupConversation{Conversation: slack.Conversation{ID: "C2"}}}}, origin{Channel: "C2"}},
		"shown to one alone":   {slack.InteractionCallback{Container: slack.Container{ChannelID: "C1", MessageTs: "1.2", IsEphemeral: true}}, origin{Channel: "C1", Still: true}},
		"a conversation":       {slack.InteractionCallback{Container: slack.Container{ChannelID: "D1", MessageTs: "1.2"}}, origin{Channel: "D1", Still: true}},
	} {
		if got := whence(tt.cb); got != tt.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestSessionEnds floods a session: what is too much is refused, and the end waits for the rest.
func TestSessionEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	log := &logbook{}
	session, end := newSession(ctx, &bottest.Inbox{}, log.Logger())
	began := make(chan struct{}, maxWork)
	for i := range maxWork {
		if !session.start(nil, func(ctx context.Context) {
			began <- struct{}{}
			<-ctx.Done()
			panic(fmt.Sprint("number ", i))
		}) {
			t.Fatalf("number %d was refused", i)
		}
	}
	for range maxWork {
		<-began
	}
	if session.start(nil, func(context.Context) { t.Error("ran") }) {
		t.Error("one too many was taken")
	}
	if !session.start(slack.InteractionCallback{}, func(context.Context) {}) {
		t.Error("no room is left for a press")
	}
	cancel()
	done := make(chan struct{})
	go func() { defer close(done); end() }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("the end did not come")
	}
	if session.start(nil, func(context.Context) { t.Error("ran") }) {
		t.Error("something began after the end")
	}
	if got := strings.Count(log.String(), "panicked"); got != maxWork {
		t.Errorf("%d panics were logged", got)
	}
}
