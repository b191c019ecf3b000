package faults

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"recoverbot/bot/slack/slacktest"
)

// bot is `recoverbot serve`, started again at once whenever it was killed.
type bot struct {
	c     *company
	bin   string
	log   string // of the points that were passed
	first string // instructions of the first process
	later string // and of those after it

	mu    sync.Mutex
	pid   int
	kills int
	ended error // it ended by itself
	stop  bool
	done  chan struct{}
}

func (c *company) startBot(first, later string) *bot {
	c.t.Helper()
	bin, err := binary()
	c.must(err)
	b := &bot{c: c, bin: bin, log: filepath.Join(c.dir, "points"), first: first, later: later, done: make(chan struct{})}
	go b.supervise()
	return b
}

func (b *bot) environment(instructions string) []string {
	d := b.c.dir
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + d, "LANGUAGE=en", "TZ=UTC", "FLEET_FILE=" + d + "/fleet.yaml", "RUNBOOK_DIR=" + b.c.Dir + "/runbooks",
		"DATABASE_URL=sqlite://" + d + "/journal.db", "HTTP_ADDR=" + b.c.addr, "SSH_KEY_FILE=" + b.c.Dir + "/id_ed25519", "SSH_KNOWN_HOSTS=" + b.c.KnownHosts(),
		"RECOVERBOT_FAILPOINTS=log=" + b.log + " " + instructions}
	if s := b.c.chat; s != nil {
		env = append(env, "SLACK_BOT_TOKEN="+slacktest.DefaultBotToken, "SLACK_APP_TOKEN="+slacktest.DefaultAppToken, "SLACK_CHANNEL="+room, "SLACK_API_URL="+s.URL())
	}
	return env
}

// supervise stays on one thread: a child is told of the death of the thread that made it.
func (b *bot) supervise() {
	defer close(b.done)
	runtime.LockOSThread()
	instructions := b.first
	for {
		log, err := os.OpenFile(filepath.Join(b.c.dir, "bot.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			b.ended = err
			return
		}
		cmd := exec.Command(b.bin, "serve")
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = b.c.dir, b.environment(instructions), log, log
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
		b.mu.Lock()
		if err = cmd.Start(); err == nil {
			b.pid = cmd.Process.Pid
		}
		stopped := b.stop
		b.mu.Unlock()
		if stopped && err == nil {
			_ = cmd.Process.Kill()
		}
		if err == nil {
			err = cmd.Wait()
		}
		_ = log.Close()
		b.mu.Lock()
		b.pid = 0
		status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
		killed := status.Signaled() && status.Signal() == syscall.SIGKILL
		if killed {
			b.kills++
		}
		if b.stop || !killed {
			if !b.stop {
				b.ended = fmt.Errorf("the bot ended by itself: %w", errors.Join(err, errors.New(b.tail())))
			}
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		instructions = b.later
	}
}

// end stops the bot as a service manager does, and returns what went wrong with it before.
func (b *bot) end() error {
	b.mu.Lock()
	b.stop = true
	if b.pid != 0 {
		_ = syscall.Kill(b.pid, syscall.SIGTERM)
	}
	b.mu.Unlock()
	late := time.AfterFunc(20*time.Second, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.pid != 0 {
			b.ended = errors.New("the bot does not stop")
			_ = syscall.Kill(b.pid, syscall.SIGKILL)
		}
	})
	<-b.done
	late.Stop()
	return b.ended
}

func (b *bot) tail() string {
	text, _ := os.ReadFile(filepath.Join(b.c.dir, "bot.log")) // it may have died early
	return string(text[max(0, len(text)-3000):])
}

// verify is `recoverbot audit verify` over the journal that was left.
func (b *bot) verify() error {
	cmd := exec.Command(b.bin, "audit", "verify")
	cmd.Dir, cmd.Env = b.c.dir, b.environment("")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("audit verify: %w: %s", err, out)
	}
	return nil
}

// points lists the names that were passed, and of those at which the bot died or was failed.
func (b *bot) points() (passed, struck []string) {
	text, err := os.ReadFile(b.log)
	if err != nil {
		return nil, nil
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if mark, name, ok := strings.Cut(line, " "); ok && (mark == "!" || mark == "-") {
			struck = append(struck, name)
		} else {
			passed = append(passed, line)
		}
	}
	return passed, struck
}
