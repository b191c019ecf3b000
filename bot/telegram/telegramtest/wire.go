package telegramtest

import (
	"slices"
	"strings"
	"unicode/utf16"
)

// fields is an object of the Bot API.
type fields = map[string]any

type user struct {
	ID       int64  `json:"id"`
	IsBot    bool   `json:"is_bot"`
	First    string `json:"first_name"`
	Username string `json:"username,omitempty"`
	Language string `json:"language_code,omitempty"`
}

// anonymous is the id of GroupAnonymousBot, who speaks for every anonymous administrator.
const anonymous int64 = 1087968824

func (s *Server) wireUser(id int64) *user {
	if id == s.opts.BotID {
		return &user{ID: id, IsBot: true, First: s.opts.BotName, Username: s.opts.BotName}
	}
	u := s.userByID(id)
	if u == nil { // of all who speak, only anonymous administrators are not listed
		return &user{ID: id, IsBot: true, First: "Group", Username: "GroupAnonymousBot"}
	}
	return &user{ID: id, First: u.Name, Username: u.Name, Language: u.Language}
}

func (s *Server) wireChat(c *Chat) fields {
	f := fields{"id": c.ID, "type": c.Type}
	if c.Type == "private" {
		u := s.userByID(c.ID)
		f["first_name"], f["username"] = u.Name, u.Name
		return f
	}
	f["title"] = c.Title
	if c.Forum {
		f["is_forum"] = true
	}
	if c.Type == "group" {
		f["all_members_are_administrators"] = false
	}
	return f
}

func (s *Server) wireMessage(m *Message) fields {
	f := s.wireAlone(m)
	if to := s.message(m.Chat, m.ReplyTo); to != nil {
		f["reply_to_message"] = s.wireAlone(to)
	} else if t := s.chat(m.Chat).topic(m.Thread); t != nil {
		// What replies to nothing in a topic comes as a reply to the message that made the topic.
		f["reply_to_message"] = fields{"message_id": t.ID, "from": s.wireUser(anonymous), "chat": s.wireChat(s.chat(m.Chat)), "date": m.At.Unix(),
			"message_thread_id": t.ID, "is_topic_message": true, "forum_topic_created": fields{"name": t.Name, "icon_color": 7322096}}
	}
	return f
}

// wireAlone is a message without the one that it replies to.
func (s *Server) wireAlone(m *Message) fields {
	f := fields{"message_id": m.ID, "from": s.wireUser(m.From), "chat": s.wireChat(s.chat(m.Chat)), "date": m.At.Unix()}
	if m.Thread != 0 {
		f["message_thread_id"] = m.Thread
	}
	if m.topic {
		f["is_topic_message"] = true
	}
	text, entities := "text", "entities"
	if m.Document != nil {
		text, entities = "caption", "caption_entities"
		f["document"] = m.Document.wire()
	}
	if m.Text != "" {
		f[text] = m.Text
	}
	if len(m.Entities) > 0 {
		f[entities] = m.Entities
	}
	if len(m.Keyboard) > 0 {
		f["reply_markup"] = fields{"inline_keyboard": m.Keyboard}
	}
	if m.Edited > 0 {
		f["edit_date"] = m.editedAt.Unix()
	}
	if m.From == anonymous {
		f["sender_chat"] = f["chat"]
	}
	for k, v := range m.more {
		f[k] = v
	}
	return f
}

func (f *File) wire() fields {
	all := fields{"file_id": f.ID, "file_unique_id": "u" + f.ID, "file_name": f.Name, "file_size": len(f.Content)}
	if f.Type != "" { // the part that was sent named none
		all["mime_type"] = f.Type
	}
	return all
}

// mentioned are the people whom a text mentions.
func (w *world) mentioned(m *Message) []int64 {
	units := utf16.Encode([]rune(m.Text))
	var all []int64
	for _, e := range append(typed(m.Text), m.Entities...) {
		var u *User
		switch {
		case e.Type == "text_mention":
			u = w.userByID(e.User.ID)
		case e.Type == "mention":
			u = w.user(strings.TrimPrefix(string(utf16.Decode(units[e.Offset:e.Offset+e.Length])), "@"))
		}
		if u != nil && !slices.Contains(all, u.ID) {
			all = append(all, u.ID)
		}
	}
	return all
}
