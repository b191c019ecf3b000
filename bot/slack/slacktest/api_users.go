package slacktest

func (s *Server) apiTest(a args) (fields, error) {
	if e := a.text("error"); e != "" {
		return nil, refuse(e)
	}
	return fields{"args": a.shown()}, nil
}

func (s *Server) authTest(args) (fields, error) {
	return fields{"url": "https://" + domain + "/", "team": "recover", "user": s.opts.BotName, "team_id": s.opts.Team,
		"user_id": s.opts.BotUser, "bot_id": s.botID(), "is_enterprise_install": false}, nil
}

func (s *Server) wireUser(u *User, locale bool) fields {
	f := fields{"id": u.ID, "team_id": s.opts.Team, "name": u.Name, "deleted": u.Deleted, "real_name": u.RealName, "tz": "UTC", "tz_label": "UTC", "tz_offset": 0,
		"is_admin": false, "is_owner": false, "is_bot": u.Bot, "is_app_user": false, "is_restricted": false, "is_ultra_restricted": false, "updated": 1700000000,
		"profile": fields{"real_name": u.RealName, "display_name": u.Name, "real_name_normalized": u.RealName, "display_name_normalized": u.Name, "team": s.opts.Team}}
	if locale {
		f["locale"] = u.Locale
	}
	return f
}

func (s *Server) userInfo(a args) (fields, error) {
	u := s.user(a.text("user"))
	if u == nil || u.ID != a.text("user") {
		return nil, refuse("user_not_found")
	}
	return fields{"user": s.wireUser(u, a.flag("include_locale"))}, nil
}

func (s *Server) userList(a args) (fields, error) {
	var all []fields
	for _, u := range s.users {
		all = append(all, s.wireUser(u, a.flag("include_locale")))
	}
	page, next, err := paged(a, all, 200, 1000)
	if err != nil {
		return nil, err
	}
	return fields{"members": page, "cache_ts": s.opts.Clock().Unix(), "response_metadata": fields{"next_cursor": next}}, nil
}

func (s *Server) botInfo(a args) (fields, error) {
	if a.text("bot") != s.botID() {
		return nil, refuse("bot_not_found")
	}
	return fields{"bot": fields{"id": s.botID(), "deleted": false, "name": s.opts.BotName, "updated": 1700000000, "app_id": s.opts.App, "user_id": s.opts.BotUser}}, nil
}
