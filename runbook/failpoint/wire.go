//go:build failpoint

package failpoint

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
)

// MySQL has points around each command that a client's connection carries, such as sql.commit and sql.update: the one
// after it is passed when the answer's first bytes have come.
func MySQL(c net.Conn) net.Conn { return &command{Conn: c} }

type command struct {
	net.Conn
	mu       sync.Mutex
	prepared []string // statements, by id
	open     string   // the command that has no answer yet
}

func (c *command) Write(p []byte) (int, error) {
	if name := c.name(p); name != "" {
		if err := Before("sql", name); err != nil {
			_ = c.Conn.Close()
			return 0, err
		}
	}
	return c.Conn.Write(p)
}

// name is that of a client's command; its packets begin with the length, the number 0 and a code.
func (c *command) name(p []byte) string {
	const query, prepare, execute = 3, 22, 23
	if len(p) < 6 || p[3] != 0 {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	first := func(text string) string {
		word, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(text)), " ")
		return strings.Trim(word, ";()`*/!")
	}
	switch p[4] {
	case query:
		c.open = first(string(p[5:]))
	case prepare:
		c.prepared = append(c.prepared, first(string(p[5:])))
		return ""
	case execute:
		c.open = "execute"
		if id := int(binary.LittleEndian.Uint32(p[5:])); id > 0 && id <= len(c.prepared) {
			c.open = c.prepared[id-1]
		}
	default:
		return ""
	}
	return c.open
}

func (c *command) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	name := c.open
	c.open = ""
	c.mu.Unlock()
	if name != "" && err == nil {
		if err := After("sql", name); err != nil {
			_ = c.Conn.Close()
			return 0, err
		}
	}
	return n, err
}

// SFTP has points around each request of a file transfer that changes something: the one after it is passed when its
// answer has come.
func SFTP(r io.Reader, w io.WriteCloser) (io.Reader, io.WriteCloser) {
	t := &transfer{WriteCloser: w, open: map[uint32]string{}}
	return &answers{r, t, nil}, t
}

type transfer struct {
	io.WriteCloser
	mu   sync.Mutex
	rest []byte
	open map[uint32]string // requests that have no answer yet
}

var requests = map[byte]string{6: "write", 9: "setstat", 10: "fsetstat", 13: "remove", 14: "mkdir", 15: "rmdir", 18: "rename", 20: "symlink"}

func (t *transfer) Write(p []byte) (int, error) {
	t.rest = append(t.rest, p...)
	for len(t.rest) >= 4 {
		size := 4 + int(binary.BigEndian.Uint32(t.rest))
		if len(t.rest) < size {
			break
		}
		packet := t.rest[:size]
		if name := t.name(packet); name != "" {
			if err := Before("sftp", name); err != nil {
				return 0, err
			}
			t.mu.Lock()
			t.open[binary.BigEndian.Uint32(packet[5:])] = name
			t.mu.Unlock()
		}
		if _, err := t.WriteCloser.Write(packet); err != nil {
			return 0, err
		}
		t.rest = append(t.rest[:0], t.rest[size:]...)
	}
	return len(p), nil
}

func (t *transfer) name(packet []byte) string {
	const open, writes, extended = 3, 0x02, 200
	if len(packet) < 13 {
		return ""
	}
	if packet[4] == open {
		flags := 13 + int(binary.BigEndian.Uint32(packet[9:]))
		if flags+4 <= len(packet) && packet[flags+3]&writes != 0 {
			return "open"
		}
		return ""
	}
	if end := 13 + int(binary.BigEndian.Uint32(packet[9:])); packet[4] == extended && end <= len(packet) {
		name, _, _ := strings.Cut(string(packet[13:end]), "@") // posix-rename@openssh.com
		return name
	}
	return requests[packet[4]]
}

type answers struct {
	io.Reader
	t    *transfer
	head []byte // of the packet that comes; its first 9 bytes say which request it answers
}

// Read hands on what comes packet by packet: the client reads a packet's length, then the rest.
func (a *answers) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	a.head = append(a.head, p[:n]...)
	for len(a.head) >= 9 {
		size := 4 + int(binary.BigEndian.Uint32(a.head))
		id := binary.BigEndian.Uint32(a.head[5:])
		a.t.mu.Lock()
		name := a.t.open[id]
		delete(a.t.open, id)
		a.t.mu.Unlock()
		if name != "" {
			if err := After("sftp", name); err != nil {
				return 0, err
			}
		}
		if len(a.head) < size {
			break
		}
		a.head = append(a.head[:0], a.head[size:]...)
	}
	return n, err
}
