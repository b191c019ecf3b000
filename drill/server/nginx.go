package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Nginx is a private nginx.
type Nginx struct{ *Process }

var daemonOff = regexp.MustCompile(`(?m)^\s*daemon\s+off\s*;`)

// StartNginx starts nginx in the foreground with the configuration file and returns when a worker runs. prefix is its
// -p directory; output goes to logs/nginx.out below it.
func StartNginx(ctx context.Context, prefix, conf string) (*Nginx, error) {
	path, err := Find("nginx")
	if err != nil {
		return nil, err
	}
	if prefix, err = makeDir(prefix); err != nil {
		return nil, err
	}
	logs, err := makeDir(filepath.Join(prefix, "logs"))
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(conf)
	if err != nil {
		return nil, fmt.Errorf("read nginx configuration: %w", err)
	}
	args := []string{"-p", prefix, "-c", conf}
	if !daemonOff.Match(text) {
		args = append(args, "-g", "daemon off;")
	}
	p, err := Spawn(Command{Name: "nginx", Path: path, Args: args, Dir: prefix, Env: Environment(), Log: filepath.Join(logs, "nginx.out")})
	if err != nil {
		return nil, err
	}
	return &Nginx{p}, ready(ctx, p, func(context.Context) error { return hasWorker(p.pid) })
}

// hasWorker reports an error until a child of the master has become a worker: the sockets are bound by then.
func hasWorker(master int) error {
	for _, s := range processes() {
		if s.parent != master || s.zombie {
			continue
		}
		b, err := os.ReadFile("/proc/" + strconv.Itoa(s.pid) + "/cmdline")
		if err == nil && strings.HasPrefix(string(b), "nginx: worker") {
			return nil
		}
	}
	return errors.New("no worker yet")
}
