package telegram

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/telegram/telegramtest"
)

func TestWhatIsMeantForTheBot(t *testing.T) {
	t.Parallel()
	const chat = telegramtest.DefaultChat
	for _, c := range []struct {
		in     string
		chat   int64 // 0: the group
		reply  bool  // to the bot's card
		thread int
		want   string // "": it is not
		casual bool
	}{
		{in: "/recover primary", want: "/recover primary"},
		{in: "/recover@recover_bot primary dry=1", want: "/recover primary dry=1"},
		{in: "/recover@RECOVER_BOT", want: "/recover"},
		{in: "/recover@other_bot primary"},
		{in: "/status", want: "/status"},
		{in: "/start", want: "/help"},
		{in: "/approve 3f2a", want: "/approve 3f2a", casual: true}, // perhaps another bot's
		{in: "/approve@recover_bot 3f2a", want: "/approve 3f2a"},
		{in: "hello everybody"},
		{in: "hello @recover_bot, approve 3f2a", want: "hello  , approve 3f2a"},
		{in: "@Recover_Bot", want: "/recover"},
		{in: "@recover_bot2 hello"},
		{in: "me@recover_bot.example"},
		{in: "approve 3f2a", reply: true, want: "approve 3f2a", casual: true},
		{in: "@recover_bot approve 3f2a", reply: true, want: "approve 3f2a"},
		{in: "/recover", thread: 8, want: "/recover"},
		{in: "approve 3f2a", chat: 1001, want: "approve 3f2a"},
		{in: "/start", chat: 1001, want: "/help"},
		{in: "/approve 3f2a", chat: 1001, want: "/approve 3f2a"},
		{in: "/recover", chat: chat},     // not the configured one
		{in: "@recover_bot", chat: chat}, // there, too
	} {
		t.Run(c.in, func(t *testing.T) {
			t.Parallel()
			in := &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply { return bot.Reply{Text: "heard"} }}
			w := posted(t, world{chat: topics.ID, thread: 7, fake: telegramtest.Options{SeesAll: true}}, in, bottest.Card("k1", 1))
			if c.chat == 0 {
				c.chat = topics.ID
			}
			to := 0
			if c.reply {
				to = w.newest(t, "k1").ID
			}
			id, err := w.srv.Say("ops1", c.chat, c.in, to, c.thread)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.srv.Say("ops2", topics.ID, "/list", 0, 0); err != nil { // after it
				t.Fatal(err)
			}
			w.until(t, "an answer", func() bool { return strings.Contains(w.Private(t, "ops2"), "heard") })
			var said []bot.Inbound
			for _, s := range in.Said() {
				if s.UserID == "1001" {
					said = append(said, s)
				}
			}
			if c.want == "" {
				if len(said) != 0 {
					t.Errorf("heard was %+v", said)
				}
				return
			}
			eventually(t, "it to be handled", func() bool {
				for _, s := range in.Said() {
					if s.UserID == "1001" && s.Text == c.want && s.Casual == c.casual && s.Language == "en" && time.Since(s.At) < time.Minute {
						return true
					}
				}
				return false
			})
			w.until(t, "an answer there", func() bool { return len(w.srv.Replies(c.chat, id)) == 1 })
			if m := w.srv.Replies(c.chat, id)[0]; m.Thread != c.thread && !c.reply {
				t.Errorf("answered in the topic %d", m.Thread)
			}
		})
	}
}

