package slack

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

const secret = "canary-signing-secret"

// signed is a request as Slack signs it at a time.
func signed(kind, body, key string, at time.Time) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/slack/anything", strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key))
	fmt.Fprintf(mac, "v0:%s:%s", stamp, body)
	r.Header.Set("X-Slack-Request-Timestamp", stamp)
	r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	return r
}

const (
	typeJSON = "application/json"
	typeForm = "application/x-www-form-urlencoded"
)

func event(id, text string) string {
	return fmt.Sprintf(`{"type":"event_callback","team_id":"T1","event_id":%q,"event":{"type":"app_mention","user":"U1","text":%q,"channel":"C0OPS","ts":"1.2"}}`, id, "<@UBOT> "+text)
}

// api is a Web API that knows the bot and takes every message; it keeps what it was asked.
func api(t *testing.T) (base string, calls func(method string) []url.Values) {
	t.Helper()
	type call struct {
		method string
		form   url.Values
	}
	taken := make(chan call, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		taken <- call{strings.TrimPrefix(r.URL.Path, "/"), r.PostForm}
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, `{"ok":true,"team_id":"T1","user_id":"UBOT","bot_id":"BBOT","user":"recoverbot","channel":"C0OPS","ts":"1.2","message_ts":"1.3"}`)
	}))
	t.Cleanup(srv.Close)
	all := map[string][]url.Values{}
	return srv.URL + "/", func(method string) []url.Values {
		for {
			select {
			case c := <-taken:
				all[c.method] = append(all[c.method], c.form)
				continue
			default:
			}
			return all[method]
		}
	}
}

// listening is a platform in HTTP mode whose Run was begun.
func listening(t *testing.T, in *bottest.Inbox) (http.Handler, func(string) []url.Values) {
	t.Helper()
	base, calls := api(t)
	s := made(t, Config{SigningSecret: secret, APIURL: base}, brisk)
	s.c.AppToken = ""
	runs(t, s, in)
	eventually(t, "a good report", func() bool { return len(in.Reports()) > 0 && in.Reports()[0] == nil })
	return s.Handler(), calls
}

func answered200(t *testing.T, h http.Handler, r *http.Request) string {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	if rec.Code != http.StatusOK {
		t.Fatalf("answered %d: %s", rec.Code, rec.Body)
	}
	return rec.Body.String()
}

