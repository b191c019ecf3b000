package e2e

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"recoverbot/bot/slack/slacktest"
)

// The people of the tests' Slack. ops1 and ops2 are the drill's operator and colleague; fleet.yaml does not know the
// stranger.
const (
	room     = "C0OPS"
	ops1     = "U0OPS1"
	ops2     = "U0OPS2"
	leaver   = "U0LEAVER"
	stranger = "U0STRANGER"
)

// workspace is a fake Slack with the company's bot in its channel, which keeps Slack's limits.
type workspace struct {
	*slacktest.Server
	c       *company
	secrets []string
	// rough are the moments after which something was broken on purpose.
	rough []time.Time
}

// newSlack makes a workspace; signed requests are taken as well as Socket Mode.
func newSlack(t *testing.T) *workspace {
	t.Helper()
	secret := make([]byte, 16)
	if _, err := rand.Read(secret); err != nil {
		t.Fatal(err)
	}
	w := &workspace{secrets: []string{"xoxb-1-" + rand.Text(), "xapp-1-" + rand.Text(), hex.EncodeToString(secret)}}
	var err error
	w.Server, err = slacktest.Start(slacktest.Options{
		BotToken: w.secrets[0], AppToken: w.secrets[1], SigningSecret: w.secrets[2], RateLimits: true,
		Users: []slacktest.User{{ID: ops1, Name: "ops1"}, {ID: ops2, Name: "ops2"}, {ID: leaver, Name: "leaver"}, {ID: stranger, Name: "stranger"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// environ is what the drill must know of this Slack, and arguments are who of its people is there.
func (w *workspace) environ() []string {
	return []string{"SLACK_BOT_TOKEN=" + w.secrets[0], "SLACK_APP_TOKEN=" + w.secrets[1], "SLACK_SIGNING_SECRET=" + w.secrets[2],
		"SLACK_CHANNEL=" + room, "SLACK_API_URL=" + w.URL()}
}

func (w *workspace) arguments() []string {
	return []string{"--person", "operator=slack:" + ops1, "--person", "colleague=slack:" + ops2, "--person", "leaver=slack:" + leaver}
}

// startSlack starts a company whose people use Slack.
func startSlack(t *testing.T) *workspace {
	t.Helper()
	w := newSlack(t)
	w.c = startWith(t, w.environ(), w.arguments()...)
	return w
}

// startChats starts a company whose people use Slack and a group of Telegram.
func startChats(t *testing.T, chat int64) (*workspace, *telegramRoom) {
	t.Helper()
	w, g := newSlack(t), newTelegram(t, chat)
	w.c = startWith(t, append(w.environ(), g.environ()...), append(w.arguments(), g.arguments()...)...)
	g.c = w.c
	return w, g
}

// until waits until ok holds, looking after each change in Slack.
func (w *workspace) until(within time.Duration, what string, ok func() error) {
	w.c.t.Helper()
	ctx, cancel := context.WithTimeout(w.c.t.Context(), within)
	defer cancel()
	var last error
	if err := w.Until(ctx, func() bool { last = ok(); return last == nil }); err != nil {
		w.c.t.Fatalf("%s: not within %s: %v", what, within, last)
	}
}

// shows is the card of a key, where it has a button now and is about a plan.
func (w *workspace) shows(key, label, digest string) (slacktest.Message, error) {
	m, ok := w.card(key)
	if !ok {
		return m, errors.New("there is no such card")
	}
	if !slices.Contains(buttons(m), label) || !strings.Contains(string(m.Blocks), digest) {
		return m, fmt.Errorf("it has the buttons %q:\n%s", buttons(m), w.Plain(m))
	}
	return m, nil
}

// sees waits until the card of a key shows a button.
func (w *workspace) sees(key, label string) (m slacktest.Message) {
	w.c.t.Helper()
	w.until(20*time.Second, "see ["+label+"] on "+key, func() (err error) {
		m, err = w.shows(key, label, "")
		return err
	})
	return m
}

// click presses a button of a card.
func (w *workspace) click(user, key, label string) {
	w.c.t.Helper()
	if err := w.Click(user, room, w.sees(key, label).TS, label); err != nil {
		w.c.t.Fatalf("%s clicks %s on %s: %v", user, label, key, err)
	}
}

// acked waits until everything that a person did was confirmed, or given up.
func (w *workspace) acked(user string) {
	w.c.t.Helper()
	w.until(15*time.Second, "confirm what "+user+" did", func() error {
		if !w.Answered(user) {
			return errors.New("not yet")
		}
		return nil
	})
}

// told waits until a person alone is told something, after what was told before.
func (w *workspace) told(user string, before int, text string) {
	w.c.t.Helper()
	w.until(15*time.Second, "tell "+user+" "+text, func() error {
		var said []string
		for _, m := range w.Private(user)[before:] {
			said = append(said, w.Plain(m))
		}
		if !strings.Contains(strings.Join(said, "\n"), text) {
			return fmt.Errorf("%q", said)
		}
		return nil
	})
}

// refuses sees that what a person does is refused, which that person alone is told.
func (w *workspace) refuses(user, text string, do func() error) {
	w.c.t.Helper()
	events, before := len(w.c.events()), len(w.Private(user))
	if err := do(); err != nil {
		w.c.t.Fatal(err)
	}
	w.told(user, before, text)
	w.c.idle("slack", events)
}

// hand gives an answer by a click: one person approves, another commits. It returns when the journal has it.
func (w *workspace) hand(id string, d decision) error {
	w.c.t.Helper()
	a, err := w.c.answering(id, d, ops1, ops2)
	if err != nil {
		return err
	}
	r, user, card, key, label := a.run, a.user, a.card, a.key, a.label
	var m slacktest.Message
	if err := a.seen(20*time.Second, "Slack", func() (err error) {
		m, err = w.shows(key, label, d.Digest)
		return err
	}); err != nil {
		return err
	}
	before := len(w.Private(user))
	if err := w.Click(user, room, m.TS, label); err != nil {
		return err
	}
	filled := false
	eventually(w.c.t, 20*time.Second, "take "+label+" on "+key, func() error {
		if _, open := w.Open(user); open && !filled {
			filled = true
			values := map[string]any{}
			for name, v := range d.Fields {
				values["f:"+name] = v
			}
			if d.Reason != "" {
				values["reason"] = d.Reason
			}
			if wrong, err := w.Submit(user, values); err != nil || len(wrong) > 0 {
				w.c.t.Fatalf("fill in the form of %s: %v %v", key, err, wrong)
			}
		}
		now, err := w.c.run(id)
		if err == nil && now.stands(card) == r.stands(card) && now.State == r.State {
			var said []string
			for _, m := range w.Private(user)[before:] {
				said = append(said, w.Plain(m))
			}
			err = fmt.Errorf("%s; %s was told %q", now.stands(card), user, said)
		}
		return err
	})
	return nil
}

// digest is that of what an answer is about, as it is now.
func (r run) digest(d decision) string {
	for _, g := range r.Groups {
		if d.Group != "" && g.ID == d.Group {
			return g.Digest
		}
	}
	return r.step(d.Step).Digest
}

// stands says how the steps of a card stand.
func (r run) stands(card string) string {
	var b strings.Builder
	for _, s := range r.Steps {
		if s.ID == card || s.Group == card {
			fmt.Fprintf(&b, "%s %s %d; ", s.ID, s.State, s.Attempt)
		}
	}
	return b.String()
}

// slash types a command in Slack and returns the run that it began.
func (w *workspace) slash(user, text string) string {
	w.c.t.Helper()
	before, err := w.c.runs()
	if err != nil {
		w.c.t.Fatal(err)
	}
	if err := w.Slash(user, room, "/recover", text); err != nil {
		w.c.t.Fatal(err)
	}
	return w.c.began(before)
}

// began waits for a run that was not there before.
func (c *company) began(before []run) string {
	c.t.Helper()
	var id string
	eventually(c.t, 20*time.Second, "a run begins", func() error {
		now, err := c.runs()
		if err != nil {
			return err
		}
		if len(now) != len(before)+1 {
			return fmt.Errorf("%d runs", len(now))
		}
		for _, r := range now {
			if !slices.ContainsFunc(before, func(b run) bool { return b.ID == r.ID }) {
				id = r.ID
			}
		}
		return nil
	})
	return id
}
