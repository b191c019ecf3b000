package bot

import (
	"net/http"
	"time"
)

// Lively makes requests to a service on the Internet. It drops a connection of HTTP/2 that is silent for a while and then
// gives no sign of life. Else all calls would be tried on one that a firewall has forgotten, until the kernel gives it up
// after a quarter of an hour.
func Lively() http.RoundTripper { return lively(20*time.Second, 10*time.Second) }

func lively(silent, wait time.Duration) http.RoundTripper {
	usual, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	own := usual.Clone()
	own.HTTP2 = &http.HTTP2Config{SendPingTimeout: silent, PingTimeout: wait}
	return own
}
