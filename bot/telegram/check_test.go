package telegram

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"recoverbot/bot/bottest"
	"recoverbot/bot/telegram/telegramtest"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	everybody := map[string]int64{"ops1": 1001, "ops2": 1002}
	const ops, forum = telegramtest.DefaultChat, telegramtest.DefaultChat - 1
	chats := func(more ...telegramtest.Chat) telegramtest.Options {
		return telegramtest.Options{Chats: append([]telegramtest.Chat{{ID: forum, Title: "crew", Forum: true,
			Topics: []telegramtest.Topic{{ID: 7, Name: "recoveries"}, {ID: 8, Name: "old", Closed: true}}}}, more...)}
	}
	inTopic := func(topic int) func(*Config) {
		return func(c *Config) { c.Chat, c.Thread = forum, topic }
	}
	for _, c := range []struct {
		name   string
		fake   telegramtest.Options
		before func(*telegramtest.Server)
		config func(*Config)
		people map[string]int64
		in     string   // what is said of where the bot is
		want   []string // of each problem, in order; a fatal one begins with "!"
	}{
		{name: "all is well", people: everybody, in: "@recover_bot, and posts to ops"},
		{name: "topic", fake: chats(), config: inTopic(7), people: everybody, in: "posts to crew, topic 7.\nIt may write there."},
		{name: "privacy mode", in: "\nIt may write there.\nPrivacy mode is on"},
		{name: "no privacy mode", fake: telegramtest.Options{SeesAll: true}, in: "\nPrivacy mode is off"},
		{name: "administrator", fake: telegramtest.Options{Chats: []telegramtest.Chat{{ID: ops, Title: "ops", Admin: true}}}, in: "It may write there, and is an administrator, which it need not be"},
		{name: "no webhook yet", config: func(c *Config) { c.WebhookURL = "http://127.0.0.1:1/telegram/" }, in: "Telegram has no webhook yet"},
		{name: "private chat", config: func(c *Config) { c.Chat = 1001 }, people: everybody, in: "posts to ops1",
			before: func(s *telegramtest.Server) { _ = s.StartPrivate("ops1") }, want: []string{"ops2: the cards go to the private chat of somebody else"}},
		{name: "private chat that blocks", config: func(c *Config) { c.Chat = 1001 }, in: "@recover_bot.",
			before: func(s *telegramtest.Server) { _, _ = s.StartPrivate("ops1"), s.Block("ops1") }, want: []string{"!The person of the chat 1001 "}},
		{name: "may not post", before: func(s *telegramtest.Server) {
			s.Fail(telegramtest.Fault{Method: "getChatMember", Code: "Bad Request: not enough rights"})
		}, in: "@recover_bot.", want: []string{"!The bot may not post in its chat "}},
		{name: "another webhook", before: hooked(t, "http://127.0.0.1:1/secret"), in: "posts to ops", want: []string{"Telegram sends what people say to 127.0.0.1:1, as another program"}},
		{name: "its webhook", before: hooked(t, "http://127.0.0.1:1/telegram/"), config: func(c *Config) { c.WebhookURL = "http://127.0.0.1:1/telegram/" }, in: "posts to ops"},
		{name: "wrong token", config: func(c *Config) { c.Token = "123456:canary-canary-canary" }, want: []string{"!TELEGRAM_BOT_TOKEN: "}},
		{name: "revoked", before: (*telegramtest.Server).Revoke, want: []string{"!TELEGRAM_BOT_TOKEN: "}},
		{name: "no such chat", config: func(c *Config) { c.Chat = -77 }, in: "@recover_bot.", want: []string{"!TELEGRAM_CHAT_ID"}},
		{name: "never added", fake: telegramtest.Options{Chats: []telegramtest.Chat{{ID: ops, Title: "ops", BotAbsent: true}}}, in: "@recover_bot.", want: []string{"!The bot"}},
		{name: "removed", before: func(s *telegramtest.Server) { _ = s.Kick(ops) }, in: "@recover_bot.", want: []string{"!The bot"}},
		{name: "channel", fake: telegramtest.Options{Chats: []telegramtest.Chat{{ID: ops, Type: "channel", Title: "news"}}}, in: "@recover_bot.", want: []string{"!TELEGRAM_CHAT_ID: news is a channel"}},
		{name: "no topics", config: func(c *Config) { c.Thread = 7 }, in: "@recover_bot.", want: []string{"!TELEGRAM_THREAD_ID is 7, but ops has no topics"}},
		{name: "no such topic", fake: chats(), config: inTopic(9), in: "@recover_bot.", want: []string{"!TELEGRAM_THREAD_ID"}},
		{name: "upgraded group", config: func(c *Config) { c.Chat = -55 }, fake: telegramtest.Options{Chats: []telegramtest.Chat{{ID: -55, Type: "group", Title: "ops"}}},
			before: func(s *telegramtest.Server) {
				s.Fail(telegramtest.Fault{Method: "getChat", Code: "Bad Request: chat not found"})
			}, in: "@recover_bot.", want: []string{"!TELEGRAM_CHAT_ID"}},
		{name: "people", fake: telegramtest.Options{
			Users: []telegramtest.User{{ID: 1001, Name: "ops1"}, {ID: 1003, Name: "away"}},
			Chats: []telegramtest.Chat{{ID: ops, Title: "ops", Members: []int64{1001}}}},
			people: map[string]int64{"a": 1001, "b": 9, "c": 1003, "d": 1000000}, in: "posts to ops",
			want: []string{"b in fleet.yaml: Telegram knows nobody with the id 9", "d in fleet.yaml: 1000000 is a bot", "c: not in ops"}},
		{name: "away", before: (*telegramtest.Server).Stop, want: []string{"127.0.0.1:"}},
		{name: "a proxy's page", before: func(s *telegramtest.Server) { s.Fail(telegramtest.Fault{Method: "*", HTML: true}) }, want: []string{"127.0.0.1:"}},
		{name: "too long a path", config: func(c *Config) { c.Endpoint += "/bot" }, want: []string{"!127.0.0.1:"}},
		{name: "no proxy there", config: func(c *Config) { c.Client = by("http://127.0.0.1:1") }, want: []string{"!The proxy 127.0.0.1:1 does not answer"}},
		{name: "no SOCKS proxy there", config: func(c *Config) { c.Client = by("socks5://ops:canary@127.0.0.1:1") }, want: []string{"!The proxy 127.0.0.1:1 does not answer"}},
		{name: "busy", before: func(s *telegramtest.Server) {
			s.Fail(telegramtest.Fault{Method: "getChatMember", Status: http.StatusTooManyRequests, RetryAfter: 30})
		}, people: everybody, in: "@recover_bot.", want: []string{"127.0.0.1:"}},
		{name: "a refusal with a secret", before: func(s *telegramtest.Server) {
			s.Fail(telegramtest.Fault{Method: "getWebhookInfo", Code: "Bad Request: no " + telegramtest.DefaultToken})
		}, in: "posts to ops", want: []string{"!Telegram refuses: getWebhookInfo: Bad Request: no …"}},
		{name: "unknown refusal", before: func(s *telegramtest.Server) {
			s.Fail(telegramtest.Fault{Method: "getChat", Code: "Bad Request: the moon is full"})
		}, in: "@recover_bot.", want: []string{"!Telegram refuses: getChat: Bad Request: the moon is full"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fake, config := checked(t, c.fake)
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
				if strings.Contains(p.Text, "canary") || strings.Contains(p.Text, telegramtest.DefaultToken) || strings.Contains(strings.ReplaceAll(p.Text, "api.telegram.org", ""), "telegram.") && !strings.Contains(p.Text, "t.me") {
					t.Errorf("a secret or a label is shown: %s", p.Text)
				}
			}
			if len(said) != len(c.want) {
				t.Fatalf("found %q, want %q", said, c.want)
			}
			for i, want := range c.want {
				if !strings.HasPrefix(said[i], want) {
					t.Errorf("found %q, want %q", said[i], want)
				}
			}
			for _, method := range []string{"sendMessage", "editMessageText", "deleteWebhook", "getUpdates"} {
				if n := len(fake.Calls(method)); n != 0 {
					t.Errorf("a check called %s %d times", method, n)
				}
			}
		})
	}
}

