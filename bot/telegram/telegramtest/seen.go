package telegramtest

import (
	"slices"
	"strings"
)

// Messages are the messages of a chat in order, without deleted ones. A private chat's id is the person's.
func (s *Server) Messages(chat int64) []Message {
	return s.filter(func(m *Message) bool { return m.Chat == chat && !m.Deleted })
}

// Replies are the messages that reply to one, in order.
func (s *Server) Replies(chat int64, id int) []Message {
	return s.filter(func(m *Message) bool { return m.Chat == chat && m.ReplyTo == id && !m.Deleted })
}

// Message is one message as it stands now, deleted or not.
func (s *Server) Message(chat int64, id int) (Message, bool) {
	found := s.filter(func(m *Message) bool { return m.Chat == chat && m.ID == id })
	if len(found) == 0 {
		return Message{}, false
	}
	return found[0], true
}

func (s *Server) filter(keep func(*Message) bool) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Message
	for _, m := range s.messages {
		if keep(m) {
			c := *m
			c.Keyboard, c.Entities = slices.Clone(m.Keyboard), slices.Clone(m.Entities)
			all = append(all, c)
		}
	}
	return all
}

// Plain is a message as a person reads it: its text, "[a file's name]", and its buttons, a row a line.
func (s *Server) Plain(m Message) string {
	var lines []string
	if m.Document != nil {
		lines = append(lines, "["+m.Document.Name+"]")
	}
	if m.Text != "" {
		lines = append(lines, m.Text)
	}
	for _, row := range m.Keyboard {
		var labels []string
		for _, b := range row {
			labels = append(labels, "["+b.Text+"]")
		}
		lines = append(lines, strings.Join(labels, " "))
	}
	return strings.Join(lines, "\n")
}

// Mentions are the people whom a message mentions, by name or by link: those whom it buzzes in a muted chat.
func (s *Server) Mentions(m Message) []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mentioned(&m)
}

// Asked is the newest message of a chat that opened the reply box of a person and that they have not replied to.
func (s *Server) Asked(user string, chat int64) (Message, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.user(user)
	if u == nil {
		return Message{}, false
	}
	for _, m := range slices.Backward(s.messages) {
		if m.Chat != chat || m.Deleted {
			continue
		}
		if m.From == u.ID && m.ReplyTo != 0 {
			return Message{}, false
		}
		if m.ForceReply && s.opens(m, u) {
			return *m, true
		}
	}
	return Message{}, false
}

// opens says whether a ForceReply is meant for u.
func (w *world) opens(m *Message, u *User) bool {
	to := w.message(m.Chat, m.ReplyTo)
	return !m.Selective || to != nil && to.From == u.ID || slices.Contains(w.mentioned(m), u.ID)
}

// Toasts are the answers to a person's presses, in the order of the presses; presses without an answer have none.
func (s *Server) Toasts(user string) []Toast {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.user(user)
	var all []Toast
	for _, p := range s.presses {
		if u != nil && p.user == u.ID && p.answered {
			all = append(all, p.toast)
		}
	}
	return all
}

// Answered says that no press of a person has a spinner still. One that can no longer be answered spins forever.
func (s *Server) Answered(user string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.user(user)
	return u != nil && !slices.ContainsFunc(s.presses, func(p *press) bool { return p.user == u.ID && !p.answered })
}

// Files are all documents in order, with their content.
func (s *Server) Files() []File {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []File
	for _, f := range s.files {
		all = append(all, *f)
	}
	return all
}

// Commands is the menu that the bot has set for a scope ("" is default, "all_group_chats", "chat -1001", "chat_member
// -1001 42") and a language ("" is every other).
func (s *Server) Commands(scope, language string) []Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	orElse(&scope, "default")
	return slices.Clone(s.commands[scope+"/"+language])
}

// ChatNow is a chat as it stands now.
func (s *Server) ChatNow(id int64) (Chat, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chat(id)
	if c == nil {
		return Chat{}, false
	}
	return *c, true
}
