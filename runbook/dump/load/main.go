package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"

	"recoverbot/runbook"
)

// Exit codes of Main.
const (
	exitDone    = 0
	exitFailed  = 1 // nothing can be said; what was loaded is in the scratch schema, if anywhere
	exitRefused = 3 // the last line says why; the scratch schema is gone, unless that line says otherwise
)

// memoryLimit is what the helper may use beside a database that needs its memory.
const memoryLimit = 40 << 20

// Main is the hidden subcommand load-dump.
func Main(_ []string, _ io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	cfg, err := readConfig(os.Getenv(ConfigVariable))
	if err != nil {
		fmt.Fprintln(stderr, "load-dump:", err)
		return exitFailed
	}
	defer func() {
		for _, p := range cfg.Remove {
			_ = os.Remove(p) // the bot removes the directory later in any case
		}
	}()
	debug.SetMemoryLimit(memoryLimit)
	var mu sync.Mutex
	out := json.NewEncoder(stdout)
	say := func(l Line) error {
		mu.Lock()
		defer mu.Unlock()
		return out.Encode(l)
	}
	last := runLocal(ctx, cfg, func(l Line) { _ = say(l) }) // output is a file: the last line tells
	switch err := say(last); {
	case err != nil:
		return exitFailed
	case last.Report == nil:
		return exitRefused
	}
	return exitDone
}

func runLocal(ctx context.Context, cfg Config, say func(Line)) Line {
	src, done, err := localFile(cfg.File)
	if err != nil {
		return refusal(&runbook.Error{Code: runbook.Conflicting, Msg: runbook.T("dump.gone"), Err: err}, "")
	}
	defer done()
	return Run(ctx, cfg, src, dialer(cfg), say)
}

func dialer(cfg Config) Dialer {
	var d net.Dialer
	return func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, cfg.Network, cfg.Address) }
}

func readConfig(path string) (Config, error) {
	var c Config
	if path == "" {
		return c, errors.New("to be run by recoverbot only: " + ConfigVariable + " is not set")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("read configuration: %w", err)
	}
	if err := os.Remove(path); err != nil { // it holds a password
		return c, fmt.Errorf("remove configuration: %w", err)
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, errors.New("configuration is not valid JSON")
	}
	if c.Schema == "" || c.Scratch == "" || c.Scratch == c.Schema {
		return c, errors.New("configuration names no schemas")
	}
	return c, nil
}
