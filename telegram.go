package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/telegram"
	"recoverbot/handlers"
	"recoverbot/locale"
	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/journal"
)

var (
	telegramToken = regexp.MustCompile(`^\d{3,20}:[A-Za-z0-9_-]{20,100}$`)
	anyToken      = regexp.MustCompile(`^[A-Za-z0-9_:-]+$`) // of servers that only speak as Telegram does
)

// superGroup is where the ids of supergroups begin, downwards: only these have topics.
const superGroup = -1_000_000_000_000

// telegramOn tells whether the settings want Telegram.
func (s settings) telegramOn() bool { return s.TelegramBotToken.Reveal() != "" }

// telegramProblem is what is wrong with the settings of Telegram before anybody is asked; nil also where they are not used.
func (s settings) telegramProblem() error {
	token, form := s.TelegramBotToken.Reveal(), telegramToken
	if !s.telegramReal() {
		form = anyToken
	}
	chat, chatErr := strconv.ParseInt(s.TelegramChatID, 10, 64)
	thread, threadErr := strconv.Atoi(s.TelegramThreadID)
	wrong := func(id string, pairs ...any) error { return runbook.Errorf(runbook.Invalid, id, pairs...) }
	switch {
	case !s.telegramOn():
		for _, x := range [][2]string{
			{"TELEGRAM_CHAT_ID", s.TelegramChatID}, {"TELEGRAM_THREAD_ID", s.TelegramThreadID},
			{"TELEGRAM_WEBHOOK_URL", s.TelegramWebhookURL}, {"TELEGRAM_WEBHOOK_SECRET", s.TelegramWebhookSecret.Reveal()},
		} {
			if x[1] != "" {
				return wrong("telegram.no_bot_token", "key", x[0])
			}
		}
		return nil
	case !form.MatchString(token):
		return wrong("telegram.bad_token")
	case !isHTTP(strings.ReplaceAll(s.TelegramAPIEndpoint, "%s", "x")):
		return wrong("telegram.bad_endpoint", "url", shown(s.TelegramAPIEndpoint))
	case s.TelegramChatID == "":
		return wrong("telegram.no_chat")
	case chatErr != nil || chat == 0:
		return wrong("telegram.bad_chat", "text", s.TelegramChatID)
	case strings.HasPrefix(token, s.TelegramChatID+":"):
		return wrong("telegram.chat_is_bot", "text", s.TelegramChatID)
	case chat > -superGroup:
		return wrong("telegram.no_minus", "text", s.TelegramChatID)
	case s.TelegramThreadID == "":
	case threadErr != nil || thread <= 0:
		return wrong("telegram.bad_thread", "text", s.TelegramThreadID)
	case chat > superGroup:
		return wrong("telegram.thread_without_topics", "text", s.TelegramThreadID, "chat", s.TelegramChatID)
	}
	return s.webhookProblem()
}

