package slack

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

// Ids of people are unique within a workspace alone: the same id of another one, in a shared channel, is somebody else,
// who is told so.
func TestPeopleOfAnotherWorkspace(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: func(in bot.Inbound) bot.Reply { return bot.Reply{Text: "heard " + in.UserID} }}
	h, calls := listening(t, in)
	said := func(id, teams string) string {
		return fmt.Sprintf(`{"type":"event_callback","team_id":"T1","event_id":%q,"event":{"type":"app_mention","user":"U1",%s,"text":"status","channel":"C0OPS","ts":"1.2"}}`, id, teams)
	}
	pressed := func(trigger, team string) string {
		return url.Values{"payload": {fmt.Sprintf(`{"type":"block_actions","team":{"id":"T1"},"user":{"id":"U1","team_id":%q},"trigger_id":%q,"channel":{"id":"C0OPS"},`+
			`"container":{"message_ts":"1.2","channel_id":"C0OPS"},"message":{"ts":"1.2"},"actions":[{"type":"button","action_id":"b0:approve","block_id":"x","value":"opaque","action_ts":"3.4"}]}`, team, trigger)}}.Encode()
	}
	want := []string{"U1", "U1@T2", "U1@T2", "U1", "U1@T2"}
	for i, r := range []struct{ kind, body string }{
		{typeJSON, said("Ev1", `"team":"T1"`)},
		{typeJSON, said("Ev2", `"team":"T2"`)},
		{typeJSON, said("Ev3", `"team":"T1","user_team":"T2"`)},
		{typeForm, pressed("t4", "T1")},
		{typeForm, pressed("t5", "T2")},
	} {
		answered200(t, h, signed(r.kind, r.body, secret, time.Now()))
		eventually(t, "an answer to "+r.body, func() bool { return len(calls("chat.postEphemeral")) == i+1 })
		if got := in.Said()[i].UserID; got != want[i] {
			t.Errorf("%s is said by %q, not by %q", r.body, got, want[i])
		}
		if c := calls("chat.postEphemeral")[i]; c.Get("user") != "U1" || c.Get("text") != "heard "+want[i] {
			t.Errorf("answered %v", c)
		}
	}
}

// Within an organisation of several workspaces, an id is one person's.
func TestPeopleOfAnOrganisation(t *testing.T) {
	t.Parallel()
	s := made(t, Config{}, brisk)
	for _, tt := range []struct {
		me             self
		team, id, want string
	}{
		{self{}, "T2", "U1", "U1"},
		{self{team: "T1"}, "", "U1", "U1"},
		{self{team: "T1"}, "T2", "", ""},
		{self{team: "T1", organisation: true}, "T2", "W1", "W1"},
		{self{team: "T1"}, "T2", "W1", "W1@T2"},
	} {
		s.self = tt.me
		if got := s.person(tt.team, tt.id); got != tt.want || addressee(got) != tt.id {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}
