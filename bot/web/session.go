package web

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	cookieName  = "recoverbot_session"
	sessionLife = 12 * time.Hour
)

// hashOf is how a session is stored; csrfOf is what its pages must send back in X-CSRF-Token. Neither gives the cookie away.
func hashOf(cookie string) string {
	sum := sha256.Sum256([]byte(cookie))
	return hex.EncodeToString(sum[:])
}

func csrfOf(cookie string) string {
	mac := hmac.New(sha256.New, []byte(cookie))
	mac.Write([]byte("csrf"))
	return hex.EncodeToString(mac.Sum(nil))
}

// who returns the session of a request and its CSRF token.
func (w *Console) who(r *http.Request) (Session, string, bool) {
	c, err := r.Cookie(cookieName)
	if err != nil || c.Value == "" {
		return Session{}, "", false
	}
	s, ok, err := w.c.Sessions.Lookup(r.Context(), hashOf(c.Value))
	if err != nil {
		w.log.Error("session could not be looked up", "error", err)
		return Session{}, "", false
	}
	if !ok || (!s.Expires.IsZero() && !w.clock().Before(s.Expires)) {
		return Session{}, "", false
	}
	return s, csrfOf(c.Value), true
}

func sameToken(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }

func (w *Console) login(rw http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(rw, r.Body, 4096)
	user, ok := "", false
	if token := strings.TrimSpace(r.PostFormValue("token")); token != "" {
		user, ok = w.c.Authenticate(token)
	}
	if !ok && !w.doors.allow(r, w.clock()) { // a right token is let in also while others guess from the same address
		rw.Header().Set("Retry-After", "5")
		w.showLogin(rw, r, http.StatusTooManyRequests, "ui.login_slow")
		return
	}
	if !ok {
		w.log.Warn("console log-in refused", "remote", r.RemoteAddr)
		w.showLogin(rw, r, http.StatusUnauthorized, "ui.login_wrong")
		return
	}
	cookie := rand.Text() + rand.Text()
	s := Session{Hash: hashOf(cookie), UserID: user, Expires: w.clock().Add(sessionLife)}
	if err := w.c.Sessions.Save(r.Context(), s); err != nil {
		w.log.Error("session could not be saved", "error", err)
		w.showLogin(rw, r, http.StatusServiceUnavailable, "ui.unavailable")
		return
	}
	w.setCookie(rw, r, cookie, int(sessionLife/time.Second))
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
			w.fail(rw, r, http.StatusServiceUnavailable, "ui.unavailable")
			return
		}
	}
	w.setCookie(rw, r, "", -1)
	http.Redirect(rw, r, "/", http.StatusSeeOther)
}

func (w *Console) setCookie(rw http.ResponseWriter, r *http.Request, value string, maxAge int) {
	http.SetCookie(rw, &http.Cookie{Name: cookieName, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true,
		SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"})
}

// doors slows down guessing: few tries an address, and not too many over all.
type doors struct {
	mu  sync.Mutex
	ips map[string]*rate.Limiter
	all *rate.Limiter
}

func newDoors() *doors {
	return &doors{ips: map[string]*rate.Limiter{}, all: rate.NewLimiter(10, 50)}
}

func (d *doors) allow(r *http.Request, now time.Time) bool {
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = r.RemoteAddr
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	l, ok := d.ips[ip]
	if !ok {
		for k, old := range d.ips { // a full bucket remembers nothing worth keeping
			if len(d.ips) > 1000 && old.TokensAt(now) >= float64(old.Burst()) {
				delete(d.ips, k)
			}
		}
		l = rate.NewLimiter(rate.Every(time.Second), 10)
		d.ips[ip] = l
	}
	return l.AllowN(now, 1) && d.all.AllowN(now, 1)
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
