package telegramtest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var tokenForm = regexp.MustCompile(`^[0-9]+:[A-Za-z0-9_-]+$`)

func (o *Options) fill() error {
	orElse(&o.Addr, "127.0.0.1:0")
	orElse(&o.Token, DefaultToken)
	orElse(&o.BotName, "recover_bot")
	orElse(&o.ChatBurst, 1)
	orElse(&o.GroupPerMinute, 20)
	orElse(&o.MaxFile, 50<<20)
	orElse(&o.CallbackLife, 15*time.Second)
	if !tokenForm.MatchString(o.Token) {
		return fmt.Errorf("start Telegram: a token is digits, a colon and letters")
	}
	id, _, _ := strings.Cut(o.Token, ":")
	digits, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return fmt.Errorf("start Telegram: id of the token: %w", err)
	}
	orElse(&o.BotID, digits)
	if o.WebhookRetries == nil {
		o.WebhookRetries = []time.Duration{time.Second, 5 * time.Second, time.Minute}
	}
	if o.Users == nil {
		o.Users = []User{{ID: 1001, Name: "ops1"}, {ID: 1002, Name: "ops2"}}
	}
	if o.Chats == nil {
		o.Chats = []Chat{{ID: DefaultChat, Type: "supergroup", Title: "ops"}}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return nil
}

func orElse[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}
