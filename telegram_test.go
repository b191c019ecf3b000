package main

import (
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"recoverbot/bot/telegram/telegramtest"
	"recoverbot/drill"
	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/journal"
)

func telegramSettings(change func(*settings)) settings {
	s := settings{TelegramBotToken: "123456:canary-canary-canary", TelegramChatID: "-1001234567890", TelegramAPIEndpoint: "https://api.telegram.org",
		environ: map[string]string{"TELEGRAM_BOT_TOKEN": "123456:canary-canary-canary", "TELEGRAM_CHAT_ID": "-1001234567890", "SLACK_CHANNEL": "C1", "MYSQL_PASSWORD": "p"}}
	if change != nil {
		change(&s)
	}
	return s
}

func TestTelegramSettings(t *testing.T) {
	t.Parallel()
	const hook = "https://bot.example.com/telegram/"
	for _, c := range []struct {
		want   string
		change func(*settings)
	}{
		{"", nil},
		{"", func(s *settings) { *s = settings{} }},
		{"", func(s *settings) { s.TelegramThreadID = "12" }},
		{"", func(s *settings) { s.TelegramChatID = "1001" }},
		{"", func(s *settings) { s.TelegramChatID = "-42" }},
		{"", func(s *settings) { s.TelegramWebhookURL = hook }},
		{"", func(s *settings) { s.TelegramWebhookURL, s.TelegramWebhookSecret = hook, "ab_C-9" }},
		{"", func(s *settings) { s.TelegramAPIEndpoint = "http://127.0.0.1:8081/bot%s/%s" }},
		{"", func(s *settings) { s.TelegramAPIEndpoint, s.TelegramBotToken = "http://127.0.0.1:8081", "sampleToken" }},
		{"telegram.bad_token", func(s *settings) { s.TelegramBotToken = "sampleToken" }},
		{"telegram.bad_token", func(s *settings) { s.TelegramBotToken = "@recover_bot" }},
		{"telegram.bad_token", func(s *settings) { s.TelegramBotToken = "123456:canary" }},
		{"telegram.bad_token", func(s *settings) { s.TelegramBotToken += "/../x" }},
		{"telegram.bad_endpoint", func(s *settings) { s.TelegramAPIEndpoint = "api.telegram.org" }},
		{"telegram.bad_endpoint", func(s *settings) { s.TelegramAPIEndpoint = "ftp://api.telegram.org" }},
		{"telegram.no_chat", func(s *settings) { s.TelegramChatID = "" }},
		{"telegram.bad_chat", func(s *settings) { s.TelegramChatID = "@ops" }},
		{"telegram.bad_chat", func(s *settings) { s.TelegramChatID = "0" }},
		{"telegram.bad_chat", func(s *settings) { s.TelegramChatID = "-99999999999999999999" }},
		{"telegram.no_minus", func(s *settings) { s.TelegramChatID = "1001234567890" }},
		{"telegram.chat_is_bot", func(s *settings) { s.TelegramChatID = "123456" }},
		{"telegram.bad_thread", func(s *settings) { s.TelegramThreadID = "general" }},
		{"telegram.bad_thread", func(s *settings) { s.TelegramThreadID = "-3" }},
		{"telegram.thread_without_topics", func(s *settings) { s.TelegramChatID, s.TelegramThreadID = "1001", "3" }},
		{"telegram.thread_without_topics", func(s *settings) { s.TelegramChatID, s.TelegramThreadID = "-42", "3" }},
		{"telegram.no_webhook_url", func(s *settings) { s.TelegramWebhookSecret = "x" }},
		{"telegram.bad_webhook_url", func(s *settings) { s.TelegramWebhookURL = "bot.example.com/telegram/" }},
		{"telegram.webhook_no_path", func(s *settings) { s.TelegramWebhookURL = "https://bot.example.com/" }},
		{"telegram.webhook_no_path", func(s *settings) { s.TelegramWebhookURL = "https://bot.example.com" }},
		{"telegram.webhook_not_https", func(s *settings) { s.TelegramWebhookURL = "http://bot.example.com/telegram/" }},
		{"", func(s *settings) {
			s.TelegramAPIEndpoint, s.TelegramWebhookURL = "http://127.0.0.1:8081", "http://127.0.0.1:8080/telegram/"
		}},
		{"", func(s *settings) { s.TelegramWebhookURL = "https://bot.example.com:8443/telegram/" }},
		{"", func(s *settings) { s.TelegramWebhookURL = "https://192.0.2.7:88/telegram/" }},
		{"", func(s *settings) {
			s.TelegramAPIEndpoint, s.TelegramWebhookURL = "https://API.telegram.org/", "https://bot.example.com:80/telegram/"
		}},
		{"telegram.bad_webhook_port", func(s *settings) { s.TelegramWebhookURL = "https://bot.example.com:8080/telegram/" }},
		{"telegram.bad_webhook_port", func(s *settings) {
			s.TelegramAPIEndpoint, s.TelegramWebhookURL = "https://api.telegram.org/bot%s/%s", "https://bot.example.com:9443/telegram/"
		}},
		{"telegram.webhook_not_public", func(s *settings) { s.TelegramWebhookURL = "https://127.0.0.1/telegram/" }},
		{"telegram.webhook_not_public", func(s *settings) { s.TelegramWebhookURL = "https://[fd00::9]:8443/telegram/" }},
		{"telegram.webhook_not_public", func(s *settings) { s.TelegramWebhookURL = "https://[::1]/telegram/" }},
		{"telegram.webhook_not_public", func(s *settings) { s.TelegramWebhookURL = "https://" + carrierNAT.Addr().String() + "/telegram/" }},
		{"telegram.webhook_not_public", func(s *settings) { s.TelegramWebhookURL = "https://bot.LOCAL./telegram/" }},
		{"telegram.webhook_not_public", func(s *settings) { s.TelegramWebhookURL = "https://bot/telegram/" }},
		{"telegram.bad_webhook_secret", func(s *settings) {
			s.TelegramWebhookURL, s.TelegramWebhookSecret = hook, fleet.Secret(strings.Repeat("x", 257))
		}},
		{"telegram.bad_webhook_secret", func(s *settings) { s.TelegramWebhookURL, s.TelegramWebhookSecret = hook, "ein Wort" }},
		{"telegram.no_bot_token TELEGRAM_CHAT_ID", func(s *settings) { s.TelegramBotToken = "" }},
		{"telegram.no_bot_token TELEGRAM_WEBHOOK_URL", func(s *settings) { s.TelegramBotToken, s.TelegramChatID, s.TelegramWebhookURL = "", "", hook }},
	} {
		err := telegramSettings(c.change).telegramProblem()
		m := messageOf(err)
		got := m.ID
		if key, ok := m.Args["key"]; ok {
			got += " " + key.(string)
		}
		if got != c.want || err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("want %q, got %q (%v)", c.want, got, err)
		}
	}
}

