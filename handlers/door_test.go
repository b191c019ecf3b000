package handlers

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"recoverbot/bot/door"
)

// TestGuessesAtTheAPI: wrong tokens are slowed over all doors together, right ones never are, and no token counts in the
// address.
func TestGuessesAtTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := time.Now()
	w.Guesses = door.NewGuesses(nil, func() time.Time { return now })
	api, alerts := w.API(), w.AlertsAPI(alertToken, func(string, string, int) {})
	ask := func(h http.Handler, path, authorization string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		return rec
	}
	for _, path := range []string{"/api/runs?token=" + token("ops1"), "/api/runs?access_token=" + token("ops1"), "/api/events?authorization=" + token("ops1")} {
		for range 20 { // who has no token at all guesses nothing
			if got := ask(api, path, ""); got.Code != http.StatusUnauthorized {
				t.Fatalf("%s: %d", path, got.Code)
			}
		}
	}
	for _, given := range []string{"Bearer", "Bearer  ", "Basic " + token("ops1"), "bearer " + token("ops1"), "sha256:" + hashOf("ops1")} {
		if got := ask(api, "/api/runs", given); got.Code != http.StatusUnauthorized {
			t.Errorf("%q: %d", given, got.Code)
		}
	}
	w.Guesses = door.NewGuesses(nil, func() time.Time { return now })
	codes := map[int]int{}
	for i := range 30 {
		h, path := api, "/api/events"
		if i%2 == 0 {
			h, path = alerts, "/alerts/alertmanager"
		}
		got := ask(h, path, "Bearer sha256:"+hashOf("ops1"))
		codes[got.Code]++
		if slow := got.Code == http.StatusTooManyRequests; slow != (got.Header().Get("Retry-After") != "") || strings.Contains(got.Body.String(), hashOf("ops1")) {
			t.Errorf("%d %s %s", got.Code, got.Header(), got.Body)
		}
	}
	if codes[http.StatusUnauthorized] != 10 || codes[http.StatusTooManyRequests] != 20 {
		t.Errorf("30 guesses were answered %v", codes)
	}
	if got := ask(api, "/api/runs", "Bearer "+token("ops1")); got.Code != http.StatusOK {
		t.Errorf("a right token: %d", got.Code)
	}
	if got := ask(alerts, "/alerts/alertmanager", "Bearer "+alertToken); got.Code != http.StatusMethodNotAllowed {
		t.Errorf("the right token of alerts: %d", got.Code)
	}
}

// TestEventsEndWithTheToken: who gets another token, or is removed, reads no more.
func TestEventsEndWithTheToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := httptest.NewServer(w.API())
	defer server.Close()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/events", nil)
	req.Header.Set("Authorization", "Bearer "+token("guest"))
	r, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	file := w.Fleet.Config().Path()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), hashOf("guest"), hashOf("another"))), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.Fleet.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if reply := w.tell(t, "ops1", "/recover primary"); reply.Refused {
		t.Fatal(reply.Text)
	}
	in := bufio.NewScanner(r.Body)
	for in.Scan() {
		if strings.HasPrefix(in.Text(), "data:") {
			t.Errorf("still told: %s", in.Text())
		}
	}
}
