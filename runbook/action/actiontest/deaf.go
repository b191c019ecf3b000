package actiontest

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
)

// Deaf stands between the bot and a server's socket. Once the bot has said Word it keeps that connection's side to the
// server open and tells the bot nothing any more: the server never learns that nobody listens. Other connections go on.
type Deaf struct {
	Cut  atomic.Bool // the word was said
	word []byte
	late bool

	mu   sync.Mutex
	open []net.Conn
	wait sync.WaitGroup
}

// NewDeaf listens at one path of the host and passes on to another. late loses what holds the word on its way, too.
func (c *Company) NewDeaf(host, at, server, word string, late bool) *Deaf {
	c.t.Helper()
	l, err := net.Listen("unix", c.Path(host, at))
	c.must(err)
	d, behind := &Deaf{word: []byte(word), late: late}, c.Path(host, server)
	d.wait.Go(func() {
		for {
			bot, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("unix", behind)
			if err != nil {
				_ = bot.Close()
				continue
			}
			d.mu.Lock()
			d.open = append(d.open, bot, far)
			d.mu.Unlock()
			var lost atomic.Bool
			d.wait.Go(func() { d.pass(far, bot, &lost, true) })
			d.wait.Go(func() { d.pass(bot, far, &lost, false) })
		}
	})
	c.t.Cleanup(func() {
		_ = l.Close()
		d.mu.Lock()
		for _, c := range d.open {
			_ = c.Close()
		}
		d.mu.Unlock()
		d.wait.Wait()
	})
	return d
}

func (d *Deaf) pass(to, from net.Conn, lost *atomic.Bool, toServer bool) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		switch {
		case toServer && bytes.Contains(buf[:n], d.word) && !d.Cut.Swap(true):
			lost.Store(true)
			if d.late {
				_ = from.Close()
				return
			}
			_, _ = to.Write(buf[:n])
		case lost.Load():
			if !toServer {
				_ = to.Close()
			}
			return
		default:
			_, _ = to.Write(buf[:n])
		}
		if err != nil && !lost.Load() {
			_ = to.Close()
		}
		if err != nil {
			return
		}
	}
}
