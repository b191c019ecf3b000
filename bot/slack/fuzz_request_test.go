package slack

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

// yes is a Slack that takes everything.
type yes struct{}

func (yes) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(`{"ok":true,"channel":"C0OPS","ts":"1.2"}`))}, nil
}

// keeper is an inbox that keeps what it gets.
type keeper struct{ kept []bot.Inbound }

func (k *keeper) Keep(_ context.Context, in bot.Inbound) (bool, error) {
	k.kept = append(k.kept, in)
	return true, nil
}
func (k *keeper) Handle(context.Context, bot.Inbound) bot.Reply { return bot.Reply{Text: "heard"} }
func (k *keeper) Report(error)                                  {}

func fuzzed(f *testing.F) *Slack {
	f.Helper()
	card := bottest.Card("k1", 1)
	s, err := newSlack(Config{BotToken: "xoxb-canary-bot", SigningSecret: secret, Channel: "C0OPS", APIURL: "http://127.0.0.1:1/", Label: label, Language: "en",
		Client: &http.Client{Transport: yes{}}, Log: slog.New(slog.DiscardHandler), Known: func(id string) bool { return id == "U1" },
		Render: func(_, key string) (bot.Message, bool) { return card, key == "k1" }}, brisk)
	if err != nil {
		f.Fatal(err)
	}
	s.self.user, s.self.team = "UBOT", "T1"
	return s
}

// FuzzSignature: a request counts only where its body is the one that was signed, with the secret, within five minutes of
// now, by a computation of the test's own (fault 35).
func FuzzSignature(f *testing.F) {
	s := fuzzed(f)
	body := event("Ev1", "approve 3f2a")
	mac := func(stamp, body string) string {
		h := hmac.New(sha256.New, []byte(secret))
		_, _ = io.WriteString(h, "v0:"+stamp+":"+body)
		return "v0=" + hex.EncodeToString(h.Sum(nil))
	}
	stamp := "1700000000"
	f.Add(body, stamp, mac(stamp, body), int64(0), false)
	f.Add(body, stamp, mac(stamp, body), int64(299), true)
	f.Add(body, stamp, mac(stamp, body), int64(-3600), true)
	f.Add(body+" ", stamp, mac(stamp, body), int64(0), false)
	f.Add(body, "+"+stamp, mac(stamp, body), int64(0), false)
	f.Add(body, stamp, strings.ToUpper(mac(stamp, body)), int64(0), false)
	f.Add(body, stamp, mac(stamp, body)[:60], int64(0), true)
	f.Add("", "", "v0=", int64(0), false)
	f.Add(body, "9223372036854775807", "v1="+mac(stamp, body)[3:], int64(1), true)
	f.Add(":"+body, stamp+":", mac(stamp, body), int64(0), true)
	f.Fuzz(func(t *testing.T, body, stamp, signature string, age int64, now bool) {
		if now { // whatever signature was drawn, at a moment that may be right
			at := strconv.FormatInt(time.Now().Unix()-age%1000, 10)
			if stamp == "" {
				signature = mac(at, body)
			}
			stamp = at
		}
		r := httptest.NewRequest(http.MethodPost, "/slack/", strings.NewReader(body))
		r.Header.Set("X-Slack-Request-Timestamp", stamp)
		r.Header.Set("X-Slack-Signature", signature)
		before := time.Now().Unix()
		got, status := s.verified(httptest.NewRecorder(), r)
		after := time.Now().Unix()
		at, err := strconv.ParseInt(stamp, 10, 64)
		fresh := err == nil && at >= before-300 && at <= after+300
		given, bad := hex.DecodeString(strings.TrimPrefix(signature, "v0="))
		want, _ := hex.DecodeString(mac(stamp, body)[3:])
		right := bad == nil && strings.HasPrefix(signature, "v0=") && bytes.Equal(given, want)
		if status == 0 && (!fresh || !right || string(got) != body) {
			t.Errorf("taken: body %q, timestamp %q, signature %q", body, stamp, signature)
		}
		if status != 0 && right && fresh && at > after-290 && at < before+290 && strconv.FormatInt(at, 10) == stamp {
			t.Errorf("refused with %d: body %q, timestamp %q, signature %q", status, body, stamp, signature)
		}
	})
}

