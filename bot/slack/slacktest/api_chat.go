package slacktest

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// The limits of text in messages. Slack cuts a post at 40 000; here it is refused, since nobody wants to be cut.
const (
	maxPost     = 40000
	maxUpdate   = 4000
	maxMetadata = 8000
)

// target is the channel that something goes to: an id, a #name, or a person.
func (s *Server) target(name string) (*Channel, error) {
	if u := s.user(name); u != nil && u.ID == name && name != s.opts.BotUser {
		return s.im(u.ID), nil
	}
	return s.writable(s.channel(name, true))
}

// writable refuses where the bot may not write.
func (s *Server) writable(c *Channel) (*Channel, error) {
	switch {
	case c == nil, c.Private && !c.has(s.opts.BotUser):
		return nil, refuse("channel_not_found") // to those outside a private channel does not exist
	case c.Archived:
		return nil, refuse("is_archived")
	case !c.has(s.opts.BotUser) && !slices.Contains(s.opts.Scopes, "chat:write.public"):
		return nil, refuse("not_in_channel")
	}
	return c, nil
}

func (c *Channel) has(user string) bool { return slices.Contains(c.Members, user) }

// content fills what a message says from the arguments, within the limits.
func (s *Server) content(a args, m *Message, most int) error {
	m.Text = a.text("text")
	if utf8.RuneCountInString(m.Text) > most {
		return refuse("msg_too_long")
	}
	if a.given("blocks") {
		var list []any
		if !a.structure("blocks", &list) {
			return refuse("invalid_blocks_format")
		}
		blocks, err := messageBlocks(list)
		if err != nil {
			return err
		}
		m.Blocks = blocks
	}
	if strings.TrimSpace(m.Text) == "" && m.Blocks == nil {
		return refuse("no_text")
	}
	if !a.given("metadata") {
		return nil
	}
	var meta struct {
		EventType    *string         `json:"event_type"`
		EventPayload json.RawMessage `json:"event_payload"`
	}
	if !a.structure("metadata", &meta) {
		return refuse("invalid_metadata_format")
	}
	none := meta.EventPayload == nil || string(meta.EventPayload) == "null"
	if none && (meta.EventType == nil || *meta.EventType == "") { // {} takes it away; slack-go sends its zero value to response URLs
		m.Metadata = json.RawMessage("{}")
		return nil
	}
	var payload map[string]any
	if meta.EventType == nil || *meta.EventType == "" || json.Unmarshal(meta.EventPayload, &payload) != nil || payload == nil {
		return refuse("invalid_metadata_schema")
	}
	raw, err := json.Marshal(meta)
	if err != nil {
		return err
	}
	if len(raw) > maxMetadata {
		return refuse("metadata_too_large")
	}
	m.Metadata = raw
	return nil
}

// botMessage is an empty message of the bot.
func (s *Server) botMessage(c *Channel) *Message {
	return &Message{Channel: c.ID, User: s.opts.BotUser, BotID: s.botID()}
}

func (s *Server) botID() string { return "B" + strings.TrimPrefix(s.opts.BotUser, "U") }

// thread is the root of the thread that ts stands in.
func (s *Server) thread(c *Channel, ts string) (string, error) {
	if ts == "" {
		return "", nil
	}
	if !isStamp(ts) {
		return "", refuse("invalid_thread_ts")
	}
	root := s.message(c.ID, ts)
	if root == nil || root.Deleted || root.Ephemeral != "" {
		return "", refuse("thread_not_found")
	}
	if root.ThreadTS != "" {
		return root.ThreadTS, nil
	}
	return root.TS, nil
}

func isStamp(ts string) bool {
	sec, micro, ok := strings.Cut(ts, ".")
	digits := func(r rune) bool { return r < '0' || r > '9' }
	return ok && sec != "" && len(micro) == 6 && strings.IndexFunc(sec+micro, digits) < 0
}

