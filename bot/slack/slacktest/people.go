package slacktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// place finds who acts and where: a channel by id or name, or "@" and the bot's name for the conversation with it; s.mu
// is held.
func (s *Server) place(user, channel string) (*User, *Channel, error) {
	u := s.user(user)
	if u == nil {
		return nil, nil, fmt.Errorf("no user %q", user)
	}
	if channel == "@"+s.opts.BotName {
		return u, s.im(u.ID), nil
	}
	c := s.channel(channel, true)
	switch {
	case c == nil:
		return nil, nil, fmt.Errorf("no channel %q", channel)
	case !c.has(u.ID):
		return nil, nil, fmt.Errorf("%s is not in %s", u.Name, c.Name)
	}
	return u, c, nil
}

// Click presses what has that action_id, label or value in a message that the user sees (a button, or the option of a
// menu) and confirms what it asks. The error says if there is no such thing; whether the app answered shows in Answered
// and in Private.
func (s *Server) Click(user, channel, ts, what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, c, err := s.place(user, channel)
	if err != nil {
		return err
	}
	m := s.message(c.ID, ts)
	if m == nil || m.Deleted || m.Ephemeral != "" && m.Ephemeral != u.ID {
		return fmt.Errorf("%s sees no message %s in %s", u.Name, ts, c.ID)
	}
	var blocks []any
	_ = json.Unmarshal(m.Blocks, &blocks) // no blocks, nothing to press
	act := find(blocks, what)
	if act == nil {
		return fmt.Errorf("message %s has no button %q", ts, what)
	}
	act["action_ts"] = s.stamp()
	p := s.interaction("block_actions", u)
	container := fields{"type": "message", "message_ts": m.TS, "channel_id": c.ID, "is_ephemeral": m.Ephemeral != ""}
	if m.ThreadTS != "" {
		container["thread_ts"] = m.ThreadTS
	}
	p["container"], p["channel"], p["actions"] = container, fields{"id": c.ID, "name": wireName(c)}, []fields{act}
	p["state"], p["response_url"] = fields{"values": fields{}}, s.answerURL(&answer{user: u.ID, channel: c.ID, source: m})
	if m.Ephemeral == "" {
		p["message"] = s.wireMessage(m, true)
	}
	s.deliver(&delivery{kind: "interactive", payload: p, user: u.ID, then: func(_ json.RawMessage, failure string) {
		s.complain(u, c, "This did not work", failure)
	}})
	return nil
}

// find is the action of pressing what in blocks; an action_id counts before a label, a label before a value.
func find(blocks []any, what string) fields {
	matches := []func(o, option map[string]any) bool{
		func(o, option map[string]any) bool { return option == nil && o["action_id"] == what },
		func(o, option map[string]any) bool { return shownIn(o, option) == what },
		func(o, option map[string]any) bool {
			if option != nil {
				return option["value"] == what
			}
			return o["value"] == what
		},
	}
	for _, match := range matches {
		for _, b := range blocks {
			block, _ := b.(map[string]any)
			for _, o := range pressable(block) {
				if o["type"] == "button" && match(o, nil) {
					f := fields{"type": "button", "block_id": block["block_id"]}
					for _, k := range []string{"action_id", "text", "value", "style", "url"} {
						if o[k] != nil {
							f[k] = o[k]
						}
					}
					return f
				}
				for _, c := range choices(o) {
					if option, _ := c.(map[string]any); match(o, option) {
						f := fields{"type": o["type"], "block_id": block["block_id"], "action_id": o["action_id"]}
						if o["type"] == "checkboxes" {
							f["selected_options"] = []any{option}
						} else {
							f["selected_option"] = option
						}
						return f
					}
				}
			}
		}
	}
	return nil
}

// pressable are the elements of a block.
func pressable(block map[string]any) []map[string]any {
	all, _ := block["elements"].([]any)
	if block["type"] == "rich_text" || block["type"] == "context" {
		all = nil
	}
	all = append(slices.Clone(all), block["accessory"], block["element"])
	var found []map[string]any
	for _, e := range all {
		if o, ok := e.(map[string]any); ok {
			found = append(found, o)
		}
	}
	return found
}

// shownIn is the label of a button or option.
func shownIn(o, option map[string]any) any {
	if option != nil {
		o = option
	}
	t, _ := o["text"].(map[string]any)
	return t["text"]
}

func wireName(c *Channel) string {
	switch {
	case c.im != "":
		return "directmessage"
	case c.Private:
		return "privategroup"
	}
	return c.Name
}

