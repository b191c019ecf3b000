package telegramtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// place finds who acts and where; s.mu is held.
func (s *Server) place(who string, chat int64) (*User, *Chat, error) {
	u, c := s.user(who), s.chat(chat)
	switch {
	case u == nil:
		return nil, nil, fmt.Errorf("no user %q", who)
	case c == nil:
		return nil, nil, fmt.Errorf("no chat %d", chat)
	case !c.has(u.ID):
		return nil, nil, fmt.Errorf("%s is not in chat %d", u.Name, chat)
	case c.MigratedTo != 0:
		return nil, nil, fmt.Errorf("chat %d is the supergroup %d now", chat, c.MigratedTo)
	}
	return u, c, nil
}

// Press presses the button with that callback_data or label, and says the id of the callback query. Whether it was
// answered shows in Answered and in Toasts.
func (s *Server) Press(user string, chat int64, message int, what string) (query string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, c, err := s.place(user, chat)
	if err != nil {
		return "", err
	}
	m := s.message(c.ID, message)
	if m == nil {
		return "", fmt.Errorf("no message %d in chat %d", message, chat)
	}
	data, ok := m.find(what)
	if !ok {
		return "", fmt.Errorf("message %d has no button %q", message, what)
	}
	p := &press{id: queryID(), user: u.ID, at: s.opts.Clock()}
	s.presses = append(s.presses, p)
	s.update("callback_query", fields{"id": p.id, "from": s.wireUser(u.ID), "message": s.wireMessage(m), "chat_instance": fmt.Sprint(7000000000000000000 + m.Chat), "data": data})
	return p.id, nil
}

// find is the callback_data of the button with that callback_data, else with that label.
func (m *Message) find(what string) (string, bool) {
	buttons := slices.Concat(m.Keyboard...)
	for _, is := range []func(Button) bool{
		func(b Button) bool { return b.Data == what },
		func(b Button) bool { return b.Text == what },
	} {
		if i := slices.IndexFunc(buttons, func(b Button) bool { return b.Data != "" && is(b) }); i >= 0 {
			return buttons[i].Data, true
		}
	}
	return "", false
}

// Say types a message, as a reply to replyTo unless that is 0, in the topic thread of a forum unless that is 0. The bot
// gets it if the privacy mode lets it. In a private chat it starts the bot.
func (s *Server) Say(user string, chat int64, text string, replyTo, thread int) (id int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, c, err := s.place(user, chat)
	if err != nil {
		return 0, err
	}
	text = strings.TrimSpace(text)
	switch topic := c.topic(thread); {
	case text == "":
		return 0, errors.New("say what?")
	case replyTo != 0 && s.message(c.ID, replyTo) == nil:
		return 0, fmt.Errorf("no message %d in chat %d", replyTo, chat)
	case thread != 0 && topic == nil:
		return 0, fmt.Errorf("no topic %d in chat %d", thread, chat)
	case thread != 0 && topic.Closed:
		return 0, fmt.Errorf("topic %d is closed", thread)
	}
	if c.Type == "private" {
		u.Started, u.Blocked = true, false
	}
	return s.said(c, &Message{From: u.ID, Text: text, ReplyTo: replyTo, Thread: thread, Entities: typed(text)}), nil
}

// said posts what was said, and tells the bot if it sees that.
func (s *Server) said(c *Chat, m *Message) int {
	m.Chat = c.ID
	s.post(m)
	if s.sees(c, m) {
		s.update("message", s.wireMessage(m))
	}
	return m.ID
}

// SayAnonymously types a message as an administrator who hides behind the group: nobody can know who it is.
func (s *Server) SayAnonymously(chat int64, text string) (id int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chat(chat)
	if c == nil || !c.group() {
		return 0, fmt.Errorf("no group %d", chat)
	}
	return s.said(c, &Message{From: anonymous, Text: text, Entities: typed(text)}), nil
}

// StartPrivate opens the private chat with the bot and presses Start there: the bot may write to that person from now on.
func (s *Server) StartPrivate(user string) error {
	s.mu.Lock()
	u := s.user(user)
	s.mu.Unlock()
	if u == nil {
		return fmt.Errorf("no user %q", user)
	}
	_, err := s.Say(user, u.ID, "/start", 0, 0)
	return err
}

// Edit changes what a person said.
func (s *Server) Edit(user string, chat int64, message int, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, c, err := s.place(user, chat)
	if err != nil {
		return err
	}
	m := s.message(c.ID, message)
	if m == nil || m.From != u.ID {
		return fmt.Errorf("%s wrote no message %d", user, message)
	}
	m.Text, m.Entities, m.editedAt = text, typed(text), s.opts.Clock()
	m.Edited++
	if s.sees(c, m) {
		s.update("edited_message", s.wireMessage(m))
	}
	s.change()
	return nil
}

// Remove deletes a message, as an administrator does. The bot is told nothing.
func (s *Server) Remove(chat int64, message int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.message(chat, message)
	if m == nil {
		return fmt.Errorf("no message %d in chat %d", message, chat)
	}
	m.Deleted = true
	s.change()
	return nil
}

// sees says whether the bot gets a message of a person: all in private chats and as an administrator; in the privacy mode
// only commands that name no other bot, replies to its own messages and service messages.
func (s *Server) sees(c *Chat, m *Message) bool {
	if s.standing(c) == "kicked" || s.standing(c) == "left" {
		return false
	}
	if !c.group() || c.Admin || s.opts.SeesAll || m.Service != "" {
		return true
	}
	if to := s.message(c.ID, m.ReplyTo); to != nil && to.From == s.opts.BotID {
		return true
	}
	first, _, _ := strings.Cut(m.Text, " ")
	_, bot, named := strings.Cut(first, "@")
	return strings.HasPrefix(first, "/") && (!named || strings.EqualFold(bot, s.opts.BotName))
}
