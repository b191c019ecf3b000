package slacktest

import (
	"slices"
)

// Messages are the messages of a channel (id or name) that everybody sees, in order, without replies of threads and
// without deleted ones.
func (s *Server) Messages(channel string) []Message {
	return s.filter(channel, func(m *Message) bool {
		return m.Ephemeral == "" && !m.Deleted && (m.ThreadTS == "" || m.ThreadTS == m.TS || m.Broadcast)
	})
}

// Thread is what stands below a message, in order, without that message itself.
func (s *Server) Thread(channel, ts string) []Message {
	return s.filter(channel, func(m *Message) bool {
		return m.Ephemeral == "" && !m.Deleted && m.ThreadTS == ts && m.TS != ts
	})
}

// Message is one message as it stands now, deleted or not.
func (s *Server) Message(channel, ts string) (Message, bool) {
	m := s.filter(channel, func(m *Message) bool { return m.TS == ts })
	if len(m) == 0 {
		return Message{}, false
	}
	return m[0], true
}

func (s *Server) filter(channel string, keep func(*Message) bool) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channel(channel, true)
	if c == nil {
		return nil
	}
	var all []Message
	for _, m := range s.messages {
		if m.Channel == c.ID && keep(m) {
			all = append(all, m.copy())
		}
	}
	return all
}

// Private is what one user (id or name) alone sees, in order: ephemeral messages and answers in any channel, Slack's own
// errors, and the conversation with the bot.
func (s *Server) Private(user string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.user(user)
	if u == nil {
		return nil
	}
	var all []Message
	for _, m := range s.messages {
		c := s.channel(m.Channel, false)
		if !m.Deleted && (m.Ephemeral == u.ID || c != nil && c.im == u.ID) {
			all = append(all, m.copy())
		}
	}
	return all
}

func (m *Message) copy() Message {
	c := *m
	c.Files = slices.Clone(m.Files)
	return c
}

// Files are all uploads in order, with their content.
func (s *Server) Files() []File {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []File
	for _, f := range s.files {
		all = append(all, *f)
	}
	return all
}
