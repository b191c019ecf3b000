package telegramtest_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"recoverbot/bot/telegram/telegramtest"
)

func TestRefusedMessages(t *testing.T) {
	t.Parallel()
	s := start(t, telegramtest.Options{Chats: []telegramtest.Chat{
		{ID: ops, Forum: true, Topics: []telegramtest.Topic{{ID: 4, Name: "db"}, {ID: 5, Name: "old", Closed: true}}},
		{ID: -6, Kicked: true}, {ID: -1007000000000, Kicked: true}, {ID: -7, BotAbsent: true},
	}})
	long := strings.Repeat("😀", 2048) // 4096 units
	for _, tc := range []struct {
		code int
		want string
		body m
	}{
		{400, "Bad Request: chat_id is empty", m{"text": "a", "chat_id": ""}},
		{400, "Bad Request: chat not found", m{"text": "a", "chat_id": 99}},
		{403, "Forbidden: bot can't initiate conversation with a user", m{"text": "a", "chat_id": 1001}},
		{403, "Forbidden: bot was kicked from the group chat", m{"text": "a", "chat_id": -6}},
		{403, "Forbidden: bot was kicked from the supergroup chat", m{"text": "a", "chat_id": -1007000000000}},
		{403, "Forbidden: bot is not a member of the group chat", m{"text": "a", "chat_id": -7}},
		{400, "Bad Request: message text is empty", m{}},
		{400, "Bad Request: message text is empty", m{"text": " \n"}},
		{400, "Bad Request: message text is empty", m{"text": "<b> </b>", "parse_mode": "HTML"}},
		{400, "Bad Request: message is too long", m{"text": long + "a"}},
		{400, "Bad Request: unsupported parse_mode", m{"text": "a", "parse_mode": "MarkdownV2"}},
		{400, "Bad Request: message thread not found", m{"text": "a", "message_thread_id": 1}},
		{400, "Bad Request: message thread not found", m{"text": "a", "message_thread_id": 6}},
		{400, "Bad Request: TOPIC_CLOSED", m{"text": "a", "message_thread_id": 5}},
		{400, "Bad Request: message to be replied not found", m{"text": "a", "reply_to_message_id": 44}},
		{400, "Bad Request: message to be replied not found", m{"text": "a", "reply_parameters": m{"message_id": 44}}},
		{400, "Bad Request: can't parse reply parameters JSON object", m{"text": "a", "reply_parameters": "x"}},
		{400, "Bad Request: can't parse reply keyboard markup JSON object", m{"text": "a", "reply_markup": "x"}},
		{400, "Bad Request: BUTTON_DATA_INVALID", m{"text": "a", "reply_markup": keyboard([]m{button("a", strings.Repeat("é", 33))})}},
		{400, "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard", m{"text": "a", "reply_markup": keyboard([]m{{"text": "a"}})}},
		{400, "Bad Request: inline keyboard button text must be non-empty", m{"text": "a", "reply_markup": keyboard([]m{button("", "a")})}},
		{400, "Bad Request: inline keyboard button URL 'http://localhost:1' is invalid: Wrong HTTP URL", m{"text": "a", "reply_markup": keyboard([]m{{"text": "a", "url": "http://localhost:1"}})}},
		{400, "Bad Request: REPLY_MARKUP_TOO_LONG", m{"text": "a", "reply_markup": keyboard(slices.Repeat([]m{button("a", "b")}, 9))}},
		{400, "Bad Request: REPLY_MARKUP_TOO_LONG", m{"text": "a", "reply_markup": keyboard(slices.Repeat([][]m{{button("a", "b")}}, 101)...)}},
		{400, "Bad Request: REPLY_MARKUP_INVALID", m{"text": "a", "reply_markup": m{"force_reply": true, "input_field_placeholder": strings.Repeat("a", 65)}}},
	} {
		if tc.body["chat_id"] == nil {
			tc.body["chat_id"] = ops
		}
		call(t, s, "sendMessage", tc.body).want(t, tc.code, tc.want)
	}
	if got := append(s.Messages(ops), s.Messages(1001)...); len(got) != 0 {
		t.Errorf("a refused message was posted: %+v", got)
	}
	root := send(t, s, m{"text": long, "message_thread_id": 4})
	send(t, s, m{"text": "<b>" + long + "</b>", "parse_mode": "HTML", "reply_markup": keyboard(slices.Repeat([]m{button("a", strings.Repeat("a", 64))}, 8))})
	send(t, s, m{"text": "a", "reply_to_message_id": 44, "allow_sending_without_reply": true})
	send(t, s, m{"text": "a", "reply_parameters": m{"message_id": root}})
	if got := s.Messages(ops); len(got) != 4 || got[0].Thread != 4 || got[3].ReplyTo != root || got[3].Thread != 4 || got[2].ReplyTo != 0 {
		t.Errorf("%+v", got)
	}
}