// complain shows a failure to the person whom it concerns, as Slack's own client does; s.mu is held.
func (s *Server) complain(u *User, c *Channel, what, failure string) {
	if failure != "" {
		s.post(&Message{Channel: c.ID, User: "USLACKBOT", Ephemeral: u.ID, Text: fmt.Sprintf("%s: failed with the error \"%s\"", what, failure)})
	}
}

// Slash types a command such as "/recover" with its text.
func (s *Server) Slash(user, channel, command, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, c, err := s.place(user, channel)
	if err != nil {
		return err
	}
	if !slices.Contains(s.opts.Scopes, "commands") {
		return fmt.Errorf("%s is not a valid command", command)
	}
	a := &answer{user: u.ID, channel: c.ID, plain: true}
	p := fields{"token": "test", "team_id": s.opts.Team, "team_domain": "recover", "channel_id": c.ID, "channel_name": wireName(c), "user_id": u.ID, "user_name": u.Name,
		"command": command, "text": text, "api_app_id": s.opts.App, "is_enterprise_install": "false", "response_url": s.answerURL(a), "trigger_id": s.trigger(u.ID)}
	s.deliver(&delivery{kind: "slash_commands", payload: p, user: u.ID, accepts: true, then: func(said json.RawMessage, failure string) {
		s.complain(u, c, command, failure)
		var body args
		if failure == "" && json.Unmarshal(said, &body) == nil && len(body) > 0 {
			if err := s.answer(a, body); err != nil {
				s.complain(u, c, command, err.Error())
			}
		}
	}})
	return nil
}

var reference = regexp.MustCompile(`[@#][\pL\pN._-]*[\pL\pN]`)

// Say posts a message of a person as if typed: &, < and > are escaped, @name and #name become references. The channel of
// a direct message to the bot is "@" and the bot's name. threadTS "" is top level. Events follow as the app's scopes allow.
func (s *Server) Say(user, channel, threadTS, text string) (ts string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, c, err := s.place(user, channel)
	if err != nil {
		return "", err
	}
	if c.Archived {
		return "", fmt.Errorf("channel %s is archived", c.Name)
	}
	if strings.TrimSpace(text) == "" {
		return "", errors.New("say what?")
	}
	root, err := s.thread(c, threadTS)
	if err != nil {
		return "", fmt.Errorf("reply to %s: %w", threadTS, err)
	}
	m := &Message{Channel: c.ID, User: u.ID, ThreadTS: root, Text: reference.ReplaceAllStringFunc(escape.Replace(text), func(r string) string {
		if r[0] == '@' && s.user(r[1:]) != nil {
			return "<@" + s.user(r[1:]).ID + ">"
		}
		if to := s.channel(r[1:], true); r[0] == '#' && to != nil {
			return "<#" + to.ID + "|" + to.Name + ">"
		}
		return r
	})}
	s.post(m)
	return m.TS, nil
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// Remove deletes a message, as an administrator does.
func (s *Server) Remove(channel, ts string) error {
	return s.in(channel, func(c *Channel) error {
		m := s.message(c.ID, ts)
		if m == nil || m.Deleted {
			return fmt.Errorf("no message %s in %s", ts, channel)
		}
		s.remove(m)
		return nil
	})
}

// Archive archives a channel.
func (s *Server) Archive(channel string) error {
	return s.in(channel, func(c *Channel) error { c.Archived = true; return nil })
}

// Unarchive opens an archived channel again.
func (s *Server) Unarchive(channel string) error {
	return s.in(channel, func(c *Channel) error { c.Archived = false; return nil })
}

// Kick takes a user, such as the bot, out of a channel.
func (s *Server) Kick(channel, user string) error {
	return s.in(channel, func(c *Channel) error {
		u := s.user(user)
		if u == nil || !c.has(u.ID) {
			return fmt.Errorf("%s is not in %s", user, channel)
		}
		c.Members = slices.DeleteFunc(slices.Clone(c.Members), func(m string) bool { return m == u.ID })
		return nil
	})
}

// Invite takes a user, such as the bot, into a channel.
func (s *Server) Invite(channel, user string) error {
	return s.in(channel, func(c *Channel) error {
		u := s.user(user)
		if u == nil {
			return fmt.Errorf("no user %q", user)
		}
		if !c.has(u.ID) {
			c.Members = append(slices.Clone(c.Members), u.ID)
		}
		return nil
	})
}

func (s *Server) in(channel string, do func(*Channel) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channel(channel, true)
	if c == nil {
		return fmt.Errorf("no channel %q", channel)
	}
	defer s.change()
	return do(c)
}
