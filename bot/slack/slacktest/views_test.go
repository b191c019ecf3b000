package slacktest_test

import (
	"testing"

	"recoverbot/bot/slack/slacktest"
)

func TestStackOfModals(t *testing.T) {
	t.Parallel()
	s, _ := start(t, slacktest.Options{})
	c := connect(t, s)
	modal := func(title string) m {
		return m{"type": "modal", "title": pt(title), "notify_on_close": true, "blocks": []any{actions(button("action_id", "more", "value", "v"))}}
	}
	call := func(method string, args m, want any) map[string]any {
		t.Helper()
		got := callJSON(t, s, method, args)
		if got["error"] != want {
			t.Fatalf("%s: want %v, got %v", method, want, got)
		}
		return got
	}
	title := func(want string) {
		t.Helper()
		if v, open := s.Open("ops1"); !open || v.Title != want {
			t.Fatalf("want %s, got %+v", want, v)
		}
	}
	if err := s.Slash("ops1", "ops", "/recover", ""); err != nil {
		t.Fatal(err)
	}
	e := c.next()
	c.ack(e, nil)
	first := call("views.open", m{"trigger_id": e.Payload["trigger_id"], "view": modal("one")}, nil)
	id, hash := at(first, "view", "id"), at(first, "view", "hash")
	call("views.update", m{"view_id": id, "hash": "old", "view": modal("two")}, "hash_conflict")
	call("views.update", m{"view_id": "V0", "view": modal("two")}, "not_found")
	title("one")
	call("views.update", m{"view_id": id, "hash": hash, "view": modal("two")}, nil)
	title("two")
	for n, want := range []any{nil, nil, "push_limit_reached"} {
		if err := s.Press("ops1", "more"); err != nil {
			t.Fatal(err)
		}
		e = c.next()
		c.ack(e, nil)
		if at(e.Payload, "container", "type") != "view" || at(e.Payload, "actions", 0, "value") != "v" {
			t.Errorf("%+v", e.Payload)
		}
		call("views.push", m{"trigger_id": e.Payload["trigger_id"], "view": modal(string(rune('a' + n)))}, want)
	}
	title("b")
	if s.Press("ops1", "less") == nil {
		t.Error("a button that is not there was pressed")
	}
	for _, below := range []string{"a", "two", ""} {
		if err := s.Dismiss("ops1"); err != nil {
			t.Fatal(err)
		}
		if e := c.next(); e.Payload["type"] != "view_closed" {
			t.Errorf("%+v", e.Payload)
		} else {
			c.ack(e, nil)
		}
		if v, _ := s.Open("ops1"); v.Title != below {
			t.Errorf("want %q, got %q", below, v.Title)
		}
	}
	until(t, s, "acknowledged", s.Idle)
}
