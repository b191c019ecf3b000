package slacktest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"recoverbot/bot/slack/slacktest"
)

func TestEventsComeAgainUntilAcknowledged(t *testing.T) {
	t.Parallel()
	s, _ := start(t, slacktest.Options{AckWithin: 30 * time.Millisecond, Retries: []time.Duration{0, time.Millisecond}})
	c := connect(t, s)
	if _, err := s.Say("ops1", "ops", "", "hello"); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	var id any
	for attempt := range 3 {
		e := c.next()
		if e.Type != "events_api" || e.Attempt != attempt || e.Accepts || (attempt > 0) != (e.Why == "timeout") || seen[e.ID] || attempt > 0 && at(e.Payload, "event_id") != id {
			t.Fatalf("attempt %d: %+v", attempt, e)
		}
		seen[e.ID], id = true, at(e.Payload, "event_id")
	}
	until(t, s, "given up", s.Idle)
}

func TestAConnectionTakesOverWhatAnotherLost(t *testing.T) {
	t.Parallel()
	s, _ := start(t, slacktest.Options{})
	first := connect(t, s)
	if _, err := s.Say("ops1", "ops", "", "@recoverbot help"); err != nil {
		t.Fatal(err)
	}
	first.next()
	s.Drop()
	until(t, s, "dropped", func() bool { return s.Connections() == 0 })
	if _, err := s.Say("ops1", "ops", "", "said to nobody"); err != nil {
		t.Fatal(err)
	}
	second := connect(t, s)
	var got []string
	for range 3 { // message, app_mention, message
		e := second.next()
		got = append(got, at(e.Payload, "event", "type").(string)+" "+at(e.Payload, "event", "text").(string))
		second.ack(e, nil)
	}
	if all := strings.Join(got, "\n"); strings.Count(all, "<@U0BOT> help") != 2 || !strings.Contains(all, "app_mention") || !strings.Contains(all, "said to nobody") {
		t.Errorf("%s", all)
	}
	until(t, s, "acknowledged", s.Idle)
}

func TestOneOfSeveralConnections(t *testing.T) {
	t.Parallel()
	s, _ := start(t, slacktest.Options{})
	one, two := connect(t, s), connect(t, s)
	if s.Connections() != 2 {
		t.Error("two connections are open")
	}
	for _, text := range []string{"a", "b"} {
		if _, err := s.Say("ops1", "ops", "", text); err != nil {
			t.Fatal(err)
		}
	}
	a, b := one.next(), two.next()
	if at(a.Payload, "event", "text") == at(b.Payload, "event", "text") {
		t.Error("both got the same")
	}
	one.ack(b, nil) // the wrong one
	one.ack(a, nil)
	two.ack(b, nil)
	until(t, s, "acknowledged", s.Idle)
}

func TestDisconnect(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{"warning", "refresh_requested", "link_disabled"} {
		s, _ := start(t, slacktest.Options{})
		c := connect(t, s)
		s.Disconnect(reason)
		if e := c.next(); e.Type != "disconnect" || e.Reason != reason {
			t.Fatalf("%+v", e)
		}
		if _, _, err := c.ws.ReadMessage(); err == nil {
			t.Error("the connection stays")
		}
	}
}

func TestPings(t *testing.T) {
	t.Parallel()
	s, _ := start(t, slacktest.Options{PingEvery: time.Millisecond})
	c := connect(t, s)
	pings := make(chan struct{}, 100)
	c.ws.SetPingHandler(func(string) error {
		select {
		case pings <- struct{}{}:
		default:
		}
		return nil
	})
	done := make(chan struct{})
	go func() { defer close(done); _, _, _ = c.ws.ReadMessage() }()
	<-pings
	<-pings
	s.Drop()
	<-done
}

func TestWhatNobodyAnswers(t *testing.T) {
	t.Parallel()
	s, api := start(t, slacktest.Options{AckWithin: 30 * time.Millisecond})
	ts := say(t, api, buttons())
	private := func() string {
		var all []string
		for _, got := range s.Private("ops1") {
			all = append(all, got.Text)
		}
		return strings.Join(all, "\n")
	}
	if err := s.Slash("ops1", "ops", "/recover", "a"); err != nil {
		t.Fatal(err)
	}
	if got := private(); got != `/recover: failed with the error "dispatch_failed"` {
		t.Errorf("%s", got)
	}
	c := connect(t, s)
	c.ack(c.next(), nil) // the event of the message
	if err := s.Click("ops1", "ops", ts, "Approve"); err != nil {
		t.Fatal(err)
	}
	e := c.next()
	if e.Type != "interactive" || s.Answered("ops1") || !s.Answered("ops2") {
		t.Errorf("%+v", e)
	}
	until(t, s, "an error", func() bool { return strings.Contains(private(), "operation_timeout") })
	c.ack(e, nil) // too late
	if !s.Answered("ops1") {
		t.Error("it still waits")
	}
}

func TestRedeliver(t *testing.T) {
	t.Parallel()
	s, _ := start(t, slacktest.Options{})
	if s.Redeliver() == nil {
		t.Error("nothing was delivered again")
	}
	c := connect(t, s)
	if err := s.Slash("ops1", "ops", "/recover", "a"); err != nil {
		t.Fatal(err)
	}
	first := c.next()
	c.ack(first, m{"text": "one"})
	until(t, s, "acknowledged", s.Idle)
	if err := s.Redeliver(); err != nil {
		t.Fatal(err)
	}
	again := c.next()
	if again.ID != first.ID || asJSON(t, again.Payload) != asJSON(t, first.Payload) {
		t.Errorf("%+v", again)
	}
	c.ack(again, m{"text": "two"})
	until(t, s, "acknowledged", s.Idle)
	if got := s.Private("ops1"); len(got) != 1 || got[0].Text != "one" {
		t.Errorf("%+v", got)
	}
}

func TestAGreatAcknowledgementIsDropped(t *testing.T) {
	t.Parallel()
	s, _ := start(t, slacktest.Options{AckWithin: 50 * time.Millisecond})
	c := connect(t, s)
	if err := s.Slash("ops1", "ops", "/recover", "a"); err != nil {
		t.Fatal(err)
	}
	c.ack(c.next(), m{"text": x(20 << 10)})
	until(t, s, "given up", s.Idle)
	if got := s.Private("ops1"); len(got) != 1 || !strings.Contains(got[0].Text, "operation_timeout") {
		t.Errorf("%+v", got)
	}
}

func buttons() slack.MsgOption {
	label := func(s string) *slack.TextBlockObject { return slack.NewTextBlockObject("plain_text", s, false, false) }
	return slack.MsgOptionBlocks(slack.NewSectionBlock(slack.NewTextBlockObject("mrkdwn", "Take <@U0OPS2> &amp; <https://example.com|this>", false, false), nil, nil),
		slack.NewActionBlock("row", slack.NewButtonBlockElement("yes", "v1", label("Approve")), slack.NewOverflowBlockElement("more", slack.NewOptionBlockObject("o1", label("Later"), nil))))
}

func TestTheTicketIsNeeded(t *testing.T) {
	t.Parallel()
	s, _ := start(t, slacktest.Options{})
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + s.Addr() + "/link/?ticket=none")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("%s", resp.Status)
	}
}