func TestCheckFindsAnotherPoller(t *testing.T) {
	t.Parallel()
	fake, c := checked(t, telegramtest.Options{})
	c.Alone = true
	ctx, cancel := context.WithCancel(t.Context())
	var other sync.WaitGroup
	other.Go(func() {
		for p := made(t, c, brisk); ctx.Err() == nil; { // begun anew whenever it ends, as the hub does
			_ = p.Run(ctx, &bottest.Inbox{})
		}
	})
	defer other.Wait()
	defer cancel()
	eventually(t, "its poll", func() bool { return len(fake.Calls("getUpdates")) > 0 })
	_, found := Check(t.Context(), c, nil)
	if len(found) != 1 || !found[0].Fatal || !strings.HasPrefix(found[0].Text, "Another program asks Telegram for updates with this bot's token") {
		t.Errorf("found %+v", found)
	}
}

// by is a client that goes through a proxy.
func by(proxy string) *http.Client {
	u, err := url.Parse(proxy)
	if err != nil {
		panic(err)
	}
	return &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(u), DisableKeepAlives: true}}
}

// hooked sets a webhook, as some program did.
func hooked(t *testing.T, address string) func(*telegramtest.Server) {
	return func(s *telegramtest.Server) {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.PostForm(s.URL()+"/bot"+telegramtest.DefaultToken+"/setWebhook", url.Values{"url": {address}})
		if err != nil {
			t.Error(err)
			return
		}
		if resp.Body.Close(); resp.StatusCode != http.StatusOK {
			t.Errorf("the webhook is not set: %s", resp.Status)
		}
	}
}

