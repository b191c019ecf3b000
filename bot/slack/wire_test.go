package slack

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"recoverbot/bot/bottest"
)

// wired is a Web API whose connections say what a test lets them say, and the acknowledgements that they get.
func wired(t *testing.T, say ...string) (base string, acks <-chan string) {
	t.Helper()
	got := make(chan string, 100)
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	mux.HandleFunc("/auth.test", func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(rw, `{"ok":true,"team_id":"T1","user_id":"UBOT"}`)
	})
	mux.HandleFunc("/"+openMethod, func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(rw, `{"ok":true,"url":"ws%s/link?ticket=canary"}`, strings.TrimPrefix(srv.URL, "http"))
	})
	mux.HandleFunc("/link", func(rw http.ResponseWriter, r *http.Request) {
		c, err := (&websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}).Upgrade(rw, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		for _, s := range say {
			_ = c.WriteMessage(websocket.TextMessage, []byte(s))
		}
		for len(say) > 0 {
			_, b, err := c.ReadMessage()
			if err != nil {
				return
			}
			got <- string(b)
		}
	})
	return srv.URL, got
}

// TestUnknownEvents: what the library cannot read is confirmed where it is an event, and disturbs nothing.
func TestUnknownEvents(t *testing.T) {
	t.Parallel()
	base, acks := wired(t, `{"type":"hello"}`, `nonsense`, `{"type":"surprise","envelope_id":"e0"}`,
		`{"type":"interactive","envelope_id":"e1","payload":{"type":"block_actions","actions":"canary"}}`,
		`{"type":"events_api","envelope_id":"e2","payload":{"type":"event_callback","event_id":"Ev1","event":{"type":"never_heard_of"}}}`,
		`{"type":"slash_commands","envelope_id":"e3","payload":{"team_id":"T1","user_id":"U1","text":"status","trigger_id":"t1"}}`)
	log, in := &logbook{}, &bottest.Inbox{}
	runs(t, made(t, Config{APIURL: base, Log: log.Logger()}, brisk), in)
	eventually(t, "two confirmations", func() bool { return len(acks) == 2 })
	both := <-acks + <-acks
	if !strings.Contains(both, `"e2"`) || !strings.Contains(both, `"e3"`) {
		t.Errorf("confirmed: %s", both)
	}
	eventually(t, "the command", func() bool { return len(in.Said()) == 1 && in.Said()[0].Text == "/recover status" })
	lackAll(t, "the log", log.String(), "canary")
}

// TestNoHello: a connection on which Slack says nothing is none.
func TestNoHello(t *testing.T) {
	t.Parallel()
	base, _ := wired(t)
	in := &bottest.Inbox{}
	runs(t, made(t, Config{APIURL: base}, brisk), in)
	eventually(t, "a report", func() bool { return len(in.Reports()) > 2 })
	for _, err := range in.Reports() {
		if err == nil || !strings.Contains(err.Error(), "no hello") {
			t.Errorf("reported %v", err)
		}
	}
}
