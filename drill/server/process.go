package server

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopTimeout is how long a server may take to end by itself.
const stopTimeout = 15 * time.Second

// marker is the environment variable by which everything that a server started is found again, also jobs that were
// detached with setsid and whose parents are gone. Its value is the server's log file.
const marker = "RECOVERBOT_SERVER"

// Process is one running server.
type Process struct {
	name string
	log  string
	pid  int
	done chan struct{}
	err  error // of the wait; read after done
	stop sync.Mutex
}

// Command is a program to run as a child that dies with this process.
type Command struct {
	Name string // for errors
	Path string // of the program
	Args []string
	Dir  string   // working directory
	Env  []string // in full, but for the markers
	Log  string   // file that both output streams are appended to
}

// Spawn starts a child in a process group of its own that is killed when this process ends, however it ends.
func Spawn(c Command) (*Process, error) {
	g, err := theGuard()
	if err != nil {
		return nil, err
	}
	out, err := os.OpenFile(c.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log of %s: %w", c.Name, err)
	}
	defer out.Close()
	if err := g.watch(c.Log); err != nil {
		return nil, err
	}
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.Dir, out, out
	cmd.Env = append(append([]string{}, c.Env...), markers(c.Log)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p := &Process{name: c.Name, log: c.Log, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// Pdeathsig fires when the *thread* that forked ends: this one stays until the child has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		p.pid = cmd.Process.Pid
		started <- nil
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	return p, nil
}

// Environment is the plain environment that servers are started with: nothing of the caller's but what they need.
func Environment() []string {
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}
	for _, k := range []string{"HOME", "TZ", "TMPDIR"} {
		if v, ok := os.LookupEnv(k); ok {
			env = append(env, k+"="+v)
		}
	}
	return env
}

// Pid of the server's main process.
func (p *Process) Pid() int { return p.pid }

// Done is closed when the server's main process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Stop ends the server as its manager would (SIGTERM, then SIGKILL) and waits for it and for everything that it
// started; calling it again is harmless.
func (p *Process) Stop() error {
	p.stop.Lock()
	defer p.stop.Unlock()
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(p.pid, syscall.SIGTERM)
		_ = p.Signal(syscall.SIGCONT)
		late := time.NewTimer(stopTimeout)
		defer late.Stop()
		select {
		case <-p.done:
		case <-late.C:
		}
	}
	return p.Kill()
}

// Kill is kill -9 of the server and of everything it started (for sshd: its sessions). It returns when they are gone.
func (p *Process) Kill() error {
	// Frozen first, so that nothing forks away between looking and killing.
	for range 5 {
		pids := p.signalTree(syscall.SIGSTOP)
		if len(pids) == 0 {
			break
		}
		for pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(stopTimeout):
		return fmt.Errorf("kill %s: process %d does not go away", p.name, p.pid)
	}
}

// Signal reaches the server and everything it started: SIGSTOP freezes it.
func (p *Process) Signal(sig os.Signal) error {
	s, ok := sig.(syscall.Signal)
	if !ok {
		return errors.New("signal a server: not a signal of this system")
	}
	p.signalTree(s)
	return nil
}

// signalTree signals what belongs to the server, again as long as that grows, and returns whom.
func (p *Process) signalTree(sig syscall.Signal) map[int]bool {
	seen := map[int]bool{}
	for range 10 {
		grew := false
		for _, pid := range p.tree() {
			if seen[pid] {
				continue
			}
			seen[pid], grew = true, true
			if sig == syscall.SIGSTOP {
				tellGuard(pid)
			}
			_ = syscall.Kill(pid, sig)
		}
		if !grew {
			break
		}
	}
	return seen
}

func (p *Process) logTail() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return "no log"
	}
	s := strings.TrimSpace(string(b))
	if len(s) > 1500 {
		s = s[len(s)-1500:]
	}
	return s
}
