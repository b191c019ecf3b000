package fleet

import (
	"context"
	"io"
	"net"
)

// Dial opens a connection from the host: network "tcp" with host:port, or "unix" with a path. The name localhost
// (and 127.0.0.1) becomes the host's LoopbackAddress. The connection honours deadlines.
func (c *Client) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if network != "unix" {
		if name, port, err := net.SplitHostPort(addr); err == nil && (name == "localhost" || name == "127.0.0.1") {
			addr = net.JoinHostPort(c.host.LoopbackAddress(), port)
		}
	}
	return c.tunnel(ctx, network, addr)
}

// tunnel is Dial without translation of names.
func (c *Client) tunnel(ctx context.Context, network, addr string) (net.Conn, error) {
	far, err := opened(ctx, c, "tunnel to "+addr, func() (net.Conn, error) {
		return c.conn.Dial(network, addr)
	}, func(n net.Conn) { _ = n.Close() })
	if err != nil {
		return nil, err
	}
	return piped(c, far), nil
}

// piped gives a tunnel deadlines, which SSH channels lack: the near end of a pipe has them. Closing the near end
// frees its users at once, even where the host is frozen.
func piped(c *Client, far net.Conn) net.Conn {
	near, inner := net.Pipe()
	go func() { // ends when the near end or the channel is closed
		_, _ = io.Copy(far, inner)
		_ = far.Close()
		_ = inner.Close()
	}()
	go func() { // ends when the channel is closed by the host or the connection is lost
		_, _ = io.Copy(inner, far)
		_ = inner.Close()
		_ = far.Close()
	}()
	return &tunnelConn{Conn: near, local: c.conn.LocalAddr(), remote: far.RemoteAddr()}
}

type tunnelConn struct {
	net.Conn
	local, remote net.Addr
}

func (t *tunnelConn) LocalAddr() net.Addr  { return t.local }
func (t *tunnelConn) RemoteAddr() net.Addr { return t.remote }
