package telegramtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// refusal is an answer that is not ok.
type refusal struct {
	status     int
	text       string
	retryAfter int
	migratedTo int64
}

func (r *refusal) Error() string { return r.text }

func (r *refusal) answer(w http.ResponseWriter) {
	f := fields{"ok": false, "error_code": r.status, "description": r.text}
	switch {
	case r.retryAfter > 0:
		w.Header().Set("Retry-After", strconv.Itoa(r.retryAfter))
		f["parameters"] = fields{"retry_after": r.retryAfter}
	case r.migratedTo != 0:
		f["parameters"] = fields{"migrate_to_chat_id": r.migratedTo}
	}
	answerJSON(w, r.status, f)
}

func refuse(status int, text string) *refusal { return &refusal{status: status, text: text} }

func bad(format string, a ...any) error {
	return refuse(http.StatusBadRequest, "Bad Request: "+fmt.Sprintf(format, a...))
}

func forbidden(format string, a ...any) error {
	return refuse(http.StatusForbidden, "Forbidden: "+fmt.Sprintf(format, a...))
}

func (s *Server) routes() {
	s.mux.HandleFunc("GET /file/{bot}/{path...}", s.download)
	for _, verb := range []string{"GET", "POST"} {
		s.mux.HandleFunc(verb+" /{bot}/{method}", s.api)
	}
	s.viewRoutes()
}

// admit checks the token, which stands in the path behind "bot".
func (s *Server) admit(segment string) *refusal {
	token, ok := strings.CutPrefix(segment, "bot")
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !ok || !tokenForm.MatchString(token):
		return &refusal{status: http.StatusNotFound, text: "Not Found"} // it does not look like a token at all
	case token != s.opts.Token || s.gone:
		return &refusal{status: http.StatusUnauthorized, text: "Unauthorized"}
	}
	return nil
}

// api takes one call of the Bot API under the faults of its method, and records it.
func (s *Server) api(w http.ResponseWriter, r *http.Request) {
	m, known := methods[strings.ToLower(r.PathValue("method"))]
	c := Call{Method: r.PathValue("method"), At: s.opts.Clock()}
	if known {
		c.Method = m.name
	}
	a, err := readArgs(r, s.opts.MaxFile)
	c.Args = a.shown()
	defer func() { s.record(c) }() // also when the connection is cut
	no := s.admit(r.PathValue("bot"))
	handle := func() (any, error) {
		switch {
		case no != nil:
			return nil, no
		case !known:
			return nil, refuse(http.StatusNotFound, "Not Found: method not found")
		case err != nil:
			return nil, err
		}
		return s.call(r.Context(), m, a)
	}
	if f := s.fault(c.Method); f != nil && no == nil {
		c.Error = "lost"
		if s.failing(f, w, r, func() { _, _ = handle() }) { // that nobody gets the answer is the fault
			return
		}
	}
	result, err := handle()
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		c.Error = refused.text
		refused.answer(w)
	case err != nil:
		panic(err) // every error is a refusal
	default:
		c.Error = ""
		answerJSON(w, http.StatusOK, fields{"ok": true, "result": result})
	}
}

func (s *Server) call(ctx context.Context, m method, a args) (any, error) {
	if m.name == "getUpdates" {
		return s.getUpdates(ctx, a)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.counted {
		if err := s.limit(a); err != nil {
			return nil, err
		}
	}
	return m.do(s, a)
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // all answers are made of plain values
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b) // a client that went away does not matter
}

// download serves a file to whoever knows the token.
func (s *Server) download(w http.ResponseWriter, r *http.Request) {
	if no := s.admit(r.PathValue("bot")); no != nil {
		no.answer(w)
		return
	}
	if f := s.fault("file"); f != nil && s.failing(f, w, r, func() {}) {
		return
	}
	for _, f := range s.Files() {
		if f.Path == r.PathValue("path") {
			w.Header().Set("Content-Type", "application/octet-stream")
			_, _ = w.Write(f.Content) // a client that went away does not matter
			return
		}
	}
	(&refusal{status: http.StatusNotFound, text: "Not Found"}).answer(w)
}
