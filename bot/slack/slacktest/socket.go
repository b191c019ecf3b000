package slacktest

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/websocket"
)

// conn is one Socket Mode connection. What goes out is written by its writer alone.
type conn struct {
	ws   *websocket.Conn
	out  chan []byte
	last bool // a disconnect was sent: nothing more goes here
	done chan struct{}
}

func secret() string {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

func (s *Server) openConnection(args) (fields, error) {
	ticket := secret()
	s.tickets[ticket] = true
	return fields{"url": "ws://" + s.addr + "/link/?ticket=" + ticket + "&app_id=" + s.opts.App}, nil
}

// link is one connection, from its ticket to its end.
func (s *Server) link(w http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	s.mu.Lock()
	good := s.tickets[ticket] && !s.gone
	delete(s.tickets, ticket)
	s.mu.Unlock()
	if !good {
		http.Error(w, "invalid ticket", http.StatusUnauthorized)
		return
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	c := &conn{ws: ws, out: make(chan []byte, 1024), done: make(chan struct{})}
	s.mu.Lock()
	if s.ctx.Err() != nil || s.http == nil {
		s.mu.Unlock()
		_ = ws.Close()
		return
	}
	s.conns = append(s.conns, c)
	c.send(fields{"type": "hello", "num_connections": len(s.conns), "connection_info": fields{"app_id": s.opts.App},
		"debug_info": fields{"host": "applink-test", "build_number": 1, "approximate_connection_time": 18060}})
	s.work.Go(func() { c.write(s.opts.PingEvery) })
	s.flush()
	s.change()
	s.mu.Unlock()
	s.hear(c)
	s.mu.Lock()
	s.conns = slices.DeleteFunc(s.conns, func(x *conn) bool { return x == c })
	close(c.done)
	s.orphan(c)
	s.change()
	s.mu.Unlock()
	_ = ws.Close()
}

// hear reads acknowledgements until the connection ends.
func (s *Server) hear(c *conn) {
	for {
		_, raw, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		var ack struct {
			EnvelopeID string          `json:"envelope_id"`
			Payload    json.RawMessage `json:"payload"`
		}
		if json.Unmarshal(raw, &ack) != nil || len(raw) >= maxAck {
			continue // Slack drops it without a word
		}
		s.acknowledge(c, ack.EnvelopeID, ack.Payload)
	}
}

// maxAck is the size at which Slack drops an acknowledgement.
const maxAck = 20 << 10

// write is the only writer of the connection.
func (c *conn) write(every time.Duration) {
	ping := time.NewTicker(every)
	defer ping.Stop()
	c.ping() // clients wait for the first one
	for {
		select {
		case b := <-c.out:
			if b == nil {
				_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
				_ = c.ws.SetReadDeadline(time.Now().Add(time.Second)) // for its own close
				return
			}
			if c.ws.WriteMessage(websocket.TextMessage, b) != nil {
				_ = c.ws.Close()
				return
			}
		case <-ping.C:
			c.ping()
		case <-c.done:
			return
		}
	}
}

func (c *conn) ping() {
	_ = c.ws.WriteControl(websocket.PingMessage, []byte("Ping from applink-test"), time.Now().Add(time.Second)) // a broken connection is noticed by its reader
}

// send queues a message; s.mu is held.
func (c *conn) send(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // all messages are made of plain values
	}
	c.out <- b
}

// Disconnect tells every connection to end (warning, refresh_requested, link_disabled) and ends it, as Slack does.
func (s *Server) Disconnect(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		if !c.last {
			c.last = true
			c.send(fields{"type": "disconnect", "reason": reason, "debug_info": fields{"host": "applink-test"}})
			c.out <- nil
		}
	}
}

// Drop cuts every WebSocket connection without a word.
func (s *Server) Drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.last = true
		_ = c.ws.NetConn().Close()
	}
}

// Connections is the number of open Socket Mode connections.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.conns {
		if !c.last {
			n++
		}
	}
	return n
}
