package slacktest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// Signature signs a body as Slack does: what X-Slack-Signature holds.
func Signature(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "v0:%s:%s", timestamp, body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

// body is what a delivery looks like as a request.
func (d *delivery) body() (kind string, body []byte) {
	raw, err := json.Marshal(d.payload)
	if err != nil {
		panic(err) // all payloads are made of plain values
	}
	form := url.Values{}
	switch d.kind {
	case "events_api":
		return "application/json", raw
	case "interactive":
		form.Set("payload", string(raw))
	default:
		for k, v := range d.payload {
			form.Set(k, fmt.Sprint(v))
		}
	}
	return "application/x-www-form-urlencoded", []byte(form.Encode())
}

// request sends d as a signed request in the background; s.mu is held.
func (s *Server) request(d *delivery) {
	kind, body := d.body()
	to, attempt, reason := s.eventsURL, d.attempt, d.reason
	s.work.Go(func() {
		answer, no, failure := s.signed(to, kind, body, attempt, reason)
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case s.ctx.Err() != nil || d.attempt != attempt:
		case failure == "":
			if len(bytes.TrimSpace(answer)) > 0 && !json.Valid(answer) { // Slack takes plain text for the text of a message
				answer, _ = json.Marshal(fields{"text": string(answer)})
			}
			s.finish(d, answer, "")
		case no:
			s.finish(d, nil, failure)
		case d.event() || failure == "http_timeout":
			s.late(d, failure)
		default:
			s.finish(d, nil, "dispatch_failed")
		}
	})
}

// signed sends one request. no is the app's wish for no retries.
func (s *Server) signed(to, kind string, body []byte, attempt int, reason string) (answer []byte, no bool, failure string) {
	ctx, cancel := context.WithTimeout(s.ctx, s.opts.AckWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, true, "unknown_error"
	}
	at := strconv.FormatInt(s.opts.Clock().Unix(), 10)
	r.Header.Set("Content-Type", kind)
	r.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	r.Header.Set("X-Slack-Request-Timestamp", at)
	r.Header.Set("X-Slack-Signature", Signature(s.opts.SigningSecret, at, body))
	if attempt > 0 {
		r.Header.Set("X-Slack-Retry-Num", strconv.Itoa(attempt))
		r.Header.Set("X-Slack-Retry-Reason", reason)
	}
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(r)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, false, "http_timeout"
		}
		return nil, false, "connection_failed"
	}
	defer func() { _ = resp.Body.Close() }()
	no = resp.Header.Get("X-Slack-No-Retry") == "1"
	answer, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, no, "http_timeout"
	case err != nil || resp.StatusCode/100 != 2:
		return nil, no, "http_error"
	}
	return answer, no, ""
}

// Verify sends url_verification to the events URL, as Slack does when it is saved, and says whether the app passed.
func (s *Server) Verify() error {
	s.mu.Lock()
	to := s.eventsURL
	s.mu.Unlock()
	challenge := secret()
	body, err := json.Marshal(fields{"type": "url_verification", "token": "test", "challenge": challenge})
	if err != nil {
		return err
	}
	answer, _, failure := s.signed(to, "application/json", body, 0, "")
	if failure != "" {
		return errors.New("verify URL: " + failure)
	}
	var j struct{ Challenge string }
	if string(bytes.TrimSpace(answer)) != challenge && (json.Unmarshal(answer, &j) != nil || j.Challenge != challenge) {
		return errors.New("verify URL: the answer is not the challenge")
	}
	return nil
}