// FuzzRequest: nothing that Slack may send panics, by HTTP or in an envelope, and nothing of another workspace, of the bot
// itself or of nobody is heard (fault 30).
func FuzzRequest(f *testing.F) {
	s := fuzzed(f)
	press := `{"type":"block_actions","team":{"id":"T1"},"user":{"id":"U1"},"trigger_id":"t","channel":{"id":"C0OPS"},"container":{"message_ts":"1.2","channel_id":"C0OPS"},"message":{"ts":"1.2"},"actions":[{"type":"button","action_id":"b0:approve","block_id":"k1","value":"opaque-approve","action_ts":"3.4"}]}`
	view := `{"type":"view_submission","team":{"id":"T1"},"user":{"id":"U1"},"view":{"id":"V1","private_metadata":"{\"a\":\"opaque-skip\"}","state":{"values":{"reason":{"x":{"type":"plain_text_input","value":"why"}}}}}}`
	for _, p := range []string{press, view, strings.ReplaceAll(press, `"T1"`, `"T2"`), strings.ReplaceAll(press, `"U1"`, `""`), `{"type":"block_actions","actions":[null]}`, `{"type":"view_submission","view":{"private_metadata":"{}"}}`, "{", "[]",
		`{"type":"block_actions","actions":[{"type":"static_select"}],"message":{"blocks":[{"type":"context_actions"}]}}`} {
		f.Add([]byte("payload="+url.QueryEscape(p)), true)
		f.Add([]byte(p), false)
	}
	for _, p := range []string{event("Ev1", "status"), event("Ev2", "<!channel> \u202e"), strings.ReplaceAll(event("Ev3", "x"), `"U1"`, `"UBOT"`), `{"type":"url_verification","challenge":"c"}`, `{"event":{"edited":{}}}`,
		`{"type":"event_callback","event":{"type":"message","channel_type":"im","user":"U9","text":"\ud800"}}`} {
		f.Add([]byte(p), false)
	}
	f.Add([]byte("command=%2Frecover&text=primary+a%3D%26lt%3Bb&team_id=T1&user_id=U2&trigger_id=t"), true)
	f.Add([]byte("ssl_check=1&command=%ff"), true)
	f.Fuzz(func(t *testing.T, body []byte, form bool) {
		r := httptest.NewRequest(http.MethodPost, "/slack/", nil)
		r.Header.Set("Content-Type", map[bool]string{true: typeForm, false: typeJSON}[form])
		what, status := parse(r, body)
		if status != 0 || what == nil {
			return
		}
		s.crowd, s.private = crowd{}, nil
		in := &keeper{}
		confirmed := 0
		s.take(context.Background(), in, delivery{id: "e1", what: what, ack: func(any) error { confirmed++; return nil }})
		if confirmed != 1 || len(in.kept) > 1 {
			t.Errorf("confirmed %d times, kept %+v", confirmed, in.kept)
		}
		for _, k := range in.kept {
			user, team := "", ""
			switch w := what.(type) {
			case eventBody:
				user, team = w.Event.User, w.TeamID
			case slack.SlashCommand:
				user, team = w.UserID, w.TeamID
			case slack.InteractionCallback:
				user, team = w.User.ID, w.Team.ID
				if k.Action == "" || k.Text != "" {
					t.Errorf("a press is text: %+v", k)
				}
			}
			if team != "" && team != "T1" || k.UserID == "UBOT" || !strings.Contains(k.UserID, user) || k.Platform != "slack" || k.ID == "" {
				t.Errorf("%s was heard as %+v", body, k)
			}
			if kept, err := json.Marshal(k); err != nil || !utf8.Valid(kept) {
				t.Errorf("cannot be kept: %+v, %v", k, err)
			}
		}
	})
}