// TestHTTPRefuses what is not signed by Slack, for now and for this body (fault 35).
func TestHTTPRefuses(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{}
	h, _ := listening(t, in)
	now, body := time.Now(), event("Ev1", "approve 3f2a")
	stolen := func() *http.Request { // the signature of another body
		r := signed(typeJSON, body, secret, now)
		r.Body = io.NopCloser(strings.NewReader(event("Ev1", "abort 3f2a")))
		return r
	}
	bare := func(drop string) *http.Request {
		r := signed(typeJSON, body, secret, now)
		r.Header.Del(drop)
		return r
	}
	get := signed(typeJSON, body, secret, now)
	get.Method = http.MethodGet
	changed := func(header, from, to string) *http.Request {
		r := signed(typeJSON, body, secret, now)
		r.Header.Set(header, strings.Replace(r.Header.Get(header), from, to, 1))
		return r
	}
	byteOff := signed(typeJSON, body, secret, now)
	byteOff.Body = io.NopCloser(strings.NewReader(body + " "))
	challenge := httptest.NewRequest(http.MethodPost, "/slack/anything", strings.NewReader(`{"type":"url_verification","challenge":"c"}`))
	challenge.Header.Set("Content-Type", typeJSON)
	endless := signed(typeJSON, body, secret, now.Add(-time.Hour)) // refused by its time, before anything of it is read
	endless.Body = io.NopCloser(iotest.ErrReader(errors.New("read")))
	packed := signed(typeJSON, body, secret, now)
	packed.Header.Set("Content-Encoding", "gzip")
	packed.Body = io.NopCloser(strings.NewReader("\x1f\x8b" + body))
	for name, tt := range map[string]struct {
		r    *http.Request
		want int
	}{
		"signed by another secret": {signed(typeJSON, body, "other", now), 401},
		"another body":             {stolen(), 401},
		"six minutes old":          {signed(typeJSON, body, secret, now.Add(-6*time.Minute)), 401},
		"six minutes ahead":        {signed(typeJSON, body, secret, now.Add(6*time.Minute)), 401},
		"no signature":             {bare("X-Slack-Signature"), 401},
		"no timestamp":             {bare("X-Slack-Request-Timestamp"), 401},
		"signed with no secret":    {signed(typeJSON, body, "", now), 401},
		"another version":          {changed("X-Slack-Signature", "v0=", "v1="), 401},
		"no version":               {changed("X-Slack-Signature", "v0=", ""), 401},
		"half a signature":         {changed("X-Slack-Signature", "v0=", "v0=00"), 401},
		"an empty signature":       {changed("X-Slack-Signature", "v", " "), 401},
		"another time":             {changed("X-Slack-Request-Timestamp", "1", "2"), 401},
		"a time that is none":      {changed("X-Slack-Request-Timestamp", "1", "x"), 401},
		"a byte more":              {byteOff, 401},
		"an unsigned challenge":    {challenge, 401},
		"an old endless body":      {endless, 401},
		"a packed body":            {packed, 401},
		"too large":                {signed(typeJSON, body+strings.Repeat(" ", maxBody), secret, now), 413},
		"no JSON":                  {signed(typeJSON, "{", secret, now), 400},
		"deep JSON":                {signed(typeJSON, strings.Repeat("[", 100000), secret, now), 400},
		"another kind":             {signed("text/plain", body, secret, now), 415},
		"a form of nothing":        {signed(typeForm, "a=b", secret, now), 400},
		"a bad payload":            {signed(typeForm, "payload=%7B", secret, now), 400},
		"GET":                      {get, 405},
	} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, tt.r)
		if rec.Code != tt.want {
			t.Errorf("%s: %d, not %d", name, rec.Code, tt.want)
		}
		lackAll(t, name, rec.Body.String(), "canary")
	}
	if said := in.Said(); len(said) != 0 {
		t.Errorf("refused requests were handled: %+v", said)
	}
}

func TestHTTPIsClosedWithoutASecretOrARun(t *testing.T) {
	t.Parallel()
	closed := made(t, Config{}, brisk)
	waiting := made(t, Config{SigningSecret: secret}, brisk)
	for s, want := range map[*Slack]int{closed: http.StatusForbidden, waiting: http.StatusServiceUnavailable} {
		rec := httptest.NewRecorder()
		s.Handler().ServeHTTP(rec, signed(typeJSON, event("Ev1", "status"), secret, time.Now()))
		if rec.Code != want {
			t.Errorf("%d, not %d", rec.Code, want)
		}
	}
	challenge := `{"type":"url_verification","challenge":"c123"}`
	if got := answered200(t, waiting.Handler(), signed(typeJSON, challenge, secret, time.Now())); !strings.Contains(got, `"challenge":"c123"`) {
		t.Errorf("the challenge was answered %s", got)
	}
}

