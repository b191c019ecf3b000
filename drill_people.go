package main

import (
	"os"
	"regexp"
	"slices"
	"strings"

	"recoverbot/bot/slack"
	"recoverbot/drill"
	"recoverbot/runbook"
)

var drillPersonName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$`)

// drillPeople lets people take part in a drill from the chats that the settings name: each word is NAME=slack:ID.
// Without any, no chat hears of the drill.
func drillPeople(set settings, words []string, o *drill.Options) error {
	if len(words) == 0 {
		return nil
	}
	for _, word := range words {
		name, where, _ := strings.Cut(word, "=")
		platform, id, _ := strings.Cut(where, ":")
		twice := slices.ContainsFunc(o.People, func(p drill.Person) bool { return p.Name == name || p.Slack == id })
		if platform != "slack" || !drillPersonName.MatchString(name) || !slack.IsUserID(id) || twice {
			return runbook.Errorf(runbook.Invalid, "drill.bad_person", "text", word)
		}
		o.People = append(o.People, drill.Person{Name: name, Slack: id})
	}
	if !set.slackOn() {
		return runbook.Errorf(runbook.Invalid, "drill.no_slack")
	}
	o.Settings = map[string]string{}
	for _, k := range keys() {
		if v := set.environ[k]; strings.HasPrefix(k, "SLACK_") && v != "" {
			o.Settings[k] = v
		}
	}
	for _, k := range proxyKeys {
		for _, k := range []string{k, strings.ToLower(k)} {
			if v := os.Getenv(k); v != "" {
				o.Environ = append(o.Environ, k+"="+v)
			}
		}
	}
	return set.slackProblem()
}