func TestSecretsOfTelegramAreHidden(t *testing.T) {
	t.Parallel()
	set := configured(t, "TELEGRAM_BOT_TOKEN=123456:canary-canary-canary", "TELEGRAM_CHAT_ID=-1", "TELEGRAM_WEBHOOK_URL=https://bot.example.com/telegram/", "TELEGRAM_WEBHOOK_SECRET=5ecre7canary")
	f, err := set.openFleet()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, text := range []string{"https://x/bot123456:canary-canary-canary/getMe", "bot123456%3Acanary-canary-canary", "5ecre7canary"} {
		if got := f.Redactor().Redact(text); strings.Contains(got, "canary") {
			t.Errorf("%s is shown as %s", text, got)
		}
	}
}

func TestWarningsOfPeopleInTelegram(t *testing.T) {
	t.Parallel()
	cfg := &fleet.Config{People: []fleet.Person{{Name: "ops1", Roles: []string{"viewer"}, Telegram: 1001}, {Name: "ops2", Roles: []string{"approver"}}, {Name: "guest"},
		{Name: "group", Telegram: -1001234567890}}}
	var ids []string
	for _, m := range telegramSettings(nil).telegramWarnings(cfg) {
		if at, ok := m.Args["text"].(runbook.Msg); ok {
			m = at
		}
		ids = append(ids, m.ID)
	}
	if diff := cmp.Diff([]string{"telegram.warn_no_id", "telegram.warn_bad_id", "telegram.warn_no_approver"}, ids); diff != "" {
		t.Error(diff)
	}
	if off := (settings{}).telegramWarnings(cfg); len(off) != 0 {
		t.Errorf("without Telegram: %v", off)
	}
}

