package fleet

import (
	"context"
	"errors"
	"net"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"

	"recoverbot/runbook"
)

// poolKey is what makes two connections interchangeable.
type poolKey struct {
	address    string
	port       int
	user, jump string
	loopback   string
}

func keyOf(h Host) poolKey {
	return poolKey{h.Address, portOf(h), userOf(h), h.Jump, h.LoopbackAddress()}
}

// dialling is one dial under way that any number of callers wait for.
type dialling struct {
	done   chan struct{}
	client *Client
	err    error
}

// SSH returns a pooled connection to the host, dialling (through its jump host) when there is none.
func (f *Fleet) SSH(ctx context.Context, h Host) (*Client, error) {
	key := keyOf(h)
	f.mu.Lock()
	c := f.pool[key]
	f.mu.Unlock()
	if c != nil && c.answers(ctx) {
		return c, nil
	}
	if ctx.Err() != nil {
		return nil, unreachable(h, "ssh", context.Cause(ctx))
	}
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return nil, errClosed
	}
	if again := f.pool[key]; again != nil && again != c && again.alive() {
		f.mu.Unlock()
		return again, nil
	}
	d := f.dials[key]
	if d == nil {
		d = &dialling{done: make(chan struct{})}
		f.dials[key] = d
		f.wg.Go(func() { f.dialInto(d, key, h) })
	}
	f.mu.Unlock()
	select {
	case <-d.done:
		return d.client, d.err
	case <-ctx.Done():
		return nil, unreachable(h, "ssh", context.Cause(ctx))
	}
}

// dialInto finishes d. It has its own deadline: a caller that gives up does not spoil the dial for the others.
func (f *Fleet) dialInto(d *dialling, key poolKey, h Host) {
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout+handshakeTimeout)
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-f.stop:
			cancel()
		case <-stop:
		}
	}()
	d.client, d.err = f.dial(ctx, h)
	f.mu.Lock()
	delete(f.dials, key)
	if d.err == nil {
		if f.closed {
			d.client.close(errClosed)
			d.client, d.err = nil, errClosed
		} else {
			f.pool[key] = d.client
			c := d.client
			f.wg.Go(func() { c.keepalive(f.stop); f.forget(key, c) })
		}
	}
	f.mu.Unlock()
	close(d.done)
}

func (f *Fleet) forget(key poolKey, c *Client) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pool[key] == c {
		delete(f.pool, key)
	}
}

// dial connects, checks the host key and logs in.
func (f *Fleet) dial(ctx context.Context, h Host) (*Client, error) {
	signers, err := f.signers()
	if err != nil {
		return nil, err
	}
	check, algorithms, err := f.known.checker(h)
	if err != nil {
		return nil, err
	}
	var pinned ssh.PublicKey
	var refused error
	cfg := &ssh.ClientConfig{
		User: userOf(h),
		Auth: []ssh.AuthMethod{ssh.PublicKeys(signers...)},
		HostKeyCallback: func(name string, remote net.Addr, key ssh.PublicKey) error {
			pinned = key
			refused = check(name, remote, key)
			return refused
		},
		HostKeyAlgorithms: algorithms,
	}
	conn, err := f.connect(ctx, h)
	if err != nil {
		return nil, err
	}
	sc, err := handshake(ctx, conn, h, cfg)
	if refused != nil {
		return nil, refused
	}
	if err != nil {
		var timeout net.Error
		if ctx.Err() == nil && pinned != nil && !(errors.As(err, &timeout) && timeout.Timeout()) {
			return nil, &runbook.Error{Code: runbook.Unavailable, Err: err,
				Msg: runbook.T("fleet.login_refused", "host", h.Name, "user", userOf(h))}
		}
		return nil, unreachable(h, "ssh handshake", err)
	}
	return newClient(h, sc, ssh.FingerprintSHA256(pinned)), nil
}

// connect opens the transport to the host's SSH port, through its jump host where it has one.
func (f *Fleet) connect(ctx context.Context, h Host) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if h.Jump != "" {
		via, ok := f.Config().Host(h.Jump)
		if !ok || via.Jump == h.Name || via.Name == h.Name {
			return nil, runbook.Errorf(runbook.Invalid, "fleet.unknown_host", "ref", h.Jump)
		}
		c, err := f.SSH(ctx, via)
		if err != nil {
			return nil, &runbook.Error{Code: runbook.Unavailable, Err: err,
				Msg: runbook.T("fleet.jump_unreachable", "host", h.Name, "jump", via.Name)}
		}
		conn, err := c.tunnel(ctx, "tcp", addressOf(h))
		if err != nil {
			return nil, unreachable(h, "ssh connect", err)
		}
		return conn, nil
	}
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}}
	conn, err := d.DialContext(ctx, "tcp", addressOf(h))
	if err != nil {
		return nil, unreachable(h, "ssh connect", err)
	}
	return conn, nil
}

// handshake never outlives its deadline: a frozen sshd accepts connections and then says nothing.
func handshake(ctx context.Context, conn net.Conn, h Host, cfg *ssh.ClientConfig) (*ssh.Client, error) {
	_ = conn.SetDeadline(time.Now().Add(handshakeTimeout)) // a conn without deadlines is still closed by ctx
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	sc, chans, reqs, err := ssh.NewClientConn(conn, addressOf(h), cfg)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	return ssh.NewClient(sc, chans, reqs), nil
}

func addressOf(h Host) string { return net.JoinHostPort(h.Address, strconv.Itoa(portOf(h))) }

func portOf(h Host) int {
	if h.Port == 0 {
		return 22
	}
	return h.Port
}

func userOf(h Host) string { return or(h.User, "root") }

// unreachable is the error of a host that does not answer; op names what was tried.
func unreachable(h Host, op string, cause error) error {
	return &runbook.Error{Code: runbook.Unavailable, Err: cause,
		Msg: runbook.T("fleet.unreachable", "host", h.Name, "operation", op)}
}
