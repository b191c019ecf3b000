package slacktest

import "slices"

// wireMessage is a message as the API shows it.
func (s *Server) wireMessage(m *Message, metadata bool) fields {
	f := fields{"type": "message", "user": m.User, "text": m.Text, "ts": m.TS, "team": s.opts.Team}
	if m.BotID != "" {
		f["bot_id"], f["app_id"] = m.BotID, s.opts.App
		f["bot_profile"] = fields{"id": m.BotID, "app_id": s.opts.App, "name": s.opts.BotName, "user_id": s.opts.BotUser, "team_id": s.opts.Team, "deleted": false}
	}
	if m.Blocks != nil {
		f["blocks"] = m.Blocks
	}
	if m.Edited > 0 {
		f["edited"] = fields{"user": m.User, "ts": m.edited}
	}
	if metadata && m.Metadata != nil {
		f["metadata"] = m.Metadata
	}
	if len(m.Files) > 0 {
		shown := []fields{}
		for i := range m.Files {
			shown = append(shown, s.wireFile(&m.Files[i]))
		}
		f["files"], f["upload"], f["subtype"] = shown, true, "file_share"
	}
	if m.Broadcast {
		f["subtype"] = "thread_broadcast"
	}
	if m.ThreadTS != "" {
		f["thread_ts"] = m.ThreadTS
		if root := s.message(m.Channel, m.ThreadTS); root != nil {
			f["parent_user_id"] = root.User
		}
	}
	s.wireReplies(m, f)
	return f
}

// wireReplies adds what the first message of a thread says of it.
func (s *Server) wireReplies(m *Message, f fields) {
	var who []string
	count, latest := 0, ""
	for _, r := range s.messages {
		if r.Channel == m.Channel && r.ThreadTS == m.TS && !r.Deleted && r.Ephemeral == "" {
			count, latest = count+1, r.TS
			if !slices.Contains(who, r.User) {
				who = append(who, r.User)
			}
		}
	}
	if count > 0 {
		f["thread_ts"], f["reply_count"], f["reply_users"], f["reply_users_count"], f["latest_reply"] = m.TS, count, who, len(who), latest
		f["subscribed"], f["is_locked"] = false, false
	}
}
