package door

import (
	"net"
	"net/netip"
	"sync"
)

// How many connections may be open: of one address, which may be a proxy before many people, and of all. The rest is closed
// at once, so that there are always files left to reach the machines with.
const (
	connsOfAddress = 128
	connsOfAll     = 512
)

// Listen limits the connections of l.
func Listen(l net.Listener) net.Listener {
	return &listener{Listener: l, of: map[netip.Addr]int{}}
}

type listener struct {
	net.Listener
	mu  sync.Mutex
	of  map[netip.Addr]int
	all int
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		var from netip.Addr
		if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
			from = a.AddrPort().Addr().Unmap()
		}
		if l.enter(from) {
			return &conn{Conn: c, left: sync.OnceFunc(func() { l.leave(from) })}, nil
		}
		_ = c.Close() // it is refused either way
	}
}

func (l *listener) enter(from netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= connsOfAll || l.of[from] >= connsOfAddress {
		return false
	}
	l.all++
	l.of[from]++
	return true
}

func (l *listener) leave(from netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.of[from]--; l.of[from] == 0 {
		delete(l.of, from)
	}
}

type conn struct {
	net.Conn
	left func()
}

func (c *conn) Close() error {
	c.left()
	return c.Conn.Close()
}
