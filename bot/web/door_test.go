package web_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/web"
)

// store is a SessionStore that can forget everything.
type store struct {
	mu   sync.Mutex
	kept map[string]web.Session
}

func (s *store) Save(_ context.Context, x web.Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[x.Hash] = x
	return nil
}

func (s *store) Lookup(_ context.Context, hash string) (web.Session, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, ok := s.kept[hash]
	return x, ok, nil
}

func (s *store) Delete(_ context.Context, hash string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, hash)
	return nil
}

func (s *store) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.kept)
}

// openStream opens an event stream and reads it until its end, which it returns as a channel.
func openStream(t *testing.T, h *harness, cookie string) (text func() string, ended <-chan struct{}) {
	t.Helper()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, h.srv.URL+"/console/events", nil)
	req.Header.Set("Cookie", cookie)
	r, err := bare(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Body.Close() })
	var mu sync.Mutex
	var all strings.Builder
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 4096)
		for {
			n, err := r.Body.Read(buf)
			mu.Lock()
			all.Write(buf[:n])
			mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return func() string { mu.Lock(); defer mu.Unlock(); return all.String() }, done
}

func over(t *testing.T, what string, ended <-chan struct{}) {
	t.Helper()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s did not end", what)
	}
}

// TestStreamsEndWithTheirSession: what is posted after a log-out is not read any more.
func TestStreamsEndWithTheirSession(t *testing.T) {
	t.Parallel()
	s := &store{kept: map[string]web.Session{}}
	h := newHarness(t, func(c *web.Config) { c.Sessions = s })
	running(t, h, &bottest.Inbox{})
	p := h.visit(t, "ops1")
	cookie := p.cookies(h.srv.URL)
	text, ended := openStream(t, h, cookie)
	if r, _ := do(t, bare(t), "POST", h.srv.URL+"/logout", "csrf="+p.csrf, "Cookie", cookie, "Content-Type", "application/x-www-form-urlencoded"); r.StatusCode != http.StatusSeeOther {
		t.Fatalf("log-out: %s", r.Status)
	}
	_, _ = h.w.Send(t.Context(), bot.Message{Key: "late", Version: 1, Title: "posted after the log-out"})
	over(t, "the stream of who logged out", ended)
	if strings.Contains(text(), "posted after") {
		t.Error("it showed what was posted after the log-out")
	}
}

// TestStreamsOfAPersonAreLimited: the oldest goes, and those of others stay.
func TestStreamsOfAPersonAreLimited(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	running(t, h, &bottest.Inbox{})
	cookie := h.visit(t, "ops1").cookies(h.srv.URL) // has a stream already
	_, others := openStream(t, h, h.visit(t, "ops2").cookies(h.srv.URL))
	_, oldest := openStream(t, h, cookie)
	for range 17 {
		openStream(t, h, cookie)
	}
	over(t, "the oldest of many streams", oldest)
	select {
	case <-others:
		t.Error("another person's stream ended")
	default:
	}
}

// TestLogInAnew: a log-in never takes over a session that the browser came with, and ends it; the browser stays the same
// one, whoever is at it.
func TestLogInAnew(t *testing.T) {
	t.Parallel()
	s, in := &store{kept: map[string]web.Session{}}, &bottest.Inbox{}
	h := newHarness(t, func(c *web.Config) { c.Sessions = s })
	running(t, h, in)
	post := func(cookie, user string) string {
		r, _ := do(t, bare(t), "POST", h.srv.URL+"/login", "token=token-of-"+user, "Content-Type", "application/x-www-form-urlencoded", "Cookie", cookie)
		var all []string
		for _, c := range r.Cookies() {
			all = append(all, c.Name+"="+c.Value)
		}
		return strings.Join(all, "; ")
	}
	say := func(cookie string) int {
		_, page := do(t, bare(t), "GET", h.srv.URL+"/", "", "Cookie", cookie)
		csrf := csrfPattern.FindStringSubmatch(page)
		if csrf == nil {
			return 401
		}
		r, _ := do(t, bare(t), "POST", h.srv.URL+"/console/say", `{"text":"status"}`, "Cookie", cookie, "X-CSRF-Token", csrf[1])
		return r.StatusCode
	}
	planted := "recoverbot_session=" + strings.Repeat("P", 52) + "; recoverbot_device=short"
	first := post(planted, "ops1")
	if strings.Contains(first, "PPP") || strings.Contains(first, "short") || say(first) != 200 {
		t.Errorf("logged in with %s", first)
	}
	second := post(first, "ops2")
	if s.count() != 1 || say(first) != 401 || say(second) != 200 {
		t.Errorf("%d sessions; the first one answers %d, the second %d", s.count(), say(first), say(second))
	}
	other := post("", "ops2")
	if say(other) != 200 {
		t.Error("another browser could not log in")
	}
	said := in.Said()
	if len(said) != 3 {
		t.Fatalf("heard %+v", said)
	}
	a, b, c := said[0], said[1], said[2]
	if a.UserID != "ops1" || b.UserID != "ops2" || a.Seat != b.Seat || !strings.HasPrefix(a.Seat, "web:") || c.Seat == b.Seat {
		t.Errorf("seats: %s %s, %s %s, %s %s", a.UserID, a.Seat, b.UserID, b.Seat, c.UserID, c.Seat)
	}
	if _, device, _ := strings.Cut(first, "recoverbot_device="); strings.Contains(device, strings.TrimPrefix(a.Seat, "web:")) {
		t.Error("the seat shows the browser's cookie")
	}
}

