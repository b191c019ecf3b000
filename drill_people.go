package main

import (
	"cmp"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"recoverbot/bot/slack"
	"recoverbot/drill"
	"recoverbot/runbook"
)

var drillPersonName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$`)

// drillPeople lets people take part in a drill from the chats that the settings name: each word is NAME=slack:ID or
// NAME=telegram:ID. A chat of which nobody is named does not hear of the drill.
func drillPeople(set settings, words []string, o *drill.Options) error {
	if len(words) == 0 {
		return nil
	}
	chats := map[string]bool{}
	for _, word := range words {
		name, where, _ := strings.Cut(word, "=")
		platform, id, _ := strings.Cut(where, ":")
		if !drillPersonName.MatchString(name) || !joinDrill(o, name, platform, id) {
			return runbook.Errorf(runbook.Invalid, "drill.bad_person", "text", word)
		}
		chats[platform] = true
	}
	switch {
	case chats["slack"] && !set.slackOn():
		return runbook.Errorf(runbook.Invalid, "drill.no_slack")
	case chats["telegram"] && !set.telegramOn():
		return runbook.Errorf(runbook.Invalid, "drill.no_telegram")
	}
	o.Settings = map[string]string{}
	for _, k := range keys() {
		chat, _, _ := strings.Cut(k, "_")
		if v := set.environ[k]; chats[strings.ToLower(chat)] && v != "" {
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
	if chats["slack"] {
		if err := set.slackProblem(); err != nil {
			return err
		}
	}
	if chats["telegram"] {
		return set.telegramProblem()
	}
	return nil
}

// joinDrill notes who has that id in that chat. It says no to what is no id, and to what was given before.
func joinDrill(o *drill.Options, name, platform, id string) bool {
	p := drill.Person{Name: name}
	switch platform {
	case "slack":
		if p.Slack = id; !slack.IsUserID(id) {
			return false
		}
	case "telegram":
		if p.Telegram, _ = strconv.ParseInt(id, 10, 64); p.Telegram <= 0 {
			return false
		}
	default:
		return false
	}
	for _, q := range o.People {
		if p.Slack != "" && p.Slack == q.Slack || p.Telegram != 0 && p.Telegram == q.Telegram {
			return false
		}
	}
	i := slices.IndexFunc(o.People, func(q drill.Person) bool { return q.Name == name })
	if i < 0 {
		o.People = append(o.People, p)
		return true
	}
	q := &o.People[i]
	if p.Slack != "" && q.Slack != "" || p.Telegram != 0 && q.Telegram != 0 {
		return false
	}
	q.Slack, q.Telegram = cmp.Or(q.Slack, p.Slack), cmp.Or(q.Telegram, p.Telegram)
	return true
}
