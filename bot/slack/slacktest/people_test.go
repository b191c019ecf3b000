package slacktest_test

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"recoverbot/bot/slack/slacktest"
)

func TestClickAndForm(t *testing.T) {
	t.Parallel()
	s, api := start(t, slacktest.Options{})
	ts := say(t, api, buttons())
	c := connect(t, s)
	c.ack(c.next(), nil)
	if got := s.Plain(s.Messages("ops")[0]); got != "Take @ops2 & this\n[Approve] [Later]" {
		t.Errorf("%q", got)
	}
	for _, bad := range [][4]string{{"ops1", "ops", ts, "Reject"}, {"ops1", "ops", "1.000000", "Approve"}, {"nobody", "ops", ts, "Approve"}, {"ops1", "none", ts, "Approve"}} {
		if s.Click(bad[0], bad[1], bad[2], bad[3]) == nil {
			t.Errorf("%v was pressed", bad)
		}
	}
	if err := s.Click("ops1", "ops", ts, "Later"); err != nil {
		t.Fatal(err)
	}
	e := c.next()
	if at(e.Payload, "actions", 0, "selected_option", "value") != "o1" || at(e.Payload, "actions", 0, "action_id") != "more" {
		t.Errorf("%+v", e.Payload)
	}
	c.ack(e, nil)
	if err := s.Click("ops1", "ops", ts, "v1"); err != nil {
		t.Fatal(err)
	}
	e = c.next()
	if at(e.Payload, "actions", 0, "block_id") != "row" || at(e.Payload, "message", "ts") != ts || at(e.Payload, "container", "is_ephemeral") != false || at(e.Payload, "user", "id") != "U0OPS1" {
		t.Errorf("%+v", e.Payload)
	}
	c.ack(e, nil)
	text := func(s string) m { return pt(s) }
	form := m{"type": "modal", "callback_id": "why", "private_metadata": "secret", "title": text("Reason"), "submit": text("Send"), "close": text("Back"), "notify_on_close": true, "blocks": []any{
		m{"type": "input", "block_id": "r", "label": text("Why"), "element": m{"type": "plain_text_input", "action_id": "v", "max_length": 10}},
		m{"type": "input", "block_id": "d", "label": text("Dump"), "element": menu("action_id", "v", "options", []any{choice("02:00", "old"), choice("03:00", "new")}, "initial_option", choice("02:00", "old"))},
		m{"type": "input", "block_id": "b", "optional": true, "label": text("Sure"), "element": m{"type": "checkboxes", "action_id": "v", "options": []any{choice("yes", "true")}}}}}
	trigger := at(e.Payload, "trigger_id")
	if got := callJSON(t, s, "views.open", m{"trigger_id": trigger, "view": form}); got["ok"] != true {
		t.Fatalf("%v", got)
	}
	if got := callJSON(t, s, "views.open", m{"trigger_id": trigger, "view": form}); got["error"] != "exchanged_trigger_id" {
		t.Errorf("%v", got)
	}
	v, open := s.Open("ops1")
	if !open || v.CallbackID != "why" || v.PrivateMetadata != "secret" || !strings.Contains(s.PlainView(v), "Why") {
		t.Fatalf("%+v", v)
	}
	if _, err := s.Submit("ops1", map[string]any{"Whatever": "x"}); err == nil {
		t.Error("an unknown input was filled in")
	}
	if wrong, err := s.Submit("ops1", map[string]any{"Why": ""}); err != nil || wrong["r"] == "" {
		t.Errorf("a required field was left empty: %v %v", wrong, err)
	}
	if wrong, err := s.Submit("ops1", map[string]any{"Why": x(11)}); err != nil || wrong["r"] == "" {
		t.Errorf("a long text went through: %v %v", wrong, err)
	}
	submit := func(answer any, values map[string]any) (map[string]string, envelope, error) {
		t.Helper()
		type result struct {
			wrong map[string]string
			err   error
		}
		done := make(chan result)
		go func() { wrong, err := s.Submit("ops1", values); done <- result{wrong, err} }()
		e := c.next()
		c.ack(e, answer)
		r := <-done
		return r.wrong, e, r.err
	}
	wrong, e, err := submit(m{"response_action": "errors", "errors": m{"r": "Say more."}}, map[string]any{"Why": "no", "d": "03:00", "Sure": true})
	if err != nil || wrong["r"] != "Say more." {
		t.Errorf("%v %v", wrong, err)
	}
	values := []any{"view", "state", "values"}
	if at(e.Payload, append(values, "r", "v", "value")...) != "no" || at(e.Payload, append(values, "d", "v", "selected_option", "value")...) != "new" ||
		at(e.Payload, append(values, "b", "v", "selected_options", 0, "value")...) != "true" || !e.Accepts {
		t.Errorf("%+v", e.Payload)
	}
	if _, _, err := submit(m{"response_action": "errors", "errors": m{"nothing": "x"}}, map[string]any{"Why": "no"}); err == nil {
		t.Error("an error of no input was shown")
	}
	if _, open := s.Open("ops1"); !open {
		t.Error("the form with errors is gone")
	}
	if wrong, _, err := submit(nil, map[string]any{"Why": "yes"}); err != nil || wrong != nil {
		t.Errorf("%v %v", wrong, err)
	}
	if _, open := s.Open("ops1"); open || s.Dismiss("ops1") == nil {
		t.Error("the form is still there")
	}
}

