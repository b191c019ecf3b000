package server

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
)

// owner is the environment variable that everything started by this process carries, down to the jobs of sshd's
// sessions.
const owner = "RECOVERBOT_OWNER"

// guardScript waits until the process that holds the other end of its standard input is gone, however it ended, and
// then kills what is left: what carries the owner's mark, what writes to one of the logs, what was frozen.
const guardScript = `trap '' INT TERM HUP QUIT
lines=$(cat)
logs=$(printf '%s\n' "$lines" | sed -n 's/^log /-> /p')
frozen=$(printf '%s\n' "$lines" | sed -n 's/^pid //p')
for round in 1 2 3 4 5; do
  pids=$( {
    grep -lzxF -e "$1" /proc/[0-9]*/environ
    [ -z "$logs" ] || ls -l /proc/[0-9]*/fd/1 /proc/[0-9]*/fd/2 | grep -F -e "$logs"
    for p in $frozen; do case $(cat /proc/$p/comm) in sshd*|nginx*|mariadbd*|redis*) echo /proc/$p/;; esac; done
  } 2>/dev/null | sed 's,.*/proc/\([0-9]*\)/.*,\1,' | sort -u)
  [ -n "$pids" ] || exit 0
  kill -9 $pids 2>/dev/null
done`

type guard struct {
	mu   sync.Mutex
	pipe *os.File
	mark string
}

var guarded struct {
	once sync.Once
	g    *guard
	err  error
}

// theGuard starts this process's guard when it is first needed. It outlives this process by the moment that it takes
// to clean up.
func theGuard() (*guard, error) {
	guarded.once.Do(func() { guarded.g, guarded.err = startGuard() })
	return guarded.g, guarded.err
}

func startGuard() (*guard, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make the guard's pipe: %w", err)
	}
	defer r.Close()
	g := &guard{pipe: w, mark: owner + "=" + rand.Text()}
	cmd := exec.Command("/bin/sh", "-c", guardScript, "recoverbot-guard", g.mark)
	cmd.Stdin, cmd.Dir, cmd.Env = r, "/", []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		w.Close()
		return nil, fmt.Errorf("start the guard: %w", err)
	}
	if err := cmd.Process.Release(); err != nil {
		return nil, fmt.Errorf("release the guard: %w", err)
	}
	return g, nil
}

// watch tells the guard of a log file whose writers must not outlive this process.
func (g *guard) watch(log string) error { return g.tell("log " + log) }

func (g *guard) tell(line string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, err := g.pipe.WriteString(line + "\n"); err != nil {
		return fmt.Errorf("tell the guard: %w", err)
	}
	return nil
}

// tellGuard names a process that is about to be frozen: an unprivileged guard cannot look into a frozen sshd session.
func tellGuard(pid int) {
	if g, err := theGuard(); err == nil {
		_ = g.tell("pid " + strconv.Itoa(pid))
	}
}

// markers are the environment entries by which a server's processes are found.
func markers(log string) []string {
	out := []string{marker + "=" + log}
	if g, err := theGuard(); err == nil {
		out = append(out, g.mark)
	}
	return out
}
