package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// described is what these tests read of drill.json.
type described struct {
	Console string
	Token   string
	Tokens  map[string]string // of people of the console, by name
	Bot     struct {
		Pid     int
		Argv    []string
		EnvFile string `json:"env_file"`
		Journal string
	}
	Hosts map[string]struct {
		Address string
		Root    string
		MySQL   struct{ Socket, User, Password string }
	}
	Fronts   []string
	Fleet    string
	CA       string
	Alerts   string `json:"alert_token"`
	Known    string `json:"known_hosts"`
	SSHUser  string `json:"ssh_user"`
	Expected struct {
		Dump   string
		Orders int
	}
}

// company is one `recoverbot drill` that runs without a scenario.
type company struct {
	t   *testing.T
	dir string
	bin string
	cmd *exec.Cmd
	d   described
	api
	hand func(id string, d decision) error // gives answers where not the API does
}

// eventually polls until try works.
func eventually(t *testing.T, within time.Duration, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %v", what, within, err)
		}
		<-tick.C
	}
}

// start builds and starts a company, and stops it at the test's end.
func start(t *testing.T) *company {
	t.Helper()
	return startWith(t, nil)
}

var ports atomic.Int32

// freeAddress is one that no other test gets, nor any socket whose port the kernel chooses.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 5000 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20000+(int32(os.Getpid())*20+ports.Add(1))%10000)
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}

// startWith does so with more variables in the drill's environment, and more arguments.
func startWith(t *testing.T, environ []string, args ...string) *company {
	t.Helper()
	begins(t)
	bin := binary(t)
	dir, err := os.MkdirTemp("", "rbe") // short, for unix sockets
	if err != nil {
		t.Fatal(err)
	}
	c := &company{t: t, dir: dir, bin: bin}
	addr := freeAddress(t)
	log, err := os.Create(filepath.Join(dir, "drill.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c.cmd = exec.Command(c.bin, append([]string{"drill", "--dir", dir, "--http", addr}, args...)...)
	c.cmd.Env = append(os.Environ(), environ...)
	c.cmd.Stdout, c.cmd.Stderr = log, log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	begin := time.Now()
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.stop)
	eventually(t, 90*time.Second, "start the company", c.read)
	eventually(t, 60*time.Second, "fill the black box", func() error { // nothing may break before, and no run begin
		if held, _ := filepath.Glob(filepath.Join(dir, "blackbox", "*.box")); len(held) == 0 {
			return errors.New("it is empty")
		}
		return nil
	})
	t.Logf("company in %s started in %s", dir, time.Since(begin).Round(time.Millisecond))
	return c
}

func (c *company) read() error {
	b, err := os.ReadFile(filepath.Join(c.dir, "drill.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, &c.d); err != nil {
		return err
	}
	c.api = api{base: c.d.Console, token: c.d.Token}
	return nil
}

// stop ends the drill as Ctrl-C does, and sees that nothing of it is left.
func (c *company) stop() {
	begin := time.Now()
	defer func() { c.t.Logf("stopped in %s", time.Since(begin).Round(time.Millisecond)) }()
	if c.cmd.ProcessState == nil {
		_ = c.cmd.Process.Signal(syscall.SIGCONT) // a test that failed may have held it
		if err := c.cmd.Process.Signal(os.Interrupt); err != nil {
			c.t.Error(err)
		}
		if err := c.cmd.Wait(); err != nil {
			c.t.Errorf("the drill ended with %v", err)
		}
	}
	c.gone()
	if c.t.Failed() {
		for _, f := range []string{"drill.log", "log/bot.log"} {
			b, _ := os.ReadFile(filepath.Join(c.dir, f)) // it may have died early
			c.t.Logf("%s:\n%s", f, b[max(0, len(b)-6000):])
		}
	}
	if err := os.RemoveAll(c.dir); err != nil {
		c.t.Error(err)
	}
}

// gone waits until no process and no listener of the company is left.
func (c *company) gone() {
	c.t.Helper()
	eventually(c.t, 20*time.Second, "nothing left running", func() error {
		environs, err := filepath.Glob("/proc/[0-9]*/environ")
		if err != nil {
			return err
		}
		for _, e := range environs {
			b, err := os.ReadFile(e)
			if err == nil && strings.Contains(string(b), "="+c.dir) {
				cmdline, _ := os.ReadFile(filepath.Join(filepath.Dir(e), "cmdline"))
				return fmt.Errorf("%s still runs: %q", filepath.Dir(e), cmdline)
			}
		}
		for _, h := range c.d.Hosts {
			for _, port := range []string{"2222", "3306", "6379", "8000", "8080"} {
				if conn, err := net.DialTimeout("tcp", net.JoinHostPort(h.Address, port), time.Second); err == nil {
					conn.Close()
					return fmt.Errorf("%s:%s still answers", h.Address, port)
				}
			}
		}
		if conn, err := net.Dial("tcp", strings.TrimPrefix(c.d.Console, "http://")); err == nil {
			conn.Close()
			return errors.New("the console still answers")
		}
		return nil
	})
}

// path is a file of a host.
func (c *company) path(host, p string) string { return filepath.Join(c.d.Hosts[host].Root, p) }

func (c *company) file(host, p string) string {
	c.t.Helper()
	b, err := os.ReadFile(c.path(host, p))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b)
}

func (c *company) write(host, p, text string) {
	c.t.Helper()
	if err := os.WriteFile(c.path(host, p), []byte(text), 0o640); err != nil {
		c.t.Fatal(err)
	}
}

// drill breaks or heals a host by the drill's own command: words are `break HOST --how HOW` or `heal HOST`.
func (c *company) drill(words ...string) {
	c.t.Helper()
	if out, err := exec.Command(c.bin, append(append([]string{"drill"}, words...), "--dir", c.dir)...).CombinedOutput(); err != nil {
		c.t.Fatalf("drill %v: %s", words, out)
	}
}

// recoverbot runs the bot's program with this company's settings.
func (c *company) recoverbot(args ...string) (string, error) {
	cmd := exec.Command(c.bin, append(args, "--env-file", c.d.Bot.EnvFile)...)
	cmd.Dir = c.dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// killBot is kill -9 of the bot; it returns when the supervisor's next one answers.
func (c *company) killBot() {
	c.t.Helper()
	old := c.d.Bot.Pid
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		c.t.Fatal(err)
	}
	eventually(c.t, 30*time.Second, "start the bot again", func() error {
		if err := c.read(); err != nil {
			return err
		}
		if c.d.Bot.Pid == old {
			return errors.New("the old process id")
		}
		return nil
	})
}

// mysql asks a host's MySQL with the mysql client through its socket.
func (c *company) mysql(host, query string) string {
	c.t.Helper()
	m := c.d.Hosts[host].MySQL
	cmd := exec.Command("mysql", "--no-defaults", "-u", m.User, "--socket", m.Socket, "-N", "-B", "-e", query)
	cmd.Env = append(os.Environ(), "MYSQL_PWD="+m.Password)
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("mysql on %s: %s: %v: %s", host, query, err, out)
	}
	return strings.TrimSpace(string(out))
}

