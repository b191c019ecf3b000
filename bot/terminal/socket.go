package terminal

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Hello is the first line of an attached session, as JSON. After it both sides send plain lines.
type Hello struct {
	As      string `json:"as"`
	TTY     bool   `json:"tty"`
	Color   bool   `json:"color,omitempty"`
	Width   int    `json:"width"`
	Lang    string `json:"lang"`
	Command string `json:"command,omitempty"`
	OneRun  bool   `json:"one_run,omitempty"`
}

const helloTimeout = 5 * time.Second

// Listen serves every connection to the unix socket at path as a session, until ctx ends; then it removes the socket. Only
// the owner of the process may connect (mode 0600), so that who they say they are is believed. A socket that a dead
// process left is replaced; one that answers is an error.
func (t *Terminal) Listen(ctx context.Context, path string) error {
	l, err := listen(path)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	defer func() { _ = os.Remove(path) }()
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept session on %s: %w", path, err)
		}
		wg.Go(func() {
			defer conn.Close()
			if err := t.serve(ctx, conn); err != nil && ctx.Err() == nil {
				t.log.Info("terminal session ended", "error", err)
			}
		})
	}
}

// listen makes the socket where nobody else can reach it and moves it into place with its mode.
func listen(path string) (*net.UnixListener, error) {
	if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
		_ = conn.Close()
		return nil, fmt.Errorf("listen on %s: another process answers there", path)
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".s")
	if err != nil {
		return nil, fmt.Errorf("make socket directory: %w", err)
	}
	defer os.RemoveAll(dir)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	l.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(filepath.Join(dir, "s"), 0o600), os.Rename(filepath.Join(dir, "s"), path)); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("place socket %s: %w", path, err)
	}
	return l, nil
}

func (t *Terminal) serve(ctx context.Context, conn net.Conn) error {
	in := bufio.NewReader(conn)
	_ = conn.SetReadDeadline(time.Now().Add(helloTimeout)) // a unix socket has deadlines
	line, err := in.ReadString('\n')
	if err != nil {
		return fmt.Errorf("read hello: %w", err)
	}
	_ = conn.SetReadDeadline(time.Time{})
	var h Hello
	if err := json.Unmarshal([]byte(line), &h); err != nil || h.As == "" {
		return fmt.Errorf("read hello: not a session: %w", errors.Join(err, io.ErrUnexpectedEOF))
	}
	if err := t.ServeSession(ctx, in, conn, SessionOptions{UserID: h.As, Width: h.Width, TTY: h.TTY, Color: h.Color, Lang: h.Lang,
		Command: h.Command, OneRun: h.OneRun}); err != nil {
		return err
	}
	_, _ = conn.Write([]byte{goodbye}) // the person may have hung up already
	return nil
}

// goodbye is the last byte of a session that ended as it should; without it the bot is gone. No message contains it.
const goodbye = 0x04

// Dial connects to a running bot's socket. fs.ErrNotExist is among the errors where no bot runs.
func Dial(ctx context.Context, path string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		if errors.Is(err, syscall.ECONNREFUSED) {
			err = errors.Join(err, fs.ErrNotExist)
		}
		return nil, fmt.Errorf("attach to %s: %w", path, err)
	}
	return conn, nil
}

// Attach holds the session h over conn between in and out until either side ends it, and closes conn. nil means the
// person left or the run is over; ErrBotStopped that the bot went away first. The goroutine that reads in ends with in.
func Attach(ctx context.Context, conn net.Conn, h Hello, in io.Reader, out io.Writer) error {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	hello, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("encode hello: %w", err)
	}
	if _, err := conn.Write(append(hello, '\n')); err != nil {
		return fmt.Errorf("write hello: %w", err)
	}
	go func() {
		_, _ = io.Copy(conn, in) // ends with in, or with the first line after the session
		if c, ok := conn.(*net.UnixConn); ok {
			_ = c.CloseWrite()
		}
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := conn.Read(buf)
		text, ended := bytes.CutSuffix(buf[:n], []byte{goodbye})
		if _, err := out.Write(text); err != nil {
			return fmt.Errorf("write to the terminal: %w", err)
		}
		switch {
		case ended:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return fmt.Errorf("follow the session: %w", errors.Join(ErrBotStopped, err))
		}
	}
}