// TestEveryAnswerIsClosed asks in ways that nobody should, and wants no door open, no redirect elsewhere, and the headers of
// every answer.
func TestEveryAnswerIsClosed(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{}
	h := newHarness(t, nil)
	running(t, h, in)
	p := h.visit(t, "ops1")
	cookie := p.cookies(h.srv.URL)
	with := func(more ...string) []string {
		return append([]string{"Cookie", cookie, "X-CSRF-Token", p.csrf}, more...)
	}
	for name, c := range map[string]struct {
		method, path, body string
		header             []string
		status             int
	}{
		"HEAD of the page":           {"HEAD", "/", "", nil, 200},
		"OPTIONS":                    {"OPTIONS", "/console/press", "", nil, 405},
		"TRACE":                      {"TRACE", "/", "", with(), 405},
		"another site":               {"GET", "//evil.example.com/%2e%2e", "", nil, 307},
		"a language elsewhere":       {"GET", "/?lang=//evil.example.com", "", nil, 200},
		"a static file above":        {"GET", "/static/..%2f..%2fetc%2fpasswd", "", nil, 404},
		"a folder of static files":   {"GET", "/static/", "", nil, 404},
		"log-in by the address":      {"POST", "/login?token=token-of-ops1", "", []string{"Content-Type", "application/x-www-form-urlencoded"}, 401},
		"log-in by GET":              {"GET", "/login?token=token-of-ops1", "", nil, 405},
		"log-in from another site":   {"POST", "/login", "token=token-of-ops1", []string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site"}, 403},
		"log-in of another origin":   {"POST", "/login", "token=token-of-ops1", []string{"Content-Type", "application/x-www-form-urlencoded", "Origin", "null"}, 403},
		"log-in with a huge form":    {"POST", "/login", "token=" + strings.Repeat("x", 5000), []string{"Content-Type", "application/x-www-form-urlencoded"}, 401},
		"a sibling site":             {"POST", "/console/say", `{"text":"status"}`, with("Sec-Fetch-Site", "same-site"), 403},
		"no CSRF token, as a form":   {"POST", "/console/say", `{"text":"status"}`, []string{"Cookie", cookie, "Content-Type", "text/plain"}, 403},
		"the CSRF token in a field":  {"POST", "/console/say?csrf=" + p.csrf, `{"text":"status"}`, []string{"Cookie", cookie}, 403},
		"a body that is too large":   {"POST", "/console/say", `{"text":"` + strings.Repeat("x", 1<<20) + `"}`, with(), 413},
		"a deep body":                {"POST", "/console/say", strings.Repeat("[", 50000), with(), 400},
		"a name that is not ours":    {"GET", "/", "", []string{"Host", "evil.example.com"}, 200},
		"an event stream of nobody":  {"GET", "/console/events", "", []string{"Host", "evil.example.com"}, 401},
		"the cookie's hash as a key": {"GET", "/console/events", "", []string{"Cookie", "recoverbot_session=" + p.csrf + "; recoverbot_device=" + p.csrf}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), c.method, h.srv.URL+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i+1 < len(c.header); i += 2 {
				req.Header.Set(c.header[i], c.header[i+1])
			}
			req.Host = req.Header.Get("Host")
			r, err := bare(t).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close()
			body, _ := io.ReadAll(r.Body)
			if r.StatusCode != c.status {
				t.Errorf("%s: %s", r.Status, body)
			}
			for key, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
				"Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store"} {
				if got := r.Header.Get(key); got != want {
					t.Errorf("%s is %q", key, got)
				}
			}
			if csp := r.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") {
				t.Errorf("policy %q", csp)
			}
			if to := r.Header.Get("Location"); strings.HasPrefix(to, "//") || strings.Contains(to, "://") {
				t.Errorf("leads to %s", to)
			}
			if strings.Contains(string(body), "data-csrf") || r.Header.Get("Set-Cookie") != "" || r.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("a door is open: %s %s", r.Header, body)
			}
		})
	}
	if said := in.Said(); len(said) != 0 {
		t.Errorf("heard %+v", said)
	}
}
