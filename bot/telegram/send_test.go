package telegram

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/telegram/telegramtest"
)

func TestRefs(t *testing.T) {
	t.Parallel()
	for _, r := range []ref{{chat: -1001, message: 7}, {chat: 5, message: 1, file: true}} {
		if got := parseRef(r.Ref()); got != r {
			t.Errorf("%+v became %+v by %q", r, got, r.Ref())
		}
	}
	for _, bad := range []bot.Ref{"", "x", "C0OPS:1.2", "5"} {
		if got := parseRef(bad); got.message != 0 {
			t.Errorf("%q is %+v", bad, got)
		}
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		chat   int64
		thread int
		want   string
	}{{-1001234567890, 0, "https://t.me/c/1234567890/9"}, {-1001234567890, 7, "https://t.me/c/1234567890/7/9"}, {-4001, 0, ""}, {77, 0, ""}} {
		p := made(t, Config{Chat: c.chat, Thread: c.thread}, brisk)
		if got := p.link(ref{chat: c.chat, message: 9}.Ref()); got != c.want {
			t.Errorf("chat %d: %q", c.chat, got)
		}
	}
	if got := made(t, Config{}, brisk).link(""); got != "" {
		t.Errorf("no card has the link %q", got)
	}
}

func TestHowItIsPosted(t *testing.T) {
	t.Parallel()
	w := newTown(t, world{chat: topics.ID, thread: 7})
	card := w.post(t, bottest.Card("k1", 1))
	for _, c := range []struct {
		m      bot.Message
		silent bool
		reply  bool
	}{
		{m: bot.Message{Key: "prompt", Title: "waits", Priority: bot.Prompt}},
		{m: bot.Message{Key: "outcome", Title: "done", Priority: bot.Outcome}, silent: true},
		{m: bot.Message{Key: "ticker", Title: "runs", Priority: bot.Ticker}, silent: true},
		{m: bot.Message{Key: "call", Title: "calls", Priority: bot.Outcome, Notify: []string{"ops1"}}},
		{m: bot.Message{Key: "nudge", Title: "still waits", Priority: bot.Outcome, Nudge: true, Of: "k1", OfRef: card}, reply: true},
		{m: bot.Message{Key: "k1#x", Title: "below", Thread: true, Of: "k1", OfRef: card, Blocks: []bot.Block{{Text: "x"}}}, silent: true, reply: true},
		{m: bot.Message{Key: "k1#y", Title: "of another chat", Thread: true, Of: "k1", OfRef: "-77:3"}, silent: true},
	} {
		w.post(t, c.m)
		m := w.newest(t, c.m.Key)
		if m.Thread != 7 || m.Silent != c.silent || (m.ReplyTo == parseRef(card).message) != c.reply {
			t.Errorf("%s: topic %d, silent %v, reply to %d", c.m.Key, m.Thread, m.Silent, m.ReplyTo)
		}
	}
	for _, call := range w.srv.Calls("sendMessage") {
		if call.Args["disable_web_page_preview"] != "true" || call.Args["parse_mode"] != "HTML" {
			t.Errorf("posted with %v", call.Args)
		}
	}
}

func TestEdits(t *testing.T) {
	t.Parallel()
	w := newTown(t, world{})
	m := bottest.Card("k1", 1)
	r := w.post(t, m)
	if err := w.t.Edit(t.Context(), r, m); err != nil {
		t.Errorf("an edit that changes nothing: %v", err)
	}
	gone := func(name string, r bot.Ref) {
		t.Helper()
		if err := w.t.Edit(t.Context(), r, bottest.Card("k1", 3)); !errors.Is(err, bot.ErrGone) {
			t.Errorf("%s: %v", name, err)
		}
	}
	gone("another chat", "-4001:1")
	gone("nothing", "")
	w.srv.Fail(telegramtest.Fault{Method: "editMessageText", Code: "Bad Request: message can't be edited", Times: 1})
	gone("too old", r)
	if err := w.srv.Remove(home, parseRef(r).message); err != nil {
		t.Fatal(err)
	}
	gone("deleted", r)
	if err := w.t.Edit(t.Context(), "-1001000000001:3:file", m); err != nil {
		t.Errorf("a document: %v", err)
	}
}

