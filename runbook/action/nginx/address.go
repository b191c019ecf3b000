package nginx

import (
	"net/netip"
	"strings"
)

// address is the host and port of an upstream server or of a *_pass argument.
type address struct {
	host string // as written, without brackets
	port string // "80" or "443" where none is written
	at   int    // offset of the host in the argument
}

// parseAddress reads "host:port", "[v6]:port", "host", or a URL of them. ok is false for unix sockets and for hosts
// that are variables.
func parseAddress(arg string) (a address, ok bool) {
	a.port = "80"
	rest := arg
	if scheme, after, found := strings.Cut(arg, "://"); found {
		if scheme == "https" || scheme == "grpcs" {
			a.port = "443"
		}
		a.at, rest = len(scheme)+3, after
	}
	if strings.HasPrefix(rest, "unix:") {
		return a, false
	}
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		rest = rest[:i]
	}
	port := ""
	if strings.HasPrefix(rest, "[") {
		end := strings.IndexByte(rest, ']')
		if end < 0 {
			return a, false
		}
		a.at++
		a.host = rest[1:end]
		port = strings.TrimPrefix(rest[end+1:], ":")
	} else {
		a.host, port, _ = strings.Cut(rest, ":")
	}
	if port != "" {
		a.port = port
	}
	return a, a.host != "" && !strings.Contains(a.host, "$")
}

// replaceHost puts another host into an argument and leaves the rest as it is.
func replaceHost(arg, host string) string {
	a, ok := parseAddress(arg)
	if !ok {
		return arg
	}
	start, end := a.at, a.at+len(a.host)
	if start > 0 && arg[start-1] == '[' {
		start, end = start-1, end+1
	}
	return arg[:start] + bracketed(host) + arg[end:]
}

// bracketed is a host as it stands before a port.
func bracketed(host string) string {
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() {
		return "[" + host + "]"
	}
	return host
}

// isOneOf reports whether host is written as one of the names: equal text in any case, or the same IP.
func isOneOf(host string, names []string) bool {
	ip, err := netip.ParseAddr(host)
	for _, name := range names {
		if strings.EqualFold(host, name) {
			return true
		}
		if other, e := netip.ParseAddr(name); err == nil && e == nil && ip.Unmap() == other.Unmap() {
			return true
		}
	}
	return false
}
