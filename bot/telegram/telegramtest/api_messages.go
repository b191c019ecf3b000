package telegramtest

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
)

// target is the chat of a call that writes; s.mu is held.
func (s *Server) target(a args) (*Chat, error) {
	if !a.given("chat_id") {
		return nil, bad("chat_id is empty")
	}
	c := s.chat(a.id("chat_id"))
	switch {
	case c == nil:
		return nil, bad("chat not found")
	case c.MigratedTo != 0:
		return nil, &refusal{status: http.StatusBadRequest, text: "Bad Request: group chat was upgraded to a supergroup chat", migratedTo: c.MigratedTo}
	case c.Type == "private" && s.userByID(c.ID).Blocked:
		return nil, forbidden("bot was blocked by the user")
	case c.Type == "private" && !s.userByID(c.ID).Started:
		return nil, forbidden("bot can't initiate conversation with a user")
	case c.Kicked:
		return nil, forbidden("bot was kicked from the %s chat", c.Type)
	case c.BotAbsent:
		return nil, forbidden("bot is not a member of the %s chat", c.Type)
	}
	return c, nil
}

// content is the text or caption of a call, parsed.
func (s *Server) content(a args, key string) (string, []Entity, error) {
	text := a.text(key)
	switch mode := a.text("parse_mode"); {
	case mode == "":
		text, entities := settle(text, nil)
		return text, entities, nil
	case !strings.EqualFold(mode, "HTML"):
		return "", nil, bad("unsupported parse_mode") // Markdown is not modelled
	}
	text, entities, err := s.parseHTML(text)
	text, entities = settle(text, entities)
	return text, entities, err
}

const maxText, maxCaption = 4096, 1024

func (s *Server) messageText(a args, long string) (string, []Entity, error) {
	text, entities, err := s.content(a, "text")
	switch {
	case err != nil:
		return "", nil, err
	case text == "":
		return "", nil, bad("message text is empty")
	case length(text) > maxText:
		return "", nil, bad("%s", long)
	}
	return text, entities, nil
}

func (s *Server) caption(a args) (string, []Entity, error) {
	text, entities, err := s.content(a, "caption")
	if err == nil && length(text) > maxCaption {
		err = bad("message caption is too long")
	}
	return text, entities, err
}

// draft is a message of the bot without its content: where it goes, what it replies to and its buttons.
func (s *Server) draft(a args) (*Message, error) {
	c, err := s.target(a)
	if err != nil {
		return nil, err
	}
	k, err := a.markup()
	if err != nil {
		return nil, err
	}
	m := &Message{Chat: c.ID, From: s.opts.BotID, Keyboard: k.rows(), ForceReply: k.ForceReply, Selective: k.Selective, Placeholder: k.Placeholder, Silent: a.flag("disable_notification")}
	if m.Thread = a.number("message_thread_id"); m.Thread != 0 {
		switch topic := c.topic(m.Thread); {
		case topic == nil:
			return nil, bad("message thread not found")
		case topic.Closed && !c.Admin:
			return nil, bad("TOPIC_CLOSED")
		}
	}
	var reply struct {
		Message int  `json:"message_id"`
		Without bool `json:"allow_sending_without_reply"`
	}
	if a.given("reply_parameters") && !a.structure("reply_parameters", &reply) {
		return nil, bad("can't parse reply parameters JSON object")
	}
	if reply.Message == 0 {
		reply.Message, reply.Without = a.number("reply_to_message_id"), a.flag("allow_sending_without_reply")
	}
	if m.ReplyTo = reply.Message; m.ReplyTo != 0 && s.message(c.ID, m.ReplyTo) == nil {
		if !reply.Without {
			return nil, bad("message to be replied not found")
		}
		m.ReplyTo = 0
	}
	return m, nil
}

func (s *Server) sendMessage(a args) (any, error) {
	m, err := s.draft(a)
	if err != nil {
		return nil, err
	}
	if m.Text, m.Entities, err = s.messageText(a, "message is too long"); err != nil {
		return nil, err
	}
	m.HTML = a.text("text")
	s.post(m)
	return s.wireMessage(m), nil
}

func (s *Server) sendDocument(a args) (any, error) {
	m, err := s.draft(a)
	if err != nil {
		return nil, err
	}
	if m.Text, m.Entities, err = s.caption(a); err != nil {
		return nil, err
	}
	m.HTML = a.text("caption")
	if m.Document, err = s.document(a); err != nil {
		return nil, err
	}
	s.post(m)
	return s.wireMessage(m), nil
}

// document is the file of a call: uploaded in its field, attached to another one, or known by its id.
func (s *Server) document(a args) (*File, error) {
	from := a["document"]
	if name, attached := strings.CutPrefix(a.text("document"), "attach://"); attached {
		from = a[name]
	}
	switch v := from.(type) {
	case upload:
		if len(v.content) == 0 {
			return nil, bad("file must be non-empty")
		}
		if int64(len(v.content)) > s.opts.MaxFile {
			return nil, refuse(http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		}
		n := len(s.files) + 1
		f := &File{ID: fmt.Sprintf("BQACAgIAAx%06d", n), Name: v.name, Type: v.kind, Content: bytes.Clone(v.content), Path: fmt.Sprintf("documents/file_%d", n)}
		s.files = append(s.files, f)
		return f, nil
	case string:
		if f := s.file(v); f != nil {
			return f, nil
		}
		return nil, bad("wrong file identifier/HTTP URL specified")
	}
	return nil, bad("there is no document in the request")
}

func (s *Server) file(id string) *File {
	for _, f := range s.files {
		if f.ID == id {
			return f
		}
	}
	return nil
}
