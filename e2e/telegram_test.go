package e2e

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"recoverbot/bot/telegram/telegramtest"
)

// The people of the tests' Telegram, by their ids. The first two are the drill's operator and colleague; fleet.yaml does
// not know the third.
const (
	tgOps1     = "1001"
	tgOps2     = "1002"
	tgStranger = "1003"
)

// The groups of the tests' Telegram: in elsewhere the bot has no business.
const (
	smallGroup int64 = -4001
	superGroup int64 = -1001000000001
	elsewhere  int64 = -1001000000002
)

// telegramRoom is a fake Telegram with the company's bot in its group, which keeps Telegram's limits.
type telegramRoom struct {
	*telegramtest.Server
	c      *company
	token  string
	chat   int64
	page   *console
	since  map[string]int    // the last message before each run
	titles map[string]string // of cards of steps, by key
}

// newTelegram makes a Telegram whose bot works in a group.
func newTelegram(t *testing.T, chat int64) *telegramRoom {
	t.Helper()
	g := &telegramRoom{token: "1000000:" + rand.Text() + rand.Text(), chat: chat, since: map[string]int{}, titles: map[string]string{}}
	var err error
	g.Server, err = telegramtest.Start(telegramtest.Options{
		Token: g.token, RateLimits: true, ChatBurst: 5, // here a call may take half a second longer than the next
		Users: []telegramtest.User{{ID: 1001, Name: "ada"}, {ID: 1002, Name: "ben"}, {ID: 1003, Name: "mallory"}},
		Chats: []telegramtest.Chat{{ID: chat, Title: "ops"}, {ID: elsewhere, Title: "elsewhere"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// environ is what the drill must know of this Telegram, and arguments are who of its people is there.
func (g *telegramRoom) environ() []string {
	return []string{"TELEGRAM_BOT_TOKEN=" + g.token, fmt.Sprintf("TELEGRAM_CHAT_ID=%d", g.chat), "TELEGRAM_API_ENDPOINT=" + g.URL()}
}

func (g *telegramRoom) arguments() []string {
	return []string{"--person", "operator=telegram:" + tgOps1, "--person", "colleague=telegram:" + tgOps2}
}

// until waits until ok holds, looking after each change in Telegram.
func (g *telegramRoom) until(within time.Duration, what string, ok func() error) {
	g.c.t.Helper()
	ctx, cancel := context.WithTimeout(g.c.t.Context(), within)
	defer cancel()
	var last error
	if err := g.Until(ctx, func() bool { last = ok(); return last == nil }); err != nil {
		g.c.t.Fatalf("%s: not within %s: %v", what, within, last)
	}
}

// recover types a command in the group and returns the run that it began.
func (g *telegramRoom) recover(user, text string) string {
	g.c.t.Helper()
	before, err := g.c.runs()
	if err != nil {
		g.c.t.Fatal(err)
	}
	last := g.last()
	g.says(user, text)
	id := g.c.began(before)
	g.since[id] = last
	return id
}

func (g *telegramRoom) last() int {
	all := g.Messages(g.chat)
	if len(all) == 0 {
		return 0
	}
	return all[len(all)-1].ID
}

// says types in the group.
func (g *telegramRoom) says(user, text string) int {
	g.c.t.Helper()
	id, err := g.Say(user, g.chat, text, 0, 0)
	if err != nil {
		g.c.t.Fatal(err)
	}
	return id
}

// sees waits until the card of a key shows a button.
func (g *telegramRoom) sees(key, label string) (m telegramtest.Message) {
	g.c.t.Helper()
	eventually(g.c.t, 75*time.Second, "see ["+label+"] in Telegram on "+key, func() (err error) {
		m, err = g.shows(key, label, "")
		return err
	})
	return m
}

// shows is the card of a key, where it has a button now and is about a plan.
func (g *telegramRoom) shows(key, label, digest string) (telegramtest.Message, error) {
	m, ok := g.card(key)
	if !ok {
		return m, errors.New("there is no such card")
	}
	if !slices.Contains(pressable(m), label) {
		return m, errors.New(g.Plain(m))
	}
	if digest == "" {
		return m, nil
	}
	x, err := g.asked(key)
	if err == nil && (!strings.Contains(fmt.Sprint(x.Buttons), digest) || !strings.Contains(m.Text, "Code "+x.Code)) {
		err = fmt.Errorf("another plan:\n%s", g.Plain(m))
	}
	return m, err
}

// asked is the card of a key at the console.
func (g *telegramRoom) asked(key string) (card, error) {
	if g.page == nil {
		g.page = g.c.console()
	}
	cards, err := g.page.cards(key)
	if err != nil {
		return card{}, err
	}
	i := slices.IndexFunc(cards, func(x card) bool { return x.Key == key })
	if i < 0 {
		return card{}, fmt.Errorf("the console has no %s", key)
	}
	return cards[i], nil
}

// card is the newest message of the bot that is the card of a key: it has its title.
func (g *telegramRoom) card(key string) (telegramtest.Message, bool) {
	title := g.titles[key]
	if title == "" {
		x, err := g.asked(key)
		if err != nil {
			return telegramtest.Message{}, false
		}
		if title = x.Title; strings.HasPrefix(key, "step/") { // others may change
			g.titles[key] = title
		}
	}
	run := strings.Split(key+"/", "/")[1]
	for _, m := range slices.Backward(g.Messages(g.chat)) {
		if m.ID > g.since[run] && g.isCard(m) && headed(m.Text, title) {
			return m, true
		}
	}
	return telegramtest.Message{}, false
}

// isCard tells cards from answers, nudges, what people say, and what stands below a card.
func (g *telegramRoom) isCard(m telegramtest.Message) bool {
	return m.From == 1000000 && m.ReplyTo == 0 && m.Document == nil
}

// headed tells whether the first line of a post is a title: after an emoji, and with how the step stands behind its number.
func headed(text, title string) bool {
	first, _, _ := strings.Cut(strings.ReplaceAll(text, "\u200b", ""), "\n")
	number, what, ok := strings.Cut(title, " ")
	if !ok || !strings.Contains(number, "/") {
		return first == title || strings.HasSuffix(first, " "+title)
	}
	if i := strings.LastIndex(what, "committed: "); i >= 0 {
		what = what[i+len("committed: "):]
	}
	return strings.HasSuffix(first, " "+what) && strings.Contains(" "+first, " "+number+" ")
}

// pressable are the labels of a message's buttons.
func pressable(m telegramtest.Message) []string {
	var out []string
	for _, row := range m.Keyboard {
		for _, b := range row {
			out = append(out, b.Text)
		}
	}
	return out
}

// taps presses a button once and returns what the person is told of it.
func (g *telegramRoom) taps(user string, m telegramtest.Message, label string) telegramtest.Toast {
	g.c.t.Helper()
	query, err := g.Press(user, m.Chat, m.ID, label)
	if err != nil {
		g.c.t.Fatalf("%s presses %s: %v", user, label, err)
	}
	return g.toast(user, query)
}

// toast waits for the answer to a press.
func (g *telegramRoom) toast(user, query string) (found telegramtest.Toast) {
	g.c.t.Helper()
	g.until(15*time.Second, "answer a press of "+user, func() error {
		for _, x := range g.Toasts(user) {
			if x.Query == query {
				found = x
				return nil
			}
		}
		return errors.New("its spinner turns")
	})
	return found
}

// questionsAMinute are as many as people answer who read them, and as the budget keeps room for beside all results.
const questionsAMinute = 8

const twice = "Press it again within 60 s"

// presses gives an answer by a button, twice where it is dangerous.
func (g *telegramRoom) presses(user string, m telegramtest.Message, label string) telegramtest.Toast {
	g.c.t.Helper()
	told := g.taps(user, m, label)
	if strings.Contains(told.Text, twice) {
		told = g.taps(user, m, label)
	}
	return told
}

// press does so on the card of a key.
func (g *telegramRoom) press(user, key, label string) telegramtest.Toast {
	g.c.t.Helper()
	return g.presses(user, g.sees(key, label), label)
}

// refuses sees that a press does nothing, which that person alone is told in a box.
func (g *telegramRoom) refuses(user string, m telegramtest.Message, label, text string) {
	g.c.t.Helper()
	events := len(g.c.events())
	if told := g.taps(user, m, label); !told.Alert || !strings.Contains(told.Text, text) {
		g.c.t.Errorf("%s presses %s and is told %q", user, label, told.Text)
	}
	g.c.idle("telegram", events)
}

// reads waits as a person does who reads what asks. A group takes 20 posts and edits a minute; whoever leaves the
// most of them for results never waits for a question.
func (g *telegramRoom) reads() {
	g.c.t.Helper()
	for {
		asked := g.asking()
		if len(asked) < questionsAMinute {
			return
		}
		select {
		case <-time.After(time.Until(asked[len(asked)-questionsAMinute].Add(time.Minute))):
		case <-g.c.t.Context().Done():
			g.c.t.FailNow()
		}
	}
}

// hand gives an answer by a press: one person approves, another commits. It returns when the journal has it.
func (g *telegramRoom) hand(id string, d decision) error {
	g.c.t.Helper()
	a, err := g.c.answering(id, d, tgOps1, tgOps2)
	if err != nil {
		return err
	}
	r, user, card, key, label := a.run, a.user, a.card, a.key, a.label
	var m telegramtest.Message
	if err := a.seen(75*time.Second, "Telegram", func() (err error) {
		m, err = g.shows(key, label, d.Digest)
		return err
	}); err != nil {
		return err
	}
	g.reads()
	filled := g.last()
	told := g.taps(user, m, label)
	if strings.Contains(told.Text, twice) {
		if now, err := g.c.run(id); err != nil || now.stands(card) != r.stands(card) {
			g.c.t.Errorf("%s of %s asks whether the person is sure, and does it: %s %v", label, key, now.stands(card), err)
		}
		told = g.taps(user, m, label)
	}
	eventually(g.c.t, 150*time.Second, "take "+label+" on "+key, func() error {
		if q, ok := g.question(user, filled); ok {
			filled = q.ID
			g.reads()
			g.fills(user, q, r.step(d.Step), d)
		}
		now, err := g.c.run(id)
		if err == nil && now.stands(card) == r.stands(card) && now.State == r.State {
			err = fmt.Errorf("%s; %s was told %q", now.stands(card), user, told.Text)
		}
		return err
	})
	return nil
}

var questions = regexp.MustCompile(`(?m)^(\d+) of \d+: `)

// question is the newest message that asks a person for a field, after what was answered.
func (g *telegramRoom) question(user string, after int) (telegramtest.Message, bool) {
	for _, m := range slices.Backward(g.Messages(g.chat)) {
		if m.ID <= after {
			break
		}
		if m.From == 1000000 && questions.MatchString(m.Text) && slices.Contains(g.Mentions(m), idNumber(user)) {
			return m, true
		}
	}
	return telegramtest.Message{}, false
}

// fills answers one question: by a button where one says that, else by a reply.
func (g *telegramRoom) fills(user string, q telegramtest.Message, s step, d decision) {
	g.c.t.Helper()
	value := d.Reason
	var n int
	if _, err := fmt.Sscanf(questions.FindString(q.Text), "%d of", &n); err != nil {
		g.c.t.Fatal(err)
	}
	if d.Choice == "input" && n <= len(s.Form) {
		f := s.Form[n-1]
		var ok bool
		if value, ok = d.Fields[f.Name]; !ok {
			if value = f.Value; value == "" {
				value = f.Default
			}
		}
	}
	for _, label := range []string{value, "✓ " + value, "Keep " + value, "Leave empty"} {
		if slices.Contains(pressable(q), label) && (value != "" || label == "Leave empty") {
			g.taps(user, q, label)
			return
		}
	}
	if open, ok := g.Asked(user, g.chat); len(q.Keyboard) == 0 && (!ok || open.ID != q.ID) {
		g.c.t.Errorf("no reply box is open for %s at\n%s", user, g.Plain(q))
	}
	if _, err := g.Say(user, g.chat, value, q.ID, 0); err != nil {
		g.c.t.Fatal(err)
	}
}

func idNumber(user string) (id int64) {
	_, _ = fmt.Sscan(user, &id) // the constants above
	return id
}
