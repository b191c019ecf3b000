package slacktest_test

import (
	"encoding/json"
	"testing"

	"github.com/gorilla/websocket"

	"recoverbot/bot/slack/slacktest"
)

// socket is a bare Socket Mode connection, which acknowledges only what a test wants.
type socket struct {
	t  *testing.T
	ws *websocket.Conn
}

type envelope struct {
	Type       string
	Reason     string
	ID         string `json:"envelope_id"`
	Accepts    bool   `json:"accepts_response_payload"`
	Attempt    int    `json:"retry_attempt"`
	Why        string `json:"retry_reason"`
	Num        int    `json:"num_connections"`
	Payload    map[string]any
	Debug      map[string]any `json:"debug_info"`
	Connection map[string]any `json:"connection_info"`
}

func connect(t *testing.T, s *slacktest.Server) *socket {
	t.Helper()
	_, url, err := client(s, slacktest.DefaultBotToken).StartSocketModeContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ws, resp, err := websocket.DefaultDialer.DialContext(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	t.Cleanup(func() { _ = ws.Close() })
	if again, resp, err := websocket.DefaultDialer.DialContext(t.Context(), url, nil); err == nil {
		_ = again.Close()
		t.Error("a ticket was good for two connections")
	} else {
		_ = resp.Body.Close()
	}
	c := &socket{t: t, ws: ws}
	if hello := c.next(); hello.Type != "hello" || hello.Num < 1 || hello.Debug["host"] == nil || hello.Connection["app_id"] != "A0RECOVER" {
		t.Fatalf("%+v", hello)
	}
	return c
}

func (c *socket) next() envelope {
	c.t.Helper()
	var e envelope
	if err := c.ws.ReadJSON(&e); err != nil {
		c.t.Fatal(err)
	}
	return e
}

func (c *socket) ack(e envelope, payload any) {
	c.t.Helper()
	a := map[string]any{"envelope_id": e.ID}
	if payload != nil {
		a["payload"] = payload
	}
	if err := c.ws.WriteJSON(a); err != nil {
		c.t.Fatal(err)
	}
}

// at reads a path of a decoded JSON value.
func at(v any, path ...any) any {
	for _, p := range path {
		switch k := p.(type) {
		case string:
			o, _ := v.(map[string]any)
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

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
