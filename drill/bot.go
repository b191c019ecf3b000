package drill

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"recoverbot/drill/server"
)

// bot is the child `recoverbot serve`, started again one second after it died.
type bot struct {
	c    *Company
	argv []string
	env  []string

	mu   sync.Mutex
	proc *server.Process
}

// startBot starts the child and keeps it running until ctx ends. ready is called after each start that answered.
func (c *Company) startBot(ctx context.Context, httpAddr string, args, environ []string, ready func(pid int) error) (*bot, error) {
	argv := append([]string{c.program, "serve"}, args...)
	if len(args) == 0 {
		argv = append(argv, "--env-file", c.envFile())
	}
	b := &bot{c: c, argv: argv, env: slices.Concat(server.Environment(), environ, []string{"SSL_CERT_FILE=" + c.authorityFile()})}
	if err := b.launch(ctx, httpAddr); err != nil {
		return nil, err
	}
	if err := ready(b.pid()); err != nil {
		return nil, err
	}
	c.work.Go(func() {
		for {
			b.mu.Lock()
			p := b.proc
			b.mu.Unlock()
			select {
			case <-ctx.Done():
				if err := p.Stop(); err != nil {
					slog.Error("bot not stopped", "error", err)
				}
				return
			case <-p.Done():
			}
			if !pause(ctx, time.Second) {
				return
			}
			if err := b.launch(ctx, httpAddr); err != nil {
				slog.Error("bot not started again", "error", err)
				continue
			}
			if err := ready(b.pid()); err != nil {
				slog.Error("drill.json not written", "error", err)
			}
		}
	})
	return b, nil
}

func (b *bot) pid() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.proc.Pid()
}

// launch starts the child and waits until it answers or has ended. A chat that does not work is no reason to wait.
func (b *bot) launch(ctx context.Context, httpAddr string) error {
	log := filepath.Join(b.c.Dir, "log", "bot.log")
	if err := os.MkdirAll(filepath.Dir(log), 0o755); err != nil {
		return fmt.Errorf("make the bot's log directory: %w", err)
	}
	p, err := server.Spawn(server.Command{Name: "recoverbot serve", Path: b.argv[0], Args: b.argv[1:], Dir: b.c.Dir, Env: b.env, Log: log})
	if err != nil {
		return err
	}
	b.mu.Lock()
	b.proc = p
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	go func() {
		select {
		case <-p.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := until(ctx, func() error { return get(ctx, "http://"+httpAddr+"/healthz") }); err != nil {
		return fmt.Errorf("start the bot (see %s): %w", log, err)
	}
	return nil
}

// pause waits and reports whether ctx still lives.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
