package telegramtest_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"recoverbot/bot/bottest/browser"
	"recoverbot/bot/telegram/telegramtest"
)

func TestThePage(t *testing.T) {
	t.Parallel()
	s := start(t, telegramtest.Options{})
	api, err := client(t, s)
	if err != nil {
		t.Fatal(err)
	}
	buttons := keyboard([]m{button("✅ Approve", "yes"), button("Skip", "skip"), button("Abort", "no")}, []m{{"text": "Console", "url": "https://192.0.2.1/run/3"}})
	id := send(t, s, m{"parse_mode": "HTML", "reply_markup": buttons, "text": "<b>5/12 Take <i>db1</i> off</b>\n<blockquote>risk: 3 s of errors</blockquote>\nOn <code>db1</code>, <a href=\"tg://user?id=1001\">ops1</a>, see /status:\n" +
		`<pre><code class="language-sql">SELECT '&lt;script&gt;document.title="out"&lt;/script&gt;' -- a long line that wraps on a phone</code></pre>`})
	send(t, s, m{"text": "😀 done in 3 s", "reply_to_message_id": id})
	if _, err := api.Send(tgbotapi.NewDocument(ops, tgbotapi.FileBytes{Name: "output.txt", Bytes: bytes.Repeat([]byte("x"), 1234)})); err != nil {
		t.Fatal(err)
	}
	page := browser.Start(t)
	browser.Act(t, page, "open", chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2), chromedp.EmulateMobile), chromedp.Navigate(s.URL()+"/"), browser.Visible("article pre"))
	browser.Eventually(t, page, `document.title === 'ops – fake Telegram' && document.querySelector('pre').innerText.includes('<script>') && document.documentElement.scrollWidth <= 390`)
	browser.Eventually(t, page, `document.querySelector('b i').innerText === 'db1' && document.querySelector('article .quote span').innerText.startsWith('5/12 Take db1 off') && document.querySelector('.file small').innerText === '1.2 KB'`)
	browser.Shot(t, page, "telegram-1-card")

	offset := 0
	press := func(css, data, text string, alert bool) {
		t.Helper()
		browser.Act(t, page, "press", browser.Click(css))
		got := call(t, s, "getUpdates", m{"timeout": 20, "offset": offset})
		if at(got.Result, 0, "callback_query", "data") != data {
			t.Fatal(got.raw)
		}
		offset = ids(got.Result.([]any))[0] + 1
		call(t, s, "answerCallbackQuery", m{"callback_query_id": at(got.Result, 0, "callback_query", "id"), "text": text, "show_alert": alert}).want(t, 0, "")
	}
	press("[data-press=no]", "no", "What is done stays done. Press again within 60 s.", true)
	browser.Eventually(t, page, `document.querySelector('#alert').open && document.querySelector('#alert p').innerText.startsWith('What is done') && !document.querySelector('.busy')`)
	browser.Shot(t, page, "telegram-2-alert")
	browser.Act(t, page, "close", browser.Click("#alert button"))
	press("[data-press=yes]", "yes", "Approved", false)
	browser.Eventually(t, page, `document.querySelector('#toast').innerText === 'Approved'`)
	browser.Shot(t, page, "telegram-3-toast")

	// The page follows by itself: an edit, a question, its answer.
	call(t, s, "editMessageText", m{"chat_id": ops, "message_id": id, "text": "5/12 Done"}).want(t, 0, "")
	asked := send(t, s, m{"text": "@ops1, why?", "reply_markup": m{"force_reply": true, "selective": true, "input_field_placeholder": "Reason"}})
	browser.Eventually(t, page, `document.querySelector('article .text').innerText === '5/12 Done' && !document.querySelector('[data-press]') && document.querySelector('textarea').placeholder === 'Reason'`)
	browser.Shot(t, page, "telegram-4-asked")
	browser.Act(t, page, "answer", browser.Keys("textarea", "because <3>\r"))
	browser.Eventually(t, page, `document.querySelector('.mine .text').innerText === 'because <3>'`)
	if got := s.Replies(ops, asked); len(got) != 1 || got[0].From != 1001 || got[0].Text != "because <3>" {
		t.Errorf("%+v", got)
	}
}

// Only the page acts for people: a form of a foreign page cannot, and what does not exist changes nothing.
func TestWhatThePageRefuses(t *testing.T) {
	t.Parallel()
	s := start(t, telegramtest.Options{})
	http1 := webClient(t)
	for _, c := range []struct {
		kind, body, want string
		status           int
	}{
		{"text/plain", fmt.Sprintf(`{"user":"ops1","chat":%d,"text":"x"}`, ops), "send JSON", http.StatusUnsupportedMediaType},
		{"application/json", `{`, "read JSON", http.StatusBadRequest},
		{"application/json", `{"user":"ops1","chat":7,"text":"x"}`, "no chat 7", http.StatusConflict},
		{"application/json", fmt.Sprintf(`{"user":"ops1","chat":%d,"message":4,"what":"x"}`, ops), "no message 4", http.StatusConflict},
	} {
		r, err := http1.Post(s.URL()+"/view/act", c.kind, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil || r.StatusCode != c.status || !strings.Contains(string(got), c.want) {
			t.Errorf("%s: %d %s", c.body, r.StatusCode, got)
		}
	}
	for path, want := range map[string]int{"/?user=nobody": 404, "/?chat=7": 404, "/view/file/none": 404, "/?user=ops2&chat=1002": 200, "/view/view.css": 200} {
		r, err := http1.Get(s.URL() + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	if len(s.Messages(ops)) != 0 || s.Pending() != 0 {
		t.Error("something was said")
	}
}
