// Package door is what stands before everything that the bot answers over HTTP: headers that every answer carries, a brake
// for whoever guesses tokens, a limit of connections for each address, and one of event streams for each person. It knows
// neither people nor runbooks.
package door

import "net/http"

// Headers gives every answer of next, errors included, what keeps a browser from doing more with it than to read it: nothing
// is loaded, framed, sniffed, kept or told to other sites. Pages allow what they need in a policy of their own.
func Headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// Secure tells whether the browser came by TLS, to the bot or to the proxy before it. Who says so without a proxy only makes
// its own cookies stricter.
func Secure(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
}
