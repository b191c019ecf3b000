package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"recoverbot/bot"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	s := made(t, Config{SigningSecret: "canary-secret", AppToken: "xapp-canary-app"}, brisk)
	said := func(code string) error { return slack.SlackErrorResponse{Err: code} }
	tests := []struct {
		name, method string
		err          error
		later        time.Duration
		fault        string // part of its text
		text         string // part of any other
	}{
		{name: "429", err: &slack.RateLimitedError{RetryAfter: 7 * time.Second}, later: 7 * time.Second},
		{name: "429 with Retry-After 0", err: &slack.RateLimitedError{}, later: time.Second},
		{name: "429 without Retry-After", err: slack.StatusCodeError{Code: http.StatusTooManyRequests, Status: "429"}, later: brisk.rate},
		{name: "ratelimited in the body", err: said("ratelimited"), later: brisk.rate},
		{name: "bot token", err: said("token_revoked"), fault: "SLACK_BOT_TOKEN"},
		{name: "app token", method: openMethod, err: said("invalid_auth"), fault: "SLACK_APP_TOKEN"},
		{name: "scope", err: slack.SlackErrorResponse{Err: "missing_scope", Needed: "files:write"}, fault: "files:write"},
		{name: "scope without a name", err: slack.SlackErrorResponse{Err: "missing_scope"}, fault: "lacks a permission. api.slack"},
		{name: "scope of the app token", method: openMethod, err: slack.SlackErrorResponse{Err: "missing_scope", Needed: "connections:write"}, fault: "SLACK_APP_TOKEN"},
		{name: "not invited", err: said("not_in_channel"), fault: "/invite"},
		{name: "unknown channel", err: said("channel_not_found"), fault: "C0OPS"},
		{name: "archived", err: said("is_archived"), fault: "archived"},
		{name: "restricted", err: said("restricted_action"), fault: "may not post"},
		{name: "a token that Slack refuses in another way", method: authMethod, err: said("access_denied"), fault: "access_denied"},
		{name: "the same of the app", method: openMethod, err: said("team_access_not_granted"), fault: "SLACK_APP_TOKEN"},
		{name: "a bad moment of it", method: authMethod, err: said("service_unavailable"), text: "service_unavailable"},
		{name: "an unknown code elsewhere", err: said("access_denied"), text: "access_denied"},
		{name: "a bad moment", err: said("internal_error"), text: "chat.postMessage: internal_error"},
		{name: "5xx", err: slack.StatusCodeError{Code: 503, Status: "503"}, text: "503"},
		{name: "timeout", err: &url.Error{Op: "Post", URL: "https://slack.com/api/x", Err: context.DeadlineExceeded}, text: "chat.postMessage: no answer in time"},
		{name: "answer address", err: &url.Error{Op: "Post", URL: "https://hooks.slack.com/commands/T1/canary-hook", Err: errors.New("refused")},
			text: "https://hooks.slack.com/…"},
		{name: "ticket", err: errors.New("dial wss://wss-primary.slack.com/link/?ticket=canary-ticket: no"), text: "wss://wss-primary.slack.com/…"},
		{name: "token", err: fmt.Errorf("bad xoxb-canary-bot, xapp-canary-app and canary-secret"), text: "bad"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			method := tt.method
			if method == "" {
				method = "chat.postMessage"
			}
			err := s.explain(method, tt.err)
			var later *bot.Later
			var fault *bot.Fault
			switch {
			case tt.later != 0:
				if !errors.As(err, &later) || later.After != tt.later {
					t.Errorf("not Later by %s: %v", tt.later, err)
				}
			case tt.fault != "":
				if !errors.As(err, &fault) || !strings.Contains(fault.Text, tt.fault) {
					t.Errorf("no Fault that says %q: %v", tt.fault, err)
				}
			case errors.As(err, &later) || errors.As(err, &fault) || !strings.Contains(err.Error(), tt.text):
				t.Errorf("got %v, not %q", err, tt.text)
			}
			lackAll(t, "the error", err.Error(), "canary")
		})
	}
	if s.explain("x", nil) != nil {
		t.Error("no error is explained as one")
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	whole := Config{BotToken: "a", AppToken: "b", Channel: "c", Label: label}
	for name, change := range map[string]func(*Config){
		"SLACK_BOT_TOKEN": func(c *Config) { c.BotToken = "" },
		"SLACK_CHANNEL":   func(c *Config) { c.Channel = "" },
		"SLACK_APP_TOKEN": func(c *Config) { c.AppToken = "" },
		"SLACK_API_URL":   func(c *Config) { c.APIURL = "ftp://example.com" },
		"Label":           func(c *Config) { c.Label = nil },
	} {
		c := whole
		change(&c)
		if s, err := New(c); s != nil || err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without a good %s: %v", name, err)
		}
	}
	if _, err := New(whole); err != nil {
		t.Error(err)
	}
}
