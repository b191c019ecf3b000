package server

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
)

// DNS answers questions for addresses of a few names, by UDP; every other name does not exist.
type DNS struct {
	Address string // as a resolver is configured: address:port

	conn  net.PacketConn
	mu    sync.Mutex
	names map[string][]netip.Addr
	ended chan struct{}
}

// StartDNS listens at address:port; port 0 is any.
func StartDNS(address string) (*DNS, error) {
	conn, err := net.ListenPacket("udp", address)
	if err != nil {
		return nil, fmt.Errorf("start DNS: %w", err)
	}
	d := &DNS{Address: conn.LocalAddr().String(), conn: conn, names: map[string][]netip.Addr{}, ended: make(chan struct{})}
	go d.serve()
	return d, nil
}

// Set lets a name have these addresses from now on; none: it does not exist.
func (d *DNS) Set(name string, addresses ...netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names[strings.ToLower(name)] = addresses
}

// Close ends it.
func (d *DNS) Close() {
	_ = d.conn.Close()
	<-d.ended
}

func (d *DNS) serve() {
	defer close(d.ended)
	buf := make([]byte, 1500)
	for {
		n, from, err := d.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if answer := d.answer(buf[:n]); answer != nil {
			_, _ = d.conn.WriteTo(answer, from)
		}
	}
}

// answer is the reply to a message with one question; nil where it is no such.
func (d *DNS) answer(q []byte) []byte {
	const header = 12
	if len(q) < header || binary.BigEndian.Uint16(q[4:]) != 1 {
		return nil
	}
	var labels []string
	i := header
	for i < len(q) && q[i] != 0 {
		end := i + 1 + int(q[i])
		if q[i] > 63 || end >= len(q) {
			return nil
		}
		labels, i = append(labels, string(q[i+1:end])), end
	}
	if i+5 > len(q) {
		return nil
	}
	kind, end := binary.BigEndian.Uint16(q[i+1:]), i+5
	d.mu.Lock()
	addresses, known := d.names[strings.ToLower(strings.Join(labels, "."))]
	d.mu.Unlock()
	out := append([]byte{}, q[:end]...)
	out[2], out[3] = 0x85, 0x80 // an authoritative answer, recursion available
	if !known || len(addresses) == 0 {
		out[3] |= 3 // NXDOMAIN
	}
	count := uint16(0)
	for _, a := range addresses {
		if a.Is4() != (kind == 1) || a.Is6() != (kind == 28) {
			continue
		}
		count++
		out = append(out, 0xc0, header, 0, byte(kind), 0, 1, 0, 0, 0, 60, 0, byte(a.BitLen()/8))
		out = append(out, a.AsSlice()...)
	}
	clear(out[6:header])
	binary.BigEndian.PutUint16(out[6:], count)
	return out
}
