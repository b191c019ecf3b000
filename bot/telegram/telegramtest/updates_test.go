package telegramtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"recoverbot/bot/telegram/telegramtest"
)

func say(t *testing.T, s *telegramtest.Server, text string) int {
	t.Helper()
	id, err := s.Say("ops1", ops, text, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func ids(all []any) (ids []int) {
	for _, u := range all {
		id, _ := at(u, "update_id").(float64)
		ids = append(ids, int(id))
	}
	return ids
}

func TestConfirmation(t *testing.T) {
	t.Parallel()
	s := start(t, telegramtest.Options{})
	for _, text := range []string{"/a", "/b", "/c"} {
		say(t, s, text)
	}
	first := ids(updates(t, s, 0))
	if len(first) != 3 || first[1] != first[0]+1 || fmt.Sprint(ids(updates(t, s, 0))) != fmt.Sprint(first) || s.Pending() != 3 {
		t.Fatalf("what was not confirmed did not come again: %v", first)
	}
	if got := call(t, s, "getUpdates", m{"limit": 1, "offset": first[1]}); at(got.Result, 0, "message", "text") != "/b" || at(got.Result, 1) != nil {
		t.Error(got.raw)
	}
	if got := ids(updates(t, s, 0)); len(got) != 2 {
		t.Errorf("the offset confirmed nothing: %v", got)
	}
	if got := ids(updates(t, s, -1)); len(got) != 1 || got[0] != first[2] {
		t.Errorf("%v", got)
	}
	if got := updates(t, s, first[2]+1); len(got) != 0 || s.Pending() != 0 {
		t.Errorf("%v", got)
	}
	if err := s.Redeliver(); err != nil {
		t.Fatal(err)
	}
	if got := ids(updates(t, s, first[2]+1)); len(got) != 1 || got[0] != first[2] {
		t.Errorf("not delivered twice: %v", got)
	}
	if got := updates(t, s, first[2]+1); len(got) != 0 {
		t.Errorf("%v", got)
	}
	call(t, s, "getUpdates", m{"allowed_updates": []string{"callback_query"}}).want(t, 0, "")
	say(t, s, "/d")
	if got := updates(t, s, 0); len(got) != 0 {
		t.Errorf("%v", got)
	}
	call(t, s, "getUpdates", m{"allowed_updates": []string{}}).want(t, 0, "")
	say(t, s, "/e")
	if got := updates(t, s, 0); len(got) != 1 {
		t.Errorf("%v", got)
	}
	call(t, s, "getUpdates", m{"allowed_updates": "x"}).want(t, 400, "Bad Request: can't parse allowed_updates")
}

func TestNothingToRedeliver(t *testing.T) {
	t.Parallel()
	if start(t, telegramtest.Options{}).Redeliver() == nil {
		t.Error("something was delivered twice")
	}
}

// poll waits for updates in the background.
func poll(t *testing.T, s *telegramtest.Server) func() (reply, error) {
	t.Helper()
	var (
		got  reply
		err  error
		done = make(chan struct{})
		ctx  = within(t, 30*time.Second)
	)
	go func() {
		defer close(done)
		got, err = try(ctx, s, "getUpdates", m{"timeout": 30})
	}()
	until(t, s, "polling", s.Polling)
	return func() (reply, error) { <-done; return got, err }
}

func TestLongPoll(t *testing.T) {
	t.Parallel()
	s := start(t, telegramtest.Options{})
	wait := poll(t, s)
	say(t, s, "/a")
	if got, err := wait(); err != nil || at(got.Result, 0, "message", "entities", 0, "type") != "bot_command" {
		t.Errorf("%v %s", err, got.raw)
	}
	until(t, s, "polled", func() bool { return !s.Polling() })
	offset := ids(updates(t, s, 0))[0] + 1
	if got := call(t, s, "getUpdates", m{"timeout": 1, "offset": offset}); !got.OK || at(got.Result, 0) != nil {
		t.Error(got.raw)
	}
	first := poll(t, s)
	call(t, s, "getUpdates", nil).want(t, 0, "")
	got, err := first()
	if err != nil {
		t.Fatal(err)
	}
	got.want(t, 409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running")
	third := poll(t, s)
	s.Revoke()
	if got, err := third(); err != nil || got.Code != 401 {
		t.Errorf("%v %s", err, got.raw)
	}
	s.Heal()
	fourth := poll(t, s)
	s.Stop()
	if _, err := fourth(); err == nil {
		t.Error("answered in an outage")
	}
	if err := s.Resume(); err != nil {
		t.Fatal(err)
	}
	fifth := poll(t, s)
	s.Close()
	if _, err := fifth(); err == nil {
		t.Error("answered although closed")
	}
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	s := start(t, telegramtest.Options{WebhookRetries: []time.Duration{time.Millisecond}})
	api, err := client(t, s)
	if err != nil {
		t.Fatal(err)
	}
	var (
		mu   sync.Mutex
		seen []string
		fail = 2
	)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, err := api.HandleUpdate(r)
		mu.Lock()
		defer mu.Unlock()
		if err != nil || r.Header.Get("X-Telegram-Bot-Api-Secret-Token") != "hush" || fail > 0 {
			fail--
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		seen = append(seen, fmt.Sprint(u.UpdateID, u.Message.Text))
	}))
	t.Cleanup(hook.Close)
	for want, body := range map[string]m{
		"Bad Request: bad webhook: An HTTPS URL must be provided for webhook":               {"url": "http://192.0.2.1/"},
		"Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443": {"url": "https://192.0.2.1:8080/"},
		"Bad Request: bad webhook: URL is invalid":                                          {"url": "nowhere"},
		"Bad Request: secret token contains unallowed characters":                           {"url": hook.URL, "secret_token": "a b"},
		"Bad Request: can't parse allowed_updates":                                          {"url": hook.URL, "allowed_updates": "x"},
	} {
		call(t, s, "setWebhook", body).want(t, 400, want)
	}
	if s.WebhookURL() != "" {
		t.Fatal("a refused webhook was set")
	}
	say(t, s, "/early")
	updates(t, s, 0)
	waiting := func() reply { return call(t, s, "getWebhookInfo", nil) }
	if got := waiting(); at(got.Result, "pending_update_count") != 1. || at(got.Result, "url") != "" {
		t.Error(got.raw)
	}
	call(t, s, "setWebhook", m{"url": hook.URL, "secret_token": "hush"}).want(t, 0, "")
	call(t, s, "getUpdates", nil).want(t, 409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first")
	say(t, s, "/late")
	until(t, s, "pushed", func() bool { return s.Pending() == 0 })
	if err := s.Redeliver(); err != nil {
		t.Fatal(err)
	}
	until(t, s, "pushed again", func() bool { return s.Pending() == 0 })
	mu.Lock()
	if len(seen) != 3 || seen[1] != seen[2] || !strings.HasSuffix(seen[0], "/early") {
		t.Errorf("%v", seen)
	}
	mu.Unlock()
	if got := waiting(); at(got.Result, "last_error_message") != "Wrong response from the webhook: 500 Internal Server Error" || at(got.Result, "url") != hook.URL {
		t.Error(got.raw)
	}
	hook.Close()
	say(t, s, "/lost")
	until(t, s, "refused", func() bool { return at(waiting().Result, "last_error_message") == "Connection refused" })
	call(t, s, "deleteWebhook", m{"drop_pending_updates": true}).want(t, 0, "")
	if got := updates(t, s, 0); len(got) != 0 || s.WebhookURL() != "" {
		t.Errorf("%v", got)
	}
	wait := poll(t, s)
	call(t, s, "setWebhook", m{"url": hook.URL}).want(t, 0, "")
	if got, err := wait(); err != nil || got.Description != "Conflict: terminated by setWebhook request" {
		t.Errorf("%v %s", err, got.raw)
	}
	if _, err := api.Request(tgbotapi.DeleteWebhookConfig{}); err != nil {
		t.Error(err)
	}
}
