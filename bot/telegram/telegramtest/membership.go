package telegramtest

import (
	"fmt"
	"slices"
)

// Block has a person block the bot.
func (s *Server) Block(user string) error { return s.block(user, true) }

// Unblock has a person take the bot back.
func (s *Server) Unblock(user string) error { return s.block(user, false) }

func (s *Server) block(user string, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.user(user)
	if u == nil {
		return fmt.Errorf("no user %q", user)
	}
	was, is := "member", "kicked"
	if !on {
		was, is = is, was
	}
	if u.Blocked != on {
		u.Blocked = on
		s.moved(s.chat(u.ID), u.ID, was, is)
	}
	return nil
}

// Kick takes the bot out of a group.
func (s *Server) Kick(chat int64) error { return s.membership(chat, true) }

// Invite takes the bot into a group.
func (s *Server) Invite(chat int64) error { return s.membership(chat, false) }

func (s *Server) membership(chat int64, out bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chat(chat)
	if c == nil || !c.group() {
		return fmt.Errorf("no group %d", chat)
	}
	if out == (c.Kicked || c.BotAbsent) {
		return nil
	}
	was := s.standing(c)
	c.Kicked, c.BotAbsent = out, false
	if out {
		c.Admin = false
	}
	s.moved(c, s.users[0].ID, was, s.standing(c))
	return nil
}

// Promote makes the bot an administrator of a group, who sees every message, or an ordinary member again.
func (s *Server) Promote(chat int64, admin bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chat(chat)
	if c == nil || !c.group() {
		return fmt.Errorf("no group %d", chat)
	}
	was := s.standing(c)
	c.Admin = admin
	s.moved(c, s.users[0].ID, was, s.standing(c))
	return nil
}

// Arrange gives a forum other topics; messages in topics that are no more cannot be answered there.
func (s *Server) Arrange(chat int64, topics ...Topic) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chat(chat)
	if c == nil || !c.Forum {
		return fmt.Errorf("no forum %d", chat)
	}
	s.arrange(c, topics)
	s.change()
	return nil
}

// Migrate upgrades a group to a supergroup, whose id it says. The group takes no calls from then on.
func (s *Server) Migrate(chat int64) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chat(chat)
	if c == nil || c.Type != "group" || c.MigratedTo != 0 {
		return 0, fmt.Errorf("chat %d is no group that can be upgraded", chat)
	}
	super := &Chat{ID: -1002000000000 + c.ID, Type: "supergroup", Title: c.Title, Members: slices.Clone(c.Members), Admin: c.Admin, BotAbsent: c.BotAbsent, Kicked: c.Kicked}
	s.chats = append(s.chats, super)
	s.announce(c, "migrate_to_chat_id", super.ID)
	c.MigratedTo = super.ID
	s.announce(super, "migrate_from_chat_id", c.ID)
	return super.ID, nil
}

// announce posts a service message of the first person, whom the bot sees unless it is out.
func (s *Server) announce(c *Chat, what string, value any) {
	s.said(c, &Message{From: s.users[0].ID, Service: what, more: fields{what: value}})
}

// standing is the status of the bot in a chat.
func (s *Server) standing(c *Chat) string {
	switch {
	case c.Type == "private" && s.userByID(c.ID).Blocked, c.Kicked:
		return "kicked"
	case c.BotAbsent:
		return "left"
	case c.Admin:
		return "administrator"
	}
	return "member"
}

// moved tells the bot of its new standing.
func (s *Server) moved(c *Chat, by int64, was, is string) {
	member := func(status string) fields { return fields{"user": s.wireUser(s.opts.BotID), "status": status} }
	s.update("my_chat_member", fields{"chat": s.wireChat(c), "from": s.wireUser(by), "date": s.opts.Clock().Unix(), "old_chat_member": member(was), "new_chat_member": member(is)})
}