// gate wraps a program of a host: each call is logged, and calls whose arguments match a shell pattern wait while the
// gate is shut.
type gate struct {
	c    *company
	log  string
	shut string
}

func (c *company) gate(host, tool, pattern string) *gate {
	c.t.Helper()
	bin := c.path(host, "bin/"+tool)
	g := &gate{c: c, log: bin + ".log", shut: bin + ".shut"}
	program := bin + ".real"
	if err := os.Rename(bin, program); err != nil {
		if program, err = exec.LookPath(tool); err != nil {
			c.t.Fatal(err)
		}
	}
	script := fmt.Sprintf("#!/bin/sh\necho \"$*\" >>%q\ncase \"$*\" in\n%s) while [ -e %q ]; do sleep 0.05; done;;\nesac\nexec %q \"$@\"\n", g.log, pattern, g.shut, program)
	if err := os.WriteFile(bin, []byte(script), 0o755); err != nil {
		c.t.Fatal(err)
	}
	return g
}

func (g *gate) close() {
	g.c.t.Helper()
	if err := os.WriteFile(g.shut, nil, 0o600); err != nil {
		g.c.t.Fatal(err)
	}
}

func (g *gate) open() {
	g.c.t.Helper()
	if err := os.Remove(g.shut); err != nil {
		g.c.t.Fatal(err)
	}
}

// calls counts the logged calls that contain a text.
func (g *gate) calls(text string) int {
	b, _ := os.ReadFile(g.log) // none yet
	n := 0
	for line := range strings.Lines(string(b)) {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// sh runs a script on a host, by the ssh program and the drill's key.
func (c *company) sh(host, script string) (string, error) {
	out, err := exec.Command("ssh", "-F", "none", "-p", "2222", "-i", filepath.Join(c.dir, "keys", "id_ed25519"), "-o", "BatchMode=yes",
		"-o", "UserKnownHostsFile="+c.d.Known, "-o", "StrictHostKeyChecking=yes", "-o", "LogLevel=ERROR", "-l", c.d.SSHUser, c.address(host), script).CombinedOutput()
	return string(out), err
}
