package web

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"
)

const sessionLife = 12 * time.Hour

// hashOf is how a session is stored: a cookie is worth something only beside the browser's own. csrfOf is what its pages must
// send back in X-CSRF-Token. Neither gives the cookie away.
func hashOf(cookie, device string) string {
	sum := sha256.Sum256([]byte(cookie + " " + device))
	return hex.EncodeToString(sum[:])
}

func csrfOf(cookie string) string {
	mac := hmac.New(sha256.New, []byte(cookie))
	mac.Write([]byte("csrf"))
	return hex.EncodeToString(mac.Sum(nil))
}

// who returns the session of a request and its CSRF token.
func (w *Console) who(r *http.Request) (Session, string, bool) {
	cookie, device := cookieOf(r, sessionCookie), cookieOf(r, deviceCookie)
	if cookie == "" || device == "" {
		return Session{}, "", false
	}
	s, ok, err := w.c.Sessions.Lookup(r.Context(), hashOf(cookie, device))
	if err != nil {
		w.log.Error("session could not be looked up", "error", err)
		return Session{}, "", false
	}
	if !ok || (!s.Expires.IsZero() && !w.clock().Before(s.Expires)) {
		return Session{}, "", false
	}
	return s, csrfOf(cookie), true
}

func sameToken(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }

func (w *Console) login(rw http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(rw, r.Body, 4096)
	user, ok := "", false
	if token := strings.TrimSpace(r.PostFormValue("token")); token != "" {
		user, ok = w.c.Authenticate(token)
	}
	if !ok && w.c.Guesses.Wrong(rw, r, "log-in") {
		w.showLogin(rw, r, http.StatusTooManyRequests, "ui.login_slow")
		return
	}
	if !ok {
		w.showLogin(rw, r, http.StatusUnauthorized, "ui.login_wrong")
		return
	}
	if old, _, ok := w.who(r); ok { // who logs in anew is at this browser no more
		if err := w.c.Sessions.Delete(r.Context(), old.Hash); err != nil {
			w.log.Error("session could not be deleted", "error", err)
		}
	}
	cookie, device := rand.Text()+rand.Text(), deviceOf(r)
	s := Session{Hash: hashOf(cookie, device), UserID: user, Expires: w.clock().Add(sessionLife)}
	if err := w.c.Sessions.Save(r.Context(), s); err != nil {
		w.log.Error("session could not be saved", "error", err)
		w.showLogin(rw, r, http.StatusServiceUnavailable, "ui.no_journal")
		return
	}
	setCookie(rw, r, sessionCookie, cookie, sessionLife)
	setCookie(rw, r, deviceCookie, device, deviceLife)
	http.Redirect(rw, r, "/", http.StatusSeeOther)
}

func (w *Console) logout(rw http.ResponseWriter, r *http.Request) {
	s, csrf, ok := w.who(r)
	if ok {
		r.Body = http.MaxBytesReader(rw, r.Body, 4096)
		if !sameToken(r.PostFormValue("csrf"), csrf) {
			w.fail(rw, r, http.StatusForbidden, "ui.cross_origin")
			return
		}
		if err := w.c.Sessions.Delete(r.Context(), s.Hash); err != nil {
			w.log.Error("session could not be deleted", "error", err)
			w.fail(rw, r, http.StatusServiceUnavailable, "ui.no_journal")
			return
		}
	}
	setCookie(rw, r, sessionCookie, "", -1)
	http.Redirect(rw, r, "/", http.StatusSeeOther)
}

// memorySessions is the SessionStore of a console without one.
type memorySessions struct {
	mu sync.Mutex
	m  map[string]Session
}

func (s *memorySessions) Save(_ context.Context, x Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil {
		s.m = map[string]Session{}
	}
	s.m[x.Hash] = x
	return nil
}

func (s *memorySessions) Lookup(_ context.Context, hash string) (Session, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, ok := s.m[hash]
	return x, ok, nil
}

func (s *memorySessions) Delete(_ context.Context, hash string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.m, hash)
	return nil
}
