package slacktest

import "encoding/json"

// view is a modal.
type view struct {
	id, user, hash string
	root, previous string
	body           map[string]any // as the app sent it, with its block ids
}

func (s *Server) newView(user string, body map[string]any) *view {
	v := &view{id: s.id("V"), user: user, hash: s.stamp() + "." + secret()[:8], body: body}
	v.root = v.id
	return v
}

func (s *Server) wireView(v *view, state fields) fields {
	f := fields{"private_metadata": "", "callback_id": "", "submit": nil, "close": nil, "clear_on_close": false, "notify_on_close": false, "external_id": ""}
	for k, x := range v.body {
		f[k] = x
	}
	f["id"], f["team_id"], f["hash"], f["root_view_id"], f["previous_view_id"] = v.id, s.opts.Team, v.hash, v.root, nil
	if v.previous != "" {
		f["previous_view_id"] = v.previous
	}
	f["app_id"], f["bot_id"], f["app_installed_team_id"], f["state"] = s.opts.App, s.botID(), s.opts.Team, fields{"values": state}
	return f
}

// exchange uses a trigger_id up.
func (s *Server) exchange(id string) (*trigger, error) {
	t := s.triggers[id]
	switch {
	case id == "":
		return nil, invalidArguments("[ERROR] missing required field: trigger_id")
	case t == nil:
		return nil, refuse("invalid_trigger_id")
	case t.used:
		return nil, refuse("exchanged_trigger_id")
	case s.opts.Clock().Sub(t.at) > s.opts.TriggerLife:
		return nil, refuse("expired_trigger_id")
	}
	t.used = true
	return t, nil
}

func (s *Server) openView(a args) (fields, error) {
	body, err := viewArgs(a)
	if err != nil {
		return nil, err
	}
	t, err := s.exchange(a.text("trigger_id"))
	if err != nil {
		return nil, err
	}
	v := s.newView(t.user, body)
	s.forms[t.user] = []*view{v}
	s.change()
	return fields{"view": s.wireView(v, fields{})}, nil
}

func (s *Server) pushView(a args) (fields, error) {
	body, err := viewArgs(a)
	if err != nil {
		return nil, err
	}
	t, err := s.exchange(a.text("trigger_id"))
	if err != nil {
		return nil, err
	}
	if len(s.forms[t.user]) == 0 {
		return nil, refuse("not_found")
	}
	v, err := s.push(t.user, body)
	if err != nil {
		return nil, err
	}
	return fields{"view": s.wireView(v, fields{})}, nil
}

// push puts a modal on top of those that a user has open, of which there can be three.
func (s *Server) push(user string, body map[string]any) (*view, error) {
	stack := s.forms[user]
	if len(stack) >= 3 {
		return nil, refuse("push_limit_reached")
	}
	v := s.newView(user, body)
	if len(stack) > 0 {
		v.root, v.previous = stack[0].id, stack[len(stack)-1].id
	}
	s.forms[user] = append(stack, v)
	s.change()
	return v, nil
}

func (s *Server) updateView(a args) (fields, error) {
	body, err := viewArgs(a)
	if err != nil {
		return nil, err
	}
	for _, stack := range s.forms {
		for _, v := range stack {
			if id, external := a.text("view_id"), a.text("external_id"); v.id != id && (external == "" || v.body["external_id"] != external) {
				continue
			}
			if h := a.text("hash"); h != "" && h != v.hash {
				return nil, refuse("hash_conflict")
			}
			s.replaceView(v, body)
			return fields{"view": s.wireView(v, fields{})}, nil
		}
	}
	return nil, refuse("not_found")
}

func (s *Server) replaceView(v *view, body map[string]any) {
	v.body, v.hash = body, s.stamp()+"."+secret()[:8]
	s.change()
}

// blocks are the blocks of a modal as JSON.
func (v *view) blocks() json.RawMessage {
	raw, err := json.Marshal(v.body["blocks"])
	if err != nil {
		panic(err) // it came as JSON
	}
	return raw
}
