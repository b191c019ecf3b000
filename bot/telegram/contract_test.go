package telegram

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/telegram/telegramtest"
)

// TestContract holds Telegram to what all platforms do; hostile text stays text there (fault 33) (fault 28).
func TestContract(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]world{
		"in a supergroup":    {},
		"in a group":         {chat: -4001},
		"in a topic":         {chat: topics.ID, thread: 7},
		"by webhook":         {webhook: true},
		"with privacy ended": {fake: telegramtest.Options{SeesAll: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bottest.Exercise(t, func(t *testing.T) bottest.Harness { return newTown(t, o) })
		})
	}
}

// world is what a town is made of.
type world struct {
	fake    telegramtest.Options
	chat    int64
	thread  int
	webhook bool
	pace    func(*pace)
	wanted  func() []bot.Message
}

var topics = telegramtest.Chat{ID: telegramtest.DefaultChat - 1, Title: "crew", Forum: true,
	Topics: []telegramtest.Topic{{ID: 7, Name: "recoveries"}, {ID: 8, Name: "chatter"}}}

const home = telegramtest.DefaultChat

var people = map[string]int64{"ops1": 1001, "ops2": 1002}

// town is a Telegram with its people in front of the platform.
type town struct {
	srv  *telegramtest.Server
	t    *Telegram
	log  *logbook
	chat int64

	mu   sync.Mutex
	keys map[bot.Ref]string
	refs []bot.Ref
}

func newTown(t *testing.T, o world) *town {
	t.Helper()
	if o.chat == 0 {
		o.chat = home
	}
	o.fake.Token = canary
	if o.fake.Chats == nil {
		o.fake.Chats = []telegramtest.Chat{{ID: home, Title: "ops"}, {ID: -4001, Type: "group", Title: "ops"}, topics}
	}
	srv, err := telegramtest.Start(o.fake)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	w := &town{srv: srv, log: &logbook{}, chat: o.chat, keys: map[bot.Ref]string{}}
	p := brisk
	if o.pace != nil {
		o.pace(&p)
	}
	c := Config{Token: canary, Endpoint: srv.URL(), Chat: o.chat, Thread: o.thread, Log: w.log.Logger(), UserID: func(name string) int64 { return people[name] }}
	if o.wanted != nil {
		c.Wanted = func(context.Context) ([]bot.Message, error) { return o.wanted(), nil }
	}
	if o.webhook {
		front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.t.Handler().ServeHTTP(rw, r) }))
		t.Cleanup(front.Close)
		c.WebhookURL = front.URL + "/telegram/"
	}
	w.t = made(t, c, p)
	t.Cleanup(func() { lackAll(t, "the log", w.log.String(), secrets...) })
	return w
}

var secrets = []string{canary, "canary-canary"}

// Platform is the platform with a note of what it posts.
func (w *town) Platform() bot.Platform { return noted{w.t, w} }

type noted struct {
	*Telegram
	w *town
}

func (n noted) Send(ctx context.Context, m bot.Message) (bot.Ref, error) {
	r, err := n.Telegram.Send(ctx, m)
	if err == nil {
		n.w.mu.Lock()
		defer n.w.mu.Unlock()
		n.w.keys[r] = m.Key
		n.w.refs = append(n.w.refs, r)
	}
	return r, err
}

func (w *town) UserID(name string) string { return idOf(people[name]) }

// posts are the messages of key, oldest first.
func (w *town) posts(key string) []telegramtest.Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []telegramtest.Message
	for _, r := range w.refs {
		at := parseRef(r)
		if m, ok := w.srv.Message(at.chat, at.message); ok && w.keys[r] == key && !m.Deleted {
			all = append(all, m)
		}
	}
	return all
}

func (w *town) keyOf(m telegramtest.Message) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := ref{chat: m.Chat, message: m.ID}
	for _, r := range []ref{at, {chat: at.chat, message: at.message, file: true}} {
		if key := w.keys[r.Ref()]; key != "" {
			return key
		}
	}
	return ""
}

func (w *town) newest(t *testing.T, key string) telegramtest.Message {
	t.Helper()
	posts := w.posts(key)
	if len(posts) == 0 {
		t.Fatalf("no post of %s", key)
	}
	return posts[len(posts)-1]
}

