package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

const (
	managerTimeout = 10 * time.Second
	healthTimeout  = 5 * time.Second
)

// look asks the service's manager, and its health URL where that is wanted.
func look(ctx context.Context, c *fleet.Client, svc fleet.Service, health bool) (status, error) {
	st := status{svc: svc, installed: true}
	if svc.Installed != "" {
		ok, err := exitsZero(ctx, c, svc.Installed)
		if err != nil {
			return st, fmt.Errorf("ask whether %s is installed: %w", svc.Name, err)
		}
		st.installed = ok
	}
	if !st.installed {
		return st, nil
	}
	ok, err := exitsZero(ctx, c, svc.Status)
	if err != nil {
		return st, fmt.Errorf("ask for the status of %s: %w", svc.Name, err)
	}
	st.running, st.healthy = ok, ok
	if svc.Enabled != "" {
		if st.enabled, err = exitsZero(ctx, c, svc.Enabled); err != nil {
			return st, fmt.Errorf("ask whether %s starts at boot: %w", svc.Name, err)
		}
	}
	if ok && health && svc.Health.Port != 0 {
		st.healthy, st.answer = answers(ctx, c, svc)
	}
	return st, nil
}

func exitsZero(ctx context.Context, c *fleet.Client, command string) (bool, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, managerTimeout, errors.New("ask service manager: no answer within 10s"))
	defer cancel()
	ran, err := c.Run(ctx, fleet.Command{Script: command, Max: 4 << 10})
	return err == nil && ran.Exit == 0, err
}

// answers asks the health URL from the service's own host.
func answers(ctx context.Context, c *fleet.Client, svc fleet.Service) (bool, runbook.Msg) {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	addr := net.JoinHostPort("localhost", strconv.Itoa(svc.Health.Port))
	tr := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return c.Dial(ctx, "tcp", addr)
	}}
	defer tr.CloseIdleConnections()
	path := svc.Health.Path
	if path == "" {
		path = "/"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		return false, runbook.T("service.no_answer")
	}
	client := &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return false, runbook.T("service.no_answer")
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // only the status counts
	return resp.StatusCode == http.StatusOK, runbook.T("service.status_code", "status", resp.StatusCode)
}

// await polls until every service is as wanted, and returns those that are not when the time is over.
func (s *service) await(ctx context.Context, h fleet.Host, eff effect, out func(runbook.Msg)) ([]status, error) {
	deadline := time.NewTimer(time.Duration(eff.Within * float64(time.Second)))
	defer deadline.Stop()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		bad, err := s.unlike(ctx, h, eff)
		if err == nil && len(bad) == 0 {
			return nil, nil
		}
		if err == nil {
			out(bad[0].waiting(eff))
		}
		select {
		case <-ctx.Done():
			return bad, context.Cause(ctx)
		case <-deadline.C:
			return bad, err
		case <-tick.C:
		}
	}
}

// unlike are the services that are not (yet) as the effect wants them.
func (s *service) unlike(ctx context.Context, h fleet.Host, eff effect) ([]status, error) {
	c, err := s.env.Fleet.SSH(ctx, h)
	if err != nil {
		return nil, err
	}
	var bad []status
	starts := eff.Do == "restart" || eff.Do == "start"
	for _, name := range eff.Services {
		svc, err := s.env.Service(name)
		if err != nil {
			return nil, err
		}
		st, err := look(ctx, c, svc, starts)
		if err != nil {
			return nil, err
		}
		if st.healthy != starts || eff.Do == "retire" && st.enabled {
			bad = append(bad, st)
		}
	}
	return bad, nil
}

func (st status) waiting(eff effect) runbook.Msg {
	switch {
	case eff.Do == "retire" && !st.running:
		return runbook.T("service.still_enabled", "service", st.svc.Name)
	case eff.Do == "stop" || eff.Do == "retire":
		return runbook.T("service.still_running", "service", st.svc.Name)
	case !st.running:
		return runbook.T("service.not_running", "service", st.svc.Name)
	case st.answer.IsZero():
		return runbook.T("service.not_healthy", "service", st.svc.Name, "answer", runbook.T("service.no_answer"))
	}
	return runbook.T("service.not_healthy", "service", st.svc.Name, "answer", st.answer)
}