// TestRefusals: fault 26.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		f     telegramtest.Fault
		label string // of the fault; "": none
		later time.Duration
	}{
		{f: telegramtest.Fault{RetryAfter: 7}, later: 7 * time.Second},
		{f: telegramtest.Fault{Status: 429}, later: brisk.rate},
		{f: telegramtest.Fault{HTML: true, Status: 429}, later: brisk.rate},
		{f: telegramtest.Fault{HTML: true}},
		{f: telegramtest.Fault{Status: 500}},
		{f: telegramtest.Fault{StoredButLost: true}},
		{f: telegramtest.Fault{Code: "Bad Request: chat not found"}, label: "telegram.chat_not_found"},
		{f: telegramtest.Fault{Status: 403, Code: "Forbidden: bot was kicked from the supergroup chat"}, label: "telegram.kicked"},
		{f: telegramtest.Fault{Status: 403, Code: "Forbidden: bot was blocked by the user"}, label: "telegram.blocked"},
		{f: telegramtest.Fault{Code: "Bad Request: not enough rights to send text messages to the chat"}, label: "telegram.may_not_post"},
		{f: telegramtest.Fault{Code: "Bad Request: have no rights to send a message"}, label: "telegram.may_not_post"},
		{f: telegramtest.Fault{Code: "Bad Request: message thread not found"}, label: "telegram.topic"},
		{f: telegramtest.Fault{Code: "Bad Request: TOPIC_CLOSED"}, label: "telegram.topic"},
		{f: telegramtest.Fault{Status: 401, Code: "Unauthorized"}, label: "telegram.token_refused"},
		{f: telegramtest.Fault{Code: "Bad Request: the moon is full"}},
	} {
		for method, m := range map[string]bot.Message{
			"sendMessage":  bottest.Card("k1", 1),
			"sendDocument": {Key: "k1#x", Thread: true, Output: strings.Repeat("line\n", 5000)},
		} {
			t.Run(method+" "+c.f.Code, func(t *testing.T) {
				t.Parallel()
				w, f := newTown(t, world{}), c.f
				f.Method = method
				w.srv.Fail(f)
				ref, err := w.t.Send(t.Context(), m)
				if err == nil || ref != "" {
					t.Fatalf("posted as %q, %v", ref, err)
				}
				fault, later := (*bot.Fault)(nil), (*bot.Later)(nil)
				if errors.As(err, &fault) != (c.label != "") || errors.As(err, &later) != (c.later > 0) {
					t.Errorf("the error is %v", err)
				}
				if fault != nil {
					start, _, _ := strings.Cut(label("en", c.label, "chat", idOf(home), "topic", 0, "name", "", "code", "Unauthorized"), "@")
					if !strings.HasPrefix(fault.Text, start) {
						t.Errorf("what to mend is %q, not %q", fault.Text, start)
					}
				}
				if later != nil && later.After != c.later {
					t.Errorf("to wait are %v", later.After)
				}
				lackAll(t, "the error", err.Error(), secrets...)
			})
		}
	}
}

