package telegram

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		c    Config
		want string
	}{
		{Config{Chat: 1}, "TELEGRAM_BOT_TOKEN is empty"},
		{Config{Token: "a/b", Chat: 1}, "TELEGRAM_BOT_TOKEN is no token"},
		{Config{Token: "1:a"}, "TELEGRAM_CHAT_ID"},
		{Config{Token: "1:a", Chat: 1, Thread: -1}, "TELEGRAM_THREAD_ID"},
		{Config{Token: "1:a", Chat: 1, Endpoint: "api.telegram.org"}, "TELEGRAM_API_ENDPOINT"},
		{Config{Token: "1:a", Chat: 1, Endpoint: "ftp://h/%s/%s"}, "TELEGRAM_API_ENDPOINT"},
		{Config{Token: "1:a", Chat: 1, WebhookURL: "bot.example.com"}, "TELEGRAM_WEBHOOK_URL"},
		{Config{Token: "1:a", Chat: 1, WebhookSecret: "a b"}, "TELEGRAM_WEBHOOK_SECRET"},
		{Config{Token: "1:a", Chat: 1}, "Label"},
	} {
		if c.want != "Label" {
			c.c.Label = label
		}
		if p, err := New(c.c); p != nil || err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "1:a") {
			t.Errorf("%q: %v", c.want, err)
		}
	}
	p, err := New(Config{Token: "1:a", Chat: -5, Thread: 1, Label: label})
	if err != nil || p.c.Thread != 0 || !secretForm.MatchString(p.c.WebhookSecret) || p.Name() != "telegram" || !p.Mentions() {
		t.Errorf("%v, %+v", err, p)
	}
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":                          tgbotapi.APIEndpoint,
		"http://127.0.0.1:8081/":    "http://127.0.0.1:8081/bot%s/%s",
		"https://h.example/a%20b":   "https://h.example/a%%20b/bot%s/%s",
		"https://h.example/x%s/y%s": "https://h.example/x%s/y%s",
	} {
		if got, ok := endpointOf(given); got != want || !ok {
			t.Errorf("%q: %q, %v", given, got, ok)
		}
	}
}

// No way to fail shows the token.
func TestTokenInErrors(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "/moved/"):
			http.Redirect(rw, r, "/elsewhere"+r.URL.Path, http.StatusTemporaryRedirect)
		case strings.Contains(r.URL.Path, "/elsewhere/"):
			t.Error("a redirection was followed, with the token in its address")
		case strings.Contains(r.URL.Path, "/cut/"):
			panic(http.ErrAbortHandler)
		case strings.Contains(r.URL.Path, "/echo/"):
			rw.WriteHeader(http.StatusNotFound)
			_, _ = rw.Write([]byte(`{"ok":false,"error_code":404,"description":"no such path ` + r.URL.Path + `"}`))
		case strings.Contains(r.URL.Path, "/empty/"):
		case strings.Contains(r.URL.Path, "/odd/"):
			_, _ = rw.Write([]byte(`{"ok":true,"result":"` + canary + `"}`))
		case strings.Contains(r.URL.Path, "/text/"):
			_, _ = rw.Write([]byte("not found: " + r.URL.Path))
		default:
			<-hang
		}
	}))
	t.Cleanup(front.Close)
	t.Cleanup(func() { close(hang) })
	for _, endpoint := range []string{front.URL + "/moved", front.URL + "/cut", front.URL + "/echo", front.URL + "/empty", front.URL + "/odd",
		front.URL + "/text", front.URL + "/hang", "http://127.0.0.1:1", "https://" + strings.TrimPrefix(front.URL, "http://")} {
		log := &logbook{}
		p := brisk
		p.call, p.upload = 50*time.Millisecond, 50*time.Millisecond
		s := made(t, Config{Endpoint: endpoint, Log: log.Logger()}, p)
		_, send := s.Send(t.Context(), bottest.Card("k1", 1))
		_, file := s.Send(t.Context(), bot.Message{Key: "k1#x", Thread: true, Output: strings.Repeat("line\n", 5000)})
		edit := s.Edit(t.Context(), ref{chat: s.home(), message: 1}.Ref(), bottest.Card("k1", 1))
		answer := s.Answer(t.Context(), bot.Inbound{UserID: "1001", Origin: `{"c":5}`}, bot.Reply{Text: "x"})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		in := &bottest.Inbox{}
		run := s.Run(ctx, in)
		cancel()
		if send == nil || file == nil {
			t.Errorf("%s: posted was %v, %v", endpoint, send, file)
		}
		for _, err := range append(in.Reports(), send, file, edit, answer, run) {
			if err != nil {
				lackAll(t, endpoint, err.Error(), secrets...)
			}
		}
		lackAll(t, "the log of "+endpoint, log.String(), secrets...)
	}
}

func TestMuteLibrary(t *testing.T) {
	t.Parallel()
	mute{}.Println(canary)
	mute{}.Printf("%s", canary)
}