// TestHTTPHearsEveryKindOnce: what is sent again with a signature that is still good does nothing again (fault 35)
// (fault 28).
func TestHTTPHearsEveryKindOnce(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: func(in bot.Inbound) bot.Reply { return bot.Reply{Text: "heard " + in.Text + in.Action} }}
	h, calls := listening(t, in)
	press := `{"type":"block_actions","team":{"id":"T1"},"user":{"id":"U1"},"trigger_id":"canary-trigger","channel":{"id":"C0OPS"},` +
		`"response_url":"https://example.com/canary-hook","container":{"message_ts":"1.2","channel_id":"C0OPS"},"message":{"ts":"1.2"},` +
		`"actions":[{"type":"button","action_id":"b0:approve","block_id":"x","value":"opaque","action_ts":"3.4"}]}`
	foreign := strings.ReplaceAll(press, `"T1"`, `"T2"`)
	for range 2 { // Slack sends again what was not answered in time
		for _, body := range []string{event("Ev1", "status"), event("Ev2", "skip 3f2a")} {
			r := signed(typeJSON, body, secret, time.Now())
			r.Header.Set("X-Slack-Retry-Num", "1")
			answered200(t, h, r)
		}
		for _, form := range []url.Values{{"payload": {press}}, {"payload": {foreign}},
			{"command": {"/recover"}, "text": {"primary a=&lt;b&gt;"}, "team_id": {"T1"}, "user_id": {"U2"}, "channel_id": {"C9"}, "trigger_id": {"t2"}},
			{"ssl_check": {"1"}}} {
			answered200(t, h, signed(typeForm, form.Encode(), secret, time.Now()))
		}
	}
	want := map[string]string{"status": "U1", "skip 3f2a": "U1", "opaque": "U1", "/recover primary a=<b>": "U2"}
	eventually(t, "four answers", func() bool { return len(calls("chat.postEphemeral")) == len(want) })
	said := in.Said()
	if len(said) != len(want) {
		t.Errorf("handled: %+v", said)
	}
	for _, s := range said {
		if want[s.Text+s.Action] != s.UserID || s.Platform != "slack" || s.At.IsZero() {
			t.Errorf("handled: %+v", s)
		}
		body, _ := json.Marshal(s)
		lackAll(t, "what is kept", string(body), "canary")
	}
	for _, c := range calls("chat.postEphemeral") {
		if !strings.HasPrefix(c.Get("text"), "heard ") || c.Get("user") == "" {
			t.Errorf("answered: %v", c)
		}
	}
}

// fullInbox cannot keep anything.
type fullInbox struct{ bottest.Inbox }

func (*fullInbox) Keep(context.Context, bot.Inbound) (bool, error) {
	return false, fmt.Errorf("disk full")
}

func TestWhatCannotBeKeptIsNotDone(t *testing.T) {
	t.Parallel()
	base, calls := api(t)
	s := made(t, Config{SigningSecret: secret, APIURL: base}, brisk)
	s.c.AppToken = ""
	in := &fullInbox{}
	runs(t, s, in)
	eventually(t, "a report", func() bool { return len(in.Reports()) > 0 })
	answered200(t, s.Handler(), signed(typeJSON, event("Ev1", "approve 3f2a"), secret, time.Now()))
	eventually(t, "word of it", func() bool {
		c := calls("chat.postEphemeral")
		return len(c) == 1 && strings.Contains(c[0].Get("text"), "Nothing was done") && c[0].Get("user") == "U1"
	})
	if said := in.Said(); len(said) != 0 {
		t.Errorf("handled all the same: %+v", said)
	}
}

func TestRevokedTokenEndsRun(t *testing.T) {
	t.Parallel()
	var revoked = make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		select {
		case <-revoked:
			_, _ = io.WriteString(rw, `{"ok":false,"error":"token_revoked"}`)
		default:
			_, _ = io.WriteString(rw, `{"ok":true,"team_id":"T1","user_id":"UBOT"}`)
		}
	}))
	t.Cleanup(srv.Close)
	p := brisk
	p.auth = 5 * time.Millisecond
	s := made(t, Config{SigningSecret: secret, APIURL: srv.URL}, p)
	if slow := made(t, Config{SigningSecret: secret}, usual); slow.pace.auth != time.Minute || made(t, Config{}, usual).pace.auth <= time.Minute {
		t.Errorf("by signed requests alone, a revoked token is noticed after %v", slow.pace.auth)
	}
	in, ended := &bottest.Inbox{}, make(chan error, 1)
	go func() { ended <- s.Run(t.Context(), in) }()
	eventually(t, "a second look", func() bool { return len(in.Reports()) > 1 })
	close(revoked)
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "SLACK_BOT_TOKEN") {
		t.Errorf("Run ended by %v", err)
	}
}
