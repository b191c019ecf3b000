package telegram

import (
	"errors"
	"fmt"
	"net"
	"net/http"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

// unreached says why Telegram could not be asked: what stands on the way, and which setting names it.
func (x *check) unreached(err error) {
	address := fmt.Sprintf(x.endpoint, "x", "x")
	proxy, key := x.proxy(address)
	pairs := []any{"host", hostOf(address), "why", x.clear(err.Error()), "proxy", proxy, "key", key}
	own := hostOf(address) != hostOf(fmt.Sprintf(tgbotapi.APIEndpoint, "x", "x"))
	var dial *net.OpError
	var shown page
	answered := errors.As(err, &shown) || unreadableAnswer(err)
	switch {
	case errors.As(err, &dial) && dial.Op == "proxyconnect":
		x.fatal("telegram.check_proxy_dead", pairs...)
	case answered && own && shown.status < http.StatusInternalServerError:
		x.fatal("telegram.check_not_telegram", pairs...)
	case answered:
		x.warn("telegram.check_between", pairs...)
	case proxy != "":
		x.warn("telegram.check_through_proxy", pairs...)
	case own:
		x.warn("telegram.check_own_dead", pairs...)
	default:
		x.warn("telegram.check_unreachable", pairs...)
	}
}

// proxy is the host of the proxy on the way to an address, "" for none, and the key that names it.
func (x *check) proxy(address string) (host, key string) {
	r, err := http.NewRequest(http.MethodGet, address, http.NoBody)
	transport, ok := x.http.Transport.(*http.Transport)
	if err != nil || !ok || transport.Proxy == nil {
		return "", ""
	}
	u, err := transport.Proxy(r)
	if err != nil || u == nil {
		return "", ""
	}
	if key = "HTTPS_PROXY"; r.URL.Scheme == "http" {
		key = "HTTP_PROXY"
	}
	return u.Host, key // never what stands before it: it may hold a password
}