// What Telegram refuses because of a limit that this program has wrong is shown as text.
func TestPlainTextIsTheLastResort(t *testing.T) {
	t.Parallel()
	w := newTown(t, world{})
	m := bottest.Card("k1", 1)
	m.Blocks[0].Text = strings.Repeat("<&>", 4000)
	for _, code := range []string{"can't parse entities: Unsupported start tag", "message is too long", "BUTTON_DATA_INVALID"} {
		w.srv.Fail(telegramtest.Fault{Method: "sendMessage", Code: "Bad Request: " + code, Times: 1})
		w.srv.Fail(telegramtest.Fault{Method: "editMessageText", Code: "Bad Request: " + code, Times: 1})
		r := w.post(t, m)
		if text, _ := w.Seen(t, "k1"); !strings.Contains(text, "Take 192.0.2.21 off the domain list") {
			t.Errorf("%s: shown is %.300s", code, text)
		}
		m.Title += " again"
		if err := w.t.Edit(t.Context(), r, m); err != nil {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestMigration(t *testing.T) {
	t.Parallel()
	for _, told := range []bool{true, false} {
		t.Run(map[bool]string{true: "told by a message", false: "told by a refusal, after a restart"}[told], func(t *testing.T) {
			t.Parallel()
			w := newTown(t, world{chat: -4001})
			in := &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply { return bot.Reply{Text: "heard"} }}
			if told {
				bottest.Runs(t, w.t, in)
				w.connected(t)
			}
			old := w.post(t, bottest.Card("k1", 1))
			super, err := w.srv.Migrate(-4001)
			if err != nil {
				t.Fatal(err)
			}
			if !told {
				bottest.Runs(t, w.t, in)
				w.connected(t)
			}
			eventually(t, "the new chat", func() bool { return w.t.home() == super })
			if err := w.t.Edit(t.Context(), old, bottest.Card("k1", 2)); !errors.Is(err, bot.ErrGone) {
				t.Errorf("a card of before: %v", err)
			}
			w.chat = super
			if got := w.Say(t, "ops1", "/recover"); got != "heard" {
				t.Errorf("answered was %q", got)
			}
			w.post(t, bottest.Card("k2", 1))
			if m := w.newest(t, "k2"); m.Chat != super {
				t.Errorf("posted in %d", m.Chat)
			}
			fault := (*bot.Fault)(nil)
			eventually(t, "a report", func() bool { return errors.As(errors.Join(in.Reports()...), &fault) })
			if !strings.Contains(fault.Text, "TELEGRAM_CHAT_ID="+idOf(super)) || !strings.Contains(w.log.String(), idOf(super)) {
				t.Errorf("to mend is %q", fault.Text)
			}
		})
	}
}

// Where the chat may take nothing for a while, answers to people wait like cards do (fault 26).
func TestOneWaitForAllOfAChat(t *testing.T) {
	t.Parallel()
	w := newTown(t, world{})
	w.srv.Fail(telegramtest.Fault{Method: "sendMessage", RetryAfter: 3600})
	if _, err := w.t.Send(t.Context(), bottest.Card("k1", 1)); !errors.As(err, new(*bot.Later)) {
		t.Errorf("the first post: %v", err)
	}
	soon, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	in := bot.Inbound{UserID: "1001", Text: "/status"}
	if err := w.t.answer(soon, in, origin{Chat: home, Message: 1}, bot.Reply{Text: "all is well"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an answer there: %v", err)
	}
	if n := len(w.srv.Calls("sendMessage")); n != 1 {
		t.Errorf("%d posts", n)
	}
}

// Where nothing is received, the first post finds out, and is tried again.
func TestMigrationWhilePosting(t *testing.T) {
	t.Parallel()
	w := newTown(t, world{chat: -4001})
	super, err := w.srv.Migrate(-4001)
	if err != nil {
		t.Fatal(err)
	}
	later := (*bot.Later)(nil)
	if _, err := w.t.Send(t.Context(), bottest.Card("k1", 1)); !errors.As(err, &later) {
		t.Errorf("the first post: %v", err)
	}
	w.post(t, bottest.Card("k1", 1))
	if m := w.newest(t, "k1"); m.Chat != super {
		t.Errorf("posted in %d", m.Chat)
	}
}

func TestKicked(t *testing.T) {
	t.Parallel()
	w, in := newTown(t, world{}), &bottest.Inbox{}
	bottest.Runs(t, w.t, in)
	w.connected(t)
	last := func() error {
		r := in.Reports()
		if len(r) == 0 {
			return nil
		}
		return r[len(r)-1]
	}
	for range 2 {
		if err := w.srv.Kick(home); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a fault", func() bool {
			fault := (*bot.Fault)(nil)
			return errors.As(last(), &fault) && strings.Contains(fault.Text, "not in its group")
		})
		if _, err := w.srv.Say("ops1", 1001, "/help", 0, 0); err != nil { // a poll that works mends nothing
			t.Fatal(err)
		}
		w.until(t, "a confirmation", func() bool { return w.srv.Pending() == 0 && w.srv.Polling() })
		if last() == nil {
			t.Error("all is well though the bot is out")
		}
		if err := w.srv.Invite(home); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a good report", func() bool { return last() == nil })
	}
}

// A chat that cannot be used is noticed before there is something to say.
func TestChatIsLookedAtFirst(t *testing.T) {
	t.Parallel()
	w, in := newTown(t, world{chat: -77}), &bottest.Inbox{}
	bottest.Runs(t, w.t, in)
	w.connected(t)
	fault := (*bot.Fault)(nil)
	if !errors.As(errors.Join(in.Reports()...), &fault) || !strings.Contains(fault.Text, "TELEGRAM_CHAT_ID -77") {
		t.Errorf("reported was %v", in.Reports())
	}
}
