package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"recoverbot/runbook/failpoint"
)

// Client is one SSH connection to one host. It is safe for concurrent use; Fleet owns and closes it.
type Client struct {
	host        Host
	conn        *ssh.Client
	fingerprint string

	once  sync.Once
	dead  chan struct{} // closed when the connection is gone
	cause error         // why, once dead is closed
	heard atomic.Int64  // UnixNano of the last proof of life

	identity atomic.Pointer[string] // nil until it is asked
}

func newClient(h Host, conn *ssh.Client, fingerprint string) *Client {
	c := &Client{host: h, conn: conn, fingerprint: fingerprint, dead: make(chan struct{})}
	c.heard.Store(time.Now().UnixNano())
	return c
}

// Fingerprint is the SHA256:… fingerprint of the pinned host key that the connection was verified with.
func (c *Client) Fingerprint() string { return c.fingerprint }

// Host is the machine that the connection was made for.
func (c *Client) Host() Host { return c.host }

// Lost is closed when the connection is gone.
func (c *Client) Lost() <-chan struct{} { return c.dead }

func (c *Client) close(cause error) {
	c.once.Do(func() {
		c.cause = cause
		close(c.dead)
		_ = c.conn.Close()
	})
}

func (c *Client) alive() bool {
	select {
	case <-c.dead:
		return false
	default:
		return true
	}
}

// answers reports whether the connection may be handed out: it answered a moment ago or does so now. One that does not
// is left to the keepalive: others may hold a transaction on it, and a slow answer is no reason to end that.
func (c *Client) answers(ctx context.Context) bool {
	if !c.alive() {
		return false
	}
	if time.Since(time.Unix(0, c.heard.Load())) < 2*time.Second {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return c.ping(ctx) == nil
}

// ping asks the server for a sign of life. Any answer, a refusal included, is one.
func (c *Client) ping(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { // ends with the answer or with the connection, which whoever sees the timeout closes
		_, _, err := c.conn.SendRequest("keepalive@openssh.com", true, nil)
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil {
			c.heard.Store(time.Now().UnixNano())
		}
		return err
	case <-c.dead:
		return c.cause
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// keepalive closes the connection as soon as the server stops answering, and returns when it is closed.
func (c *Client) keepalive(stop <-chan struct{}) {
	ended := make(chan struct{})
	go func() {
		err := c.conn.Wait()
		if err == nil {
			err = errors.New("connection ended")
		}
		c.close(err)
		close(ended)
	}()
	tick := time.NewTicker(keepaliveEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			c.close(errClosed)
		case <-c.dead:
			<-ended
			return
		case <-tick.C:
			ctx, cancel := context.WithTimeout(context.Background(), keepaliveDeadline)
			if err := c.ping(ctx); err != nil {
				c.close(fmt.Errorf("ssh keepalive: %w", err))
			}
			cancel()
		}
	}
}

// opened runs open, which may hang on a frozen host, until ctx ends or the connection is lost. A result that comes
// too late is given to drop.
func opened[T any](ctx context.Context, c *Client, op string, open func() (T, error), drop func(T)) (T, error) {
	type result struct {
		v   T
		err error
	}
	var zero T
	ctx, cancel := context.WithTimeoutCause(ctx, channelTimeout, fmt.Errorf("%s: no answer within %s", op, channelTimeout))
	defer cancel()
	done := make(chan result, 1)
	go func() { // ends with open, at the latest when the keepalive closes the connection
		v, err := open()
		done <- result{v, err}
	}()
	late := func() {
		go func() {
			if r := <-done; r.err == nil {
				drop(r.v)
			}
		}()
	}
	select {
	case r := <-done:
		if r.err != nil {
			if !c.alive() {
				return zero, unreachable(c.host, op, c.cause)
			}
			return zero, fmt.Errorf("%s: %w", op, r.err)
		}
		return r.v, nil
	case <-c.dead:
		late()
		return zero, unreachable(c.host, op, c.cause)
	case <-ctx.Done():
		late()
		return zero, unreachable(c.host, op, context.Cause(ctx))
	}
}

// SFTP returns a file-transfer session, which the caller closes. Its calls know no deadline, and a host whose disk hangs
// answers none of them: when ctx ends, the session ends with all that waits in it.
func (c *Client) SFTP(ctx context.Context) (*sftp.Client, error) {
	return opened(ctx, c, "sftp", func() (*sftp.Client, error) {
		session, err := c.conn.NewSession()
		if err != nil {
			return nil, err
		}
		s, err := subsystem(ctx, session)
		if err != nil {
			_ = session.Close()
			return nil, err
		}
		return s, nil
	}, func(s *sftp.Client) { _ = s.Close() })
}

func subsystem(ctx context.Context, session *ssh.Session) (*sftp.Client, error) {
	in, err := session.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := session.RequestSubsystem("sftp"); err != nil {
		return nil, err
	}
	r, w := io.Pipe() // the session itself ends only when the host says so
	go func() {       // ends with the session or the connection
		_, err := io.Copy(w, out)
		_ = w.CloseWithError(cmp.Or(err, io.EOF))
	}()
	context.AfterFunc(ctx, func() {
		_ = w.CloseWithError(context.Cause(ctx))
		_ = session.Close()
	})
	return sftp.NewClientPipe(failpoint.SFTP(r, in))
}
