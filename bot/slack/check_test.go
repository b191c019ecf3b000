package slack

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"recoverbot/bot/slack/slacktest"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	without := func(scopes ...string) []string {
		return slices.DeleteFunc(slices.Clone(Scopes), func(s string) bool { return slices.Contains(scopes, s) })
	}
	const busy = "HOST answered, but not what was asked"
	everybody := map[string]string{"ops1": "U0OPS1", "ops2": "U0OPS2"}
	for _, c := range []struct {
		name   string
		fake   slacktest.Options // Scopes default to what the manifest asks for
		before func(*slacktest.Server)
		config func(*Config)
		people map[string]string
		in     string   // what is said of where the bot is
		want   []string // of each problem, in order; a fatal one begins with "!"
	}{
		{name: "all is well", people: everybody, in: "posts to #ops. It hears people by Socket Mode.", want: nil},
		{name: "channel by name", config: func(c *Config) { c.Channel = "#ops" }, in: "posts to #ops"},
		{name: "private channel", fake: slacktest.Options{Channels: []slacktest.Channel{{ID: "C0OPS", Name: "ops", Private: true}}}, in: "posts to #ops"},
		{name: "HTTP mode", config: func(c *Config) { c.AppToken, c.SigningSecret = "", "5ecre7canary" }, in: "posts to #ops. It hears people by signed requests to /slack/ (HTTP mode)."},
		{name: "both ways", config: func(c *Config) { c.SigningSecret = "5ecre7canary" }, in: "by Socket Mode, and by signed requests"},
		{name: "wrong bot token", config: func(c *Config) { c.BotToken = "xoxb-canary" }, want: []string{"!SLACK_BOT_TOKEN: Slack refuses it (invalid_auth). api.slack.com/apps"}},
		{name: "revoked", before: (*slacktest.Server).Revoke, want: []string{"!SLACK_BOT_TOKEN: Slack refuses it ("}},
		{name: "workspace that wants a log-in", before: fail("auth.test", "org_login_required"), want: []string{"!Slack refuses: SLACK_BOT_TOKEN, auth.test: org_login_required"}},
		{name: "wrong app token", config: func(c *Config) { c.AppToken = "xapp-canary" }, in: "#ops", want: []string{"!SLACK_APP_TOKEN: Slack refuses it (invalid_auth)"}},
		{name: "app token without its scope", before: fail("apps.connections.open", "missing_scope"), in: "#ops", want: []string{"!SLACK_APP_TOKEN: Slack refuses it (missing_scope). "}},
		{name: "app token of another app", fake: slacktest.Options{AppToken: "xapp-1-A0OTHER-2-canary"}, config: func(c *Config) { c.AppToken = "xapp-1-A0OTHER-2-canary" }, in: "#ops",
			want: []string{"!SLACK_APP_TOKEN is of the app A0OTHER, SLACK_BOT_TOKEN of the app A0RECOVER"}},
		{name: "missing scopes", fake: slacktest.Options{Scopes: without("files:write", "im:history")}, in: "#ops", want: []string{"!The app in Slack lacks a permission: files:write, im:history. "}},
		{name: "missing scope that check itself needs", fake: slacktest.Options{Scopes: without("channels:read", "users:read")}, people: everybody, in: "@recoverbot",
			want: []string{"!The app in Slack lacks a permission: channels:read, users:read. "}},
		{name: "no such channel", config: func(c *Config) { c.Channel = "C0NOWHERE" }, in: "@recoverbot", want: []string{"!SLACK_CHANNEL C0NOWHERE: the bot sees no such channel"}},
		{name: "no channel of that name", config: func(c *Config) { c.Channel = "nowhere" }, in: "@recoverbot", want: []string{"!SLACK_CHANNEL nowhere: the bot sees no such channel"}},
		{name: "not invited", fake: slacktest.Options{BotName: "helper", Channels: []slacktest.Channel{{ID: "C0OPS", Name: "ops", Members: []string{"U0OPS1"}}}}, in: "@helper",
			want: []string{"!The bot is not in its channel #ops. Write there: /invite @helper"}},
		{name: "private and not invited", fake: slacktest.Options{Channels: []slacktest.Channel{{ID: "C0OPS", Name: "ops", Private: true, Members: []string{"U0OPS1"}}}}, in: "@recoverbot",
			want: []string{"!SLACK_CHANNEL C0OPS: the bot sees no such channel. To a private one it must be invited"}},
		{name: "archived", fake: slacktest.Options{Channels: []slacktest.Channel{{ID: "C0OPS", Name: "ops", Archived: true}}}, in: "@recoverbot", want: []string{"!The bot's channel #ops is archived"}},
		{name: "people", fake: slacktest.Options{
			Users:    []slacktest.User{{ID: "U0OPS1", Name: "ops1"}, {ID: "U0GONE", Name: "gone", Deleted: true}, {ID: "U0AWAY", Name: "away"}},
			Channels: []slacktest.Channel{{ID: "C0OPS", Name: "ops", Members: []string{"U0BOT", "U0OPS1"}}}},
			people: map[string]string{"a": "U0OPS1", "b": "U0NOBODY", "c": "U0GONE", "d": "U0BOT", "e": "U0AWAY"}, in: "#ops",
			want: []string{"b in fleet.yaml: Slack knows nobody with the id U0NOBODY", "c in fleet.yaml: the account U0GONE is deactivated", "d in fleet.yaml: U0BOT is a bot", "e: not in #ops"}},
		{name: "away", before: (*slacktest.Server).Stop, want: []string{"HOST does not answer"}},
		{name: "ill", before: func(s *slacktest.Server) { s.Fail(slacktest.Fault{Method: "*", Status: http.StatusBadGateway}) }, want: []string{busy}},
		{name: "in a bad moment", before: fail("auth.test", "internal_error"), want: []string{busy}},
		{name: "busy", before: func(s *slacktest.Server) {
			s.Fail(slacktest.Fault{Method: "users.info", Status: http.StatusTooManyRequests, RetryAfter: 30})
		}, people: everybody, in: "#ops", want: []string{busy}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.fake.Scopes == nil {
				c.fake.Scopes = Scopes
			}
			fake, err := slacktest.Start(c.fake)
			if err != nil {
				t.Fatal(err)
			}
			defer fake.Close()
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			config := Config{BotToken: slacktest.DefaultBotToken, AppToken: slacktest.DefaultAppToken, Channel: "C0OPS", APIURL: fake.URL(), Label: label, Language: "en", Client: client}
			if c.config != nil {
				c.config(&config)
			}
			if c.before != nil {
				c.before(fake)
			}
			in, found := Check(t.Context(), config, c.people)
			if !strings.Contains(in, c.in) || (in == "") != (c.in == "") {
				t.Errorf("the bot is %q, want %q", in, c.in)
			}
			var said []string
			for _, p := range found {
				said = append(said, map[bool]string{true: "!"}[p.Fatal]+p.Text)
				if strings.Contains(p.Text, "canary") || strings.Contains(p.Text, slacktest.DefaultBotToken) {
					t.Errorf("a secret is shown: %s", p.Text)
				}
			}
			for i := range said {
				said[i] = strings.ReplaceAll(said[i], strings.TrimSuffix(strings.TrimPrefix(fake.URL(), "http://"), "/api/"), "HOST")
			}
			if len(said) != len(c.want) {
				t.Fatalf("found %q, want %q", said, c.want)
			}
			for i, want := range c.want {
				if !strings.HasPrefix(said[i], want) {
					t.Errorf("found %q, want %q", said[i], want)
				}
			}
			if posts := len(fake.Messages("C0OPS")); posts != 0 {
				t.Errorf("a check posted %d messages", posts)
			}
		})
	}
}

func fail(method, code string) func(*slacktest.Server) {
	return func(s *slacktest.Server) { s.Fail(slacktest.Fault{Method: method, Code: code}) }
}

// TestSigningSecret holds that a secret is doubted where Slack itself made it.
func TestSigningSecret(t *testing.T) {
	t.Parallel()
	answers := roundTrip(func(r *http.Request) (*http.Response, error) {
		rec := httptest.NewRecorder()
		_, _ = rec.WriteString(`{"ok":true,"user":"recoverbot","team":"T","user_id":"UBOT","team_id":"T1","channel":{"id":"C0OPS","name":"ops","is_member":true}}`)
		return rec.Result(), nil
	})
	for secret, warned := range map[string]bool{"abc": true, "0123456789abcdef0123456789abcdef": false, "0123456789ABCDEF0123456789abcdef": true} {
		_, found := Check(t.Context(), Config{BotToken: "xoxb-1", SigningSecret: secret, Channel: "C0OPS", Label: label, Client: &http.Client{Transport: answers}}, nil)
		if warned != (len(found) == 1) || warned && (found[0].Fatal || strings.Contains(found[0].Text, secret)) {
			t.Errorf("%s: %v", secret, found)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
