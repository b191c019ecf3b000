package slacktest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"recoverbot/bot/slack/slacktest"
)

type request struct {
	retry, reason, kind string
	form                url.Values
	body                string
	signed              error
}

// hook is an app that takes signed requests; answer says how.
func hook(t *testing.T, o slacktest.Options, answer http.HandlerFunc) (*slacktest.Server, *slack.Client, <-chan request) {
	t.Helper()
	got := make(chan request, 10)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		in := request{retry: r.Header.Get("X-Slack-Retry-Num"), reason: r.Header.Get("X-Slack-Retry-Reason"), kind: r.Header.Get("Content-Type"), body: string(body)}
		v, err := slack.NewSecretsVerifier(r.Header, slacktest.DefaultSigningSecret)
		if err == nil {
			_, _ = v.Write(body)
			err = v.Ensure()
		}
		in.signed = err
		in.form, _ = url.ParseQuery(in.body)
		got <- in
		r.Body = io.NopCloser(strings.NewReader(in.body))
		answer(w, r)
	}))
	t.Cleanup(h.Close)
	o.EventsURL = h.URL
	s, api := start(t, o)
	return s, api, got
}

func TestSignedRequests(t *testing.T) {
	t.Parallel()
	s, api, got := hook(t, slacktest.Options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Content-Type") != "application/json" {
			_, _ = io.WriteString(w, `{"text":"here"}`)
		}
	})
	if err := s.Slash("ops1", "ops", "/recover", "a & b"); err != nil {
		t.Fatal(err)
	}
	if r := <-got; r.signed != nil || r.form.Get("command") != "/recover" || r.form.Get("text") != "a & b" || r.form.Get("user_id") != "U0OPS1" || r.form.Get("response_url") == "" {
		t.Errorf("%+v", r)
	}
	until(t, s, "an answer", func() bool { return len(s.Private("ops1")) == 1 })
	ts := say(t, api, buttons())
	if r := <-got; r.signed != nil || r.kind != "application/json" || !strings.Contains(r.body, `"event_callback"`) || r.retry != "" {
		t.Errorf("%+v", r)
	}
	if err := s.Click("ops1", "ops", ts, "Approve"); err != nil {
		t.Fatal(err)
	}
	if r := <-got; r.signed != nil || !strings.Contains(r.form.Get("payload"), `"block_actions"`) {
		t.Errorf("%+v", r)
	}
	until(t, s, "acknowledged", s.Idle)
}

func TestRequestsAreRetried(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		reason string
		tries  int
	}{
		"error":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "http_error", 4},
		"redirected": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, "http_error", 4},
		"slow":       {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "http_timeout", 4},
		"cut":        {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "connection_failed", 4},
		"no retries": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Slack-No-Retry", "1")
			w.WriteHeader(500)
		}, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			within := 10 * time.Second
			if name == "slow" {
				within = 200 * time.Millisecond
			}
			s, _, got := hook(t, slacktest.Options{AckWithin: within, Retries: []time.Duration{0, time.Millisecond, time.Millisecond}}, tc.answer)
			if _, err := s.Say("ops1", "ops", "", "hello"); err != nil {
				t.Fatal(err)
			}
			until(t, s, "given up", s.Idle)
			if len(got) != tc.tries {
				t.Fatalf("%d tries", len(got))
			}
			<-got
			for n := 1; n < tc.tries; n++ {
				if r := <-got; r.retry != string(rune('0'+n)) || r.reason != tc.reason || r.signed != nil {
					t.Errorf("%+v", r)
				}
			}
			if err := s.Slash("ops1", "ops", "/recover", ""); err != nil {
				t.Fatal(err)
			}
			until(t, s, "given up", s.Idle)
			if said := s.Private("ops1"); len(said) != 1 || !strings.Contains(said[0].Text, "failed with the error") {
				t.Errorf("%+v", said)
			}
		})
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	s, _, _ := hook(t, slacktest.Options{}, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	if err := s.Verify(); err != nil { // it echoes the challenge
		t.Error(err)
	}
	s, _, _ = hook(t, slacktest.Options{}, func(http.ResponseWriter, *http.Request) {})
	if s.Verify() == nil {
		t.Error("an app without an answer passed")
	}
}
