package web

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"recoverbot/bot"
)

// maxBody leaves room for a pasted script in a form.
const maxBody = 1 << 20

// utterance is what the page posts to /console/say (text) and /console/press (the others).
type utterance struct {
	Text   string            `json:"text"`
	Action string            `json:"action"`
	Reason string            `json:"reason"`
	Fields map[string]string `json:"fields"`
	ID     string            `json:"id"` // made by the page once a press, so that a repeated request counts once
}

type reply struct {
	Text    string       `json:"text"`
	Refused bool         `json:"refused"`
	RunID   string       `json:"run,omitempty"`
	Message *bot.Message `json:"message,omitempty"`
}

func (w *Console) answer(rw http.ResponseWriter, r *http.Request) {
	s, csrf, ok := w.who(r)
	if !ok {
		w.fail(rw, r, http.StatusUnauthorized, "ui.logged_out")
		return
	}
	if !sameToken(r.Header.Get("X-CSRF-Token"), csrf) {
		w.fail(rw, r, http.StatusForbidden, "ui.cross_origin")
		return
	}
	var u utterance
	if err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, maxBody)).Decode(&u); err != nil {
		status := http.StatusBadRequest
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		w.fail(rw, r, status, "ui.bad_request")
		return
	}
	in := bot.Inbound{Platform: w.Name(), UserID: s.UserID, Seat: seatOf(r), Language: w.lang(r), ID: s.Hash[:8] + "-" + u.ID}
	if u.ID == "" {
		in.ID += rand.Text()
	}
	if strings.HasSuffix(r.URL.Path, "/say") {
		in.Text = strings.TrimSpace(u.Text)
	} else {
		in.Action, in.Reason, in.Fields = u.Action, strings.TrimSpace(u.Reason), u.Fields
	}
	if in.Text == "" && in.Action == "" {
		w.fail(rw, r, http.StatusBadRequest, "ui.bad_request")
		return
	}
	inbox, _ := w.running()
	if inbox == nil {
		w.fail(rw, r, http.StatusServiceUnavailable, "ui.unavailable")
		return
	}
	got := inbox.Handle(r.Context(), in)
	out := reply{Text: bot.Clean(got.Aside()), Refused: got.Refused, RunID: got.RunID}
	if got.Message != nil {
		m := bot.Cleaned(*got.Message)
		out.Message = &m
	}
	writeJSON(rw, http.StatusOK, out)
}

// fail answers with an error in the reader's language, in the shape of the JSON API.
func (w *Console) fail(rw http.ResponseWriter, r *http.Request, status int, label string) {
	code := map[int]string{400: "invalid", 401: "forbidden", 403: "forbidden", 413: "invalid", 503: "unavailable"}[status]
	writeJSON(rw, status, map[string]any{"error": map[string]string{"code": code, "message": w.c.Label(w.lang(r), label)}})
}

func writeJSON(rw http.ResponseWriter, status int, v any) {
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(v) // the reader may be gone; nothing to do about it
}
