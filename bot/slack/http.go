package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/slack-go/slack"
)

const (
	maxBody = 1 << 20
	// answerWithin is how long a request waits for its confirmation; Slack gives up after 3 s.
	answerWithin = 2900 * time.Millisecond
)

// Handler takes events, commands and interactions that Slack sends as signed requests: mount it at /slack/. What a
// request is, its body tells. Without a signing secret, everything is refused.
func (s *Slack) Handler() http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			rw.Header().Set("Allow", http.MethodPost)
			http.Error(rw, "only POST", http.StatusMethodNotAllowed)
			return
		}
		body, status := s.verified(rw, r)
		if status != 0 {
			http.Error(rw, http.StatusText(status), status)
			return
		}
		what, status := parse(r, body)
		if status != 0 {
			http.Error(rw, http.StatusText(status), status)
			return
		}
		if e, ok := what.(eventBody); ok && e.Type == "url_verification" {
			writeJSON(rw, map[string]string{"challenge": e.Challenge})
			return
		}
		s.serve(rw, r, what)
	})
}

// verified is the body of a request that Slack signed within five minutes of now, or the status to refuse it with.
func (s *Slack) verified(rw http.ResponseWriter, r *http.Request) (body []byte, status int) {
	if s.c.SigningSecret == "" {
		return nil, http.StatusForbidden
	}
	verifier, err := slack.NewSecretsVerifier(r.Header, s.c.SigningSecret)
	if err != nil {
		return nil, http.StatusUnauthorized
	}
	body, err = io.ReadAll(http.MaxBytesReader(rw, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, http.StatusRequestEntityTooLarge
	}
	if err != nil {
		return nil, http.StatusBadRequest
	}
	if _, err := verifier.Write(body); err != nil || verifier.Ensure() != nil {
		return nil, http.StatusUnauthorized
	}
	return body, 0
}

// parse reads a body; nil is a body that says nothing.
func parse(r *http.Request, body []byte) (what any, status int) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // an unreadable one is refused below
	switch kind {
	case "application/json":
		var e eventBody
		if err := json.Unmarshal(body, &e); err != nil {
			return nil, http.StatusBadRequest
		}
		return e, 0
	case "application/x-www-form-urlencoded":
		r.Body = io.NopCloser(bytes.NewReader(body))
		if err := r.ParseForm(); err != nil {
			return nil, http.StatusBadRequest
		}
		switch {
		case r.PostForm.Has("payload"):
			cb, err := slack.InteractionCallbackParse(r)
			if err != nil {
				return nil, http.StatusBadRequest
			}
			return cb, 0
		case r.PostForm.Has("command"):
			command, err := slack.SlashCommandParse(r)
			if err != nil {
				return nil, http.StatusBadRequest
			}
			return command, 0
		case r.PostForm.Has("ssl_check"):
			return nil, 0
		}
		return nil, http.StatusBadRequest
	}
	return nil, http.StatusUnsupportedMediaType
}

// serve takes what as a delivery and answers with its confirmation.
func (s *Slack) serve(rw http.ResponseWriter, r *http.Request, what any) {
	s.mu.Lock()
	to := s.session
	s.mu.Unlock()
	confirmed := make(chan any, 1)
	d := delivery{what: what, ack: func(payload any) error {
		confirmed <- payload
		return nil
	}}
	if to == nil || !to.start(d.what, func(ctx context.Context) { s.take(ctx, to.in, d) }) {
		http.Error(rw, "not ready: send it again", http.StatusServiceUnavailable)
		return
	}
	select {
	case payload := <-confirmed:
		if payload == nil {
			rw.WriteHeader(http.StatusOK)
			return
		}
		writeJSON(rw, payload)
	case <-r.Context().Done():
	case <-time.After(answerWithin):
		http.Error(rw, "not kept: send it again", http.StatusServiceUnavailable)
	}
}

func writeJSON(rw http.ResponseWriter, v any) {
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(rw).Encode(v) // Slack may be gone; it sends again
}
