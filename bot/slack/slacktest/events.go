package slacktest

import (
	"slices"
	"strings"
	"time"
)

// event wraps an event as the Events API sends it; s.mu is held.
func (s *Server) event(inner fields) {
	s.deliver(&delivery{kind: "events_api", payload: fields{
		"token": "test", "team_id": s.opts.Team, "context_team_id": s.opts.Team, "context_enterprise_id": nil, "api_app_id": s.opts.App, "event": inner,
		"type": "event_callback", "event_id": s.id("Ev"), "event_time": s.opts.Clock().Unix(), "is_ext_shared_channel": false, "event_context": secret(),
		"authorizations": []fields{{"enterprise_id": nil, "team_id": s.opts.Team, "user_id": s.opts.BotUser, "is_bot": true, "is_enterprise_install": false}},
	}})
}

// hears says whether the app gets the messages of a channel: it was allowed to, and its bot is in there.
func (s *Server) hears(c *Channel) bool {
	return c.has(s.opts.BotUser) && slices.Contains(s.opts.Scopes, c.kind()+":history")
}

func channelType(c *Channel) string { return strings.TrimSuffix(c.kind(), "s") }

// tellMessage tells the app of a new message, its own too; s.mu is held.
func (s *Server) tellMessage(m *Message) {
	c := s.channel(m.Channel, false)
	f := s.wireMessage(m, true)
	f["channel"], f["event_ts"] = c.ID, m.TS
	if s.hears(c) {
		message := fields{"channel_type": channelType(c)}
		for k, v := range f {
			message[k] = v
		}
		s.event(message)
	}
	mentioned := strings.Contains(m.Text, "<@"+s.opts.BotUser+">") && m.BotID == "" && c.im == ""
	if mentioned && c.has(s.opts.BotUser) && slices.Contains(s.opts.Scopes, "app_mentions:read") {
		f["type"] = "app_mention"
		s.event(f)
	}
}

func (s *Server) tellChanged(m, was *Message) {
	s.tellHidden(m, "message_changed", fields{"message": s.wireMessage(m, true), "previous_message": s.wireMessage(was, true)})
}

func (s *Server) tellDeleted(m *Message) {
	s.tellHidden(m, "message_deleted", fields{"deleted_ts": m.TS, "previous_message": s.wireMessage(m, true)})
}

func (s *Server) tellHidden(m *Message, subtype string, f fields) {
	c := s.channel(m.Channel, false)
	if m.Ephemeral != "" || !s.hears(c) {
		return
	}
	ts := s.stamp()
	f["type"], f["subtype"], f["hidden"], f["channel"], f["ts"], f["event_ts"], f["channel_type"] = "message", subtype, true, c.ID, ts, ts, channelType(c)
	s.event(f)
}

// trigger is a trigger_id.
type trigger struct {
	user string
	at   time.Time
	used bool
}

func (s *Server) trigger(user string) string {
	id := s.id("") + "." + s.id("") + "." + secret()
	s.triggers[id] = &trigger{user: user, at: s.opts.Clock()}
	return id
}

// interaction is what all interactive payloads say; s.mu is held.
func (s *Server) interaction(kind string, u *User) fields {
	return fields{"type": kind, "token": "test", "api_app_id": s.opts.App, "trigger_id": s.trigger(u.ID), "enterprise": nil, "is_enterprise_install": false,
		"team": fields{"id": s.opts.Team, "domain": "recover"}, "user": fields{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": s.opts.Team}}
}
