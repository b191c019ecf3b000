package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/slack/slacktest"
)

// TestContract holds Slack to what all platforms do; hostile text stays text there (fault 33) (fault 28).
func TestContract(t *testing.T) {
	t.Parallel()
	t.Run("by Socket Mode", func(t *testing.T) {
		t.Parallel()
		bottest.Exercise(t, func(t *testing.T) bottest.Harness { return newTown(t, slacktest.Options{}, brisk) })
	})
	t.Run("by signed requests", func(t *testing.T) {
		t.Parallel()
		bottest.Exercise(t, func(t *testing.T) bottest.Harness { return newTown(t, slacktest.Options{}, brisk).byHTTP(t) })
	})
}

// town is a workspace with its people in front of the platform.
type town struct {
	srv *slacktest.Server
	s   *Slack
	log *logbook
}

const home = "C0OPS"

var people = map[string]string{"ops1": "U0OPS1", "ops2": "U0OPS2"}

func newTown(t *testing.T, o slacktest.Options, p pace) *town {
	t.Helper()
	if o.Scopes == nil {
		o.Scopes = Scopes // what the manifests ask for is enough
	}
	srv, err := slacktest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	w := &town{srv: srv, log: &logbook{}}
	w.s = made(t, Config{BotToken: slacktest.DefaultBotToken, AppToken: slacktest.DefaultAppToken, APIURL: srv.URL(), Log: w.log.Logger(),
		UserID: func(name string) string { return people[name] }}, p)
	t.Cleanup(func() {
		lackAll(t, "the log", w.log.String(), slacktest.DefaultBotToken, slacktest.DefaultAppToken, slacktest.DefaultSigningSecret, "ticket=", "response_url", "/commands/", "/actions/")
	})
	return w
}

func (w *town) Platform() bot.Platform { return w.s }

func (w *town) UserID(name string) string { return people[name] }

// posts are the messages of key in the channel, oldest first.
func (w *town) posts(key string) []slacktest.Message {
	var all []slacktest.Message
	for _, m := range w.srv.Messages(home) {
		if keyOf(m) == key {
			all = append(all, m)
		}
	}
	return all
}

func keyOf(m slacktest.Message) string {
	var meta struct {
		Type    string `json:"event_type"`
		Payload struct {
			Key string `json:"key"`
		} `json:"event_payload"`
	}
	_ = json.Unmarshal(m.Metadata, &meta) // nil without metadata
	return meta.Payload.Key
}

func (w *town) Seen(_ *testing.T, key string) (string, int) {
	posts := w.posts(key)
	if len(posts) == 0 {
		return "", 0
	}
	return w.srv.Plain(posts[len(posts)-1]), len(posts)
}

func (w *town) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	if err := w.srv.Until(ctx, ok); err != nil {
		t.Fatalf("in vain waited for %s: %v\n%.2000s", what, err, w.log)
	}
}

// connected waits until the platform hears people.
func (w *town) connected(t *testing.T) {
	t.Helper()
	if w.s.c.AppToken != "" {
		w.until(t, "a connection", func() bool { return w.srv.Connections() > 0 })
		return
	}
	eventually(t, "Run", func() bool {
		w.s.mu.Lock()
		defer w.s.mu.Unlock()
		return w.s.session != nil
	})
}

// told does something and returns what the person was told of it.
func (w *town) told(t *testing.T, user string, do func() error) string {
	t.Helper()
	w.connected(t)
	before := len(w.answers(user))
	if err := do(); err != nil {
		t.Fatal(err)
	}
	w.until(t, "an answer to "+user, func() bool { return len(w.answers(user)) > before })
	return w.text(w.answers(user)[before:])
}

// answers are what user alone was told, without what that person said.
func (w *town) answers(user string) []slacktest.Message {
	return slices.DeleteFunc(w.srv.Private(user), func(m slacktest.Message) bool { return m.User == people[user] })
}

func (w *town) text(messages []slacktest.Message) string {
	var all []string
	for _, m := range messages {
		all = append(all, w.srv.Plain(m))
	}
	return strings.Join(all, "\n")
}

func (w *town) Say(t *testing.T, user, text string) string {
	t.Helper()
	return w.told(t, user, func() error {
		if rest, ok := strings.CutPrefix(text, "/recover"); ok {
			return w.srv.Slash(user, home, "/recover", strings.TrimSpace(rest))
		}
		_, err := w.srv.Say(user, "@recoverbot", "", text)
		return err
	})
}

func (w *town) Press(t *testing.T, user, key, choice string) string {
	t.Helper()
	return w.told(t, user, func() error { return w.click(user, key, choice) })
}

var actionID = regexp.MustCompile(`"action_id":\s*"(b\d+:([^"]*))"`)

func (w *town) click(user, key, choice string) error {
	posts := w.posts(key)
	if len(posts) == 0 {
		return fmt.Errorf("no card %s", key)
	}
	m := posts[len(posts)-1]
	for _, found := range actionID.FindAllStringSubmatch(string(m.Blocks), -1) {
		if found[2] == choice {
			return w.srv.Click(user, home, m.TS, found[1])
		}
	}
	return fmt.Errorf("card %s has no button %s: %s", key, choice, m.Blocks)
}

func (w *town) Private(_ *testing.T, user string) string { return w.text(w.srv.Private(user)) }

func (w *town) Redeliver(t *testing.T) {
	t.Helper()
	w.connected(t)
	if err := w.srv.Redeliver(); err != nil {
		t.Fatal(err)
	}
	w.until(t, "a confirmation", w.srv.Idle)
}

func (w *town) Below(t *testing.T, key string) []string {
	t.Helper()
	posts := w.posts(key)
	if len(posts) == 0 {
		t.Fatalf("no card %s", key)
	}
	var all []string
	for _, m := range w.srv.Thread(home, posts[len(posts)-1].TS) {
		text := w.srv.Plain(m)
		for _, f := range m.Files {
			text += "\n" + string(f.Content)
		}
		all = append(all, text)
	}
	return all
}

var (
	mentioned = regexp.MustCompile(`<@(\w+)>|"user_id":\s*"(\w+)"`)
	linked    = regexp.MustCompile(`/archives/` + home + `/p(\d+)(\d{6})\b`)
)

func (w *town) Buzzed(t *testing.T, key string) (names []string, card string) {
	t.Helper()
	posts := w.posts(key)
	if len(posts) == 0 {
		t.Fatalf("no post %s", key)
	}
	m := posts[len(posts)-1]
	for _, found := range mentioned.FindAllStringSubmatch(m.Text+string(m.Blocks), -1) {
		for name, id := range people {
			if id == found[1]+found[2] && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	if link := linked.FindStringSubmatch(m.Text + string(m.Blocks)); link != nil {
		if of, ok := w.srv.Message(home, link[1]+"."+link[2]); ok {
			card = keyOf(of)
		}
	}
	return names, card
}

// byHTTP lets Slack send requests instead of keeping a connection.
func (w *town) byHTTP(t *testing.T) *town {
	t.Helper()
	w.s.c.AppToken, w.s.c.SigningSecret = "", slacktest.DefaultSigningSecret
	front := httptest.NewServer(w.s.Handler())
	t.Cleanup(front.Close)
	w.srv.SetEventsURL(front.URL + "/slack/events")
	return w
}
