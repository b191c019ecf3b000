package telegramtest

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"
)

// updates are what the bot has yet to get.
type updates struct {
	last    int
	queue   []*queued
	newest  *queued
	allowed []string // nil: all that are sent by default
	poll    *poll    // the one that waits
	hook    webhook
}

type queued struct {
	id     int
	body   fields
	forced bool // a copy that no offset has confirmed in advance
}

// poll is a getUpdates that waits; ended says with what refusal, while it does.
type poll struct{ ended *refusal }

func (u *updates) fill() { u.last = 500000000 }

// update queues an update for the bot; s.mu is held.
func (s *Server) update(kind string, what fields) {
	if s.allowed != nil && !slices.Contains(s.allowed, kind) {
		return
	}
	s.last++
	body, err := json.Marshal(what) // as it is now, whatever becomes of its message
	if err != nil {
		panic(err) // made of plain values
	}
	q := &queued{id: s.last, body: fields{"update_id": s.last, kind: json.RawMessage(body)}}
	s.queue = append(s.queue, q)
	s.newest = q
	s.change()
}

// Redeliver sends the newest update once more under its update_id, confirmed or not.
func (s *Server) Redeliver() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.newest == nil {
		return errors.New("nothing was sent yet")
	}
	s.queue = slices.DeleteFunc(s.queue, func(q *queued) bool { return q.id == s.newest.id })
	s.queue = append(s.queue, &queued{id: s.newest.id, body: maps.Clone(s.newest.body), forced: true})
	s.change()
	return nil
}

// Pending is how many updates the bot has not confirmed yet.
func (s *Server) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue)
}

// Polling says whether a getUpdates waits for updates now.
func (s *Server) Polling() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.poll != nil
}

// interrupt ends the poll that waits; s.mu is held.
func (s *Server) interrupt(why *refusal) {
	if s.poll != nil {
		s.poll.ended, s.poll = why, nil
		s.change()
	}
}

// confirm forgets updates below offset; a negative one all but the newest.
func (s *Server) confirm(offset int) {
	if offset < 0 {
		s.queue = slices.Clone(s.queue[max(0, len(s.queue)+offset):])
		return
	}
	before := len(s.queue)
	s.queue = slices.DeleteFunc(s.queue, func(q *queued) bool { return q.id < offset && !q.forced })
	if len(s.queue) != before {
		s.change()
	}
}

// take are the next updates, which stay until they are confirmed; s.mu is held.
func (s *Server) take(limit int) []any {
	all := []any{}
	for _, q := range s.queue[:min(limit, len(s.queue))] {
		all = append(all, q.body)
		q.forced = false
	}
	return all
}

// getUpdates waits without s.mu, until there is an update, another caller, or timeout is over.
func (s *Server) getUpdates(ctx context.Context, a args) (any, error) {
	limit, offset, timeout := 100, a.number("offset"), a.number("timeout")
	if n := a.number("limit"); n > 0 && n < limit {
		limit = n
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hook.url != "" {
		return nil, refuse(http.StatusConflict, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first")
	}
	s.interrupt(refuse(http.StatusConflict, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"))
	if err := s.allow(a); err != nil {
		return nil, err
	}
	s.confirm(offset)
	if len(s.queue) > 0 || timeout <= 0 {
		return s.take(limit), nil
	}
	me := &poll{}
	s.poll = me
	s.change()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(min(timeout, 50))*time.Second)
	defer cancel()
	s.mu.Unlock()
	_ = s.Until(ctx, func() bool { // its end is what we wait for
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.ctx.Err() != nil || me.ended != nil || len(s.queue) > 0
	})
	s.mu.Lock()
	if s.poll == me {
		s.poll = nil
	}
	if me.ended != nil {
		return nil, me.ended
	}
	return s.take(limit), nil
}

// allow keeps the list of allowed_updates, which holds until the next one; an empty one is the default again.
func (s *Server) allow(a args) error {
	if !a.given("allowed_updates") {
		return nil
	}
	var kinds []string
	if !a.structure("allowed_updates", &kinds) {
		return bad("can't parse allowed_updates")
	}
	if s.allowed = kinds; len(kinds) == 0 {
		s.allowed = nil
	}
	return nil
}
