package telegram

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

// TestForgedUpdates: with the right secret, presses of what no button means, of a button in a place where it does not stand,
// and by who is not of the fleet are answered and do nothing; what is no message or press is passed over (fault 36).
func TestForgedUpdates(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply { return bot.Reply{Text: "heard"} }}
	w := newTown(t, world{webhook: true})
	w.t.c.Known = func(id int64) bool { return id == 1001 }
	bottest.Runs(t, w.t, in)
	w.connected(t)
	m := bottest.Card("k1", 1)
	at := parseRef(w.post(t, m))
	real := w.t.buttonID(m.Key, m.Buttons[0])
	press := func(from, chat int64, message int, data string) string {
		return fmt.Sprintf(`"callback_query":{"id":"1","from":{"id":%d},"message":{"message_id":%d,"date":1,"chat":{"id":%d,"type":"supergroup"}},"data":%q}`, from, message, chat, data)
	}
	said := func(kind string, chat int64) string {
		return fmt.Sprintf(`%q:{"message_id":9,"from":{"id":1001},"date":1,"chat":{"id":%d,"type":"supergroup"},"text":"/recover primary"}`, kind, chat)
	}
	for i, update := range []string{
		press(1001, home, at.message, "approve"), press(1001, home, at.message, ""), press(1001, home, at.message, strings.Repeat("x", 64)),
		press(1001, home, at.message, real[:len(real)-1]), press(1001, home, at.message, m.Buttons[0].Action),
		press(1001, -1009, at.message, real), press(2002, home, at.message, real), press(0, home, at.message, real), press(-1001, home, at.message, real),
		`"callback_query":{"id":"1","from":{"id":1001},"data":"` + real + `"}`, `"callback_query":{"id":"1","from":{"id":1001},"inline_message_id":"x","data":"` + real + `"}`,
		said("edited_message", home), said("channel_post", home), said("edited_channel_post", home), said("business_message", home), said("message", -1009), said("message", 0),
	} {
		r := httptest.NewRequest(http.MethodPost, "/telegram/", strings.NewReader(fmt.Sprintf(`{"update_id":%d,%s}`, 5000+i, update)))
		r.Header.Set("X-Telegram-Bot-Api-Secret-Token", w.t.c.WebhookSecret)
		rw := httptest.NewRecorder()
		if w.t.Handler().ServeHTTP(rw, r); rw.Code != http.StatusOK {
			t.Errorf("%s: %d", update, rw.Code)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/telegram/", strings.NewReader(fmt.Sprintf(`{"update_id":6000,%s}`, press(1001, home, at.message, real))))
	r.Header.Set("X-Telegram-Bot-Api-Secret-Token", w.t.c.WebhookSecret)
	w.t.Handler().ServeHTTP(httptest.NewRecorder(), r)
	eventually(t, "the one press that is real", func() bool { return len(in.Said()) > 0 })
	if got := in.Said(); len(got) != 1 || got[0].Action != m.Buttons[0].Action || got[0].UserID != "1001" {
		t.Errorf("heard was %+v", got)
	}
}
