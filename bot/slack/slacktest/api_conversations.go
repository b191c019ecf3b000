package slacktest

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// kind is what the scopes call a channel.
func (c *Channel) kind() string {
	switch {
	case c.im != "":
		return "im"
	case c.Private:
		return "groups"
	}
	return "channels"
}

// readable finds a channel by id of which the bot may read something.
func (s *Server) readable(id, what string) (*Channel, error) {
	c := s.channel(id, false)
	if c == nil || c.Private && !c.has(s.opts.BotUser) {
		return nil, refuse("channel_not_found")
	}
	if err := s.scope(c.kind() + ":" + what); err != nil {
		return nil, err
	}
	if what == "history" && !c.has(s.opts.BotUser) {
		return nil, refuse("not_in_channel")
	}
	return c, nil
}

func (s *Server) wireChannel(c *Channel) fields {
	f := fields{"id": c.ID, "created": 1700000000, "is_archived": c.Archived, "is_im": c.im != "", "is_org_shared": false, "context_team_id": s.opts.Team, "updated": 1700000000000}
	if c.im != "" {
		f["user"], f["is_user_deleted"], f["is_open"] = c.im, false, true
		return f
	}
	f["name"], f["name_normalized"] = c.Name, c.Name
	f["is_channel"], f["is_group"], f["is_mpim"], f["is_private"] = !c.Private, c.Private, false, c.Private
	f["is_member"], f["is_general"], f["is_shared"], f["is_ext_shared"], f["is_pending_ext_shared"] = c.has(s.opts.BotUser), false, false, false, false
	f["creator"], f["unlinked"], f["num_members"] = c.creator(), 0, len(c.Members)
	empty := fields{"value": "", "creator": "", "last_set": 0}
	f["topic"], f["purpose"], f["previous_names"], f["pending_shared"] = empty, empty, []string{}, []string{}
	return f
}

func (c *Channel) creator() string {
	if len(c.Members) == 0 {
		return ""
	}
	return c.Members[0]
}

func (s *Server) conversationInfo(a args) (fields, error) {
	c, err := s.readable(a.text("channel"), "read")
	if err != nil {
		return nil, err
	}
	f := s.wireChannel(c)
	if !a.flag("include_num_members") {
		delete(f, "num_members")
	}
	return fields{"channel": f}, nil
}

func (s *Server) conversationList(a args) (fields, error) {
	kinds := map[string]string{"public_channel": "channels", "private_channel": "groups", "im": "im", "mpim": "mpim"}
	wanted := []string{}
	types := a.text("types")
	if types == "" {
		types = "public_channel"
	}
	for t := range strings.SplitSeq(types, ",") {
		kind, ok := kinds[strings.TrimSpace(t)]
		if !ok {
			return nil, refuse("invalid_types")
		}
		if err := s.scope(kind + ":read"); err != nil {
			return nil, err
		}
		wanted = append(wanted, kind)
	}
	var all []fields
	for _, c := range s.channels {
		if slices.Contains(wanted, c.kind()) && (!c.Private || c.has(s.opts.BotUser)) && !(c.Archived && a.flag("exclude_archived")) {
			all = append(all, s.wireChannel(c))
		}
	}
	page, next, err := paged(a, all, 100, 1000)
	if err != nil {
		return nil, err
	}
	return fields{"channels": page, "response_metadata": fields{"next_cursor": next}}, nil
}

func (s *Server) conversationMembers(a args) (fields, error) {
	c, err := s.readable(a.text("channel"), "read")
	if err != nil {
		return nil, err
	}
	page, next, err := paged(a, c.Members, 100, 1000)
	if err != nil {
		return nil, err
	}
	return fields{"members": page, "response_metadata": fields{"next_cursor": next}}, nil
}

func (s *Server) conversationHistory(a args) (fields, error) {
	c, err := s.readable(a.text("channel"), "history")
	if err != nil {
		return nil, err
	}
	return s.past(a, c, func(m *Message) bool { return m.ThreadTS == "" || m.ThreadTS == m.TS || m.Broadcast }, true)
}

func (s *Server) conversationReplies(a args) (fields, error) {
	c, err := s.readable(a.text("channel"), "history")
	if err != nil {
		return nil, err
	}
	ts := a.text("ts")
	root := s.message(c.ID, ts)
	if root == nil || root.Deleted || root.Ephemeral != "" {
		return nil, refuse("thread_not_found")
	}
	if root.ThreadTS != "" {
		ts = root.ThreadTS
	}
	return s.past(a, c, func(m *Message) bool { return m.TS == ts || m.ThreadTS == ts }, false)
}

