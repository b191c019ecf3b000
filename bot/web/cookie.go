package web

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"recoverbot/bot/door"
)

// The cookies of a log-in: of a person, which ends with it, and of the browser, which stays. By TLS their names begin with
// __Host-, so that no other host, and nothing without TLS, can set them.
const (
	sessionCookie = "recoverbot_session"
	deviceCookie  = "recoverbot_device"
	hostPrefix    = "__Host-"
	deviceLife    = 365 * 24 * time.Hour
)

func cookieName(r *http.Request, name string) string {
	if door.Secure(r) {
		return hostPrefix + name
	}
	return name
}

// cookieOf is the value of a cookie, "" without one. Of two of that name none counts: somebody else has set one of them.
func cookieOf(r *http.Request, name string) string {
	if all := r.CookiesNamed(cookieName(r, name)); len(all) == 1 {
		return all[0].Value
	}
	return ""
}

// setCookie sets a cookie, or with a negative life takes it away.
func setCookie(rw http.ResponseWriter, r *http.Request, name, value string, life time.Duration) {
	age := int(life / time.Second)
	if life < 0 {
		age = -1
	}
	http.SetCookie(rw, &http.Cookie{Name: cookieName(r, name), Value: value, Path: "/", MaxAge: age, HttpOnly: true,
		SameSite: http.SameSiteStrictMode, Secure: door.Secure(r)})
}

// deviceOf is the browser's own cookie, or a new one. It is stored nowhere.
func deviceOf(r *http.Request) string {
	if v := cookieOf(r, deviceCookie); len(v) == len(rand.Text()) {
		return v
	}
	return rand.Text()
}

// seatOf tells browsers apart without giving their cookie away.
func seatOf(r *http.Request) string {
	sum := sha256.Sum256([]byte("seat " + cookieOf(r, deviceCookie)))
	return "web:" + hex.EncodeToString(sum[:6])
}
