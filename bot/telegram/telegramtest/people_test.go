package telegramtest_test

import (
	"strings"
	"testing"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"recoverbot/bot/telegram/telegramtest"
)

func TestPress(t *testing.T) {
	t.Parallel()
	now := time.Unix(1700000000, 0)
	s := start(t, telegramtest.Options{Clock: func() time.Time { return now }, Users: []telegramtest.User{{ID: 1001, Name: "ops1", Language: "zh"}, {ID: 1002, Name: "ops2"}}})
	id := send(t, s, m{"text": "Take it?", "reply_markup": keyboard([]m{button("Approve", "k1"), {"text": "Log", "url": "https://example.org/"}}, []m{button("k1", "k2")})})
	press := func(who, what string) string {
		t.Helper()
		q, err := s.Press(who, ops, id, what)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	for _, tc := range []struct {
		who  string
		chat int64
		id   int
		what string
	}{{"ops3", ops, id, "k1"}, {"ops1", 5, id, "k1"}, {"ops1", ops, 9, "k1"}, {"ops1", ops, id, "Log"}, {"ops1", ops, id, ""}, {"ops1", 1002, id, "k1"}} {
		if _, err := s.Press(tc.who, tc.chat, tc.id, tc.what); err == nil {
			t.Errorf("%v was pressed", tc)
		}
	}
	if s.Pending() != 0 {
		t.Fatal("a press that cannot be was delivered")
	}
	q := press("ops1", "Approve")
	u := updates(t, s, 0)[0]
	if at(u, "callback_query", "id") != q || at(u, "callback_query", "data") != "k1" || at(u, "callback_query", "from", "language_code") != "zh" ||
		at(u, "callback_query", "message", "text") != "Take it?" || at(u, "callback_query", "message", "chat", "id") != float64(ops) || at(u, "callback_query", "chat_instance") == nil {
		t.Errorf("%+v", u)
	}
	answer := func(id, text string, alert bool) reply {
		t.Helper()
		return call(t, s, "answerCallbackQuery", m{"callback_query_id": id, "text": text, "show_alert": alert})
	}
	old := "Bad Request: query is too old and response timeout expired or query ID is invalid"
	answer("1", "", false).want(t, 400, old)
	answer(q, strings.Repeat("😀", 101), false).want(t, 400, "Bad Request: MESSAGE_TOO_LONG")
	if s.Answered("ops1") || len(s.Toasts("ops1")) != 0 {
		t.Error("a refused answer was shown")
	}
	answer(q, strings.Repeat("😀", 100), true).want(t, 0, "")
	answer(q, "again", true).want(t, 400, old)
	if got := s.Toasts("ops1"); !s.Answered("ops1") || len(got) != 1 || !got[0].Alert || got[0].Query != q || len(s.Toasts("ops2")) != 0 {
		t.Errorf("%+v", got)
	}
	other := press("ops2", "k1")
	if other == q {
		t.Error("a query's id came twice")
	}
	now = now.Add(16 * time.Second)
	answer(other, "late", false).want(t, 400, old)
	if s.Answered("ops2") {
		t.Error("answered too late")
	}
	if err := s.Remove(ops, id); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Press("ops1", ops, id, "k1"); err == nil {
		t.Error("pressed in a deleted message")
	}
}

func TestPrivacy(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		o    telegramtest.Options
		want string
	}{
		"privacy":       {telegramtest.Options{}, "/status /status@recover_bot /status@Recover_Bot reply"},
		"sees all":      {telegramtest.Options{SeesAll: true}, "hello @recover_bot /status /status@recover_bot /status@Recover_Bot /status@other_bot reply"},
		"administrator": {telegramtest.Options{Chats: []telegramtest.Chat{{ID: ops, Admin: true}}}, "hello @recover_bot /status /status@recover_bot /status@Recover_Bot /status@other_bot reply"},
		"kicked":        {telegramtest.Options{Chats: []telegramtest.Chat{{ID: ops, Kicked: true}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, tc.o)
			for _, text := range []string{"hello", "@recover_bot", "/status", "/status@recover_bot", "/status@Recover_Bot", "/status@other_bot"} {
				say(t, s, text)
			}
			if name != "kicked" {
				if _, err := s.Say("ops1", ops, "reply", send(t, s, m{"text": "a"}), 0); err != nil {
					t.Fatal(err)
				}
			}
			var got []string
			for _, u := range updates(t, s, 0) {
				text, _ := at(u, "message", "text").(string)
				got = append(got, text)
			}
			if strings.Join(got, " ") != tc.want {
				t.Errorf("want %s, got %q", tc.want, got)
			}
		})
	}
}