func (w *town) Seen(_ *testing.T, key string) (string, int) {
	posts := w.posts(key)
	if len(posts) == 0 {
		return "", 0
	}
	return w.text(posts[len(posts)-1]), len(posts)
}

// text is a message with what its document holds.
func (w *town) text(m telegramtest.Message) string {
	text := w.srv.Plain(m)
	if m.Document != nil {
		text += "\n" + string(m.Document.Content)
	}
	return text
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
	w.until(t, "a connection", func() bool { return w.srv.Polling() || w.srv.WebhookURL() != "" })
}

// answers are what user alone was told: boxes, the private chat, replies and calls in the group.
func (w *town) answers(user string) (boxes, messages []string) {
	for _, b := range w.srv.Toasts(user) {
		boxes = append(boxes, b.Text)
	}
	id := people[user]
	for _, m := range w.srv.Messages(id) {
		if m.From != id {
			messages = append(messages, w.text(m))
		}
	}
	for _, m := range w.srv.Messages(w.chat) {
		to, replies := w.srv.Message(w.chat, m.ReplyTo)
		if m.From != id && w.keyOf(m) == "" && (replies && to.From == id || slices.Contains(w.srv.Mentions(m), id)) {
			messages = append(messages, w.text(m))
		}
	}
	return boxes, messages
}

// told does something and returns what the person was told of it.
func (w *town) told(t *testing.T, user string, do func() error) string {
	t.Helper()
	w.connected(t)
	boxes, messages := w.answers(user)
	if err := do(); err != nil {
		t.Fatal(err)
	}
	var b, m []string
	w.until(t, "an answer to "+user, func() bool {
		b, m = w.answers(user)
		b, m = b[len(boxes):], m[len(messages):]
		return len(b)+len(m) > 0
	})
	return strings.Join(append(b, m...), "\n")
}

func (w *town) Say(t *testing.T, user, text string) string {
	t.Helper()
	return w.told(t, user, func() error {
		_, err := w.srv.Say(user, w.chat, text, 0, w.t.c.Thread)
		return err
	})
}

func (w *town) Press(t *testing.T, user, key, choice string) string {
	t.Helper()
	return w.told(t, user, func() error { return w.click(t, user, key, choice) })
}

// click presses the button of the newest post of key whose label begins with choice, in any case.
func (w *town) click(t *testing.T, user, key, choice string) error {
	m := w.newest(t, key)
	for _, b := range slices.Concat(m.Keyboard...) {
		if strings.HasPrefix(strings.ToLower(b.Text), choice) {
			_, err := w.srv.Press(user, m.Chat, m.ID, b.Data)
			return err
		}
	}
	return fmt.Errorf("card %s has no button %s: %v", key, choice, m.Keyboard)
}

// Carry upgrades a group to a supergroup.
func (w *town) Carry(t *testing.T) bool {
	t.Helper()
	if w.chat != -4001 {
		return false
	}
	w.connected(t)
	super, err := w.srv.Migrate(w.chat)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new chat", func() bool { return w.t.home() == super })
	w.chat = super
	return true
}

func (w *town) Private(_ *testing.T, user string) string {
	boxes, messages := w.answers(user)
	return strings.Join(append(boxes, messages...), "\n")
}

func (w *town) Redeliver(t *testing.T) {
	t.Helper()
	w.connected(t)
	if err := w.srv.Redeliver(); err != nil {
		t.Fatal(err)
	}
	w.until(t, "a confirmation", func() bool { return w.srv.Pending() == 0 })
}

func (w *town) Below(t *testing.T, key string) []string {
	t.Helper()
	var all []string
	card := w.newest(t, key)
	for _, m := range w.srv.Replies(card.Chat, card.ID) {
		all = append(all, w.text(m))
	}
	return all
}

func (w *town) Buzzed(t *testing.T, key string) (names []string, card string) {
	t.Helper()
	m := w.newest(t, key)
	for _, id := range w.srv.Mentions(m) {
		for name, is := range people {
			if is == id {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	if of, ok := w.srv.Message(m.Chat, m.ReplyTo); ok {
		card = w.keyOf(of)
	}
	return names, card
}