func TestHTML(t *testing.T) {
	t.Parallel()
	s := start(t, telegramtest.Options{})
	for html, want := range map[string]string{
		"plain &lt;b&gt; &amp;amp; &quot; &nbsp; &#65;":               `plain <b> &amp; " &nbsp; A|`,
		"<b>😀</b> <i>x</i>":                                           "😀 x|bold 0 2, italic 3 1",
		"<b>a<i>b</i></b>":                                            "ab|bold 0 2, italic 1 1",
		"  <u>a </u>\n":                                               "a|underline 0 1",
		`<pre><code class="language-sql">select</code></pre>`:         "select|pre 0 6 sql",
		`<a href="https://example.org/x?a=1&amp;b=2">x</a>`:           "x|text_link 0 1 https://example.org/x?a=1&b=2",
		`<a href="nowhere">x</a>`:                                     "x|",
		`<a href="tg://user?id=1001">x</a>`:                           "x|text_mention 0 1 ops1",
		`<a href="tg://user?id=9">x</a>`:                              "x|",
		`<span class="tg-spoiler">x</span><tg-spoiler>y</tg-spoiler>`: "xy|spoiler 0 1, spoiler 1 1",
		`<blockquote expandable>x</blockquote><s>y</s>`:               "xy|expandable_blockquote 0 1, strikethrough 1 1",
		"a > b":                         "a > b|",
		"a < b":                         `!Unsupported start tag "" at byte offset 2`,
		"é<div>":                        `!Unsupported start tag "div" at byte offset 2`,
		"<b>a":                          `!Can't find end tag corresponding to start tag "b"`,
		"a</b>":                         "!Unexpected end tag at byte offset 1",
		"<b>a</i>":                      `!Unmatched end tag at byte offset 4, expected "</b>", found "</i>"`,
		"<b":                            "!Unclosed start tag at byte offset 0",
		"<b>a</b":                       "!Unclosed end tag at byte offset 4",
		"<span>x</span>":                `!Tag "span" must have class "tg-spoiler" at byte offset 0`,
		"<br/>":                         `!Unsupported start tag "br" at byte offset 0`,
		strings.Repeat("<b>a</b>", 101): strings.Repeat("a", 101) + "|100 entities",
	} {
		before := len(s.Messages(ops))
		got := call(t, s, "sendMessage", m{"chat_id": ops, "text": html, "parse_mode": "HTML"})
		if bad, ok := strings.CutPrefix(want, "!"); ok {
			got.want(t, 400, "Bad Request: can't parse entities: "+bad)
			if len(s.Messages(ops)) != before {
				t.Errorf("%s was posted", html)
			}
			continue
		}
		if text := at(got.Result, "text"); text == nil || text.(string)+"|"+shown(t, at(got.Result, "entities")) != want {
			t.Errorf("%s: want %s, got %s", html, want, got.raw)
		}
	}
}

func shown(t *testing.T, entities any) string {
	t.Helper()
	b, err := json.Marshal(entities)
	if err != nil {
		t.Fatal(err)
	}
	var all []telegramtest.Entity
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) > 9 {
		return "100 entities"
	}
	var list []string
	for _, e := range all {
		more := e.URL + e.Language
		if e.User != nil {
			more = e.User.Username
		}
		list = append(list, strings.TrimSpace(strings.Join([]string{e.Type, digits(e.Offset), digits(e.Length), more}, " ")))
	}
	return strings.Join(list, ", ")
}

func digits(n int) string { return string(rune('0' + n)) }

func TestEdits(t *testing.T) {
	t.Parallel()
	s := start(t, telegramtest.Options{})
	buttons := keyboard([]m{button("Approve", "a1")}, []m{})
	id := send(t, s, m{"text": "<b>a</b>", "parse_mode": "HTML", "reply_markup": buttons})
	asked := send(t, s, m{"text": "why?", "reply_markup": m{"force_reply": true}})
	theirs, err := s.Say("ops1", ops, "hi", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(method string, id int, body m) reply {
		t.Helper()
		body["chat_id"], body["message_id"] = ops, id
		return call(t, s, method, body)
	}
	same := "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message"
	edit("editMessageText", id, m{"text": " <b>a</b>", "parse_mode": "HTML", "reply_markup": buttons}).want(t, 400, same)
	edit("editMessageReplyMarkup", id, m{"reply_markup": buttons}).want(t, 400, same)
	edit("editMessageText", 77, m{"text": "b"}).want(t, 400, "Bad Request: message to edit not found")
	edit("editMessageText", 0, m{"text": "b"}).want(t, 400, "Bad Request: message identifier is not specified")
	edit("editMessageText", theirs, m{"text": "b"}).want(t, 400, "Bad Request: message can't be edited")
	edit("editMessageText", asked, m{"text": "b"}).want(t, 400, "Bad Request: message can't be edited")
	edit("editMessageText", id, m{"text": strings.Repeat("a", 4097)}).want(t, 400, "Bad Request: MESSAGE_TOO_LONG")
	edit("editMessageText", id, m{"text": ""}).want(t, 400, "Bad Request: message text is empty")
	edit("editMessageCaption", id, m{"caption": "b"}).want(t, 400, "Bad Request: there is no caption in the message to edit")
	if got, _ := s.Message(ops, id); got.Edited != 0 || s.Plain(got) != "a\n[Approve]" {
		t.Errorf("%+v", got)
	}
	edit("editMessageText", id, m{"text": "a", "reply_markup": buttons}).want(t, 0, "") // no longer bold
	got := edit("editMessageText", id, m{"text": "a"})                                  // without its buttons
	if at(got.Result, "edit_date") == nil || at(got.Result, "reply_markup") != nil {
		t.Error(got.raw)
	}
	edit("editMessageReplyMarkup", id, m{"reply_markup": buttons}).want(t, 0, "")
	if got, _ := s.Message(ops, id); got.Edited != 3 || s.Plain(got) != "a\n[Approve]" {
		t.Errorf("%+v", got)
	}
	edit("deleteMessage", theirs, m{}).want(t, 400, "Bad Request: message can't be deleted")
	edit("deleteMessage", id, m{}).want(t, 0, "")
	edit("deleteMessage", id, m{}).want(t, 400, "Bad Request: message to delete not found")
	edit("editMessageText", id, m{"text": "b"}).want(t, 400, "Bad Request: message to edit not found")
	if got, ok := s.Message(ops, id); !ok || !got.Deleted || len(s.Messages(ops)) != 2 {
		t.Errorf("%+v", got)
	}
}
