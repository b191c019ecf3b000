package slacktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fields is an answer of the Web API, without "ok".
type fields = map[string]any

// refusal is an answer that is not ok.
type refusal struct {
	code string
	more fields
}

func (r refusal) Error() string { return r.code }

func (r refusal) fields() fields {
	f := fields{"ok": false, "error": r.code}
	for k, v := range r.more {
		f[k] = v
	}
	return f
}

func refuse(code string) error { return refusal{code: code} }

// slowDown is a 429.
type slowDown struct{ after time.Duration }

func (slowDown) Error() string { return "ratelimited" }

type method struct {
	scopes []string // one of them is needed
	tier   int      // calls a minute, with Options.RateLimits
	app    bool     // takes the app token instead of the bot's
	do     func(*Server, args) (fields, error)
}

func (s *Server) routes() {
	for _, verb := range []string{"GET", "POST"} {
		s.mux.HandleFunc(verb+" /api/{method}", s.api)
	}
	s.mux.HandleFunc("GET /link/", s.link)
	for _, verb := range []string{"PUT", "POST"} {
		s.mux.HandleFunc(verb+" /upload/v1/{id}", s.upload)
	}
	s.mux.HandleFunc("POST /actions/{team}/{id}/{secret}", s.respond)
	s.mux.HandleFunc("GET /files-pri/{id}/{name}", s.download)
	s.viewRoutes()
}

// api takes one call of the Web API.
func (s *Server) api(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	a, token, err := readArgs(r)
	s.failable(Call{Method: name, Args: a.shown()}, w, r, func(w http.ResponseWriter) string {
		out, err := s.call(name, token, a, err)
		var slow slowDown
		if errors.As(err, &slow) {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			w.Header().Set("Retry-After", strconv.Itoa(int(slow.after.Seconds()+0.999)))
			w.WriteHeader(http.StatusTooManyRequests)
			answerJSON(w, refusal{code: slow.Error()}.fields())
			return slow.Error()
		}
		s.scopeHeaders(w.Header(), methods[name].scopes, token)
		if err != nil {
			var no refusal
			if !errors.As(err, &no) {
				no = refusal{code: "fatal_error", more: fields{"response_metadata": fields{"messages": []string{err.Error()}}}}
			}
			answerJSON(w, no.fields())
			return no.code
		}
		out["ok"] = true
		answerJSON(w, out)
		return ""
	})
}

// scopeHeaders say what a method needs and what the token has.
func (s *Server) scopeHeaders(h http.Header, needed []string, token string) {
	if len(needed) > 0 {
		h.Set("X-Accepted-Oauth-Scopes", strings.Join(needed, ","))
	}
	switch token {
	case s.opts.BotToken:
		h.Set("X-Oauth-Scopes", strings.Join(s.opts.Scopes, ","))
	case s.opts.AppToken:
		h.Set("X-Oauth-Scopes", "connections:write")
	}
}

// call checks who calls and does what the method does.
func (s *Server) call(name, token string, a args, bad error) (fields, error) {
	m, known := methods[name]
	if !known {
		return nil, refusal{code: "unknown_method", more: fields{"req_method": name}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	own, other := s.opts.BotToken, s.opts.AppToken
	if m.app {
		own, other = other, own
	}
	switch {
	case token == "":
		return nil, refuse("not_authed")
	case token == other:
		return nil, refuse("not_allowed_token_type")
	case token != own:
		return nil, refuse("invalid_auth")
	case s.gone:
		return nil, refuse("token_revoked")
	case bad != nil:
		return nil, bad
	}
	if !m.app {
		if err := s.scope(m.scopes...); err != nil {
			return nil, err
		}
	}
	if err := s.limits.method(s, name, m.tier); err != nil {
		return nil, err
	}
	out, err := m.do(s, a)
	if err == nil && out == nil {
		out = fields{}
	}
	return out, err
}

// scope refuses unless the bot token has one of them.
func (s *Server) scope(any ...string) error {
	if len(any) == 0 || slices.ContainsFunc(any, func(n string) bool { return slices.Contains(s.opts.Scopes, n) }) {
		return nil
	}
	return refusal{code: "missing_scope", more: fields{"needed": strings.Join(any, ","), "provided": strings.Join(s.opts.Scopes, ",")}}
}

// args are the arguments of a call: strings of a form, any values of JSON.
type args map[string]any

// readArgs reads a form, JSON or a query, and takes the token out of it.
func readArgs(r *http.Request) (args, string, error) {
	a := args{}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	body := http.MaxBytesReader(nil, r.Body, 4<<20)
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if strings.TrimSpace(kind) == "application/json" {
		raw, err := io.ReadAll(body)
		if err != nil {
			return a, token, refuse("request_timeout")
		}
		if err := json.Unmarshal(raw, &a); err != nil && len(raw) > 0 { // a method without arguments has no body
			return args{}, token, refuse("invalid_json")
		}
		if a == nil {
			return args{}, token, refuse("json_not_object")
		}
	} else {
		r.Body = body
		err := r.ParseMultipartForm(4 << 20)
		if err != nil && !errors.Is(err, http.ErrNotMultipart) {
			return a, token, refuse("invalid_form_data")
		}
		for k, v := range r.Form {
			a[k] = v[0]
		}
	}
	if t, ok := a["token"].(string); ok && token == "" {
		token = t
	}
	delete(a, "token")
	return a, token, nil
}

func (a args) text(key string) string {
	switch v := a[key].(type) {
	case nil:
		return ""
	case string:
		return v
	case bool, float64:
		return fmt.Sprint(v)
	}
	return ""
}

func (a args) flag(key string) bool {
	on, _ := strconv.ParseBool(a.text(key))
	return on
}

// given says whether key was sent with a value at all.
func (a args) given(key string) bool {
	v, ok := a[key]
	return ok && v != nil && v != ""
}

// structure decodes a list or object, which may come as a string of JSON; false: it is none.
func (a args) structure(key string, into any) bool {
	raw, isText := a[key].(string)
	if !isText {
		b, err := json.Marshal(a[key])
		if err != nil {
			return false
		}
		raw = string(b)
	}
	return json.Unmarshal([]byte(raw), into) == nil
}

func (a args) shown() map[string]string {
	all := map[string]string{}
	for k, v := range a {
		if t, ok := v.(string); ok {
			all[k] = t
			continue
		}
		b, _ := json.Marshal(v) // it was decoded from JSON
		all[k] = string(b)
	}
	return all
}

func answerJSON(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // all answers are made of plain values
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(b) // a client that went away does not matter
}
