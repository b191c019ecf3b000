package web_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/web"
)

// running runs the console's platform for the duration of the test.
func running(t *testing.T, h *harness, in bot.Inbox) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = h.w.Run(ctx, in) }()
	t.Cleanup(func() { cancel(); <-done })
}

func do(t *testing.T, c *http.Client, method, address, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	r, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body)
	return r, string(text)
}

func bare(t *testing.T) *http.Client {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func TestRefusesStrangers(t *testing.T) {
	t.Parallel()
	h, in := newHarness(t, nil), &bottest.Inbox{}
	running(t, h, in)
	_, _ = h.w.Send(t.Context(), bottest.Card("k", 1))
	ops := h.visit(t, "ops1")
	cookie := ops.cookies(h.srv.URL)
	session, device, _ := strings.Cut(cookie, "; ")
	madeUp := "recoverbot_session=" + strings.Repeat("x", 52) + "; " + device
	for name, c := range map[string]struct {
		method, path string
		header       []string
		status       int
	}{
		"another browser's":          {"POST", "/console/say", []string{"Cookie", session + "; recoverbot_device=" + strings.Repeat("A", 26), "X-CSRF-Token", ops.csrf}, 401},
		"without a browser's cookie": {"POST", "/console/say", []string{"Cookie", session, "X-CSRF-Token", ops.csrf}, 401},
		"two session cookies":        {"POST", "/console/say", []string{"Cookie", "recoverbot_session=x; " + cookie, "X-CSRF-Token", ops.csrf}, 401},
		"session in the address":     {"GET", "/console/events?" + session, nil, 401},
		"events without a session":   {"GET", "/console/events", nil, 401},
		"command without a session":  {"POST", "/console/say", nil, 401},
		"made-up session":            {"POST", "/console/say", []string{"Cookie", madeUp, "X-CSRF-Token", ops.csrf}, 401},
		"no CSRF token":              {"POST", "/console/press", []string{"Cookie", cookie}, 403},
		"wrong CSRF token":           {"POST", "/console/press", []string{"Cookie", cookie, "X-CSRF-Token", strings.Repeat("0", 64)}, 403},
		"from another site":          {"POST", "/console/press", []string{"Cookie", cookie, "X-CSRF-Token", ops.csrf, "Origin", "https://evil.example.com"}, 403},
		"said to be cross-site":      {"POST", "/console/say", []string{"Cookie", cookie, "X-CSRF-Token", ops.csrf, "Sec-Fetch-Site", "cross-site"}, 403},
		"log-out from another site":  {"POST", "/logout", []string{"Cookie", cookie, "Origin", "https://evil.example.com"}, 403},
		"log-out without CSRF token": {"POST", "/logout", []string{"Cookie", cookie}, 403},
		"press by GET":               {"GET", "/console/press", []string{"Cookie", cookie}, 405},
		"unknown page":               {"GET", "/nothing", nil, 404},
		"static outside":             {"GET", "/static/..%2fconsole.html", nil, 404},
	} {
		t.Run(name, func(t *testing.T) {
			r, body := do(t, bare(t), c.method, h.srv.URL+c.path, `{"text":"/recover","action":"opaque-approve"}`, c.header...)
			if r.StatusCode != c.status {
				t.Errorf("%s: %s", r.Status, body)
			}
			if strings.Contains(body, "192.0.2.21") {
				t.Error("a card leaked")
			}
		})
	}
	if said := in.Said(); len(said) != 0 {
		t.Errorf("the inbox heard %+v", said)
	}
}

func TestLogIn(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	h := newHarness(t, func(c *web.Config) { c.Clock = func() time.Time { return now } })
	c := bare(t)
	login := func(token string, header ...string) *http.Response {
		r, _ := do(t, c, "POST", h.srv.URL+"/login", "token="+token, append(header, "Content-Type", "application/x-www-form-urlencoded")...)
		return r
	}
	if r := login("wrong"); r.StatusCode != 401 || r.Header.Get("Set-Cookie") != "" {
		t.Errorf("wrong token: %s %s", r.Status, r.Header)
	}
	r := login("token-of-ops1", "X-Forwarded-Proto", "https")
	set := r.Header.Values("Set-Cookie")
	cookie := ""
	for i, want := range []string{"__Host-recoverbot_session=", "__Host-recoverbot_device="} {
		for _, want := range []string{want, "; HttpOnly", "; SameSite=Strict", "; Secure", []string{"; Max-Age=43200", "; Max-Age=31536000"}[i], "; Path=/"} {
			if len(set) != 2 || !strings.Contains(set[i]+";", want+";") && !strings.HasPrefix(set[i], want) || strings.Contains(set[i], "Domain") {
				t.Errorf("cookie lacks %s: %s", want, set)
			}
		}
		value, _, _ := strings.Cut(set[i], ";")
		cookie += value + "; "
	}
	if _, body := do(t, c, "GET", h.srv.URL+"/", "", "Cookie", strings.ReplaceAll(cookie, "__Host-", ""), "X-Forwarded-Proto", "https"); strings.Contains(body, "data-csrf=") {
		t.Error("by TLS, a cookie that could have been set without it counts")
	}
	if _, body := do(t, c, "GET", h.srv.URL+"/", "", "Cookie", cookie, "X-Forwarded-Proto", "https"); !strings.Contains(body, "data-csrf=") || !strings.Contains(body, "ops1") {
		t.Errorf("not logged in: %s", body)
	}
	now = now.Add(12*time.Hour + time.Second)
	if _, body := do(t, c, "GET", h.srv.URL+"/", "", "Cookie", cookie, "X-Forwarded-Proto", "https"); strings.Contains(body, "data-csrf=") {
		t.Error("still logged in after 12 hours")
	}
	var slow bool
	for range 15 {
		slow = slow || login("guess").StatusCode == http.StatusTooManyRequests
	}
	if !slow {
		t.Error("fifteen guesses at once were not slowed down")
	}
	if r := login("guess"); r.StatusCode != http.StatusTooManyRequests || r.Header.Get("Retry-After") == "" {
		t.Errorf("while slowed down: %s", r.Status)
	}
	if r := login("token-of-ops1"); r.StatusCode != http.StatusSeeOther {
		t.Errorf("wrong tokens locked out a right one: %s", r.Status)
	}
	now = now.Add(5 * time.Second)
	if r := login("guess"); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("a little later: %s", r.Status)
	}
}

