package drill

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"recoverbot/drill/server"
)

// Host is one machine of the company: a directory tree, an address, and what runs there.
type Host struct {
	Name, Address, Roles, Root string
	HTTPPort                   int
	company                    *Company

	boot    sync.Mutex // one start, stop or break at a time
	mu      sync.Mutex // guards what follows
	sshd    *server.SSHD
	units   map[string]*server.Process
	jobs    []*server.Process // of cron
	started map[string]time.Time
	failed  map[string]bool // units that ended without being told to
	frozen  bool
	dead    bool
}

func (h *Host) path(p string) string { return filepath.Join(h.Root, p) }
func (h *Host) socket() string       { return h.path("run/mysqld/mysqld.sock") }
func (h *Host) control() string      { return h.path("run/drill.sock") }

// Alive reports whether the host is neither dead nor frozen.
func (h *Host) Alive() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.dead && !h.frozen
}

func (h *Host) startSSHD(ctx context.Context) error {
	s, err := server.StartSSHD(ctx, server.SSHDOptions{Dir: h.path("etc/ssh"), Address: h.Address, Port: sshPort,
		AuthorizedKey: h.company.secrets.authorized, Env: h.company.sessionEnv(h)})
	if err != nil {
		return fmt.Errorf("start sshd of %s: %w", h.Name, err)
	}
	h.mu.Lock()
	h.sshd = s
	h.mu.Unlock()
	return nil
}

// running lists everything that runs on the host.
func (h *Host) running() []*server.Process {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []*server.Process
	if h.sshd != nil {
		out = append(out, h.sshd.Process)
	}
	for _, p := range h.units {
		out = append(out, p)
	}
	return append(out, h.jobs...)
}

// kill is a power cut.
func (h *Host) kill() error {
	h.boot.Lock()
	defer h.boot.Unlock()
	h.mu.Lock()
	h.dead, h.frozen = true, false
	h.mu.Unlock()
	var g errgroup.Group
	for _, p := range h.running() { // all at once, as a power cut is
		g.Go(p.Kill)
	}
	err := g.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sshd, h.units, h.jobs = nil, map[string]*server.Process{}, nil
	return err
}

func (h *Host) freeze() error {
	h.boot.Lock()
	defer h.boot.Unlock()
	h.mu.Lock()
	if h.dead {
		h.mu.Unlock()
		return fmt.Errorf("freeze %s: it is dead", h.Name)
	}
	h.frozen = true
	h.mu.Unlock()
	var errs []error
	for _, p := range h.running() {
		errs = append(errs, p.Signal(syscall.SIGSTOP))
	}
	return errors.Join(errs...)
}

// partial kills nginx alone, or where there is none, MySQL.
func (h *Host) partial() error {
	h.boot.Lock()
	defer h.boot.Unlock()
	h.mu.Lock()
	p := h.units["nginx"]
	if p == nil {
		p = h.units["mariadb"]
	}
	h.mu.Unlock()
	if p == nil {
		return fmt.Errorf("break %s: neither nginx nor MySQL runs there", h.Name)
	}
	return p.Kill()
}

func (h *Host) heal(ctx context.Context) error {
	h.mu.Lock()
	dead, frozen := h.dead, h.frozen
	h.dead, h.frozen = false, false
	h.mu.Unlock()
	if frozen {
		for _, p := range h.running() {
			if err := p.Signal(syscall.SIGCONT); err != nil {
				return err
			}
		}
		return nil
	}
	if dead {
		if err := h.startSSHD(ctx); err != nil {
			return err
		}
	}
	for _, u := range h.enabled() {
		if err := h.start(ctx, u); err != nil {
			return err
		}
	}
	return nil
}

// start starts a unit unless it runs.
func (h *Host) start(ctx context.Context, unit string) error {
	h.boot.Lock()
	defer h.boot.Unlock()
	if h.active(unit) {
		return nil
	}
	if !h.Alive() {
		return fmt.Errorf("start %s on %s: the host is down", unit, h.Name)
	}
	p, err := h.launch(ctx, unit)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.failed[unit] = true
		return fmt.Errorf("start %s on %s: %w", unit, h.Name, err)
	}
	delete(h.failed, unit)
	h.units[unit], h.started[unit] = p, time.Now()
	return nil
}

func (h *Host) launch(ctx context.Context, unit string) (*server.Process, error) {
	switch unit {
	case "mariadb":
		m, err := server.StartMariaDB(ctx, server.MariaDBOptions{Dir: h.path("var/lib/mysql"), Address: h.Address, Port: mysqlPort,
			Socket: h.socket(), RootPassword: h.company.secrets.mysql, Flags: []string{"--log-error=" + h.path("var/log/mariadb.log")}})
		if err != nil {
			return nil, err
		}
		return m.Process, nil
	case "redis-server":
		r, err := server.StartRedis(ctx, server.RedisOptions{Dir: h.path("var/lib/redis"), Address: h.Address, Port: redisPort,
			Password: h.company.secrets.redis})
		if err != nil {
			return nil, err
		}
		return r.Process, nil
	case "nginx":
		n, err := server.StartNginx(ctx, h.path("var/lib/nginx"), h.path("etc/nginx/nginx.conf"))
		if err != nil {
			return nil, err
		}
		return n.Process, nil
	}
	dir := h.path("wwwroot/go/" + unit)
	return server.Spawn(server.Command{Name: unit, Path: filepath.Join(dir, unit), Dir: dir, Env: h.env(), Log: h.path("var/log/" + unit + ".log")})
}

func (h *Host) env() []string {
	var out []string
	for k, v := range h.company.sessionEnv(h) {
		out = append(out, k+"="+v)
	}
	sort.Strings(out)
	return out
}

// halt stops a unit and waits until it has ended.
func (h *Host) halt(unit string) error {
	h.boot.Lock()
	defer h.boot.Unlock()
	h.mu.Lock()
	p := h.units[unit]
	delete(h.units, unit)
	delete(h.failed, unit)
	h.mu.Unlock()
	if p == nil {
		return nil
	}
	return p.Stop()
}

func (h *Host) active(unit string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.units[unit]
	if p == nil {
		return false
	}
	select {
	case <-p.Done():
		h.failed[unit] = true
		return false
	default:
		return true
	}
}

// since is when a unit was started.
func (h *Host) since(unit string) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.started[unit]
}
