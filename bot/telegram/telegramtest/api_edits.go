package telegramtest

import "reflect"

// own is the message of the bot that a call changes.
func (s *Server) own(a args) (*Message, error) {
	c, err := s.target(a)
	if err != nil {
		return nil, err
	}
	if a.number("message_id") <= 0 {
		return nil, bad("message identifier is not specified")
	}
	m := s.message(c.ID, a.number("message_id"))
	switch {
	case m == nil:
		return nil, bad("message to edit not found")
	case m.From != s.opts.BotID || m.ForceReply || m.Service != "":
		return nil, bad("message can't be edited")
	}
	return m, nil
}

// changeMessage replaces what a message shows, unless that is the same.
func (s *Server) changeMessage(m *Message, a args, text string, entities []Entity, html string) (any, error) {
	k, err := a.markup()
	if err != nil {
		return nil, err
	}
	if text == m.Text && reflect.DeepEqual(entities, m.Entities) && reflect.DeepEqual(k.rows(), m.Keyboard) {
		return nil, bad("message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message")
	}
	m.Text, m.Entities, m.HTML, m.Keyboard, m.editedAt = text, entities, html, k.rows(), s.opts.Clock()
	m.Edited++
	s.change()
	return s.wireMessage(m), nil
}

func (s *Server) editMessageText(a args) (any, error) {
	m, err := s.own(a)
	if err != nil {
		return nil, err
	}
	if m.Document != nil {
		return nil, bad("there is no text in the message to edit")
	}
	text, entities, err := s.messageText(a, "MESSAGE_TOO_LONG")
	if err != nil {
		return nil, err
	}
	return s.changeMessage(m, a, text, entities, a.text("text"))
}

func (s *Server) editMessageCaption(a args) (any, error) {
	m, err := s.own(a)
	if err != nil {
		return nil, err
	}
	if m.Document == nil {
		return nil, bad("there is no caption in the message to edit")
	}
	text, entities, err := s.caption(a)
	if err != nil {
		return nil, err
	}
	return s.changeMessage(m, a, text, entities, a.text("caption"))
}

func (s *Server) editMessageReplyMarkup(a args) (any, error) {
	m, err := s.own(a)
	if err != nil {
		return nil, err
	}
	return s.changeMessage(m, a, m.Text, m.Entities, m.HTML)
}

func (s *Server) deleteMessage(a args) (any, error) {
	c, err := s.target(a)
	if err != nil {
		return nil, err
	}
	m := s.message(c.ID, a.number("message_id"))
	switch {
	case m == nil:
		return nil, bad("message to delete not found")
	case m.From != s.opts.BotID && c.group() && !c.Admin:
		return nil, bad("message can't be deleted")
	}
	m.Deleted = true
	s.change()
	return true, nil
}

func (s *Server) sendChatAction(a args) (any, error) {
	c, err := s.target(a)
	if err != nil {
		return nil, err
	}
	if thread := a.number("message_thread_id"); thread != 0 && c.topic(thread) == nil {
		return nil, bad("message thread not found")
	}
	if a.text("action") != "typing" && a.text("action") != "upload_document" {
		return nil, bad("wrong parameter action in request")
	}
	return true, nil
}
