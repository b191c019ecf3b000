package bottest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestContract(t *testing.T) {
	t.Parallel()
	bottest.Exercise(t, func(*testing.T) bottest.Harness {
		return &room{private: map[string]string{}, started: make(chan bot.Inbox, 1)}
	})
}

// room is the least chat platform that keeps the contract, and its own harness.
type room struct {
	mu      sync.Mutex
	posts   []bot.Message
	private map[string]string
	last    bot.Inbound
	events  int
	started chan bot.Inbox // holds the inbox while Run runs
	wg      sync.WaitGroup
}

func (r *room) Name() string           { return "room" }
func (r *room) Mentions() bool         { return true }
func (r *room) Platform() bot.Platform { return r }
func (r *room) UserID(n string) string { return "id-of-" + n }

func (r *room) Run(ctx context.Context, in bot.Inbox) error {
	in.Report(nil)
	r.started <- in
	<-ctx.Done()
	<-r.started
	r.wg.Wait()
	return nil
}

func (r *room) Send(_ context.Context, m bot.Message) (bot.Ref, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.posts = append(r.posts, bot.Cleaned(m))
	return bot.Ref(fmt.Sprint(len(r.posts))), nil
}

func (r *room) Edit(_ context.Context, ref bot.Ref, m bot.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var i int
	if _, err := fmt.Sscan(string(ref), &i); err != nil {
		return err
	}
	r.posts[i-1] = bot.Cleaned(m)
	return nil
}

func (r *room) Divide(m bot.Message) []bot.Message {
	var parts []bot.Message
	for i, b := range append(m.Blocks, bot.Block{Text: m.Output}) {
		if len(b.Text) > 1000 {
			part := bot.Message{Key: fmt.Sprintf("%s#%d-%d", m.Key, i, len(b.Text)), Version: 1, Of: m.Key, Thread: true, Blocks: []bot.Block{b}}
			parts = append(parts, part)
		}
	}
	return parts
}

func (r *room) Seen(_ *testing.T, key string) (string, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	text, n := "", 0
	for _, m := range r.posts {
		if m.Key == key {
			text, n = bot.Plain(m, 200), n+1
		}
	}
	return text, n
}

func (r *room) Below(_ *testing.T, key string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, m := range r.posts {
		if m.Thread && m.OfRef != "" && m.Of == key {
			out = append(out, bot.Plain(m, 200))
		}
	}
	return out
}

func (r *room) Buzzed(_ *testing.T, key string) (people []string, card string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.posts {
		if m.Key == key && m.OfRef != "" {
			people, card = slices.Clone(m.Notify), m.Of
		}
	}
	people = slices.DeleteFunc(people, func(p string) bool { return !strings.HasPrefix(p, "ops") })
	slices.Sort(people)
	return people, card
}

func (r *room) Say(t *testing.T, user, text string) string {
	return r.hear(t, user, bot.Inbound{Text: text})
}

func (r *room) Press(t *testing.T, user, key, choice string) string {
	r.mu.Lock()
	i := slices.IndexFunc(r.posts, func(m bot.Message) bool { return m.Key == key })
	buttons := r.posts[i].Buttons
	r.mu.Unlock()
	b := slices.IndexFunc(buttons, func(b bot.Button) bool { return b.Choice == choice })
	return r.hear(t, user, bot.Inbound{Action: buttons[b].Action})
}

func (r *room) hear(t *testing.T, user string, in bot.Inbound) string {
	r.mu.Lock()
	r.events++
	in.Platform, in.UserID, in.ID = "room", r.UserID(user), fmt.Sprint("event-", r.events)
	r.last = in
	before := len(r.private[user])
	r.mu.Unlock()
	r.Redeliver(t)
	deadline := time.Now().Add(10 * time.Second)
	for ; ; <-time.After(time.Millisecond) {
		if told := r.Private(t, user)[before:]; told != "" || time.Now().After(deadline) {
			return told
		}
	}
}

func (r *room) Redeliver(t *testing.T) {
	t.Helper()
	box := <-r.started
	defer func() { r.started <- box }()
	fresh, err := box.Keep(t.Context(), r.last)
	if err != nil {
		t.Error(err)
	}
	if !fresh {
		return
	}
	in := r.last
	r.wg.Go(func() {
		reply := box.Handle(context.Background(), in)
		r.mu.Lock()
		defer r.mu.Unlock()
		user := strings.TrimPrefix(in.UserID, "id-of-")
		r.private[user] += reply.Aside() + "\n"
		if reply.Message != nil {
			r.private[user] += bot.Plain(*reply.Message, 200)
		}
	})
}

func (r *room) Private(_ *testing.T, user string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.private[user]
}