func (s *Server) postMessage(a args) (fields, error) {
	c, err := s.target(a.text("channel"))
	if err != nil {
		return nil, err
	}
	m := s.botMessage(c)
	if err := s.content(a, m, maxPost); err != nil {
		return nil, err
	}
	if m.ThreadTS, err = s.thread(c, a.text("thread_ts")); err != nil {
		return nil, err
	}
	m.Broadcast = m.ThreadTS != "" && a.flag("reply_broadcast")
	if err := s.limits.post(s, c.ID); err != nil {
		return nil, err
	}
	s.post(m)
	return fields{"channel": c.ID, "ts": m.TS, "message": s.wireMessage(m, true)}, nil
}

// post gives m its ts, shows it and tells the app; s.mu is held.
func (s *Server) post(m *Message) {
	if string(m.Metadata) == "{}" {
		m.Metadata = nil
	}
	m.TS = s.stamp()
	s.messages = append(s.messages, m)
	s.change()
	if m.Ephemeral == "" {
		s.tellMessage(m)
	}
}

func (s *Server) postEphemeral(a args) (fields, error) {
	c, err := s.writable(s.channel(a.text("channel"), true))
	if err != nil {
		return nil, err
	}
	u := s.user(a.text("user"))
	if u == nil || u.ID != a.text("user") {
		return nil, refuse("user_not_found")
	}
	if !c.has(u.ID) {
		return nil, refuse("user_not_in_channel")
	}
	m := s.botMessage(c)
	m.Ephemeral = u.ID
	if err := s.content(a, m, maxPost); err != nil {
		return nil, err
	}
	if m.ThreadTS, err = s.thread(c, a.text("thread_ts")); err != nil {
		return nil, err
	}
	s.post(m)
	return fields{"message_ts": m.TS}, nil
}

// own finds a message that the bot may change. Channels go by id here.
func (s *Server) own(a args, refused string) (*Message, error) {
	c := s.channel(a.text("channel"), false)
	if c == nil {
		return nil, refuse("channel_not_found")
	}
	m := s.message(c.ID, a.text("ts"))
	switch {
	case m == nil, m.Deleted, m.Ephemeral != "":
		return nil, refuse("message_not_found")
	case m.User != s.opts.BotUser:
		return nil, refuse(refused)
	case c.Archived:
		return nil, refuse("is_archived")
	}
	return m, nil
}

func (s *Server) updateMessage(a args) (fields, error) {
	m, err := s.own(a, "cant_update_message")
	if err != nil {
		return nil, err
	}
	if !a.given("text") && !a.given("blocks") { // metadata alone keeps what the message says
		if !a.given("metadata") {
			return nil, refuse("no_text")
		}
		a["text"] = m.Text
		if m.Blocks != nil {
			a["blocks"] = string(m.Blocks)
		}
	}
	was, now := m.copy(), *m
	now.Text, now.Blocks = "", nil
	if err := s.content(a, &now, maxUpdate); err != nil {
		return nil, err
	}
	if string(now.Metadata) == "{}" {
		now.Metadata = nil
	}
	now.Edited++
	now.edited = s.stamp()
	*m = now
	s.change()
	s.tellChanged(m, &was)
	return fields{"channel": m.Channel, "ts": m.TS, "text": m.Text, "message": s.wireMessage(m, true)}, nil
}

func (s *Server) deleteMessage(a args) (fields, error) {
	m, err := s.own(a, "cant_delete_message")
	if err != nil {
		return nil, err
	}
	s.remove(m)
	return fields{"channel": m.Channel, "ts": m.TS}, nil
}

// remove deletes m and tells the app; s.mu is held.
func (s *Server) remove(m *Message) {
	m.Deleted = true
	s.change()
	s.tellDeleted(m)
}

func (s *Server) permalink(a args) (fields, error) {
	c := s.channel(a.text("channel"), false)
	if c == nil {
		return nil, refuse("channel_not_found")
	}
	m := s.message(c.ID, a.text("message_ts"))
	if m == nil || m.Deleted || m.Ephemeral != "" {
		return nil, refuse("message_not_found")
	}
	link := "https://" + domain + "/archives/" + c.ID + "/p" + strings.Replace(m.TS, ".", "", 1)
	if m.ThreadTS != "" {
		link += "?thread_ts=" + m.ThreadTS + "&cid=" + c.ID
	}
	return fields{"channel": c.ID, "permalink": link}, nil
}

const domain = "recover.slack.test"