func checked(t *testing.T, o telegramtest.Options) (*telegramtest.Server, Config) {
	t.Helper()
	fake, err := telegramtest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	return fake, Config{Token: telegramtest.DefaultToken, Chat: telegramtest.DefaultChat, Endpoint: fake.URL(), Label: label, Language: "en", Client: client}
}

func TestFindChats(t *testing.T) {
	t.Parallel()
	fake, c := checked(t, telegramtest.Options{Chats: []telegramtest.Chat{
		{ID: -1001, Type: "group", Title: "ops"}, {ID: -1001000000002, Title: "crew", Forum: true, Topics: []telegramtest.Topic{{ID: 7, Name: "recoveries"}}}}})
	c.Chat = 0
	if lines, found := FindChats(t.Context(), c); len(found) > 0 || len(lines) != 1 || !strings.HasPrefix(lines[0], "Nobody has written to @recover_bot in the last 24 hours.") {
		t.Errorf("%q %v", lines, found)
	}
	for _, say := range []func() (int, error){
		func() (int, error) { return fake.Say("ops1", -1001, "/start", 0, 0) },
		func() (int, error) { return fake.Say("ops1", -1001, "/start", 0, 0) },
		func() (int, error) { return fake.Say("ops2", -1001000000002, "/start@recover_bot", 0, 7) },
		func() (int, error) { return 0, fake.StartPrivate("ops2") },
	} {
		if _, err := say(); err != nil {
			t.Fatal(err)
		}
	}
	pending := fake.Pending()
	lines, found := FindChats(t.Context(), c)
	want := []string{"A topic of the group crew: TELEGRAM_CHAT_ID=-1001000000002 TELEGRAM_THREAD_ID=7", "Group ops: TELEGRAM_CHAT_ID=-1001",
		"Private chat with ops2: TELEGRAM_CHAT_ID=1002", "ops1, for fleet.yaml: telegram: 1001", "ops2, for fleet.yaml: telegram: 1002"}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") || len(found) != 0 {
		t.Errorf("%q %v", lines, found)
	}
	if fake.Pending() != pending {
		t.Error("what people said was taken away")
	}
	hooked(t, "http://127.0.0.1:1/secret")(fake)
	if lines, found := FindChats(t.Context(), c); len(lines) != 0 || len(found) != 1 || !strings.HasPrefix(found[0].Text, "Telegram sends what people say to 127.0.0.1:1, so") {
		t.Errorf("%q %v", lines, found)
	}
	fake.Revoke()
	if lines, found := FindChats(t.Context(), c); len(lines) != 0 || len(found) != 1 || !found[0].Fatal {
		t.Errorf("%q %v", lines, found)
	}
}
