package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"recoverbot/drill"
	"recoverbot/runbook"
)

func slackSettings(change func(*settings)) settings {
	s := settings{SlackBotToken: "xoxb-1", SlackAppToken: "xapp-1", SlackChannel: "C1", SlackAPIURL: "https://slack.com/api/",
		environ: map[string]string{"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_CHANNEL": "C1", "MYSQL_PASSWORD": "p"}}
	if change != nil {
		change(&s)
	}
	return s
}

func TestSlackSettings(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*settings){
		"":                     nil,
		" ":                    func(s *settings) { *s = settings{} },
		"  ":                   func(s *settings) { s.SlackAppToken, s.SlackSigningSecret = "", "5e1f" },
		"slack.no_channel":     func(s *settings) { s.SlackChannel = "" },
		"slack.no_way_in":      func(s *settings) { s.SlackAppToken = "" },
		"slack.bad_api_url":    func(s *settings) { s.SlackAPIURL = "slack.com/api" },
		"SLACK_APP_TOKEN, but": func(s *settings) { s.SlackBotToken = "" },
		"SLACK_SIGNING_SECRET, but": func(s *settings) {
			s.SlackBotToken, s.SlackAppToken, s.SlackSigningSecret = "", "", "5e1f"
		},
		"SLACK_BOT_TOKEN: xapp-":      func(s *settings) { s.SlackBotToken = "xapp-9" },
		"SLACK_BOT_TOKEN: xoxp-":      func(s *settings) { s.SlackBotToken = "xoxp-9" },
		"SLACK_BOT_TOKEN: xoxe":       func(s *settings) { s.SlackBotToken = "xoxe.xoxb-9" },
		"SLACK_APP_TOKEN: xoxb-":      func(s *settings) { s.SlackAppToken = "xoxb-9" },
		"SLACK_APP_TOKEN: xoxp-":      func(s *settings) { s.SlackAppToken = "xoxp-9" },
		"SLACK_SIGNING_SECRET: xapp-": func(s *settings) { s.SlackSigningSecret = "xapp-9" },
	} {
		err := slackSettings(change).slackProblem()
		if key, prefix, ok := strings.Cut(want, ": "); ok {
			if m := messageOf(err); m.ID != "slack.wrong_token" || m.Args["key"] != key || m.Args["prefix"] != prefix {
				t.Errorf("%s: %v", want, m)
			}
		} else if key, ok := strings.CutSuffix(want, ", but"); ok {
			if m := messageOf(err); m.ID != "slack.no_bot_token" || m.Args["key"] != key {
				t.Errorf("%s: %v", want, m)
			}
		} else if got := messageOf(err).ID; got != strings.TrimSpace(want) {
			t.Errorf("want %q, got %q", want, got)
		}
	}
}

func TestPeopleTakePartInADrillFromSlack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		words  []string
		change func(*settings)
		want   string
	}{
		{words: nil},
		{words: []string{"operator=slack:U01", "carol=slack:W02"}},
		{words: []string{"operator=U01"}, want: "drill.bad_person"},
		{words: []string{"operator=slack:U01", "operator=telegram:42"}, want: "drill.no_telegram"},
		{words: []string{"operator=slack:ops1"}, want: "drill.bad_person"},
		{words: []string{"=slack:U01"}, want: "drill.bad_person"},
		{words: []string{"a\": b=slack:U01"}, want: "drill.bad_person"},
		{words: []string{"operator=slack:U01", "carol=slack:U01"}, want: "drill.bad_person"},
		{words: []string{"operator=slack:U01", "operator=slack:U02"}, want: "drill.bad_person"},
		{words: []string{"operator=slack:U01"}, change: func(s *settings) { *s = settings{} }, want: "drill.no_slack"},
		{words: []string{"operator=slack:U01"}, change: func(s *settings) { s.SlackChannel = "" }, want: "slack.no_channel"},
	} {
		var o drill.Options
		err := drillPeople(slackSettings(c.change), c.words, &o)
		if got := messageOf(err).ID; got != c.want {
			t.Errorf("%q: %q, want %q", c.words, got, c.want)
		}
		if c.want == "" && len(c.words) > 0 {
			want := map[string]string{"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_CHANNEL": "C1"}
			if diff := cmp.Diff(want, o.Settings); diff != "" || len(o.People) != 2 || o.People[1] != (drill.Person{Name: "carol", Slack: "W02"}) {
				t.Errorf("%+v %s", o.People, diff)
			}
		}
		if len(c.words) == 0 && (o.Settings != nil || o.Environ != nil) {
			t.Errorf("a drill without people of Slack gets %v", o.Settings)
		}
	}
}

// messageOf is what err says to people; empty for no error.
func messageOf(err error) runbook.Msg {
	var e *runbook.Error
	if errors.As(err, &e) {
		return e.Msg
	}
	return runbook.Msg{}
}
