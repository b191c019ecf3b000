package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"recoverbot/drill"
)

// company is one `recoverbot drill` without a scenario, whose bot reaches the hosts through proxies only.
type company struct {
	dir, bin string
	cmd      *exec.Cmd
	ended    chan struct{}
	net      *network

	d      drill.Description // as it was at the start
	mu     sync.Mutex
	botPid int // of now
}

// startCompany builds and starts a company, puts the proxies between it and its bot, and writes down what hosts are told.
func startCompany(ctx context.Context, dir, bin string, approvals int) (*company, error) {
	c := &company{dir: dir, bin: bin, ended: make(chan struct{})}
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	log, err := os.Create(filepath.Join(dir, "drill.log"))
	if err != nil {
		return nil, fmt.Errorf("make a log: %w", err)
	}
	defer log.Close()
	c.cmd = exec.Command(bin, "drill", "--dir", dir, "--http", addr)
	c.cmd.Stdout, c.cmd.Stderr = log, log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a company: %w", err)
	}
	go func() {
		_ = c.cmd.Wait() // how it ended is seen by what it leaves
		close(c.ended)
	}()
	err = eventually(ctx, 120*time.Second, "start the company", func() error {
		select {
		case <-c.ended:
			return fmt.Errorf("it ended: see %s", log.Name())
		default:
		}
		held, _ := filepath.Glob(filepath.Join(dir, "blackbox", "*.box"))
		if c.d, err = c.read(); err == nil && len(held) == 0 {
			err = errors.New("the black box is empty")
		}
		return err
	})
	if err == nil {
		c.net, err = newNetwork(c.d)
	}
	if err == nil {
		err = c.behindProxies(approvals)
	}
	if err == nil {
		_, err = c.killBot(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// behindProxies gives the bot the proxies' ports for the hosts' own, and a step's default number of approvals.
func (c *company) behindProxies(approvals int) error {
	for _, edit := range []struct{ file, old, now string }{
		{c.d.Fleet, fmt.Sprintf("port: %d\n", c.d.Hosts["primary"].SSHPort), fmt.Sprintf("port: %d\n", proxyPort)},
		{c.d.Fleet, "approvals: 1\n", fmt.Sprintf("approvals: %d\n", approvals)},
		{c.d.Known, fmt.Sprintf("]:%d ", c.d.Hosts["primary"].SSHPort), fmt.Sprintf("]:%d ", proxyPort)},
	} {
		b, err := os.ReadFile(edit.file)
		if err != nil {
			return fmt.Errorf("read the bot's configuration: %w", err)
		}
		text := strings.ReplaceAll(string(b), edit.old, edit.now)
		if !strings.Contains(text, edit.now) {
			return fmt.Errorf("edit %s: it has no %q", edit.file, edit.old)
		}
		if err := os.WriteFile(edit.file, []byte(text), 0o600); err != nil {
			return fmt.Errorf("write the bot's configuration: %w", err)
		}
	}
	return nil
}

// read reads drill.json, which the supervisor writes anew for each bot that it starts.
func (c *company) read() (drill.Description, error) {
	var d drill.Description
	b, err := os.ReadFile(filepath.Join(c.dir, "drill.json"))
	if err == nil {
		err = json.Unmarshal(b, &d)
	}
	if err != nil {
		return d, fmt.Errorf("read drill.json: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.botPid = d.Bot.Pid
	return d, nil
}

func (c *company) pid() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.botPid
}

// killBot is kill -9 of the bot; it returns how long it took until the next one answers.
func (c *company) killBot(ctx context.Context) (time.Duration, error) {
	old, began := c.pid(), time.Now()
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		return 0, fmt.Errorf("kill the bot: %w", err)
	}
	err := eventually(ctx, 30*time.Second, "start the bot again", func() error {
		if _, err := c.read(); err != nil {
			return err
		}
		if c.pid() == old {
			return errors.New("the old process id")
		}
		return nil
	})
	return time.Since(began), err
}

// drill asks the supervisor to break or heal a host.
func (c *company) drill(words ...string) error { return drill.Send(c.dir, words, io.Discard) }

// recoverbot runs the bot's program with this company's settings.
func (c *company) recoverbot(args ...string) (string, error) {
	cmd := exec.Command(c.bin, append(args, "--env-file", c.d.Bot.EnvFile)...)
	cmd.Dir = c.dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// stop ends the company as Ctrl-C does.
func (c *company) stop() error {
	if c.net != nil {
		c.net.close()
	}
	_ = c.cmd.Process.Signal(os.Interrupt)
	select {
	case <-c.ended:
		return nil
	case <-time.After(60 * time.Second):
		return errors.Join(errors.New("the drill does not end"), c.cmd.Process.Kill())
	}
}

// eventually tries until it works, ctx ends or the time is over.
func eventually(ctx context.Context, within time.Duration, what string, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: not within %s: %w", what, within, err)
		case <-tick.C:
		}
	}
}
