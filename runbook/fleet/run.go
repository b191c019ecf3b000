package fleet

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"al.essio.dev/pkg/shellescape"
	"golang.org/x/crypto/ssh"

	"recoverbot/runbook"
	"recoverbot/runbook/failpoint"
)

// Command is a constant shell script with variables. Values travel as data and are never shell text.
type Command struct {
	Script string
	Env    map[string]string
	Stdin  io.Reader
	Max    int // bytes kept of each stream (the tail); 0 means 64 KiB
}

// Ran is how a command ended.
type Ran struct {
	Exit           int
	Stdout, Stderr string
}

const defaultMax = 64 << 10

// bootstrap is all that appears in an argument list: it takes the program from the first line of its input and leaves
// the rest of the input to it. Any log-in shell understands it.
const bootstrap = `exec sh -c 'IFS= read -r p && eval "$(printf %s "$p" | base64 -d)"'`

// Run runs a script under sh and waits for it. A non-zero exit is in Ran, not an error; an error means that the
// outcome is not known (connection lost, no end marker). The script has no terminal. Cancelling ctx sends SIGTERM to
// the script's process group.
func (c *Client) Run(ctx context.Context, cmd Command) (Ran, error) {
	if err := failpoint.Before("ssh.run"); err != nil {
		return Ran{}, unreachable(c.host, "run", err)
	}
	ran, err := c.run(ctx, cmd)
	if lost := failpoint.After("ssh.run"); lost != nil && err == nil {
		return Ran{}, unreachable(c.host, "run", lost)
	}
	return ran, err
}

func (c *Client) run(ctx context.Context, cmd Command) (Ran, error) {
	mark := rand.Text()
	text, err := program(cmd, mark)
	if err != nil {
		return Ran{}, err
	}
	session, err := opened(ctx, c, "open session", c.conn.NewSession, func(s *ssh.Session) { _ = s.Close() })
	if err != nil {
		return Ran{}, err
	}
	cancelled := false
	defer func() {
		if !cancelled {
			_ = session.Close()
		}
	}()
	limit := cmd.Max
	if limit <= 0 {
		limit = defaultMax
	}
	stdout, stderr := newFrame(mark, limit), newFrame(mark, limit)
	session.Stdout, session.Stderr = stdout, stderr
	session.Stdin = strings.NewReader(base64.StdEncoding.EncodeToString([]byte(text)) + "\n")
	if cmd.Stdin != nil {
		session.Stdin = io.MultiReader(session.Stdin, cmd.Stdin)
	}
	waited := make(chan error, 1)
	go func() { // ends when the session does: closed below, by the host, or with the connection
		if err := session.Start(bootstrap); err != nil {
			waited <- err
			return
		}
		waited <- session.Wait()
	}()
	var werr error
	select {
	case werr = <-waited:
	case <-stdout.ended: // something that the script left behind may keep the session's output open
		grace := time.NewTimer(time.Second)
		select {
		case <-waited:
		case <-grace.C:
		case <-c.dead:
		}
		grace.Stop()
	case <-c.dead:
		werr = c.cause
	case <-ctx.Done():
		cancelled = true
		c.terminate(session, stdout)
		werr = context.Cause(ctx)
	}
	out, exit, ok := stdout.result()
	errText, _, _ := stderr.result()
	if ok {
		return Ran{Exit: exit, Stdout: out, Stderr: errText}, nil
	}
	lost := !c.alive()
	if !lost && ctx.Err() == nil { // a lost connection ends the session first; is the host there at all?
		soon, cancel := context.WithTimeout(ctx, 2*time.Second)
		lost = c.ping(soon) != nil
		cancel()
	}
	if lost {
		return Ran{Stdout: out, Stderr: errText}, unreachable(c.host, "run", werr)
	}
	if ctx.Err() != nil {
		return Ran{Stdout: out, Stderr: errText}, &runbook.Error{Code: runbook.Unavailable, Err: werr,
			Msg: runbook.T("fleet.run_timeout", "host", c.host.Name)}
	}
	return Ran{Stdout: out, Stderr: errText}, &runbook.Error{Code: runbook.Unavailable, Err: werr,
		Msg: runbook.T("fleet.no_end_marker", "host", c.host.Name)}
}

