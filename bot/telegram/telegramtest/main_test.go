package telegramtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"
	"go.uber.org/goleak"

	"recoverbot/bot/telegram/telegramtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ops = telegramtest.DefaultChat

type m = map[string]any

func start(t *testing.T, o telegramtest.Options) *telegramtest.Server {
	t.Helper()
	s, err := telegramtest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// client is the library's, with connections of its own.
func client(t *testing.T, s *telegramtest.Server) (*tgbotapi.BotAPI, error) {
	t.Helper()
	return tgbotapi.NewBotAPIWithClient(telegramtest.DefaultToken, s.URL()+"/bot%s/%s", webClient(t))
}

func webClient(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

type reply struct {
	OK          bool   `json:"ok"`
	Code        int    `json:"error_code"`
	Description string `json:"description"`
	Parameters  struct {
		RetryAfter int   `json:"retry_after"`
		Migrated   int64 `json:"migrate_to_chat_id"`
	} `json:"parameters"`
	Result any `json:"result"`
	status int
	raw    string
}

// call posts JSON; "" and the zero Code are success.
func call(t *testing.T, s *telegramtest.Server, method string, body m) reply {
	t.Helper()
	got, err := try(t.Context(), s, method, body)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func try(ctx context.Context, s *telegramtest.Server, method string, body m) (reply, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return reply{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL()+"/bot"+telegramtest.DefaultToken+"/"+method, bytes.NewReader(b))
	if err != nil {
		return reply{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	return do(r)
}

func do(r *http.Request) (reply, error) {
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, err
	}
	got := reply{status: resp.StatusCode, raw: string(raw)}
	if json.Unmarshal(raw, &got) == nil && got.OK == (got.Code != 0) {
		return got, io.ErrUnexpectedEOF
	}
	return got, nil
}

func (r reply) want(t *testing.T, code int, description string) {
	t.Helper()
	if r.Code != code || r.Description != description || r.status != max(code, 200) {
		t.Errorf("want %d %s, got %d %s", code, description, r.status, r.raw)
	}
}

// at reads a path of a decoded JSON value.
func at(v any, path ...any) any {
	for _, p := range path {
		switch k := p.(type) {
		case string:
			o, _ := v.(m)
			v = o[k]
		case int:
			all, _ := v.([]any)
			if k >= len(all) {
				return nil
			}
			v = all[k]
		}
	}
	return v
}

func (r reply) id(t *testing.T) int {
	t.Helper()
	id, ok := at(r.Result, "message_id").(float64)
	if !ok {
		t.Fatalf("no message: %s", r.raw)
	}
	return int(id)
}

func send(t *testing.T, s *telegramtest.Server, body m) int {
	t.Helper()
	if body["chat_id"] == nil {
		body["chat_id"] = ops
	}
	return call(t, s, "sendMessage", body).id(t)
}

func keyboard(rows ...[]m) m { return m{"inline_keyboard": rows} }

func button(text, data string) m { return m{"text": text, "callback_data": data} }

// updates polls without waiting and confirms nothing that offset does not.
func updates(t *testing.T, s *telegramtest.Server, offset int) []any {
	t.Helper()
	all, _ := call(t, s, "getUpdates", m{"offset": offset}).Result.([]any)
	return all
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func until(t *testing.T, s *telegramtest.Server, what string, ok func() bool) {
	t.Helper()
	if err := s.Until(within(t, 20*time.Second), ok); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