func TestCheckAsksTelegram(t *testing.T) {
	t.Parallel()
	fake, err := telegramtest.Start(telegramtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	if _, err := fake.Say("ops1", telegramtest.DefaultChat, "/start", 0, 0); err != nil {
		t.Fatal(err)
	}
	busy, err := telegramtest.Start(telegramtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if n := len(busy.Calls("getUpdates")); n != 0 {
			t.Errorf("a bot that runs lost its connection %d times", n)
		}
		busy.Close()
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	serving, held := listener.Addr().String(), filepath.Join(t.TempDir(), "journal.db")
	j, err := journal.Open(t.Context(), "sqlite://"+held, time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	const people = "hosts: [{name: app1, address: 192.0.2.21}]\npeople:\n  - {name: ops1, telegram: 1001, roles: [approver]}\n  - {name: ops2, telegram: 77, roles: [viewer]}\n"
	const there = "TELEGRAM_CHAT_ID=-1001000000001\nTELEGRAM_API_ENDPOINT="
	token := "TELEGRAM_BOT_TOKEN=" + telegramtest.DefaultToken + "\n"
	for _, c := range []struct {
		name, env string
		want      []string
		fails     bool
	}{
		{"well", token + there + fake.URL() + "\n", []string{"Telegram: the bot is @recover_bot, and posts to ops.", "warning: ops2 in fleet.yaml: Telegram knows nobody with the id 77"}, false},
		{"in Chinese", "LANGUAGE=zh\n" + token + there + fake.URL() + "\n", []string{"Telegram：机器人是 @recover_bot，发消息到 ops。"}, false},
		{"the chat is to be found", token + "TELEGRAM_API_ENDPOINT=" + fake.URL() + "\n",
			[]string{"error: TELEGRAM_CHAT_ID is not set", "Group ops: TELEGRAM_CHAT_ID=-1001000000001", "ops1, for fleet.yaml: telegram: 1001"}, true},
		{"a name for a chat", token + "TELEGRAM_CHAT_ID=@ops\nTELEGRAM_API_ENDPOINT=" + fake.URL() + "\n", []string{"error: TELEGRAM_CHAT_ID is @ops: it must be a number", "TELEGRAM_CHAT_ID=-1001000000001"}, true},
		{"refused", "TELEGRAM_BOT_TOKEN=1:canary\n" + there + fake.URL() + "\n", []string{"error: TELEGRAM_BOT_TOKEN: "}, true},
		{"beside serve", token + "HTTP_ADDR=" + serving + "\nTELEGRAM_API_ENDPOINT=" + busy.URL() + "\n", []string{"error: TELEGRAM_CHAT_ID is not set", "The chats are not shown while"}, true},
		{"beside what holds the journal", token + "DATABASE_URL=sqlite://" + held + "\nTELEGRAM_API_ENDPOINT=" + busy.URL() + "\n", []string{"The chats are not shown while"}, true},
		{"a webhook that Telegram would not take", token + there + fake.URL() + "\nTELEGRAM_WEBHOOK_URL=https://bot.example.com:9000/telegram/\n",
			[]string{"whose server may take the webhook. Telegram itself would not: TELEGRAM_WEBHOOK_URL is https://bot.example.com:9000/telegram/: Telegram delivers only to port"}, false},
		{"away", "TELEGRAM_BOT_TOKEN=1:canary\n" + there + "http://127.0.0.1:1\n", []string{"warning: 127.0.0.1:1 does not answer"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out, err := command(t, map[string]string{"fleet.yaml": people, "env": "HTTP_ADDR=127.0.0.1:1\n" + c.env + "FLEET_FILE=DIR/fleet.yaml\nSSH_KNOWN_HOSTS=DIR/env\n"}, "check")
			if (err != nil) != c.fails {
				t.Errorf("check: %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("check does not say %q:\n%s", want, out)
				}
			}
			if strings.Contains(out, "canary") || strings.Contains(out, telegramtest.DefaultToken) {
				t.Errorf("check shows a secret:\n%s", out)
			}
		})
	}
}

func TestTheWebhookIsMountedOnlyWhereItIsWanted(t *testing.T) {
	t.Parallel()
	const lines = "TELEGRAM_BOT_TOKEN=1:canary\nTELEGRAM_CHAT_ID=-1\nTELEGRAM_API_ENDPOINT=http://127.0.0.1:1\n"
	for extra, want := range map[string]int{"": http.StatusNotFound, "TELEGRAM_WEBHOOK_URL=https://bot.example.com/telegram/\n": http.StatusForbidden} {
		url := standingBy(t, lines+extra)
		resp, err := http.Post(url+"/telegram/", "application/json", strings.NewReader(`{"update_id":1}`))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%q: a call without the secret: %d, want %d", extra, resp.StatusCode, want)
		}
		if status, body := get(t, url+"/readyz"); status != http.StatusOK || strings.Contains(body, "canary") {
			t.Errorf("/readyz: %d %q", status, body)
		}
	}
}

func TestPeopleTakePartInADrillFromTelegram(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		words  []string
		change func(*settings)
		want   string
	}{
		{words: []string{"operator=telegram:1001", "carol=telegram:1002"}},
		{words: []string{"operator=telegram:ops1"}, want: "drill.bad_person"},
		{words: []string{"operator=telegram:-5"}, want: "drill.bad_person"},
		{words: []string{"operator=telegram:"}, want: "drill.bad_person"},
		{words: []string{"operator=telegram:1001", "carol=telegram:1001"}, want: "drill.bad_person"},
		{words: []string{"operator=telegram:1001", "operator=telegram:1002"}, want: "drill.bad_person"},
		{words: []string{"operator=slack:U01"}, want: "drill.no_slack"},
		{words: []string{"operator=telegram:1001"}, change: func(s *settings) { *s = settings{} }, want: "drill.no_telegram"},
		{words: []string{"operator=telegram:1001"}, change: func(s *settings) { s.TelegramChatID = "" }, want: "telegram.no_chat"},
	} {
		var o drill.Options
		err := drillPeople(telegramSettings(c.change), c.words, &o)
		if got := messageOf(err).ID; got != c.want {
			t.Errorf("%q: %q, want %q", c.words, got, c.want)
		}
		if c.want == "" {
			want := map[string]string{"TELEGRAM_BOT_TOKEN": "123456:canary-canary-canary", "TELEGRAM_CHAT_ID": "-1001234567890"}
			if diff := cmp.Diff(want, o.Settings); diff != "" || len(o.People) != 2 || o.People[1] != (drill.Person{Name: "carol", Telegram: 1002}) {
				t.Errorf("%+v %s", o.People, diff)
			}
		}
	}
	var o drill.Options
	both := telegramSettings(func(s *settings) {
		s.SlackBotToken, s.SlackAppToken, s.SlackChannel, s.SlackAPIURL = "xoxb-1", "xapp-1", "C1", "https://slack.com/api/"
	})
	if err := drillPeople(both, []string{"operator=slack:U01", "operator=telegram:1001"}, &o); err != nil || len(o.People) != 1 || o.People[0] != (drill.Person{Name: "operator", Slack: "U01", Telegram: 1001}) {
		t.Errorf("one person in both chats: %+v %v", o.People, errors.Unwrap(err))
	}
	if o.Settings["SLACK_CHANNEL"] != "C1" || o.Settings["TELEGRAM_CHAT_ID"] == "" {
		t.Errorf("settings %v", o.Settings)
	}
}
