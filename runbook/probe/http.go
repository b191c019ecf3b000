package probe

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// httpAnswer asks a URL of the host from the probe's vantage point. With Service it is the service's health URL, which
// must answer 200; else Port (default: the host's http_port) and Path. Name, else the host's domain, is the Host header.
func httpAnswer(ctx context.Context, a *asking) answer {
	port, path, want := a.probe.Port, a.probe.Path, a.probe.Status
	if a.probe.Service != "" {
		s, ok := a.fleet.Config().Service(a.probe.Service)
		if !ok {
			return down("fleet.unknown_service", "name", a.probe.Service)
		}
		if port == 0 {
			port = s.Health.Port
		}
		if path == "" {
			path = s.Health.Path
		}
		if want == 0 {
			want = http.StatusOK
		}
	}
	if port == 0 {
		port = httpPort(a.host)
	}
	dial, err := a.dialer(ctx)
	if err != nil {
		return down("probe.http_down", "host", a.host.Name, "port", port, "path", slash(path), "why", why(a.fleet, err))
	}
	return a.get(ctx, dial, a.host.Address, port, path, want)
}

// get makes one request. want 0 takes any answer, also the server's own where what it waits for hangs.
func (a *asking) get(ctx context.Context, dial dialFunc, address string, port int, path string, want int) answer {
	path = slash(path)
	if want == 0 {
		return a.anyAnswer(ctx, dial, address, port, path)
	}
	code, err := status(ctx, dial, address, port, path, hostHeader(a))
	if err != nil {
		return down("probe.http_down", "host", a.host.Name, "port", port, "path", path, "why", why(a.fleet, err))
	}
	if code != want {
		return down("probe.http_status", "host", a.host.Name, "port", port, "path", path, "status", code, "want", want)
	}
	return up("probe.http_up", "host", a.host.Name, "port", port, "path", path, "status", code)
}

// anyAnswer gives the request half of the time. A proxy whose machines hang says nothing by then: the rest is for a
// request that no server passes on.
func (a *asking) anyAnswer(ctx context.Context, dial dialFunc, address string, port int, path string) answer {
	half := ctx
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		half, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
		defer cancel()
	}
	code, err := status(half, dial, address, port, path, hostHeader(a))
	switch {
	case err == nil:
		return up("probe.http_up", "host", a.host.Name, "port", port, "path", path, "status", code)
	case half.Err() != nil && speaksItself(ctx, dial, net.JoinHostPort(address, strconv.Itoa(port))) == nil:
		return up("probe.http_waits", "host", a.host.Name, "port", port, "path", path)
	}
	return down("probe.http_down", "host", a.host.Name, "port", port, "path", path, "why", why(a.fleet, err))
}

// speaksItself asks for the server's own answer.
func speaksItself(ctx context.Context, dial dialFunc, at string) error {
	c, err := dial(ctx, "tcp", at)
	if err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	return speaksHTTP(c)
}

func status(ctx context.Context, dial dialFunc, address string, port int, path, header string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet,
		"http://"+net.JoinHostPort(address, strconv.Itoa(port))+path, nil)
	if err != nil {
		return 0, err
	}
	req.Host = header
	t := &http.Transport{DialContext: dial, DisableKeepAlives: true}
	defer t.CloseIdleConnections()
	resp, err := t.RoundTrip(req) // no redirects: the answer itself is asked for
	if err != nil {
		return 0, err
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	return resp.StatusCode, resp.Body.Close()
}

func hostHeader(a *asking) string {
	if a.probe.Name != "" {
		return a.probe.Name
	}
	return a.host.Domain
}

func slash(path string) string {
	if !strings.HasPrefix(path, "/") {
		return "/" + path
	}
	return path
}

// service asks the host's service manager, then the service's health URL on the host itself.
func service(ctx context.Context, a *asking) answer {
	s, ok := a.fleet.Config().Service(a.probe.Service)
	if !ok {
		return down("fleet.unknown_service", "name", a.probe.Service)
	}
	c, err := a.fleet.SSH(ctx, a.host)
	var ran fleet.Ran
	if err == nil {
		ran, err = c.Run(ctx, fleet.Command{Script: s.Status})
	}
	if err != nil {
		return down("probe.service_unknown", "host", a.host.Name, "service", s.Name, "why", why(a.fleet, err))
	}
	if ran.Exit != 0 {
		return down("probe.service_stopped", "host", a.host.Name, "service", s.Name)
	}
	if s.Health.Port != 0 {
		if ans := a.get(ctx, c.Dial, "localhost", s.Health.Port, s.Health.Path, http.StatusOK); !ans.up {
			return down("probe.service_unhealthy", "host", a.host.Name, "service", s.Name, "why", ans.text)
		}
	}
	return answer{true, runbook.T("probe.service_up", "host", a.host.Name, "service", s.Name)}
}
