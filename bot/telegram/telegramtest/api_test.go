package telegramtest_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"recoverbot/bot/telegram/telegramtest"
)

func TestEncodings(t *testing.T) {
	t.Parallel()
	s := start(t, telegramtest.Options{})
	base := s.URL() + "/bot" + telegramtest.DefaultToken
	for name, r := range map[string]func() (*http.Request, error){
		"query": func() (*http.Request, error) {
			return http.NewRequest(http.MethodGet, fmt.Sprintf("%s/sendmessage?chat_id=%d&text=a%%20b", base, ops), nil)
		},
		"form": func() (*http.Request, error) {
			r, err := http.NewRequest(http.MethodPost, base+"/sendMessage", strings.NewReader(fmt.Sprintf("chat_id=%d&text=a+b", ops)))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return r, err
		},
		"multipart": func() (*http.Request, error) {
			body := fmt.Sprintf("--x\r\nContent-Disposition: form-data; name=\"chat_id\"\r\n\r\n%d\r\n--x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\na b\r\n--x--\r\n", ops)
			r, err := http.NewRequest(http.MethodPost, base+"/SENDMESSAGE", strings.NewReader(body))
			r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
			return r, err
		},
		"json": func() (*http.Request, error) {
			r, err := http.NewRequest(http.MethodPost, base+"/sendMessage", strings.NewReader(fmt.Sprintf(`{"chat_id": %d, "text": "a b"}`, ops)))
			r.Header.Set("Content-Type", "application/json; charset=utf-8")
			return r, err
		},
	} {
		r, err := r()
		if err != nil {
			t.Fatal(err)
		}
		got, err := do(r.WithContext(t.Context()))
		if err != nil || at(got.Result, "text") != "a b" || at(got.Result, "chat", "id") != float64(ops) || at(got.Result, "from", "is_bot") != true {
			t.Errorf("%s: %v %s", name, err, got.raw)
		}
	}
	if got := s.Calls("sendMessage"); len(got) != 4 || got[3].Args["text"] != "a b" || strings.Contains(fmt.Sprint(got), telegramtest.DefaultToken) {
		t.Errorf("%+v", got)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	s := start(t, telegramtest.Options{})
	for token, want := range map[string]string{
		telegramtest.DefaultToken + "x": "401 Unauthorized",
		"no-token":                      "404 Not Found",
		"":                              "404 Not Found",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+"/bot"+token+"/getMe", nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := do(r)
		if err != nil || fmt.Sprint(got.Code, " ", got.Description) != want {
			t.Errorf("%q: %v %s", token, err, got.raw)
		}
	}
	call(t, s, "sendSmell", nil).want(t, 404, "Not Found: method not found")
	s.Revoke()
	call(t, s, "getMe", nil).want(t, 401, "Unauthorized")
	s.Heal()
	if got := call(t, s, "getMe", nil); at(got.Result, "username") != "recover_bot" || at(got.Result, "id") != 1000000. {
		t.Error(got.raw)
	}
	if _, err := telegramtest.Start(telegramtest.Options{Token: "no-token"}); err == nil {
		t.Error("it took a token that is none")
	}
}

func TestDocument(t *testing.T) {
	t.Parallel()
	s := start(t, telegramtest.Options{MaxFile: 1000})
	api, err := client(t, s)
	if err != nil {
		t.Fatal(err)
	}
	doc := tgbotapi.NewDocument(ops, tgbotapi.FileBytes{Name: "out.txt", Bytes: []byte("hello")})
	doc.Caption, doc.ParseMode = "<b>out</b>", "HTML"
	sent, err := api.Send(doc)
	if err != nil || sent.Document.FileName != "out.txt" || sent.Caption != "out" || sent.CaptionEntities[0].Type != "bold" {
		t.Fatalf("%v %+v", err, sent)
	}
	file, err := api.GetFile(tgbotapi.FileConfig{FileID: sent.Document.FileID})
	if err != nil {
		t.Fatal(err)
	}
	get := func(url string) (int, string) {
		t.Helper()
		resp, err := webClient(t).Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	path := "/file/bot" + telegramtest.DefaultToken + "/"
	if code, body := get(s.URL() + path + file.FilePath); code != 200 || body != "hello" {
		t.Errorf("%d %s", code, body)
	}
	for url, want := range map[string]int{s.URL() + path + "none": 404, s.URL() + "/file/bot1:x/" + file.FilePath: 401} {
		if code, _ := get(url); code != want {
			t.Errorf("%s: %d", url, code)
		}
	}
	s.Fail(telegramtest.Fault{Method: "file", HTML: true, Times: 1})
	if code, body := get(s.URL() + path + file.FilePath); code != 502 || !strings.Contains(body, "Bad Gateway") {
		t.Errorf("%d %s", code, body)
	}
	if _, err := api.Send(tgbotapi.NewDocument(ops, tgbotapi.FileID(sent.Document.FileID))); err != nil {
		t.Error(err)
	}
	for want, bad := range map[string]tgbotapi.DocumentConfig{
		"Bad Request: file must be non-empty":                                    tgbotapi.NewDocument(ops, tgbotapi.FileBytes{Name: "a"}),
		"Bad Request: wrong file identifier/HTTP URL specified":                  tgbotapi.NewDocument(ops, tgbotapi.FileID("x")),
		"Bad Request: message caption is too long":                               {BaseFile: doc.BaseFile, Caption: strings.Repeat("a", 1025)},
		"Request Entity Too Large":                                               tgbotapi.NewDocument(ops, tgbotapi.FileBytes{Name: "a", Bytes: bytes.Repeat([]byte("a"), 1001)}),
		"Bad Request: can't parse entities: Unclosed start tag at byte offset 0": {BaseFile: doc.BaseFile, Caption: "<b", ParseMode: "HTML"},
	} {
		if _, err := api.Send(bad); err == nil || err.Error() != want {
			t.Errorf("want %s, got %v", want, err)
		}
	}
	if got := s.Messages(ops); len(got) != 2 || len(s.Files()) != 1 || s.Plain(got[0]) != "[out.txt]\nout" {
		t.Errorf("%+v", got)
	}
	call(t, s, "sendDocument", m{"chat_id": ops}).want(t, 400, "Bad Request: there is no document in the request")
	call(t, s, "editMessageText", m{"chat_id": ops, "message_id": sent.MessageID, "text": "a"}).want(t, 400, "Bad Request: there is no text in the message to edit")
	call(t, s, "editMessageCaption", m{"chat_id": ops, "message_id": sent.MessageID, "caption": "new"}).want(t, 0, "")
	call(t, s, "getFile", m{"file_id": "x"}).want(t, 400, "Bad Request: invalid file_id")
}

func TestCommands(t *testing.T) {
	t.Parallel()
	s := start(t, telegramtest.Options{})
	list := func(names ...string) (all []m) {
		for _, n := range names {
			all = append(all, m{"command": n, "description": "what " + n + " does"})
		}
		return all
	}
	call(t, s, "setMyCommands", m{"commands": list("recover", "status")}).want(t, 0, "")
	call(t, s, "setMyCommands", m{"commands": list("recover"), "language_code": "zh", "scope": m{"type": "chat", "chat_id": ops}}).want(t, 0, "")
	for want, body := range map[string]m{
		"Bad Request: BOT_COMMAND_INVALID":                                     {"commands": list("Recover")},
		"Bad Request: BOT_COMMAND_DESCRIPTION_INVALID":                         {"commands": []m{{"command": "a"}}},
		"Bad Request: BOT_COMMANDS_TOO_MUCH":                                   {"commands": list(slices.Repeat([]string{"a"}, 101)...)},
		"Bad Request: invalid language code specified":                         {"commands": list("a"), "language_code": "zh-CN"},
		"Bad Request: chat not found":                                          {"commands": list("a"), "scope": m{"type": "chat", "chat_id": 7}},
		"Bad Request: can't parse BotCommandScope: Unsupported type specified": {"commands": list("a"), "scope": m{"type": "x"}},
		"Bad Request: can't parse commands":                                    {"commands": "x"},
	} {
		call(t, s, "setMyCommands", body).want(t, 400, want)
	}
	if got := s.Commands("", ""); len(got) != 2 || got[0].Description != "what recover does" {
		t.Errorf("%+v", got)
	}
	if got := s.Commands(fmt.Sprint("chat ", ops), "zh"); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	if got := call(t, s, "getMyCommands", nil); at(got.Result, 1, "command") != "status" {
		t.Error(got.raw)
	}
	call(t, s, "deleteMyCommands", nil).want(t, 0, "")
	if len(s.Commands("", "")) != 0 {
		t.Error("not deleted")
	}
}

func TestChats(t *testing.T) {
	t.Parallel()
	s := start(t, telegramtest.Options{Chats: []telegramtest.Chat{{ID: -5, Title: "small", Members: []int64{1001}}, {ID: ops, Title: "ops", Admin: true, Forum: true}}})
	if got := call(t, s, "getChat", m{"chat_id": ops}); at(got.Result, "is_forum") != true || at(got.Result, "type") != "supergroup" {
		t.Error(got.raw)
	}
	for want, body := range map[string]m{
		"administrator": {"chat_id": ops, "user_id": 1000000},
		"member":        {"chat_id": -5, "user_id": 1001},
		"left":          {"chat_id": -5, "user_id": 1002},
	} {
		if got := call(t, s, "getChatMember", body); at(got.Result, "status") != want {
			t.Error(want, got.raw)
		}
	}
	call(t, s, "getChatMember", m{"chat_id": ops, "user_id": 9}).want(t, 400, "Bad Request: user not found")
	if got := call(t, s, "getChatAdministrators", m{"chat_id": ops}); at(got.Result, 0, "user", "id") != 1000000. {
		t.Error(got.raw)
	}
	call(t, s, "getChat", m{"chat_id": 77}).want(t, 400, "Bad Request: chat not found")
	call(t, s, "leaveChat", m{"chat_id": ops}).want(t, 0, "")
	for _, method := range []string{"sendMessage", "getChat"} {
		call(t, s, method, m{"chat_id": ops, "text": "a"}).want(t, 403, "Forbidden: bot is not a member of the supergroup chat")
	}
	call(t, s, "sendChatAction", m{"chat_id": -5, "action": "typing"}).want(t, 0, "")
	call(t, s, "sendChatAction", m{"chat_id": -5, "action": "sleeping"}).want(t, 400, "Bad Request: wrong parameter action in request")
}
