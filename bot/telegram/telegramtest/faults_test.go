package telegramtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"recoverbot/bot/telegram/telegramtest"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	refused := func(code, after int, text string) func(error) bool {
		return func(err error) bool {
			var e *tgbotapi.Error
			return errors.As(err, &e) && e.Code == code && e.RetryAfter == after && e.Message == text
		}
	}
	for name, tc := range map[string]struct {
		fault  telegramtest.Fault
		stored bool
		check  func(error) bool
	}{
		"429":               {telegramtest.Fault{RetryAfter: 7}, false, refused(429, 7, "Too Many Requests: retry after 7")},
		"500":               {telegramtest.Fault{Status: 500}, false, refused(500, 0, "Internal Server Error")},
		"code":              {telegramtest.Fault{Code: "Bad Request: chat not found"}, false, refused(400, 0, "Bad Request: chat not found")},
		"forbidden":         {telegramtest.Fault{Status: 403, Code: "Forbidden: x"}, false, refused(403, 0, "Forbidden: x")},
		"proxy":             {telegramtest.Fault{HTML: true}, false, func(err error) bool { var e *json.SyntaxError; return errors.As(err, &e) }},
		"slow":              {telegramtest.Fault{Hang: time.Millisecond}, true, func(err error) bool { return err == nil }},
		"lost":              {telegramtest.Fault{StoredButLost: true}, true, func(err error) bool { return errors.Is(err, io.EOF) }},
		"lost behind a 502": {telegramtest.Fault{StoredButLost: true, Status: 502, HTML: true}, true, func(err error) bool { return err != nil }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, telegramtest.Options{})
			api, err := client(t, s)
			if err != nil {
				t.Fatal(err)
			}
			tc.fault.Method, tc.fault.Times = "sendMessage", 1
			s.Fail(tc.fault)
			if _, err := api.Send(tgbotapi.NewMessage(ops, "a")); !tc.check(err) {
				t.Errorf("unexpected error %v", err)
			}
			if got := len(s.Messages(ops)); (got == 1) != tc.stored {
				t.Errorf("%d messages", got)
			}
			if _, err := api.Send(tgbotapi.NewMessage(ops, "again")); err != nil { // once only
				t.Error(err)
			}
			if got := s.Calls("sendMessage"); len(got) != 2 || got[1].Error != "" || (got[0].Error == "lost") != (name != "slow") {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestHang(t *testing.T) {
	t.Parallel()
	s := start(t, telegramtest.Options{})
	for name, lost := range map[string]bool{"hang": false, "lost in a hang": true} {
		s.Fail(telegramtest.Fault{Method: "sendMessage", Hang: time.Hour, StoredButLost: lost, Times: 1})
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		if _, err := try(ctx, s, "sendMessage", m{"chat_id": ops, "text": name}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
	if got := s.Messages(ops); len(got) != 1 || got[0].Text != "lost in a hang" {
		t.Errorf("%+v", got)
	}
	s.Fail(telegramtest.Fault{Method: "*", Hang: time.Hour})
	done := make(chan error, 1)
	ctx := within(t, 20*time.Second)
	go func() {
		_, err := try(ctx, s, "getMe", nil)
		done <- err
	}()
	s.Heal()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestOutage(t *testing.T) {
	t.Parallel()
	s := start(t, telegramtest.Options{})
	addr := s.Addr()
	s.Stop()
	s.Stop()
	if _, err := try(t.Context(), s, "getMe", nil); err == nil {
		t.Fatal("answered in an outage")
	}
	if err := errors.Join(s.Resume(), s.Resume()); err != nil || s.Addr() != addr {
		t.Fatal(err)
	}
	call(t, s, "getMe", nil).want(t, 0, "")
	s.Close()
	s.Close()
	if err := s.Resume(); err != nil || s.Until(t.Context(), func() bool { return true }) != nil {
		t.Error(err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	now := time.Unix(1700000000, 0)
	clock := func() time.Time { return now }
	chats := []telegramtest.Chat{{ID: ops}, {ID: -7}, {ID: 1001}}
	s := start(t, telegramtest.Options{RateLimits: true, Clock: clock, Chats: chats})
	id := send(t, s, m{"text": "0"})
	edit := func(text string) reply {
		return call(t, s, "editMessageText", m{"chat_id": ops, "message_id": id, "text": text})
	}
	limited := func(r reply, after int) {
		t.Helper()
		if r.Code != 429 || r.Parameters.RetryAfter != after {
			t.Errorf("want 429 with %d, got %s", after, r.raw)
		}
	}
	limited(edit("too soon"), 1)
	send(t, s, m{"chat_id": -7, "text": "another chat"})
	for n := range 19 {
		now = now.Add(time.Second)
		edit(string(rune('a'+n))).want(t, 0, "")
	}
	now = now.Add(time.Second)
	limited(edit("too much"), 40)
	limited(call(t, s, "sendMessage", m{"chat_id": ops, "text": "too much"}), 40)
	call(t, s, "answerCallbackQuery", m{"callback_query_id": "1"}).want(t, 400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
	if got := s.Messages(ops); len(got) != 1 || got[0].Edited != 19 || got[0].Text != "s" {
		t.Errorf("%+v", got)
	}
	now = now.Add(40 * time.Second)
	edit("again").want(t, 0, "")
	for range 25 { // no limit a minute in a private chat
		now = now.Add(time.Second)
		send(t, s, m{"chat_id": 1001, "text": "a"})
	}
	burst := start(t, telegramtest.Options{RateLimits: true, ChatBurst: 3, GroupPerMinute: 4, Clock: clock})
	for range 3 {
		send(t, burst, m{"text": "a"})
	}
	limited(call(t, burst, "sendMessage", m{"chat_id": ops, "text": "a"}), 3)
	now = now.Add(3 * time.Second)
	send(t, burst, m{"text": "a"})
	limited(call(t, burst, "sendMessage", m{"chat_id": ops, "text": "a"}), 57)
}
