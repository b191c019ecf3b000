package e2e

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// screen is a program on a pseudo-terminal (script of util-linux), and all that it has printed.
type screen struct {
	t    *testing.T
	cmd  *exec.Cmd
	keys io.WriteCloser
	mu   sync.Mutex
	text bytes.Buffer
	read int // how much of it was waited for
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (c *company) screen(command string) *screen {
	c.t.Helper()
	s := &screen{t: c.t, cmd: exec.Command("script", "-q", "-e", "-c", c.bin+" "+command+" --env-file "+c.d.Bot.EnvFile, "/dev/null")}
	s.cmd.Dir = c.dir
	s.cmd.Env = append(os.Environ(), "TERM=dumb", "SHELL=/bin/sh")
	s.cmd.Stdout, s.cmd.Stderr = s, s
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	var err error
	if s.keys, err = s.cmd.StdinPipe(); err != nil {
		c.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	return s
}

// all is everything that was printed.
func (s *screen) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// sees waits for text that matches after what was seen before, and returns its first group.
func (s *screen) sees(pattern string) string {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	var found string
	deadline := time.Now().Add(90 * time.Second)
	defer func() {
		if s.t.Failed() {
			s.t.Logf("the screen:\n%s", s.all())
		}
	}()
	eventually(s.t, time.Until(deadline), "see "+pattern, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		m := re.FindSubmatchIndex(s.text.Bytes()[s.read:])
		if m == nil {
			return errors.New("not on the screen")
		}
		if len(m) > 2 {
			found = string(s.text.Bytes()[s.read+m[2] : s.read+m[3]])
		}
		s.read += m[1]
		return nil
	})
	return found
}

func (s *screen) types(line string) {
	s.t.Helper()
	if _, err := io.WriteString(s.keys, line+"\n"); err != nil {
		s.t.Fatal(err)
	}
}

func (s *screen) ends() {
	s.t.Helper()
	done := make(chan error, 1)
	go func() { done <- s.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			s.t.Errorf("the terminal ended with %v:\n%s", err, s.all())
		}
	case <-time.After(20 * time.Second):
		_ = s.cmd.Process.Kill()
		s.t.Errorf("the terminal does not end:\n%s", s.all())
	}
	_ = s.keys.Close()
}

// TestTheTerminal talks to a serving bot, and then is the bot itself, where the same run goes on. A restore is rehearsed
// before, and undone after.
func TestTheTerminal(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.rehearses()
	c.drill("break", "primary")
	s := c.screen("recover primary --as operator")
	s.sees("attached")
	code := s.sees(`Power the primary off(?s:.*?)abort\s+([0-9a-f]{4})`)
	s.types("skip " + code)
	s.sees(`to confirm`)
	s.types(code)
	s.sees(`(?i)reason`)
	s.types("nobody at the provider answers")
	s.sees(`Take the primary out of nginx`)
	var runs []run
	if err := c.call("GET", "/api/runs", nil, &runs); err != nil || len(runs) != 3 { // the newest first
		t.Fatalf("%d runs: %v", len(runs), err)
	}
	id := runs[0].ID
	if x := c.at(id, "power-off", "skipped"); x.DecidedBy != "operator" {
		t.Errorf("decided by %q", x.DecidedBy)
	}
	code = s.sees(`abort\s+([0-9a-f]{4})`)
	s.types("approve 0000") // of no card
	s.sees(`(?i)nothing was done`)
	s.types("approve " + code)
	s.sees(`Restore the newest backup`)
	for _, member := range []string{"nginx-out.nginx1", "nginx-out.nginx2"} { // else the bot dies in the middle of one
		c.at(id, member, "done")
	}
	s.types("quit")
	s.sees("Detached")
	s.ends()
	if out, err := c.recoverbot("recover", "primary", "--as", "nobody"); err == nil {
		t.Errorf("a stranger without a terminal: %s", out)
	}

	// The bot is stopped for good: its supervisor is held, so that nothing starts it again.
	if err := syscall.Kill(c.cmd.Process.Pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(c.d.Bot.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	alone := c.screen("recover primary --as operator")
	alone.sees("this terminal is the bot")
	alone.sees("already running")
	code = alone.sees(`Restore the newest backup(?s:.*?)abort\s+([0-9a-f]{4})`)
	alone.types("approve " + code)
	code = alone.sees(`(?i)not committed(?s:.*?)abort\s+([0-9a-f]{4})`)
	alone.types("rollback " + code)
	alone.sees(`(?i)rolled back`)
	if n := c.schemas("standby", "speed\\_%"); n != 0 {
		t.Errorf("%d schemas left by the rollback", n)
	}
	alone.types("quit")
	alone.ends()
	if err := syscall.Kill(c.cmd.Process.Pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "the supervisor's bot goes on with the run", func() error {
		if err := c.read(); err != nil {
			return err
		}
		r, err := c.run(id)
		if err == nil && (r.State != "open" || r.step("restore").State != "rolled_back") {
			err = errors.New(r.step("restore").why())
		}
		return err
	})
	if strings.Contains(s.all()+alone.all(), c.d.Hosts["standby"].MySQL.Password) {
		t.Error("a password was on the screen")
	}
	c.takesBack(id)
}