func TestLogOutEndsTheSession(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	running(t, h, &bottest.Inbox{})
	p := h.visit(t, "ops1")
	cookie := p.cookies(h.srv.URL)
	r, _ := do(t, bare(t), "POST", h.srv.URL+"/logout", "csrf="+p.csrf, "Cookie", cookie, "Content-Type", "application/x-www-form-urlencoded")
	if r.StatusCode != http.StatusSeeOther {
		t.Errorf("log-out: %s", r.Status)
	}
	if r, _ := do(t, bare(t), "POST", h.srv.URL+"/console/say", `{"text":"status"}`, "Cookie", cookie, "X-CSRF-Token", p.csrf); r.StatusCode != 401 {
		t.Errorf("the cookie still works: %s", r.Status)
	}
}

func TestPageIsClosedToTheOutside(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	for _, path := range []string{"/", "/static/console.js", "/static/console.css", "/static/favicon.svg"} {
		r, body := do(t, bare(t), "GET", h.srv.URL+path, "")
		if r.StatusCode != 200 {
			t.Errorf("%s: %s", path, r.Status)
		}
		csp := r.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s lacks nosniff", path)
		}
		body = strings.ReplaceAll(body, "http://www.w3.org/2000/svg", "")
		for _, outside := range []string{"http://", "https://", "@import", "innerHTML", "eval(", " style=", "onclick="} {
			if strings.Contains(body, outside) {
				t.Errorf("%s contains %q", path, outside)
			}
		}
	}
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(c *web.Config) {
		c.Render = func(lang, key string) (bot.Message, bool) {
			return bot.Message{Key: key, Version: 1, Title: "从域名列表移除"}, lang == "zh" && key == "k"
		}
	})
	running(t, h, &bottest.Inbox{})
	if _, body := do(t, bare(t), "GET", h.srv.URL+"/", "", "Cookie", "lang=zh"); !strings.Contains(body, "登录") || !strings.Contains(body, `lang="zh"`) {
		t.Errorf("log-in page is not Chinese: %s", body)
	}
	p := h.visit(t, "ops1")
	address, _ := url.Parse(h.srv.URL)
	p.client.Jar.SetCookies(address, []*http.Cookie{{Name: "lang", Value: "zh"}})
	h.w.Name()
	_, _ = h.w.Send(t.Context(), bottest.Card("k", 1))
	req, _ := http.NewRequestWithContext(t.Context(), "GET", h.srv.URL+"/console/events", nil)
	r, err := p.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var got strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(got.String(), "event: sync") {
		n, err := r.Body.Read(buf)
		got.Write(buf[:n])
		if err != nil {
			break
		}
	}
	if !strings.Contains(got.String(), "从域名列表移除") {
		t.Errorf("card is not Chinese: %s", got.String())
	}
}

func TestForgetsTheOldestAnsweredCard(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	running(t, h, &bottest.Inbox{})
	_, _ = h.w.Send(t.Context(), bottest.Card("open", 1))
	for i := range 600 {
		_, _ = h.w.Send(t.Context(), bot.Message{Key: strconv.Itoa(i), Version: 1, Title: "x"})
	}
	p := h.visit(t, "ops1")
	deadline := time.After(10 * time.Second)
	for {
		if _, n := p.card("599"); n > 0 {
			break
		}
		select {
		case <-deadline:
			t.Fatal("the last card did not come")
		case <-time.After(5 * time.Millisecond):
		}
	}
	if _, n := p.card("open"); n == 0 {
		t.Error("the open card was forgotten")
	}
	if _, n := p.card("0"); n != 0 {
		t.Error("600 cards were kept")
	}
}

func TestAfterRunEndsNothingIsTaken(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	status, body := h.post(t, "ops1", "/console/say", map[string]any{"text": "status"})
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "nothing was done") {
		t.Errorf("%d %s", status, body)
	}
}

func TestStreamOutlivesTheServersReadTimeout(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	running(t, h, &bottest.Inbox{})
	_, _ = h.w.Send(t.Context(), bottest.Card("before", 1))
	p := h.visit(t, "ops1")
	strict := httptest.NewUnstartedServer(h.w.Handler())
	strict.Config.ReadTimeout = 50 * time.Millisecond
	strict.Start()
	t.Cleanup(func() { strict.CloseClientConnections(); strict.Close() })
	req, _ := http.NewRequestWithContext(t.Context(), "GET", strict.URL+"/console/events", nil)
	req.Header.Set("Cookie", p.cookies(h.srv.URL))
	r, err := bare(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	timer := time.AfterFunc(250*time.Millisecond, func() { _, _ = h.w.Send(context.Background(), bottest.Card("after", 1)) })
	defer timer.Stop()
	in := bufio.NewScanner(r.Body)
	for in.Scan() {
		if strings.Contains(in.Text(), `"key":"after"`) {
			return
		}
	}
	t.Errorf("the stream ended: %v", in.Err())
}