// TestStrangers: fault 36.
func TestStrangers(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: func(in bot.Inbound) bot.Reply {
		if in.UserID == "1001" {
			return bot.Reply{Text: "you may not", Refused: true}
		}
		return bot.Reply{Text: "I do not know you", Refused: true, Stranger: true}
	}}
	w := posted(t, world{fake: telegramtest.Options{Users: []telegramtest.User{{ID: 1001, Name: "ops1"}, {ID: 666, Name: "stranger"}}}}, in, bottest.Card("k1", 1))
	people := map[string]int64{"stranger": 666, "ops1": 1001}
	count := func(user string) (n int) {
		for _, chat := range []int64{home, people[user]} {
			for _, m := range w.srv.Messages(chat) {
				if to, ok := w.srv.Message(chat, m.ReplyTo); ok && to.From == people[user] {
					n++
				}
			}
		}
		return n
	}
	for range 3 {
		for user, id := range people {
			for _, chat := range []int64{home, id} {
				if _, err := w.srv.Say(user, chat, "/recover", 0, 0); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	w.until(t, "answers", func() bool { return count("ops1") == 6 && count("stranger") > 0 && len(in.Said()) == 12 })
	if got := count("stranger"); got != 1 {
		t.Errorf("a stranger was answered %d times", got)
	}
	for range 2 { // a box costs nothing
		if err := w.click(t, "stranger", "k1", "approve"); err != nil {
			t.Fatal(err)
		}
	}
	w.until(t, "boxes", func() bool { return len(w.srv.Toasts("stranger")) == 2 })
	if b := w.srv.Toasts("stranger")[1]; b.Text != "I do not know you" || !b.Alert {
		t.Errorf("a stranger's press was answered %+v", b)
	}
}

// TestForeignChats: what is said or pressed in another chat does nothing (fault 36).
func TestForeignChats(t *testing.T) {
	t.Parallel()
	const foreign = -1009
	in := &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply { return bot.Reply{Text: "heard"} }}
	w := posted(t, world{fake: telegramtest.Options{SeesAll: true, Chats: []telegramtest.Chat{{ID: home, Title: "ops"}, {ID: foreign, Title: "others"}}}}, in, bottest.Card("k1", 1))
	for range 3 {
		if _, err := w.srv.Say("ops1", foreign, "/recover@recover_bot", 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	w.until(t, "everything to be confirmed", func() bool { return w.srv.Pending() == 0 })
	// The bot's cards of a chat that it served before.
	w.t.chat = foreign
	old := w.post(t, bottest.Card("k1", 2))
	w.t.chat = home
	if _, err := w.srv.Press("ops1", foreign, parseRef(old).message, "Approve"); err != nil {
		t.Fatal(err)
	}
	w.until(t, "a box", func() bool { return len(w.srv.Toasts("ops1")) == 1 })
	if b := w.srv.Toasts("ops1")[0]; !strings.Contains(b.Text, "out of date") {
		t.Errorf("a press there is answered %+v", b)
	}
	w.Say(t, "ops2", "/recover")
	if said := in.Said(); len(said) != 1 || said[0].UserID != "1002" {
		t.Errorf("heard was %+v", said)
	}
	if got := len(w.srv.Messages(foreign)); got != 4 {
		t.Errorf("%d messages stand in the foreign chat", got)
	}
	if n := strings.Count(w.log.String(), "is ignored"); n != 1 {
		t.Errorf("%d lines in the log", n)
	}
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{}
	w := newTown(t, world{})
	w.t.c.Language, w.t.c.LanguageOf = "zh", func(id int64) string { return map[int64]string{1001: "en"}[id] }
	w.post(t, bottest.Card("k1", 1))
	w.t.memory = memory{}
	bottest.Runs(t, w.t, in)
	w.connected(t)
	for _, user := range []string{"ops1", "ops2"} { // all read the group
		if got := w.Press(t, user, "k1", "approve"); !strings.Contains(got, "已过期") {
			t.Errorf("%s was answered %q", user, got)
		}
		if err := w.srv.StartPrivate(user); err != nil {
			t.Fatal(err)
		}
		if _, err := w.srv.Say(user, home, "/status", 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	w.until(t, "all to be heard", func() bool { return len(in.Said()) == 4 })
	for _, said := range in.Said() {
		want := "zh"
		if said.UserID == "1001" && said.Text == "/help" { // in the private chat
			want = "en"
		}
		if said.Language != want {
			t.Errorf("%+v is answered in %s", said, said.Language)
		}
	}
	w.until(t, "menus", func() bool { return len(w.srv.Calls("setMyCommands")) == 3 })
	for code, want := range map[string]string{"": "诊断", "en": "What is broken", "zh": "诊断"} {
		menu := w.srv.Commands("", code)
		if len(menu) != 5 || menu[0].Command != "recover" || !strings.Contains(menu[0].Description, want) {
			t.Errorf("the menu of %q is %+v", code, menu)
		}
	}
	w.t.present(t.Context())
	other := made(t, w.t.c, brisk) // another process finds its menu there
	if other.present(t.Context()); len(w.srv.Calls("setMyCommands")) != 3 || len(w.srv.Calls("getMyCommands")) != 6 {
		t.Errorf("menus were set %d times, and looked at %d", len(w.srv.Calls("setMyCommands")), len(w.srv.Calls("getMyCommands")))
	}
}

func TestUnreadableUpdates(t *testing.T) {
	t.Parallel()
	w := newTown(t, world{})
	in := &bottest.Inbox{}
	s, end := newSession(t.Context(), in, w.t.log)
	defer end()
	for _, u := range []incoming{{ID: 1}, {ID: 2, Message: &message{}}, {ID: 3, Press: &press{}}, {ID: 4, Member: &member{}},
		{ID: 5, Press: &press{Message: &message{}, Data: strings.Repeat("x", 5000)}}} {
		if err := w.t.receive(t.Context(), s, u, false); err != nil {
			t.Errorf("update %d: %v", u.ID, err)
		}
	}
	if said := in.Said(); len(said) != 0 {
		t.Errorf("heard was %+v", said)
	}
}

// Whom the fleet does not know is asked for nothing: each question would cost one of twenty messages a minute.
func TestStrangersAreNotAsked(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply {
		return bot.Reply{Text: "handled", Refused: true, Stranger: true}
	}}
	m := asking()
	m.Buttons[0].Confirm = "The old data is lost."
	w := newTown(t, world{})
	w.t.c.Known = func(id int64) bool { return id == 1001 }
	bottest.Runs(t, w.t, in)
	w.post(t, m)
	for _, choice := range []string{"approve", "send", "mark done"} {
		for range 7 {
			if got := w.Press(t, "ops2", "k1", choice); !strings.HasPrefix(got, "I do not know you. ") || !strings.Contains(got, "Telegram 1002") {
				t.Errorf("%s was answered %q", choice, got)
			}
		}
	}
	if said := in.Said(); len(said) != 0 { // whoever presses all day fills no journal
		t.Errorf("kept was %+v", said)
	}
	if n := len(w.srv.Messages(home)); n != 1 || len(w.t.forms.all) != 0 {
		t.Errorf("%d messages, %d forms", n, len(w.t.forms.all))
	}
}

// What somebody unknown says who was told so is not even kept.
func TestStrangersFillNoJournal(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: func(in bot.Inbound) bot.Reply {
		return bot.Reply{Text: "who are you", Refused: true, Stranger: in.UserID != "1001"}
	}}
	w := newTown(t, world{})
	known := atomic.Bool{}
	w.t.c.Known = func(id int64) bool { return id == 1001 || known.Load() }
	bottest.Runs(t, w.t, in)
	say := func(user, text string) {
		t.Helper()
		if _, err := w.srv.Say(user, home, text, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	say("ops2", "/recover")
	eventually(t, "the word", func() bool { return w.t.told.has(strangerTold("1002")) })
	for range 3 {
		say("ops2", "/recover")
	}
	say("ops1", "/recover")
	eventually(t, "who is known", func() bool { return len(in.Said()) > 1 })
	known.Store(true) // fleet.yaml lists them now
	say("ops2", "/status")
	eventually(t, "who is known now", func() bool { return len(in.Said()) > 2 })
	if said := in.Said(); len(said) != 3 || said[2].Text != "/status" {
		t.Errorf("heard was %+v", said)
	}
}

// What a stranger has said before the bot looks is kept once, and what they say to others uses up no word to them.
func TestBatchOfAStranger(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: func(in bot.Inbound) bot.Reply {
		if in.Casual {
			return bot.Reply{}
		}
		return bot.Reply{Text: "who are you", Refused: true, Stranger: true}
	}}
	w := newTown(t, world{fake: telegramtest.Options{SeesAll: true}})
	w.t.c.Known = func(int64) bool { return false }
	card := parseRef(w.post(t, bottest.Card("k1", 1)))
	for _, text := range []string{"/approve 3f2a", "/skip 3f2a", "/recover", "/recover", "/status"} {
		if _, err := w.srv.Say("ops2", home, text, card.message, 0); err != nil {
			t.Fatal(err)
		}
	}
	bottest.Runs(t, w.t, in)
	w.until(t, "everything to be confirmed", func() bool { return w.srv.Pending() == 0 && w.srv.Polling() })
	w.until(t, "a word", func() bool { _, all := w.answers("ops2"); return len(all) == 1 })
	if said := in.Said(); len(said) != 2 || said[0].Text != "/approve 3f2a" || said[1].Text != "/recover" {
		t.Errorf("kept was %+v", said)
	}
}

func TestAnonymousAdministrators(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply { return bot.Reply{Text: "heard"} }}
	w := posted(t, world{}, in, bottest.Card("k1", 1))
	var ids []int
	for range 2 {
		id, err := w.srv.SayAnonymously(home, "/recover")
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	w.Say(t, "ops1", "/recover")
	w.until(t, "a word", func() bool { return len(w.srv.Replies(home, ids[0])) == 1 })
	if m := w.srv.Replies(home, ids[0])[0]; !strings.Contains(m.Text, "Remain anonymous") || len(w.srv.Replies(home, ids[1])) != 0 {
		t.Errorf("answered was %q, and more: %v", m.Text, w.srv.Replies(home, ids[1]))
	}
	if said := in.Said(); len(said) != 1 || said[0].UserID != "1001" {
		t.Errorf("heard was %+v", said)
	}
}

// Who speaks as a channel is told so, and bots and edits are not heard.
func TestWhoIsNoPerson(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply { return bot.Reply{Text: "heard"} }}
	w := posted(t, world{}, in, bottest.Card("k1", 1))
	id, err := w.srv.Say("ops1", home, "hello", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.srv.Edit("ops1", home, id, "/recover"); err != nil {
		t.Fatal(err)
	}
	w.connected(t)
	w.t.mu.Lock()
	s := w.t.session
	w.t.mu.Unlock()
	channel := &tgbotapi.Chat{ID: -1007, Type: "channel"}
	for i, m := range []*message{
		{From: &tgbotapi.User{ID: 136817688, IsBot: true}, As: channel, Text: "/recover"},
		{From: &tgbotapi.User{ID: 777000}, As: channel, Text: "/recover"}, // a post of the channel that the group belongs to
		{From: &tgbotapi.User{ID: 7, IsBot: true}, Text: "/recover"},
		{As: channel, Text: "/recover"},
	} {
		m.ID, m.Chat = id, tgbotapi.Chat{ID: home}
		if err := w.t.receive(t.Context(), s, incoming{ID: 9000 + i, Message: m}, false); err != nil {
			t.Fatal(err)
		}
	}
	w.until(t, "a word", func() bool { return len(w.srv.Replies(home, id)) > 0 })
	w.Say(t, "ops2", "/recover")
	if all := w.srv.Replies(home, id); len(all) != 1 || !strings.Contains(all[0].Text, "as a channel") {
		t.Errorf("answered was %+v", all)
	}
	if said := in.Said(); len(said) != 1 || said[0].UserID != "1002" || said[0].Called != "/recover@recover_bot" || said[0].Replied {
		t.Errorf("heard was %+v", said)
	}
}

// What replies to a card is marked as such: somebody speaks to the bot.
func TestReplied(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply { return bot.Reply{Text: "heard"} }}
	w := posted(t, world{fake: telegramtest.Options{SeesAll: true}}, in, bottest.Card("k1", 1))
	w.reply(t, "ops1", "skip zzzz", w.newest(t, "k1").ID)
	w.Say(t, "ops1", "/skip zzzz")
	eventually(t, "both", func() bool { return len(in.Said()) == 2 })
	if said := in.Said(); !said[0].Replied || !said[0].Casual || said[1].Replied || said[0].Called != "/recover@recover_bot, @recover_bot" {
		t.Errorf("heard was %+v", said)
	}
}
