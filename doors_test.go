package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"recoverbot/runbook/fleet"
)

// TestEveryDoorIsClosed asks the whole bot at every path as a stranger: each answer has the headers that keep browsers from
// harm, says nothing secret, and takes no token from an address.
func TestEveryDoorIsClosed(t *testing.T) {
	t.Parallel()
	url := standingBy(t, "LANGUAGE=en", "ALERT_TOKEN=alert-canary", "BLACKBOX_KEY=0123456789abcdef0123456789abcdef0123456789abcdef0123456789canary")
	for call, want := range map[string]int{
		"GET /": 200, "GET /nothing": 404, "GET /static/console.js": 200, "GET /static/none": 404, "DELETE /": 405, "GET /login": 405,
		"GET /console/events": 401, "POST /console/say": 401, "GET /api/runs": 401, "GET /api/runs?token=alert-canary": 401, "GET /api/nothing": 404,
		"GET /api/events": 401, "POST /api/commands": 401, "POST /alerts/alertmanager": 401, "POST /alerts/alertmanager?token=alert-canary": 401,
		"GET /metrics": 200, "GET /healthz": 200, "GET /readyz": 200, "POST /slack/events": 404, "POST /telegram/": 404,
		"TRACE /": 405, "OPTIONS /api/runs": 404, "POST /metrics": 405, "GET /debug/pprof/": 404, "GET /.env": 404, "GET /journal.db": 404,
	} {
		method, path, _ := strings.Cut(call, " ")
		req, err := http.NewRequestWithContext(t.Context(), method, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if r.StatusCode != want && !(want == 405 && r.StatusCode == 404) {
			t.Errorf("%s: %s", call, r.Status)
		}
		if r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("X-Frame-Options") != "DENY" || r.Header.Get("Cache-Control") != "no-store" ||
			!strings.Contains(r.Header.Get("Content-Security-Policy"), "default-src 'none'") || r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: headers %v", call, r.Header)
		}
		if strings.Contains(string(body), "canary") {
			t.Errorf("%s: %s", call, body)
		}
	}
}

// TestLogHidesSecrets: neither secrets nor rows of MySQL's errors stand in the log, whatever they come as (fault 40).
func TestLogHidesSecrets(t *testing.T) {
	if os.Getenv("RB_LOG") == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLogHidesSecrets$")
		cmd.Env = append(os.Environ(), "RB_LOG=1")
		var out bytes.Buffer
		cmd.Stderr = &out
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		if text := out.String(); strings.Contains(text, "canary") || strings.Count(text, "‹cut›") != 3 || strings.Count(text, "<redacted>") != 4 {
			t.Errorf("logged was %s", text)
		}
		return
	}
	var r fleet.Redactor
	r.Add(`can"ary-canary`)
	err := errors.New("Error 1292 (22007): Truncated incorrect DOUBLE value: 'row-canary'")
	log := newLog(&r)
	log.Error("one", "error", err, "text", `can"ary-canary`)
	log.With("platform", `can"ary-canary`).Warn("Duplicate entry 'row-canary' for key 'a'", "list", []string{`can"ary-canary`})
	log.Info("two", slog.Group("g", "error", err.Error(), "any", struct{ X string }{`can"ary-canary`}))
}

func TestProxySecrets(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][]string{
		"http://ops:canary@192.0.2.9:3128": {"canary"}, "ops:ca%40nary@192.0.2.9:3128": {"ca@nary"}, "socks5://ops:ca%40nary@192.0.2.9": {"ca@nary"},
		"http://192.0.2.9": nil, "": nil, "http://ops@192.0.2.9": nil, "http://%zz": nil,
	} {
		if got := proxySecrets(map[string]string{"https_proxy": address}); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

func TestAddressesAreShownWithoutPasswords(t *testing.T) {
	t.Parallel()
	for _, s := range []settings{
		{TelegramBotToken: "123456:canary-canary-canary", TelegramChatID: "-1001234567890", TelegramAPIEndpoint: "https://api.telegram.org", TelegramWebhookURL: "https://u:canary@bot.example.com"},
		{TelegramBotToken: "123456:canary-canary-canary", TelegramChatID: "-1001234567890", TelegramAPIEndpoint: "ftp://u:can/ary@x"},
		{SlackBotToken: "xoxb-canary", SlackAppToken: "xapp-canary", SlackChannel: "C1", SlackAPIURL: "ftp://u:can%ary@x"},
	} {
		for _, err := range []error{s.telegramProblem(), s.slackProblem()} {
			if err != nil && strings.Contains(fmt.Sprintf("%v %+v", err, err), "canary") {
				t.Errorf("%v", err)
			}
		}
	}
	if got := shown("https://ops:canary@bot.example.com:8443/x?a=b@c"); got != "https://…@bot.example.com:8443/x?a=b@c" {
		t.Error(got)
	}
}
