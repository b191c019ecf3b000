package main

import (
	"net/url"
	"strings"

	"recoverbot/runbook"
)

// slackOn tells whether the settings want Slack.
func (s settings) slackOn() bool { return s.SlackBotToken.Reveal() != "" }

// slackProblem is what is wrong with the settings of Slack before anybody is asked; nil also where they are not used.
func (s settings) slackProblem() error {
	secrets := []struct{ key, value, kind string }{
		{"SLACK_BOT_TOKEN", s.SlackBotToken.Reveal(), "slack.kind_bot"},
		{"SLACK_APP_TOKEN", s.SlackAppToken.Reveal(), "slack.kind_app"},
		{"SLACK_SIGNING_SECRET", s.SlackSigningSecret.Reveal(), "slack.kind_secret"},
	}
	for _, x := range secrets {
		if x.value != "" && !s.slackOn() {
			return runbook.Errorf(runbook.Invalid, "slack.no_bot_token", "key", x.key)
		}
		for prefix, kind := range slackTokens {
			if strings.HasPrefix(x.value, prefix) && kind != x.kind {
				return runbook.Errorf(runbook.Invalid, "slack.wrong_token", "key", x.key, "prefix", prefix, "is", runbook.T(kind), "wanted", runbook.T(x.kind))
			}
		}
	}
	u, err := url.Parse(s.SlackAPIURL)
	switch {
	case !s.slackOn():
		return nil
	case s.SlackChannel == "":
		return runbook.Errorf(runbook.Invalid, "slack.no_channel")
	case s.SlackAppToken.Reveal() == "" && s.SlackSigningSecret.Reveal() == "":
		return runbook.Errorf(runbook.Invalid, "slack.no_way_in")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return runbook.Errorf(runbook.Invalid, "slack.bad_api_url", "url", s.SlackAPIURL)
	}
	return nil
}

// slackTokens says by its beginning what a token of Slack is.
var slackTokens = map[string]string{
	"xoxb-": "slack.kind_bot", "xapp-": "slack.kind_app", "xoxp-": "slack.kind_user", "xoxe": "slack.kind_rotating",
}
