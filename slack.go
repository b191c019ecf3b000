package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"recoverbot/bot/slack"
	"recoverbot/locale"
	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
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
		return runbook.Errorf(runbook.Invalid, "slack.bad_api_url", "url", shown(s.SlackAPIURL))
	}
	return nil
}

// slackTokens says by its beginning what a token of Slack is.
var slackTokens = map[string]string{
	"xoxb-": "slack.kind_bot", "xapp-": "slack.kind_app", "xoxp-": "slack.kind_user", "xoxe": "slack.kind_rotating",
}

// slackConfig is what the settings alone say of Slack.
func (s settings) slackConfig(label func(lang, id string, pairs ...any) string) slack.Config {
	return slack.Config{
		BotToken: s.SlackBotToken.Reveal(), AppToken: s.SlackAppToken.Reveal(), SigningSecret: s.SlackSigningSecret.Reveal(),
		Channel: s.SlackChannel, APIURL: s.SlackAPIURL, Label: label, Language: s.Language,
	}
}

// newSlack makes the platform, where the settings want it.
func newSlack(a *app) (chat, error) {
	if err := a.set.slackProblem(); err != nil || !a.set.slackOn() {
		return chat{}, a.set.localised(a.bundle, err)
	}
	c := a.set.slackConfig(a.label)
	c.Render, c.Log = a.render, a.log.With("platform", "slack")
	c.UserID = func(name string) string {
		p, _ := a.fleet.Now().Person(name)
		return p.Slack
	}
	c.Known = func(id string) bool {
		return slices.ContainsFunc(a.fleet.Now().People, func(p fleet.Person) bool { return id != "" && p.Slack == id })
	}
	s, err := slack.New(c)
	if err != nil {
		return chat{}, err
	}
	x := chat{platform: s}
	if c.SigningSecret != "" {
		x.path, x.handler = "/slack/", s.Handler()
	}
	return x, nil
}

// slackWarnings are of people who cannot answer in Slack although they may answer.
func (s settings) slackWarnings(cfg *fleet.Config) []runbook.Msg {
	if !s.slackOn() {
		return nil
	}
	var out []runbook.Msg
	approver := false
	for i, p := range cfg.People {
		at := fmt.Sprintf("people[%d]", i)
		switch {
		case p.Slack == "" && len(p.Roles) > 0:
			out = append(out, cfg.At(at, runbook.T("slack.warn_no_id", "name", p.Name)))
		case p.Slack != "" && !slack.IsUserID(p.Slack):
			out = append(out, cfg.At(at+".slack", runbook.T("slack.warn_bad_id", "name", p.Name, "id", p.Slack)))
		case p.Slack != "":
			approver = approver || slices.Contains(p.Roles, "approver") || slices.Contains(p.Roles, "danger")
		}
	}
	if !approver {
		out = append(out, runbook.T("slack.warn_no_approver"))
	}
	return out
}

// checkSlack asks Slack whether the settings and the people are right, and says whether the bot can work there.
func (s settings) checkSlack(ctx context.Context, cfg *fleet.Config, b *locale.Bundle, out io.Writer) bool {
	say := b.Printer(s.Language, s.zone)
	if err := s.slackProblem(); err != nil {
		fmt.Fprintln(out, say.T("cli.problem", "text", s.localised(b, err).Error()))
		return false
	}
	if !s.slackOn() {
		return true
	}
	people := map[string]string{}
	for _, p := range cfg.People {
		if slack.IsUserID(p.Slack) {
			people[p.Name] = p.Slack
		}
	}
	in, found := slack.Check(ctx, s.slackConfig(func(_, id string, pairs ...any) string { return say.T(id, pairs...) }), people)
	if in != "" {
		fmt.Fprintln(out, in)
	}
	for _, p := range found {
		fmt.Fprintln(out, say.T(map[bool]string{true: "cli.problem", false: "cli.warning"}[p.Fatal], "text", p.Text))
	}
	return !slices.ContainsFunc(found, func(p slack.Problem) bool { return p.Fatal })
}
