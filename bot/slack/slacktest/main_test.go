package slacktest_test

import (
	"context"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/goleak"

	"recoverbot/bot/slack/slacktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, o slacktest.Options) (*slacktest.Server, *slack.Client) {
	t.Helper()
	s, err := slacktest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, client(s, slacktest.DefaultBotToken)
}

func client(s *slacktest.Server, token string) *slack.Client {
	return slack.New(token, slack.OptionAPIURL(s.URL()), slack.OptionAppLevelToken(slacktest.DefaultAppToken))
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func until(t *testing.T, s *slacktest.Server, what string, ok func() bool) {
	t.Helper()
	if err := s.Until(within(t, 10*time.Second), ok); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
