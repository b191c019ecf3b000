package slacktest

import (
	"errors"
	"net/http"
	"time"
)

// answer is a response URL.
type answer struct {
	user, channel string
	source        *Message // where the button was; nil after a command
	plain         bool     // of a command: answered with plain text
	until         time.Time
	uses          int
}

const maxUses = 5

// answerURL is a new response URL; s.mu is held.
func (s *Server) answerURL(a *answer) string {
	a.until = s.opts.Clock().Add(s.opts.AnswerLife)
	key := secret()
	s.answers[key] = a
	return "http://" + s.addr + "/actions/" + s.opts.Team + "/" + s.id("") + "/" + key
}

// respond takes what the app posts to a response URL.
func (s *Server) respond(w http.ResponseWriter, r *http.Request) {
	body, _, bad := readArgs(r)
	s.failable(Call{Method: "response_url", Args: body.shown()}, w, r, func(w http.ResponseWriter) string {
		s.mu.Lock()
		defer s.mu.Unlock()
		a := s.answers[r.PathValue("secret")]
		err := bad
		status := http.StatusBadRequest
		switch {
		case err != nil:
		case a == nil:
			status, err = http.StatusNotFound, refuse("invalid_url")
		case s.opts.Clock().After(a.until):
			status, err = http.StatusNotFound, refuse("expired_url")
		case a.uses >= maxUses:
			status, err = http.StatusNotFound, refuse("used_url")
		default:
			if err = s.answer(a, body); err == nil {
				a.uses++
			}
		}
		plain := a == nil || a.plain
		if err == nil {
			if plain {
				_, _ = w.Write([]byte("ok"))
			} else {
				answerJSON(w, fields{"ok": true})
			}
			return ""
		}
		var no refusal
		if errors.As(err, &no); plain {
			http.Error(w, no.code, status)
		} else {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			w.WriteHeader(status)
			answerJSON(w, no.fields())
		}
		return no.code
	})
}

// answer shows what the app says to a command or a press; s.mu is held.
func (s *Server) answer(a *answer, body args) error {
	if body.flag("delete_original") {
		if a.source == nil {
			return refuse("message_not_found")
		}
		s.remove(a.source)
		return nil
	}
	c := s.channel(a.channel, false)
	m := s.botMessage(c)
	if err := s.content(body, m, maxPost); err != nil {
		return err
	}
	if body.flag("replace_original") && a.source != nil {
		if a.source.Deleted {
			return refuse("message_not_found")
		}
		was := a.source.copy()
		a.source.Text, a.source.Blocks = m.Text, m.Blocks
		a.source.Edited++
		a.source.edited = s.stamp()
		s.change()
		s.tellChanged(a.source, &was)
		return nil
	}
	if body.text("response_type") != "in_channel" {
		m.Ephemeral = a.user
	}
	if a.source != nil && a.source.ThreadTS != "" {
		m.ThreadTS = a.source.ThreadTS
	}
	if ts := body.text("thread_ts"); ts != "" {
		var err error
		if m.ThreadTS, err = s.thread(c, ts); err != nil {
			return err
		}
	}
	s.post(m)
	return nil
}