// past is a page of messages, newest first in a channel and oldest first in a thread.
func (s *Server) past(a args, c *Channel, keep func(*Message) bool, newestFirst bool) (fields, error) {
	oldest, latest := a.text("oldest"), a.text("latest")
	for _, ts := range []string{oldest, latest} {
		if ts == "" {
			continue
		}
		if _, err := strconv.ParseFloat(ts, 64); err != nil {
			return nil, refuse("invalid_ts_" + map[bool]string{true: "oldest", false: "latest"}[ts == oldest])
		}
	}
	var all []fields
	for _, m := range s.messages {
		if m.Channel != c.ID || m.Deleted || m.Ephemeral != "" || !keep(m) {
			continue
		}
		early, late := oldest != "" && compareStamps(m.TS, oldest) <= 0, latest != "" && compareStamps(m.TS, latest) >= 0
		if a.flag("inclusive") {
			early, late = oldest != "" && compareStamps(m.TS, oldest) < 0, latest != "" && compareStamps(m.TS, latest) > 0
		}
		if root := m.TS == a.text("ts"); !early && !late || root {
			all = append(all, s.wireMessage(m, a.flag("include_all_metadata")))
		}
	}
	if newestFirst {
		slices.Reverse(all)
	}
	page, next, err := paged(a, all, 100, 999)
	if err != nil {
		return nil, err
	}
	f := fields{"messages": page, "has_more": next != ""}
	if next != "" {
		f["response_metadata"] = fields{"next_cursor": next}
	}
	if newestFirst {
		f["pin_count"] = 0
	}
	return f, nil
}

// compareStamps orders times such as 1700000000.000100, 1700000000.1 and 1700000000.
func compareStamps(a, b string) int {
	split := func(ts string) (int, string) {
		sec, micro, _ := strings.Cut(ts, ".")
		n, _ := strconv.Atoi(sec) // checked where it came in
		return n, (micro + "000000")[:6]
	}
	as, am := split(a)
	bs, bm := split(b)
	if as != bs {
		return as - bs
	}
	return strings.Compare(am, bm)
}

// paged is one page of a list. The cursor is the place of the next one.
func paged[T any](a args, all []T, usual, most int) ([]T, string, error) {
	limit := usual
	if a.given("limit") {
		n, err := strconv.Atoi(a.text("limit"))
		if err != nil || n < 0 {
			return nil, "", refuse("invalid_limit")
		}
		if n > 0 {
			limit = min(n, most)
		}
	}
	from := 0
	if a.given("cursor") {
		b, err := base64.StdEncoding.DecodeString(a.text("cursor"))
		if from, _ = strconv.Atoi(strings.TrimPrefix(string(b), "next:")); err != nil || from <= 0 || from > len(all) {
			return nil, "", refuse("invalid_cursor")
		}
	}
	page := append([]T{}, all[from:min(from+limit, len(all))]...) // never null
	if from+limit >= len(all) {
		return page, "", nil
	}
	return page, base64.StdEncoding.EncodeToString([]byte("next:" + strconv.Itoa(from+limit))), nil
}

func (s *Server) conversationOpen(a args) (fields, error) {
	if a.given("channel") {
		c := s.channel(a.text("channel"), false)
		if c == nil {
			return nil, refuse("channel_not_found")
		}
		return fields{"channel": fields{"id": c.ID}}, nil
	}
	u := s.user(a.text("users"))
	switch {
	case !a.given("users"):
		return nil, refuse("users_list_not_supplied")
	case u == nil || u.ID != a.text("users"):
		return nil, refuse("user_not_found")
	case u.Bot:
		return nil, refuse("cannot_dm_bot")
	}
	c := s.im(u.ID)
	if a.flag("return_im") {
		return fields{"channel": s.wireChannel(c)}, nil
	}
	return fields{"channel": fields{"id": c.ID}}, nil
}

func (s *Server) conversationJoin(a args) (fields, error) {
	c := s.channel(a.text("channel"), false)
	switch {
	case c == nil || c.Private && !c.has(s.opts.BotUser):
		return nil, refuse("channel_not_found")
	case c.im != "" || c.Private:
		return nil, refuse("method_not_supported_for_channel_type")
	case c.Archived:
		return nil, refuse("is_archived")
	}
	if !c.has(s.opts.BotUser) {
		c.Members = append(c.Members, s.opts.BotUser)
		s.change()
	}
	return fields{"channel": s.wireChannel(c)}, nil
}