func TestAsked(t *testing.T) {
	t.Parallel()
	s := start(t, telegramtest.Options{})
	said, err := s.Say("ops1", ops, "/recover", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	asks := func(who string) int {
		m, _ := s.Asked(who, ops)
		return m.ID
	}
	force := m{"force_reply": true, "selective": true, "input_field_placeholder": "Why"}
	first := send(t, s, m{"text": "why?", "reply_to_message_id": said, "reply_markup": force})
	if asks("ops1") != first || asks("ops2") != 0 || asks("nobody") != 0 {
		t.Error("the wrong person is asked")
	}
	second := send(t, s, m{"text": "@ops2 why?", "reply_markup": force})
	third := send(t, s, m{"text": `<a href="tg://user?id=1001">you</a> why?`, "parse_mode": "HTML", "reply_markup": force})
	if asks("ops2") != second || asks("ops1") != third {
		t.Error("the wrong person is asked")
	}
	got, _ := s.Message(ops, third)
	if mentions := s.Mentions(got); len(mentions) != 1 || mentions[0] != 1001 || got.Placeholder != "Why" || got.Thread != 0 {
		t.Errorf("%v %+v", mentions, got)
	}
	answered, err := s.Say("ops1", ops, "because", third, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := updates(t, s, 0)
	if asks("ops1") != 0 || at(all[1], "message", "reply_to_message", "message_id") != float64(third) || at(all[1], "message", "message_thread_id") != float64(third) {
		t.Errorf("%+v", all)
	}
	if err := s.Edit("ops1", ops, answered, "no"); err != nil || s.Edit("ops2", ops, answered, "no") == nil {
		t.Error(err)
	}
	all = updates(t, s, 0)
	if at(all[2], "edited_message", "text") != "no" || at(all[2], "edited_message", "edit_date") == nil {
		t.Errorf("%+v", all)
	}
	if got := s.Replies(ops, third); len(got) != 1 || got[0].Edited != 1 {
		t.Errorf("%+v", got)
	}
	everybody := send(t, s, m{"text": "who?", "reply_markup": m{"force_reply": true}})
	if asks("ops2") != everybody {
		t.Error("not everybody is asked")
	}
}

func TestSay(t *testing.T) {
	t.Parallel()
	s := start(t, telegramtest.Options{Chats: []telegramtest.Chat{{ID: ops, Forum: true, Members: []int64{1001}, Topics: []telegramtest.Topic{{ID: 4, Name: "db"}, {ID: 5, Closed: true}}}}})
	for _, tc := range []struct {
		who           string
		chat          int64
		text          string
		reply, thread int
	}{{"ops2", ops, "a", 0, 0}, {"ops9", ops, "a", 0, 0}, {"ops1", 3, "a", 0, 0}, {"ops1", ops, " ", 0, 0}, {"ops1", ops, "a", 9, 0}, {"ops1", ops, "a", 0, 6}, {"ops1", ops, "a", 0, 5}} {
		if _, err := s.Say(tc.who, tc.chat, tc.text, tc.reply, tc.thread); err == nil {
			t.Errorf("%v was said", tc)
		}
	}
	if _, err := s.Say("1001", ops, "/a😀 @ops2", 0, 4); err != nil {
		t.Fatal(err)
	}
	u := updates(t, s, 0)[0]
	if at(u, "message", "message_thread_id") != 4. || at(u, "message", "is_topic_message") != true || at(u, "message", "entities", 1, "offset") != 5. ||
		at(u, "message", "reply_to_message", "message_id") != 4. || at(u, "message", "reply_to_message", "forum_topic_created", "name") != "db" {
		t.Errorf("%+v", u)
	}
	if err := s.Arrange(ops, telegramtest.Topic{ID: 7}); err != nil {
		t.Fatal(err)
	}
	call(t, s, "sendMessage", m{"chat_id": ops, "text": "a", "message_thread_id": 4}).want(t, 400, "Bad Request: message thread not found")
	send(t, s, m{"text": "a", "message_thread_id": 7})
	if _, err := s.SayAnonymously(ops, "/recover"); err != nil {
		t.Fatal(err)
	}
	if u := updates(t, s, 0)[1]; at(u, "message", "from", "username") != "GroupAnonymousBot" || at(u, "message", "sender_chat", "id") != float64(ops) {
		t.Errorf("%+v", u)
	}
	if _, err := s.SayAnonymously(1001, "/recover"); err == nil || s.Arrange(1001) == nil || s.Kick(1001) == nil || s.Promote(1, true) == nil || s.Remove(ops, 99) == nil || s.Block("ops9") == nil || s.StartPrivate("ops9") == nil {
		t.Error("impossible things were done")
	}
}

func TestPrivateChat(t *testing.T) {
	t.Parallel()
	s := start(t, telegramtest.Options{})
	post := func() reply { return call(t, s, "sendMessage", m{"chat_id": 1001, "text": "a"}) }
	post().want(t, 403, "Forbidden: bot can't initiate conversation with a user")
	if err := s.StartPrivate("ops1"); err != nil {
		t.Fatal(err)
	}
	if got := post(); at(got.Result, "chat", "type") != "private" || at(got.Result, "chat", "username") != "ops1" {
		t.Error(got.raw)
	}
	if err := s.Block("ops1"); err != nil {
		t.Fatal(err)
	}
	post().want(t, 403, "Forbidden: bot was blocked by the user")
	if err := s.Unblock("ops1"); err != nil {
		t.Fatal(err)
	}
	post().want(t, 0, "")
	all := updates(t, s, 0)
	if len(all) != 3 || at(all[0], "message", "text") != "/start" || at(all[1], "my_chat_member", "new_chat_member", "status") != "kicked" || at(all[2], "my_chat_member", "new_chat_member", "status") != "member" {
		t.Errorf("%+v", all)
	}
	if got := s.Messages(1001); len(got) != 3 || got[2].ID != 3 {
		t.Errorf("%+v", got)
	}
}

func TestKick(t *testing.T) {
	t.Parallel()
	s := start(t, telegramtest.Options{})
	id := send(t, s, m{"text": "a"})
	if err := s.Kick(ops); err != nil {
		t.Fatal(err)
	}
	say(t, s, "/unheard")
	call(t, s, "editMessageText", m{"chat_id": ops, "message_id": id, "text": "b"}).want(t, 403, "Forbidden: bot was kicked from the supergroup chat")
	if err := s.Invite(ops); err != nil {
		t.Fatal(err)
	}
	if err := s.Promote(ops, true); err != nil {
		t.Fatal(err)
	}
	call(t, s, "editMessageText", m{"chat_id": ops, "message_id": id, "text": "b"}).want(t, 0, "")
	all := updates(t, s, 0)
	if c, ok := s.ChatNow(ops); !ok || !c.Admin || len(all) != 3 || at(all[2], "my_chat_member", "new_chat_member", "status") != "administrator" {
		t.Errorf("%+v", all)
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	s := start(t, telegramtest.Options{Chats: []telegramtest.Chat{{ID: -50, Title: "ops"}}})
	api, err := client(t, s)
	if err != nil {
		t.Fatal(err)
	}
	id := send(t, s, m{"chat_id": -50, "text": "a"})
	super, err := s.Migrate(-50)
	if err != nil || super >= -1000000000000 {
		t.Fatal(super, err)
	}
	if _, err := s.Migrate(-50); err == nil {
		t.Error("upgraded twice")
	}
	got := call(t, s, "editMessageText", m{"chat_id": -50, "message_id": id, "text": "b"})
	got.want(t, 400, "Bad Request: group chat was upgraded to a supergroup chat")
	if got.Parameters.Migrated != super {
		t.Error(got.raw)
	}
	if _, err := s.Say("ops1", -50, "/a", 0, 0); err == nil {
		t.Error("said in a group that is no more")
	}
	all, err := api.GetUpdates(tgbotapi.NewUpdate(0))
	if err != nil || len(all) != 2 || all[0].Message.MigrateToChatID != super || all[1].Message.MigrateFromChatID != -50 || all[1].Message.Chat.ID != super {
		t.Errorf("%v %+v", err, all)
	}
	send(t, s, m{"chat_id": super, "text": "a"})
	if got := s.Messages(super); len(got) != 2 || got[1].ID != 2 || len(s.Messages(-50)) != 2 {
		t.Errorf("%+v", got)
	}
}