// terminate ends a script's process group by another session, since sshd delivers no signals for root, and closes the
// script's own. It does not wait: a frozen host must not hold up whoever gives up on it.
func (c *Client) terminate(script *ssh.Session, out *frame) {
	go func() { // ends with its deadline at the latest
		defer script.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		select { // a script that is only now beginning
		case <-out.started:
		case <-c.dead:
			return
		case <-ctx.Done():
			return
		}
		s, err := opened(ctx, c, "open session", c.conn.NewSession, func(s *ssh.Session) { _ = s.Close() })
		if err != nil {
			return
		}
		defer s.Close()
		stop := context.AfterFunc(ctx, func() { _ = s.Close() })
		defer stop()
		if pid := out.leader(); pid > 1 {
			_ = s.Run("kill -TERM -" + strconv.Itoa(pid))
		}
	}()
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// exports renders variables as shell assignments whose values are quoted data.
func exports(env map[string]string) (string, error) {
	names := make([]string, 0, len(env))
	for name, v := range env {
		if !envName.MatchString(name) || strings.ContainsRune(v, 0) {
			return "", fmt.Errorf("pass variable %q: not a valid name or value", name)
		}
		names = append(names, name)
	}
	sort.Strings(names)
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "export %s=%s\n", name, shellescape.Quote(env[name]))
	}
	return b.String(), nil
}

// program is the shell text that frames the script: whatever log-in shells print stays outside of the markers.
func program(cmd Command, mark string) (string, error) {
	if strings.ContainsRune(cmd.Script, 0) {
		return "", errors.New("run script: it contains a NUL byte")
	}
	env, err := exports(cmd.Env)
	if err != nil {
		return "", err
	}
	return env + fmt.Sprintf("printf '\\n%[1]s:begin:%%d\\n' $$\nprintf '\\n%[1]s:begin:%%d\\n' $$ >&2\n( eval %[2]s\n)\nprintf '\\n%[1]s:end:%%d\\n' \"$?\"\n",
		mark, shellescape.Quote(cmd.Script)), nil
}

// frame takes one stream of a command, keeps the tail of what lies between the markers, and notices the end.
type frame struct {
	begin, end []byte
	limit      int
	begun      bool
	pid        int // of the script's process group
	buf        []byte
	exit       int
	closed     bool
	started    chan struct{} // closed at the begin marker
	ended      chan struct{} // closed at the end marker
	mu         sync.Mutex    // session goroutines write while result reads
}

func newFrame(mark string, limit int) *frame {
	return &frame{begin: []byte("\n" + mark + ":begin:"), end: []byte("\n" + mark + ":end:"), limit: limit,
		started: make(chan struct{}), ended: make(chan struct{})}
}

func (f *frame) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return len(p), nil
	}
	f.buf = append(f.buf, p...)
	if !f.begun {
		i := bytes.Index(f.buf, f.begin)
		if i < 0 {
			f.cut(len(f.begin) + defaultMax)
			return len(p), nil
		}
		rest := f.buf[i+len(f.begin):]
		n := bytes.IndexByte(rest, '\n')
		if n < 0 {
			return len(p), nil
		}
		f.pid, _ = strconv.Atoi(string(rest[:n]))
		f.begun, f.buf = true, rest[n+1:]
		close(f.started)
	}
	if i := bytes.LastIndex(f.buf, f.end); i >= 0 {
		rest := f.buf[i+len(f.end):]
		if n := bytes.IndexByte(rest, '\n'); n >= 0 {
			f.exit, _ = strconv.Atoi(string(rest[:n]))
			f.buf, f.closed = f.buf[:i], true
			close(f.ended)
		}
		return len(p), nil
	}
	f.cut(f.limit + len(f.end) + 16)
	return len(p), nil
}

// cut drops the head of an overlong buffer, seldom enough to stay cheap.
func (f *frame) cut(keep int) {
	if len(f.buf) > 2*keep {
		f.buf = append(f.buf[:0], f.buf[len(f.buf)-keep:]...)
	}
}

// leader is the script's process group, 0 where it has not begun.
func (f *frame) leader() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pid
}

// result returns the kept text, the exit code, and whether the end marker was seen.
func (f *frame) result() (string, int, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.begun {
		return "", 0, false
	}
	text := f.buf
	if len(text) > f.limit {
		text = text[len(text)-f.limit:]
	}
	return string(text), f.exit, f.closed
}