func isHTTP(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

// telegramSecrets are never shown; of the token its second half alone, too: an address may hold it in another spelling.
func (s settings) telegramSecrets() []string {
	token := s.TelegramBotToken.Reveal()
	_, half, _ := strings.Cut(token, ":")
	return []string{token, half, s.TelegramWebhookSecret.Reveal()}
}

// telegramConfig is what the settings alone say of Telegram.
func (s settings) telegramConfig(label func(lang, id string, pairs ...any) string) telegram.Config {
	chat, _ := strconv.ParseInt(s.TelegramChatID, 10, 64) // telegramProblem has looked
	thread, _ := strconv.Atoi(s.TelegramThreadID)
	return telegram.Config{
		Token: s.TelegramBotToken.Reveal(), Chat: chat, Thread: thread, Endpoint: s.TelegramAPIEndpoint,
		WebhookURL: s.TelegramWebhookURL, WebhookSecret: s.TelegramWebhookSecret.Reveal(), Label: label, Language: s.Language,
	}
}

// newTelegram makes the platform, where the settings want it.
func newTelegram(a *app) (chat, error) {
	if err := a.set.telegramProblem(); err != nil || !a.set.telegramOn() {
		return chat{}, a.set.localised(a.bundle, err)
	}
	c := a.set.telegramConfig(a.label)
	c.Log = a.log.With("platform", "telegram")
	c.Wanted = func(ctx context.Context) ([]bot.Message, error) {
		return bot.Wanted(ctx, handlers.HubStore(a.journal), c.Log)
	}
	c.UserID = func(name string) int64 {
		p, _ := a.fleet.Now().Person(name)
		return p.Telegram
	}
	person := func(id int64) (fleet.Person, bool) {
		people := a.fleet.Now().People
		i := slices.IndexFunc(people, func(p fleet.Person) bool { return id != 0 && p.Telegram == id })
		if i < 0 {
			return fleet.Person{}, false
		}
		return people[i], true
	}
	c.Known = func(id int64) bool {
		_, ok := person(id)
		return ok
	}
	c.LanguageOf = func(id int64) string {
		p, _ := person(id)
		return p.Language
	}
	c.Check = func(lang string, f bot.Field, value string) (string, string) {
		return a.handlers.CheckField(lang, f, value)
	}
	t, err := telegram.New(c)
	if err != nil {
		return chat{}, err
	}
	x := chat{platform: t}
	if c.WebhookURL != "" {
		x.path, x.handler = "/telegram/", t.Handler()
	}
	return x, nil
}

// telegramWarnings are of people who cannot answer in Telegram although they may answer.
func (s settings) telegramWarnings(cfg *fleet.Config) []runbook.Msg {
	if !s.telegramOn() {
		return nil
	}
	var out []runbook.Msg
	approver := false
	for i, p := range cfg.People {
		at := fmt.Sprintf("people[%d]", i)
		switch {
		case p.Telegram == 0 && len(p.Roles) > 0:
			out = append(out, cfg.At(at, runbook.T("telegram.warn_no_id", "name", p.Name)))
		case p.Telegram < 0:
			out = append(out, cfg.At(at+".telegram", runbook.T("telegram.warn_bad_id", "name", p.Name, "id", fmt.Sprint(p.Telegram))))
		case p.Telegram > 0:
			approver = approver || slices.Contains(p.Roles, "approver")
		}
	}
	if !approver {
		out = append(out, runbook.T("telegram.warn_no_approver"))
	}
	return out
}

// checkTelegram asks Telegram whether the settings and the people are right, and says whether the bot can work there. Where
// the chat is not known yet, it shows those that the bot sees. With connect, it also looks for another program that polls.
func (s settings) checkTelegram(ctx context.Context, cfg *fleet.Config, b *locale.Bundle, out io.Writer, connect bool) bool {
	say := b.Printer(s.Language, s.zone)
	problem := func(text string, fatal bool) {
		fmt.Fprintln(out, say.T(map[bool]string{true: "cli.problem", false: "cli.warning"}[fatal], "text", text))
	}
	c := s.telegramConfig(func(_, id string, pairs ...any) string { return say.T(id, pairs...) })
	runs := s.serves(ctx)
	c.Alone = connect && !runs
	var lines []string
	var found []telegram.Problem
	err := s.telegramProblem()
	switch wrong := (*runbook.Error)(nil); {
	case err != nil:
		problem(s.localised(b, err).Error(), true)
		unknown := errors.As(err, &wrong) && slices.Contains([]string{"telegram.no_chat", "telegram.bad_chat", "telegram.chat_is_bot"}, wrong.Msg.ID)
		switch {
		case unknown && runs: // it would lose its connection, perhaps together with what somebody presses now
			lines = append(lines, say.T("telegram.find_serving"))
		case unknown:
			lines, found = telegram.FindChats(ctx, c)
		}
	case !s.telegramOn():
		return true
	default:
		people := map[string]int64{}
		for _, p := range cfg.People {
			if p.Telegram > 0 {
				people[p.Name] = p.Telegram
			}
		}
		var in string
		if in, found = telegram.Check(ctx, c, people); in != "" {
			lines = append(lines, in)
		}
		if no := s.webhookRefused(); no != nil && in != "" {
			lines = append(lines, say.T("telegram.own_server", "host", s.TelegramAPIEndpoint, "why", s.localised(b, no).Error()))
		}
	}
	for _, line := range lines {
		fmt.Fprintln(out, line)
	}
	for _, p := range found {
		problem(p.Text, p.Fatal)
	}
	return err == nil && !slices.ContainsFunc(found, func(p telegram.Problem) bool { return p.Fatal })
}

// serves tells whether recoverbot serve runs here: something has its journal open, or listens where it would.
func (s settings) serves(ctx context.Context) bool {
	if journal.Held(s.DatabaseURL) {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", s.HTTPAddr)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}
