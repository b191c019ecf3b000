package slacktest

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"
)

// wire is everything on its way to the app.
type wire struct {
	eventsURL string
	conns     []*conn
	turn      int // which connection is next
	tickets   map[string]bool
	pending   []*delivery
	newest    *delivery
}

func (w *wire) fill(o Options) { w.eventsURL, w.tickets = o.EventsURL, map[string]bool{} }

// delivery is one event, command or interaction on its way.
type delivery struct {
	envelope string
	kind     string // events_api, slash_commands, interactive
	payload  fields
	user     string // who waits for it; "" for events
	accepts  bool   // an answer in the acknowledgement
	attempt  int
	reason   string // of the last retry
	via      *conn  // where it is unacknowledged; nil while it waits for a connection
	timer    *time.Timer
	// then gets the answer, or why there is none; s.mu is held.
	then func(answer json.RawMessage, failure string)
}

func (d *delivery) event() bool { return d.kind == "events_api" }

// deliver sends d on its way; s.mu is held.
func (s *Server) deliver(d *delivery) {
	if s.ctx.Err() != nil {
		return
	}
	d.envelope = envelopeID()
	s.pending = append(s.pending, d)
	s.newest = d
	s.send(d)
	s.change()
}

func envelopeID() string {
	h := secret() + secret()
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:32]
}

// send tries once more; s.mu is held.
func (s *Server) send(d *delivery) {
	if s.eventsURL != "" {
		s.request(d)
		return
	}
	var open []*conn
	for _, c := range s.conns {
		if !c.last {
			open = append(open, c)
		}
	}
	if len(open) == 0 {
		if d.via = nil; !d.event() {
			s.finish(d, nil, "dispatch_failed")
		}
		return // an event waits for the next connection
	}
	s.turn++
	d.via = open[s.turn%len(open)]
	d.via.send(d.wire())
	d.expire(s, s.opts.AckWithin, func() { s.late(d, "timeout") })
}

func (d *delivery) wire() fields {
	f := fields{"type": d.kind, "envelope_id": d.envelope, "payload": d.payload, "accepts_response_payload": d.accepts}
	if d.event() {
		f["retry_attempt"], f["retry_reason"] = d.attempt, d.reason
	}
	return f
}

// expire does act with s.mu held after a time, unless d ends before.
func (d *delivery) expire(s *Server, after time.Duration, act func()) {
	if d.timer != nil {
		d.timer.Stop()
	}
	attempt := d.attempt
	d.timer = time.AfterFunc(after, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.ctx.Err() == nil && d.attempt == attempt && slices.Contains(s.pending, d) {
			act()
		}
	})
}

// late gives a delivery that was not acknowledged its next try, or ends it; s.mu is held.
func (s *Server) late(d *delivery, reason string) {
	if !d.event() {
		s.finish(d, nil, "operation_timeout")
		return
	}
	if d.attempt >= len(s.opts.Retries) {
		s.finish(d, nil, reason)
		return
	}
	pause := s.opts.Retries[d.attempt]
	d.attempt++
	d.reason, d.via = reason, nil
	d.envelope = envelopeID() // only the event_id stays
	if pause == 0 {
		s.send(d)
		return
	}
	d.expire(s, pause, func() { s.send(d) })
}

// orphan sends the events that a connection did not acknowledge before it ended; s.mu is held.
func (s *Server) orphan(c *conn) {
	for _, d := range slices.Clone(s.pending) {
		if d.via == c && d.event() {
			d.timer.Stop()
			d.attempt, d.reason, d.via, d.envelope = d.attempt+1, "timeout", nil, envelopeID()
			s.send(d)
		}
	}
}

// flush sends the events that waited for a connection; s.mu is held.
func (s *Server) flush() {
	for _, d := range slices.Clone(s.pending) {
		if d.event() && d.via == nil {
			s.send(d)
		}
	}
}

// acknowledge takes an acknowledgement of a connection.
func (s *Server) acknowledge(c *conn, envelope string, answer json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.pending, func(d *delivery) bool { return d.envelope == envelope && d.via == c })
	if i < 0 {
		return
	}
	d := s.pending[i]
	if !d.accepts {
		answer = nil
	}
	s.finish(d, answer, "")
}

// finish ends a delivery; s.mu is held.
func (s *Server) finish(d *delivery, answer json.RawMessage, failure string) {
	i := slices.Index(s.pending, d)
	if i < 0 {
		return
	}
	s.pending = slices.Delete(s.pending, i, i+1)
	if d.timer != nil {
		d.timer.Stop()
	}
	if d.then != nil {
		d.then(answer, failure)
	}
	s.change()
}

// giveUp ends everything that waits when the server closes.
func (s *Server) giveUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range slices.Clone(s.pending) {
		s.finish(d, nil, "closed")
	}
}

// Redeliver sends the newest event, command or interaction once more, acknowledged or not: an event in a new envelope with
// the same event_id, anything else in the same envelope. The answer to that copy goes nowhere.
func (s *Server) Redeliver() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.newest == nil {
		return errors.New("nothing was delivered yet")
	}
	d := &delivery{envelope: s.newest.envelope, kind: s.newest.kind, payload: maps.Clone(s.newest.payload), accepts: s.newest.accepts, attempt: s.newest.attempt + 1, reason: "timeout"}
	if d.event() {
		d.envelope = envelopeID()
	}
	s.pending = append(s.pending, d)
	s.send(d)
	s.change()
	return nil
}

// SetEventsURL moves the app to signed requests to url, and back to Socket Mode with "".
func (s *Server) SetEventsURL(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.eventsURL = url
	s.flush()
}

// Answered says that everything that the user clicked, typed and submitted was acknowledged or given up.
func (s *Server) Answered(user string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.user(user)
	return u != nil && !slices.ContainsFunc(s.pending, func(d *delivery) bool { return d.user == u.ID })
}

// Idle says that nothing at all waits for an acknowledgement or a redelivery.
func (s *Server) Idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pending) == 0
}
