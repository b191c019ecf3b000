package telegramtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"
)

// webhook is where updates are pushed to; url "" is nowhere.
type webhook struct {
	url, secret string
	turn        int // counts calls of setWebhook: what a former one sends is over
	failedAt    time.Time
	failure     string
}

var secretForm = regexp.MustCompile(`^[A-Za-z0-9_-]{0,256}$`)

func (s *Server) setWebhook(a args) (any, error) {
	to := a.text("url")
	u, err := url.Parse(to)
	switch {
	case to == "":
		return s.deleteWebhook(a)
	case err != nil || u.Host == "":
		return nil, bad("bad webhook: URL is invalid")
	case u.Scheme != "https" && !loopbackHost(u.Hostname()):
		return nil, bad("bad webhook: An HTTPS URL must be provided for webhook")
	case !loopbackHost(u.Hostname()) && !slices.Contains([]string{"", "443", "80", "88", "8443"}, u.Port()):
		return nil, bad("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
	case !secretForm.MatchString(a.text("secret_token")):
		return nil, bad("secret token contains unallowed characters")
	}
	if err := s.allow(a); err != nil {
		return nil, err
	}
	s.interrupt(refuse(http.StatusConflict, "Conflict: terminated by setWebhook request"))
	s.drop(a)
	s.hook = webhook{url: to, secret: a.text("secret_token"), turn: s.hook.turn + 1}
	turn := s.hook.turn
	s.spawn(func() { s.push(turn) })
	s.change()
	return true, nil
}

// loopbackHost may be plain HTTP and have any port here, where nothing leaves the machine.
func loopbackHost(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (s *Server) drop(a args) {
	if a.flag("drop_pending_updates") {
		s.queue = nil
	}
}

func (s *Server) deleteWebhook(a args) (any, error) {
	s.drop(a)
	s.hook = webhook{turn: s.hook.turn + 1}
	s.change()
	return true, nil
}

func (s *Server) getWebhookInfo(args) (any, error) {
	f := fields{"url": s.hook.url, "has_custom_certificate": false, "pending_update_count": len(s.queue)}
	if s.hook.url != "" {
		f["max_connections"], f["ip_address"] = 40, "127.0.0.1"
	}
	if s.hook.failure != "" {
		f["last_error_date"], f["last_error_message"] = s.hook.failedAt.Unix(), s.hook.failure
	}
	if s.allowed != nil {
		f["allowed_updates"] = s.allowed
	}
	return f, nil
}

// WebhookURL is where updates are pushed to; "" while they are polled.
func (s *Server) WebhookURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hook.url
}

// push sends updates one by one, each until it is taken.
func (s *Server) push(turn int) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	failures := 0
	for {
		var next *queued
		var hook webhook
		over := func() bool { return s.ctx.Err() != nil || s.hook.turn != turn }
		_ = s.Until(s.ctx, func() bool { // its end is looked at below
			s.mu.Lock()
			defer s.mu.Unlock()
			if hook = s.hook; len(s.queue) > 0 {
				next = s.queue[0]
			}
			return over() || next != nil
		})
		if s.ctx.Err() != nil || hook.turn != turn {
			return
		}
		failure := s.deliver(client, hook, next)
		s.mu.Lock()
		if over() {
			s.mu.Unlock()
			return
		}
		if failure == "" {
			failures = 0
			if len(s.queue) > 0 && s.queue[0] == next {
				s.queue = s.queue[1:]
			}
			s.change()
			s.mu.Unlock()
			continue
		}
		s.hook.failure, s.hook.failedAt = failure, s.opts.Clock()
		s.change()
		s.mu.Unlock()
		pause := s.opts.WebhookRetries[min(failures, len(s.opts.WebhookRetries)-1)]
		failures++
		if !s.pause(pause, over) {
			return
		}
	}
}

// pause waits, unless the webhook is over before.
func (s *Server) pause(d time.Duration, over func() bool) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		changed := s.Changed()
		s.mu.Lock()
		ended := over()
		s.mu.Unlock()
		if ended {
			return false
		}
		select {
		case <-timer.C:
			return true
		case <-changed:
		case <-s.ctx.Done():
			return false
		}
	}
}

// deliver sends one update and says why it was not taken.
func (s *Server) deliver(client *http.Client, hook webhook, q *queued) string {
	body, err := json.Marshal(q.body)
	if err != nil {
		panic(err) // made of plain values
	}
	r, err := http.NewRequestWithContext(s.ctx, http.MethodPost, hook.url, bytes.NewReader(body))
	if err != nil {
		return "URL is invalid"
	}
	r.Header.Set("Content-Type", "application/json")
	if hook.secret != "" {
		r.Header.Set("X-Telegram-Bot-Api-Secret-Token", hook.secret)
	}
	resp, err := client.Do(r)
	if err != nil {
		return "Connection refused"
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // so that the connection can be used again
	if resp.StatusCode/100 != 2 {
		return fmt.Sprintf("Wrong response from the webhook: %s", resp.Status)
	}
	return ""
}
