package slacktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// View is the modal on top of what a user has open.
type View struct {
	ID, CallbackID, Hash  string
	Title, Submit, Cancel string
	PrivateMetadata       string
	Blocks                json.RawMessage
}

// top is the modal that a user has open; s.mu is held.
func (s *Server) top(user string) (*User, *view) {
	u := s.user(user)
	if u == nil || len(s.forms[u.ID]) == 0 {
		return u, nil
	}
	stack := s.forms[u.ID]
	return u, stack[len(stack)-1]
}

// Open is the modal that the user has open.
func (s *Server) Open(user string) (View, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, v := s.top(user)
	if v == nil {
		return View{}, false
	}
	text := func(key string) string {
		o, _ := v.body[key].(map[string]any)
		t, _ := o["text"].(string)
		return t
	}
	word := func(key string) string { t, _ := v.body[key].(string); return t }
	return View{ID: v.id, CallbackID: word("callback_id"), Hash: v.hash, Title: text("title"), Submit: text("submit"), Cancel: text("close"),
		PrivateMetadata: word("private_metadata"), Blocks: v.blocks()}, true
}

// Submit fills in and submits the modal that the user has open, and waits for the app's answer. A value is named by the
// action_id, block_id or label of its input: a string (text, or the value or text of an option), a list of strings, or a
// bool for one checkbox. Inputs that are not named keep their initial values. The errors are by block_id; with any, the
// modal stays open.
func (s *Server) Submit(user string, values map[string]any) (errors map[string]string, err error) {
	s.mu.Lock()
	u, v := s.top(user)
	if v == nil {
		s.mu.Unlock()
		return nil, fmt.Errorf("%s has no modal open", user)
	}
	state, wrong, err := fillIn(v.body, values)
	if err != nil || len(wrong) > 0 {
		s.mu.Unlock()
		return wrong, err
	}
	p := s.interaction("view_submission", u)
	p["view"], p["response_urls"] = s.wireView(v, state), []any{}
	done := make(chan struct{})
	s.deliver(&delivery{kind: "interactive", payload: p, user: u.ID, accepts: true, then: func(answer json.RawMessage, failure string) {
		errors, err = s.submitted(v, answer, failure)
		close(done)
	}})
	s.mu.Unlock()
	select {
	case <-done:
	case <-s.ctx.Done():
		<-done // Close gives up everything that waits
	}
	return errors, err
}

// submitted does what the app answered to a submission; s.mu is held.
func (s *Server) submitted(v *view, answer json.RawMessage, failure string) (map[string]string, error) {
	if failure != "" {
		return nil, fmt.Errorf("we had some trouble connecting, try again: %s", failure)
	}
	var a struct {
		Action string `json:"response_action"`
		Errors map[string]string
		View   json.RawMessage
	}
	if len(answer) > 0 && json.Unmarshal(answer, &a) != nil {
		return nil, errors.New("the answer to a submission is no object")
	}
	var body map[string]any
	if a.Action == "update" || a.Action == "push" {
		var err error
		if body, err = viewArgs(args{"view": string(a.View)}); err != nil {
			return nil, fmt.Errorf("show the view of the answer: %w", err)
		}
	}
	switch a.Action {
	case "":
		s.close(v)
	case "clear":
		delete(s.forms, v.user)
		s.change()
	case "update":
		s.replaceView(v, body)
	case "push":
		_, err := s.push(v.user, body)
		return nil, err
	case "errors":
		blocks, _ := v.body["blocks"].([]any)
		for id := range a.Errors {
			if !slices.ContainsFunc(blocks, func(b any) bool { o, _ := b.(map[string]any); return o["block_id"] == id && o["type"] == "input" }) {
				return nil, fmt.Errorf("errors name %q, which is no input of the modal", id)
			}
		}
		if len(a.Errors) == 0 {
			return nil, errors.New("response_action errors names no errors")
		}
		return a.Errors, nil
	default:
		return nil, fmt.Errorf("unknown response_action %q", a.Action)
	}
	return nil, nil
}

// close takes a modal away, and shows the one below; s.mu is held.
func (s *Server) close(v *view) {
	s.forms[v.user] = slices.DeleteFunc(s.forms[v.user], func(x *view) bool { return x == v })
	s.change()
}

// Dismiss closes the modal that the user has open. The app hears of it only if the view asks for it.
func (s *Server) Dismiss(user string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, v := s.top(user)
	if v == nil {
		return fmt.Errorf("%s has no modal open", user)
	}
	s.close(v)
	if v.body["notify_on_close"] == true {
		p := s.interaction("view_closed", u)
		delete(p, "trigger_id")
		p["view"], p["is_cleared"] = s.wireView(v, fields{}), false
		s.deliver(&delivery{kind: "interactive", payload: p, user: u.ID})
	}
	return nil
}

// Press presses a button of the modal that the user has open, as Click does in a message.
func (s *Server) Press(user, what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, v := s.top(user)
	if v == nil {
		return fmt.Errorf("%s has no modal open", user)
	}
	blocks, _ := v.body["blocks"].([]any)
	act := find(blocks, what)
	if act == nil {
		return fmt.Errorf("the modal has no button %q", what)
	}
	act["action_ts"] = s.stamp()
	p := s.interaction("block_actions", u)
	p["container"], p["view"], p["actions"] = fields{"type": "view", "view_id": v.id}, s.wireView(v, fields{}), []fields{act}
	s.deliver(&delivery{kind: "interactive", payload: p, user: u.ID})
	return nil
}
