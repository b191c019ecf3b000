package slacktest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"recoverbot/bot/slack/slacktest"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault  slacktest.Fault
		stored bool
		check  func(error) bool
	}{
		"429": {slacktest.Fault{Status: http.StatusTooManyRequests, RetryAfter: 7}, false, func(err error) bool {
			var limited *slack.RateLimitedError
			return errors.As(err, &limited) && limited.RetryAfter == 7*time.Second
		}},
		"429 without a time": {slacktest.Fault{Status: http.StatusTooManyRequests}, false, isStatus(429)},
		"500":                {slacktest.Fault{Status: http.StatusInternalServerError}, false, isStatus(500)},
		"code":               {slacktest.Fault{Code: "internal_error"}, false, func(err error) bool { return err != nil && err.Error() == "internal_error" }},
		"hang":               {slacktest.Fault{Hang: time.Minute}, false, func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
		"slow":               {slacktest.Fault{Hang: time.Millisecond}, true, func(err error) bool { return err == nil }},
		"lost":               {slacktest.Fault{StoredButLost: true}, true, func(err error) bool { return err != nil && strings.Contains(err.Error(), "EOF") }},
		"lost in a hang":     {slacktest.Fault{StoredButLost: true, Hang: time.Minute}, true, func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
		"lost behind a 502":  {slacktest.Fault{StoredButLost: true, Status: 502}, true, isStatus(502)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, api := start(t, slacktest.Options{})
			tc.fault.Method, tc.fault.Times = "chat.postMessage", 1
			s.Fail(tc.fault)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, _, err := api.PostMessageContext(ctx, "C0OPS", slack.MsgOptionText("a", false)); !tc.check(err) {
				t.Errorf("unexpected error %v", err)
			}
			if got := len(s.Messages("ops")); (got == 1) != tc.stored {
				t.Errorf("%d messages", got)
			}
			until(t, s, "the call on record", func() bool { return len(s.Calls("chat.postMessage")) == 1 }) // the server may learn of a client that left later than the client does
			say(t, api, slack.MsgOptionText("again", false))                                                // once only
			if got := s.Calls("chat.postMessage"); len(got) != 2 || got[1].Error != "" || got[1].Args["text"] != "again" || got[1].Args["token"] != "" {
				t.Errorf("%+v", got)
			}
		})
	}
}

func isStatus(code int) func(error) bool {
	return func(err error) bool {
		var status slack.StatusCodeError
		return errors.As(err, &status) && status.Code == code
	}
}

