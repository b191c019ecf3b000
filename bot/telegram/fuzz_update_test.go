package telegram

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/telegram/telegramtest"
)

// yes is a Telegram that takes everything.
type yes struct{}

func (yes) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"ok":true,"result":{"message_id":77,"chat":{"id":1001}}}`))}, nil
}

// keeper is an inbox that keeps nothing and judges everything.
type keeper struct{ kept []bot.Inbound }

func (k *keeper) Keep(_ context.Context, in bot.Inbound) (bool, error) {
	k.kept = append(k.kept, in)
	return true, nil
}
func (k *keeper) Handle(context.Context, bot.Inbound) bot.Reply { return bot.Reply{Text: "heard"} }
func (k *keeper) Report(error)                                  {}

// handed gives t one update, in a session of its own whose answers nobody waits for.
func (t *Telegram) handed(in bot.Inbox, u incoming) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	to, end := newSession(ctx, in, t.log)
	defer end()
	defer cancel() // what was started may be left
	return t.receive(ctx, to, u, false)
}

const someone = 1001

// panics are the lines of a log that tell of one.
type panics []string

func (p *panics) Write(line []byte) (int, error) {
	if strings.Contains(string(line), "panic") {
		*p = append(*p, string(line))
	}
	return len(line), nil
}

// FuzzUpdate: no update of Telegram's panics, and none makes a decision that no button of a card stands for, in another chat,
// or of somebody whom nobody knows (fault 36).
func FuzzUpdate(f *testing.F) {
	card := bottest.Card("k1", 1)
	var log panics
	tg, err := newTelegram(Config{Token: canary, Chat: telegramtest.DefaultChat, Endpoint: "http://127.0.0.1:1", Label: label, Check: checkOf, Language: "en",
		Client: &http.Client{Transport: yes{}}, Log: slog.New(slog.NewTextHandler(&log, nil)), Known: func(id int64) bool { return id == someone },
		Wanted: func(context.Context) ([]bot.Message, error) { return []bot.Message{card}, nil }}, brisk)
	if err != nil {
		f.Fatal(err)
	}
	actions := map[string]string{}
	for _, b := range card.Buttons {
		actions[tg.buttonID(card.Key, b)] = b.Action
	}
	const home = `"chat":{"id":-1001000000001,"type":"supergroup"}`
	press := func(from, chat, data string) string {
		return `{"update_id":7,"callback_query":{"id":"1","from":{"id":` + from + `},"message":{"message_id":5,"date":1800000000,` + chat + `},"data":"` + data + `"}}`
	}
	for id := range actions {
		f.Add([]byte(press("1001", home, id)))
		f.Add([]byte(press("1002", home, id)))
		f.Add([]byte(press("1001", `"chat":{"id":-100666}`, id)))
		f.Add([]byte(press("1001", home, id[:len(id)-1]+"A")))
		f.Add([]byte(press("1001", home, id+"A")))
	}
	for _, s := range []string{
		`{"update_id":7,"message":{"message_id":1,"from":{"id":1001,"first_name":"a"},` + home + `,"text":"/recover primary","date":1800000000}}`,
		`{"update_id":7,"message":{"message_id":1,"from":{"id":1001,"is_bot":true},` + home + `,"text":"/recover"}}`,
		`{"update_id":7,"message":{"message_id":1,"sender_chat":{"id":-1001000000001},"from":{"id":1087968824,"is_bot":true},` + home + `,"text":"/recover"}}`,
		`{"update_id":7,"message":{"message_id":1,"from":{"id":1001},"chat":{"id":1001},"text":"\u202e<b>@everyone\ud800","reply_to_message":{"message_id":77,"from":{"id":0}}}}`,
		`{"update_id":8,"message":{"migrate_to_chat_id":-5,` + home + `}}`, `{"update_id":9,"my_chat_member":{` + home + `,"new_chat_member":{"status":"kicked"}}}`,
		`{"update_id":1}`, `{"update_id":-9223372036854775808,"callback_query":{}}`, `{"update_id":7,"message":{"reply_to_message":{"reply_to_message":{}}}}`, `[]`, `{"update_id":"7"}`, strings.Repeat(`{"message":`, 40),
	} {
		f.Add([]byte(s))
	}
	var one sync.Mutex
	f.Fuzz(func(t *testing.T, body []byte) {
		one.Lock()
		defer one.Unlock()
		var u incoming
		if json.Unmarshal(body, &u) != nil || u.ID == 0 {
			return // the webhook and the poller refuse it
		}
		tg.seen, tg.told, tg.armed, tg.forms, tg.chat = once{}, once{}, once{}, forms{}, telegramtest.DefaultChat
		u.at, u.came = time.Now(), time.Now()
		in := &keeper{}
		if err := tg.handed(in, u); err != nil {
			t.Errorf("%v", err)
		}
		if len(log) > 0 {
			t.Fatalf("%q", log)
		}
		if len(in.kept) > 1 {
			t.Errorf("said %d things: %+v", len(in.kept), in.kept)
		}
		for _, k := range in.kept {
			switch {
			case !utf8.ValidString(k.Text + k.Action + k.Origin + k.UserID):
				t.Errorf("no text: %+v", k)
			case k.Action == "" && u.Message != nil && k.UserID == idOf(u.Message.From.ID):
				if c := u.Message.Chat.ID; c != telegramtest.DefaultChat && c <= 0 {
					t.Errorf("heard in a foreign chat: %+v", k)
				}
			case u.Press == nil || actions[u.Press.Data] != k.Action || u.Press.From.ID != someone || k.UserID != idOf(someone):
				t.Errorf("a press of %s was taken for %+v", body, k)
			case u.Press.Message.Chat.ID != telegramtest.DefaultChat && u.Press.Message.Chat.ID != someone:
				t.Errorf("pressed in a foreign chat: %+v", k)
			}
		}
	})
}

// FuzzButtonID: what stands in a button is no other button's, and says nothing.
func FuzzButtonID(f *testing.F) {
	tg, err := newTelegram(Config{Token: canary, Chat: 1, Label: label}, brisk)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("k1", "opaque", "k1", "opaquf")
	f.Add("a", "bc", "ab", "c")
	f.Add("", "a\x00b", "a", "\x00b")
	f.Add("step/run1/one", strings.Repeat("x", 1024), "step/run1/two", strings.Repeat("x", 1024))
	f.Fuzz(func(t *testing.T, key, action, key2, action2 string) {
		a, b := tg.buttonID(key, bot.Button{Action: action}), tg.buttonID(key2, bot.Button{Action: action2})
		if (a == b) != (key == key2 && action == action2) || len(a) > 64 || len(a) < 16 {
			t.Errorf("%q %q: %q; %q %q: %q", key, action, a, key2, action2, b)
		}
	})
}
