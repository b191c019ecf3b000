// Package server starts private instances of the real servers (sshd, MariaDB, redis, nginx) on loopback addresses, in
// directories of their own, for the drill and for tests. Every instance dies with the process that started it. It knows
// nothing of fleets, hosts or runbooks.
package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// startTimeout is how long a server may take until it answers; two busy cores and a cold cache need some of it.
const startTimeout = 60 * time.Second

// FreePort returns a port that is free on the address now.
func FreePort(address string) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return 0, fmt.Errorf("find a free port on %s: %w", address, err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Find returns the path of a program, also from the sbin directories that an unprivileged PATH lacks.
func Find(name string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	for _, dir := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin"} {
		p := filepath.Join(dir, name)
		if st, err := os.Stat(p); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return p, nil
		}
	}
	return "", fmt.Errorf("find %s: not installed", name)
}

// ready polls try until it succeeds, the process ends, or the time is over; then the process is killed and the tail of
// its log is in the error.
func ready(ctx context.Context, p *Process, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.Done():
			return errors.Join(fmt.Errorf("start %s: it ended at once: %s", p.name, p.logTail()), p.Kill())
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("start %s: does not answer: %w: %s", p.name, err, p.logTail()), p.Kill())
		case <-tick.C:
		}
	}
}
