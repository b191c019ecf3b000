package web_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/web"
	"recoverbot/locale"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestContract holds the console to what all platforms do; hostile text stays text there (fault 33).
func TestContract(t *testing.T) {
	t.Parallel()
	bottest.Exercise(t, func(t *testing.T) bottest.Harness { return newHarness(t, nil) })
}

// harness is the console behind a real HTTP server, and people with cookie jars in front of it.
type harness struct {
	w   *web.Console
	srv *httptest.Server

	mu     sync.Mutex
	people map[string]*person
}

// person is one logged-in page without a browser.
type person struct {
	client *http.Client
	csrf   string

	mu      sync.Mutex
	cards   map[string]bot.Message
	orders  map[string]map[int64]bool
	raw     strings.Builder
	replies []string
	lastID  string
}

func label(t *testing.T) func(lang, id string, pairs ...any) string {
	t.Helper()
	b, err := locale.Load()
	if err != nil {
		t.Fatal(err)
	}
	return func(lang, id string, pairs ...any) string { return b.Printer(lang, time.UTC).T(id, pairs...) }
}

func newHarness(t *testing.T, change func(*web.Config)) *harness {
	t.Helper()
	c := web.Config{Label: label(t), Language: "en", Authenticate: func(token string) (string, bool) {
		user, ok := strings.CutPrefix(token, "token-of-")
		return user, ok
	}}
	if change != nil {
		change(&c)
	}
	w, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{w: w, srv: httptest.NewServer(w.Handler()), people: map[string]*person{}}
	t.Cleanup(func() { h.srv.CloseClientConnections(); h.srv.Close() })
	return h
}

func (h *harness) Platform() bot.Platform { return h.w }

var csrfPattern = regexp.MustCompile(`data-csrf="([0-9a-f]+)"`)

// visit logs user in and starts to read the events.
func (h *harness) visit(t *testing.T, user string) *person {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if p, ok := h.people[user]; ok {
		return p
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &person{client: &http.Client{Jar: jar, Transport: &http.Transport{}}, cards: map[string]bot.Message{}, orders: map[string]map[int64]bool{}}
	r, err := p.client.PostForm(h.srv.URL+"/login", url.Values{"token": {" token-of-" + user + "\n"}})
	if err != nil {
		t.Fatal(err)
	}
	page, _ := io.ReadAll(r.Body)
	r.Body.Close()
	found := csrfPattern.FindSubmatch(page)
	if found == nil {
		t.Fatalf("log-in of %s: %s\n%s", user, r.Status, page)
	}
	p.csrf = string(found[1])
	stop, done := make(chan struct{}), make(chan struct{})
	go func() { defer close(done); p.read(h.srv.URL, stop) }()
	t.Cleanup(func() { close(stop); p.client.CloseIdleConnections(); <-done })
	h.people[user] = p
	return p
}

// cookies are what the person's browser sends to base, as a header: of the session, then its own.
func (p *person) cookies(base string) string {
	address, _ := url.Parse(base)
	var all []string
	for _, c := range p.client.Jar.Cookies(address) {
		all = append(all, c.String())
	}
	slices.Sort(all)
	slices.Reverse(all)
	return strings.Join(all, "; ")
}

// read follows the stream like a page does, also over restarts.
func (p *person) read(base string, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		req, _ := http.NewRequest(http.MethodGet, base+"/console/events", nil)
		p.mu.Lock()
		if p.lastID != "" {
			req.Header.Set("Last-Event-ID", p.lastID)
		}
		p.mu.Unlock()
		r, err := p.client.Do(req)
		if err == nil {
			finished := make(chan struct{})
			go func() {
				select {
				case <-stop:
				case <-finished:
				}
				r.Body.Close()
			}()
			p.follow(r.Body)
			close(finished)
		}
		select {
		case <-stop:
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (p *person) follow(body io.Reader) {
	in := bufio.NewScanner(body)
	in.Buffer(nil, 8<<20)
	event := ""
	for in.Scan() {
		line := in.Text()
		p.mu.Lock()
		p.raw.WriteString(line + "\n")
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			p.lastID = id
		}
		if e, ok := strings.CutPrefix(line, "event: "); ok {
			event = e
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok && event == "card" {
			var c struct {
				Order   int64
				Message bot.Message
			}
			if json.Unmarshal([]byte(data), &c) == nil {
				p.cards[c.Message.Key] = c.Message
				if p.orders[c.Message.Key] == nil {
					p.orders[c.Message.Key] = map[int64]bool{}
				}
				p.orders[c.Message.Key][c.Order] = true
			}
		}
		p.mu.Unlock()
	}
}

func (p *person) card(key string) (bot.Message, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cards[key], len(p.orders[key])
}

// Seen draws the card as the page would, from what went over the wire.
func (h *harness) Seen(t *testing.T, key string) (string, int) {
	t.Helper()
	m, posts := h.visit(t, "ops1").card(key)
	if posts == 0 {
		return "", 0
	}
	body, _ := json.Marshal(m)
	var plain any
	_ = json.Unmarshal(body, &plain)
	return fmt.Sprintf("%v", plain), posts
}

func (h *harness) post(t *testing.T, user, path string, body map[string]any) (int, string) {
	t.Helper()
	p := h.visit(t, user)
	data, _ := json.Marshal(body)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, h.srv.URL+path, bytes.NewReader(data))
	req.Header.Set("X-CSRF-Token", p.csrf)
	r, err := p.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	p.replies = append(p.replies, string(text))
	p.mu.Unlock()
	return r.StatusCode, string(text)
}

func (h *harness) Say(t *testing.T, user, text string) string {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		status, reply := h.post(t, user, "/console/say", map[string]any{"text": text})
		if status != http.StatusServiceUnavailable || time.Now().After(deadline) {
			return reply
		}
		time.Sleep(10 * time.Millisecond) // the bot is starting
	}
}

func (h *harness) Press(t *testing.T, user, key, choice string) string {
	t.Helper()
	h.visit(t, user)
	m, _ := h.visit(t, "ops1").card(key)
	for _, b := range m.Buttons {
		if b.Choice == choice {
			_, reply := h.post(t, user, "/console/press", map[string]any{"action": b.Action})
			return reply
		}
	}
	t.Fatalf("card %s has no button %s: %+v", key, choice, m)
	return ""
}

func (h *harness) Private(t *testing.T, user string) string {
	t.Helper()
	p := h.visit(t, user)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.raw.String() + strings.Join(p.replies, "\n")
}
