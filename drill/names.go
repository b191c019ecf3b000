package drill

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
)

const namesPort = 5353

// domain is a host's own name on the domain list, once it is there.
func (h *Host) domain() string { return h.Name + domainSuffix }

const domainSuffix = ".drill.test"

// serveNames is the company's DNS server: it knows every host by its domain, and nothing else. It ends with ctx.
func (c *Company) serveNames(ctx context.Context, work *sync.WaitGroup) error {
	conn, err := net.ListenPacket("udp", c.resolver())
	if err != nil {
		return fmt.Errorf("serve names: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	work.Go(func() {
		defer stop()
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return // closed
			}
			if answer, err := c.nameAnswer(buf[:n]); err == nil {
				_, _ = conn.WriteTo(answer, from) // who gets no answer asks again
			}
		}
	})
	return nil
}

func (c *Company) resolver() string {
	base := c.must("primary").Address
	return fmt.Sprintf("%s.53:%d", base[:strings.LastIndexByte(base, '.')], namesPort)
}

// nameAnswer answers one question: an A record of a host, no record of another type, or that there is no such name.
func (c *Company) nameAnswer(query []byte) ([]byte, error) {
	const header = 12
	var labels []string
	at := header
	for {
		if at >= len(query) {
			return nil, errors.New("read a question: it is cut off")
		}
		n := int(query[at])
		at++
		if n == 0 {
			break
		}
		if n > 63 || at+n > len(query) {
			return nil, errors.New("read a question: a label is too long")
		}
		labels = append(labels, string(query[at:at+n]))
		at += n
	}
	if at+4 > len(query) {
		return nil, errors.New("read a question: it has no type")
	}
	kind := binary.BigEndian.Uint16(query[at:])
	name := strings.ToLower(strings.Join(labels, "."))
	var ip netip.Addr
	for _, h := range c.hosts {
		if h.domain() == name {
			ip = netip.MustParseAddr(h.Address)
		}
	}
	const recordA, answered, noSuchName = 1, 0x8180, 0x8183
	out := binary.BigEndian.AppendUint16(nil, binary.BigEndian.Uint16(query))
	flags, answers := uint16(answered), uint16(0)
	switch {
	case !ip.IsValid():
		flags = noSuchName
	case kind == recordA:
		answers = 1
	}
	for _, v := range []uint16{flags, 1, answers, 0, 0} {
		out = binary.BigEndian.AppendUint16(out, v)
	}
	out = append(out, query[header:at+4]...)
	if answers == 1 {
		out = append(out, 0xc0, header, 0, recordA, 0, 1, 0, 0, 0, 1, 0, 4) // the name above, class IN, one second
		out = append(out, ip.AsSlice()...)
	}
	return out, nil
}
