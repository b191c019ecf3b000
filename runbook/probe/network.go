package probe

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// dialer opens connections from the probe's vantage point: the host called From, else the target's jump host, else
// the bot itself.
func (a *asking) dialer(ctx context.Context) (dialFunc, error) {
	var from fleet.Host
	switch {
	case a.probe.From != "":
		hosts, err := a.resolve(a.probe.From)
		if err != nil {
			return nil, err
		}
		if len(hosts) == 0 {
			return nil, runbook.Errorf(runbook.Invalid, "fleet.unknown_host", "ref", a.probe.From)
		}
		from = hosts[0]
	case a.host.Jump != "":
		via, ok := a.fleet.Config().Host(a.host.Jump)
		if !ok {
			return nil, runbook.Errorf(runbook.Invalid, "fleet.unknown_host", "ref", a.host.Jump)
		}
		from = via
	default:
		return (&net.Dialer{}).DialContext, nil
	}
	c, err := a.fleet.SSH(ctx, from)
	if err != nil {
		return nil, err
	}
	return c.Dial, nil
}

// dial opens a connection to a port of the host whose deadline is ctx's.
func (a *asking) dial(ctx context.Context, port int) (net.Conn, error) {
	dial, err := a.dialer(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := dial(ctx, "tcp", net.JoinHostPort(a.host.Address, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	return conn, nil
}

func tcp(ctx context.Context, a *asking) answer {
	conn, err := a.dial(ctx, a.probe.Port)
	if err != nil {
		return down("probe.tcp_down", "host", a.host.Name, "port", a.probe.Port, "why", why(a.fleet, err))
	}
	_ = conn.Close()
	return up("probe.tcp_up", "host", a.host.Name, "port", a.probe.Port)
}

func login(ctx context.Context, a *asking) answer {
	c, err := a.fleet.SSH(ctx, a.host)
	if err == nil {
		var ran fleet.Ran
		ran, err = c.Run(ctx, fleet.Command{Script: "true"})
		if err == nil && ran.Exit != 0 {
			err = errors.New("true failed")
		}
	}
	if err != nil {
		return down("probe.ssh_down", "host", a.host.Name, "why", why(a.fleet, err))
	}
	return up("probe.ssh_up", "host", a.host.Name)
}

// silent asks every port that is known of the host for a word of its protocol: a frozen machine still accepts
// connections, but says nothing. Up means that something spoke.
func silent(ctx context.Context, a *asking) answer {
	cfg := a.fleet.Config()
	ports := map[int]func(net.Conn) error{sshPort(a.host): speaks}
	writers := a.probe.Name == Writers // a retired host has no role that says what it runs
	if writers {
		ports = map[int]func(net.Conn) error{}
	}
	if !writers && (a.host.HasRole("nginx") || a.host.HTTPPort != 0) {
		ports[httpPort(a.host)] = speaksHTTP
	}
	if writers || a.host.HasRole("primary") || a.host.HasRole("standby") {
		ports[3306] = speaks
		for _, d := range cfg.Databases {
			if d.Port != 0 {
				ports[d.Port] = speaks
			}
		}
		ports[redisPort(cfg)] = speaksRedis
	}
	for _, s := range cfg.Services {
		if s.Health.Port != 0 && (writers || runsOn(s, a.host)) {
			ports[s.Health.Port] = speaksHTTP
		}
	}
	ctx, cancel := context.WithCancel(ctx) // the first word is enough
	defer cancel()
	var wg sync.WaitGroup
	var mu sync.Mutex
	first := 0
	for port, hello := range ports {
		wg.Go(func() {
			conn, err := a.dial(ctx, port)
			if err != nil {
				return
			}
			defer conn.Close()
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			defer stop()
			if hello(conn) == nil {
				mu.Lock()
				if first == 0 {
					first = port
				}
				mu.Unlock()
				cancel()
			}
		})
	}
	wg.Wait()
	if first != 0 {
		return up("probe.not_silent", "host", a.host.Name, "port", first)
	}
	return down("probe.silent", "host", a.host.Name)
}

func speaks(c net.Conn) error {
	_, err := io.ReadFull(c, make([]byte, 4))
	return err
}

func speaksRedis(c net.Conn) error {
	if _, err := io.WriteString(c, "PING\r\n"); err != nil {
		return err
	}
	return speaks(c)
}

// speaksHTTP asks what HTTP/1.1 forbids, a request without Host: every server refuses that by itself, also a proxy whose
// machines hang.
func speaksHTTP(c net.Conn) error {
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\n\r\n"); err != nil {
		return err
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err == nil {
		_ = r.Body.Close()
	}
	return err
}

func sshPort(h fleet.Host) int {
	if h.Port == 0 {
		return 22
	}
	return h.Port
}

func httpPort(h fleet.Host) int {
	if h.HTTPPort == 0 {
		return 80
	}
	return h.HTTPPort
}

func redisPort(c *fleet.Config) int {
	if c.Redis.Port == 0 {
		return 6379
	}
	return c.Redis.Port
}

func runsOn(s fleet.Service, h fleet.Host) bool {
	for _, role := range s.On {
		if h.HasRole(role) {
			return true
		}
	}
	return false
}