func TestHealEndsAHang(t *testing.T) {
	t.Parallel()
	s, api := start(t, slacktest.Options{})
	s.Fail(slacktest.Fault{Method: "*", Hang: time.Hour})
	done := make(chan error, 1)
	go func() {
		_, err := api.AuthTestContext(within(t, 10*time.Second))
		done <- err
	}()
	s.Fail(slacktest.Fault{Method: "chat.update", Code: "x"})
	s.Heal()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestOutage(t *testing.T) {
	t.Parallel()
	s, api := start(t, slacktest.Options{})
	s.Stop()
	s.Stop()
	if _, err := api.AuthTestContext(t.Context()); err == nil {
		t.Fatal("answered in an outage")
	}
	if err := errors.Join(s.Resume(), s.Resume()); err != nil {
		t.Fatal(err)
	}
	if _, err := api.AuthTestContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s.Close()
}

func TestTokens(t *testing.T) {
	t.Parallel()
	s, api := start(t, slacktest.Options{Scopes: []string{"chat:write"}})
	codes := func(want string, errs ...error) {
		t.Helper()
		for _, err := range errs {
			if err == nil || err.Error() != want {
				t.Errorf("want %s, got %v", want, err)
			}
		}
	}
	_, wrong := client(s, "xoxb-wrong").AuthTestContext(t.Context())
	codes("invalid_auth", wrong)
	_, none := client(s, "").AuthTestContext(t.Context())
	codes("not_authed", none)
	_, app := client(s, slacktest.DefaultAppToken).AuthTestContext(t.Context())
	codes("not_allowed_token_type", app)
	_, _, bot := slack.New("", slack.OptionAPIURL(s.URL()), slack.OptionAppLevelToken(slacktest.DefaultBotToken)).StartSocketModeContext(t.Context())
	codes("not_allowed_token_type", bot)
	_, scope := api.GetUserInfoContext(t.Context(), "U0OPS1")
	codes("missing_scope", scope)
	if got := callJSON(t, s, "users.info", m{"user": "U0OPS1"}); got["needed"] != "users:read" || got["provided"] != "chat:write" {
		t.Errorf("%v", got)
	}
	if got := callJSON(t, s, "foo.bar", m{}); got["error"] != "unknown_method" {
		t.Errorf("%v", got)
	}
	s.Revoke()
	_, revoked := api.AuthTestContext(t.Context())
	_, _, socket := api.StartSocketModeContext(t.Context())
	codes("token_revoked", revoked, socket)
	s.Heal()
	if _, err := api.AuthTestContext(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	now := time.Unix(1700000000, 0)
	s, api := start(t, slacktest.Options{RateLimits: true, Clock: func() time.Time { return now }})
	ts := say(t, api, slack.MsgOptionText("a", false))
	var limited *slack.RateLimitedError
	if _, _, err := api.PostMessageContext(t.Context(), "C0OPS", slack.MsgOptionText("b", false)); !errors.As(err, &limited) || limited.RetryAfter != time.Second {
		t.Fatalf("%v", err)
	}
	now = now.Add(time.Second)
	say(t, api, slack.MsgOptionText("b", false))
	var err error
	for range 51 {
		_, _, _, err = api.UpdateMessageContext(t.Context(), "C0OPS", ts, slack.MsgOptionText("c", false))
	}
	if !errors.As(err, &limited) || limited.RetryAfter != time.Minute {
		t.Fatalf("%v", err)
	}
	if got := s.Messages("ops"); len(got) != 2 || got[0].Edited != 50 {
		t.Errorf("%+v", got)
	}
}

func TestMembership(t *testing.T) {
	t.Parallel()
	s, api := start(t, slacktest.Options{Channels: []slacktest.Channel{{ID: "C0OPS", Name: "ops"}, {ID: "G0SECRET", Name: "secret", Private: true, Members: []string{"U0OPS1"}}}})
	ts := say(t, api, slack.MsgOptionText("a", false))
	post := func(channel string) error {
		_, _, err := api.PostMessageContext(t.Context(), channel, slack.MsgOptionText("b", false))
		return err
	}
	want := func(err error, code string) {
		t.Helper()
		if err == nil || err.Error() != code {
			t.Errorf("want %s, got %v", code, err)
		}
	}
	want(post("G0SECRET"), "channel_not_found")
	if err := errors.Join(s.Invite("secret", "recoverbot"), s.Kick("secret", "ops1")); err != nil {
		t.Fatal(err)
	}
	_, err := api.PostEphemeralContext(t.Context(), "G0SECRET", "U0OPS1", slack.MsgOptionText("b", false))
	want(err, "user_not_in_channel")
	if err := s.Kick("ops", "recoverbot"); err != nil {
		t.Fatal(err)
	}
	want(post("C0OPS"), "not_in_channel")
	_, err = api.GetConversationHistoryContext(t.Context(), &slack.GetConversationHistoryParameters{ChannelID: "C0OPS"})
	want(err, "not_in_channel")
	c, err := api.GetConversationInfoContext(t.Context(), &slack.GetConversationInfoInput{ChannelID: "C0OPS"})
	if err != nil || c.IsMember {
		t.Errorf("%+v %v", c, err)
	}
	if err := errors.Join(s.Invite("ops", "recoverbot"), s.Archive("ops")); err != nil {
		t.Fatal(err)
	}
	want(post("C0OPS"), "is_archived")
	_, _, _, err = api.UpdateMessageContext(t.Context(), "C0OPS", ts, slack.MsgOptionText("b", false))
	want(err, "is_archived")
	if err := errors.Join(s.Unarchive("ops"), s.Remove("ops", ts)); err != nil {
		t.Fatal(err)
	}
	_, _, _, err = api.UpdateMessageContext(t.Context(), "C0OPS", ts, slack.MsgOptionText("b", false))
	want(err, "message_not_found")
	said, err := s.Say("ops1", "ops", "", "hello")
	if err != nil {
		t.Fatal(err)
	}
	_, _, _, err = api.UpdateMessageContext(t.Context(), "C0OPS", said, slack.MsgOptionText("b", false))
	want(err, "cant_update_message")
	_, _, err = api.DeleteMessageContext(t.Context(), "C0OPS", said)
	want(err, "cant_delete_message")
	if got := s.Messages("ops"); len(got) != 1 || got[0].Text != "hello" {
		t.Errorf("%+v", got)
	}
}