func TestExpiredTrigger(t *testing.T) {
	t.Parallel()
	now := time.Unix(1700000000, 0)
	s, _ := start(t, slacktest.Options{Clock: func() time.Time { return now }})
	c := connect(t, s)
	if err := s.Slash("ops1", "ops", "/recover", ""); err != nil {
		t.Fatal(err)
	}
	e := c.next()
	c.ack(e, nil)
	until(t, s, "acknowledged", s.Idle)
	now = now.Add(3*time.Second + time.Millisecond)
	if got := callJSON(t, s, "views.open", m{"trigger_id": at(e.Payload, "trigger_id"), "view": m{"type": "modal", "title": pt("t"), "blocks": []any{}}}); got["error"] != "expired_trigger_id" {
		t.Errorf("%v", got)
	}
	if _, open := s.Open("ops1"); open {
		t.Error("it opened")
	}
}

func respond(t *testing.T, url any, body m) (int, string) {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Post(url.(string), "application/json", strings.NewReader(asJSON(t, body)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, b.String()
}

func TestResponseURL(t *testing.T) {
	t.Parallel()
	now := time.Unix(1700000000, 0)
	s, api := start(t, slacktest.Options{Clock: func() time.Time { return now }})
	c := connect(t, s)
	_, err := api.PostEphemeralContext(t.Context(), "C0OPS", "U0OPS1", buttons())
	if err != nil {
		t.Fatal(err)
	}
	ts := s.Private("ops1")[0].TS
	if s.Click("ops2", "ops", ts, "yes") == nil {
		t.Error("another person pressed what only one sees")
	}
	if err := s.Click("ops1", "ops", ts, "yes"); err != nil {
		t.Fatal(err)
	}
	e := c.next()
	c.ack(e, nil)
	if at(e.Payload, "message") != nil || at(e.Payload, "container", "is_ephemeral") != true {
		t.Errorf("%+v", e.Payload)
	}
	url := e.Payload["response_url"]
	for _, body := range []m{{"text": "changed", "replace_original": true}, {"text": "only you"}, {"text": "to all", "response_type": "in_channel"}, {"text": "more"}} {
		if code, text := respond(t, url, body); code != 200 {
			t.Fatalf("%d %s", code, text)
		}
	}
	if code, text := respond(t, url, m{"blocks": []any{section(x(3001))}}); code != 400 || !strings.Contains(text, "invalid_blocks") {
		t.Errorf("%d %s", code, text)
	}
	if code, _ := respond(t, url, m{"delete_original": true}); code != 200 {
		t.Error("it is not deleted")
	}
	if code, text := respond(t, url, m{"text": "sixth"}); code != 404 || !strings.Contains(text, "used_url") {
		t.Errorf("%d %s", code, text)
	}
	if got := s.Private("ops1"); len(got) != 2 || got[0].Text != "only you" || len(s.Messages("ops")) != 1 || len(s.Private("ops2")) != 0 {
		t.Errorf("%+v", got)
	}
	c.ack(c.next(), nil) // the event of what was said to all
	if err := s.Slash("ops1", "ops", "/recover", "a"); err != nil {
		t.Fatal(err)
	}
	e = c.next()
	c.ack(e, m{"text": "at once"})
	until(t, s, "acknowledged", s.Idle)
	now = now.Add(31 * time.Minute)
	if code, text := respond(t, e.Payload["response_url"], m{"text": "late"}); code != 404 || !strings.Contains(text, "expired_url") {
		t.Errorf("%d %s", code, text)
	}
	if got := s.Private("ops1"); len(got) != 3 || got[2].Text != "at once" {
		t.Errorf("%+v", got)
	}
}

func TestSay(t *testing.T) {
	t.Parallel()
	s, _ := start(t, slacktest.Options{})
	ts, err := s.Say("ops1", "ops", "", "@recoverbot a < b & @nobody in #ops")
	if err != nil {
		t.Fatal(err)
	}
	got := s.Messages("ops")[0]
	if got.Text != "<@U0BOT> a &lt; b &amp; @nobody in <#C0OPS|ops>" || s.Plain(got) != "@recoverbot a < b & @nobody in #ops" || got.TS != ts {
		t.Errorf("%+v %s", got, s.Plain(got))
	}
	if _, err := s.Say("ops1", "@recoverbot", "", "between us"); err != nil || len(s.Private("ops1")) != 1 {
		t.Error(err)
	}
	for _, bad := range [][4]string{{"ops1", "none", "", "a"}, {"none", "ops", "", "a"}, {"ops1", "ops", "1.000000", "a"}, {"ops1", "ops", "", " "}} {
		if _, err := s.Say(bad[0], bad[1], bad[2], bad[3]); err == nil {
			t.Errorf("%v was said", bad)
		}
	}
	if err := s.Archive("ops"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Say("ops1", "ops", "", "a"); err == nil || len(s.Messages("ops")) != 1 {
		t.Error("said in an archived channel")
	}
	if errors.Join(s.Kick("ops", "none"), s.Invite("none", "ops1"), s.Remove("ops", "1.0"), s.Invite("ops", "none")) == nil {
		t.Error("impossible things were done")
	}
}
