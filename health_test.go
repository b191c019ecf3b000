package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// configured are the settings of a bot in a directory of its own, with these lines in its env file.
func configured(t *testing.T, lines ...string) settings {
	t.Helper()
	dir := t.TempDir()
	lines = append(lines, "FLEET_FILE="+dir+"/fleet.yaml", "SSH_KNOWN_HOSTS="+dir+"/known_hosts", "SPEED_PASSWORD=x", "DATABASE_URL=sqlite://"+dir+"/journal.db")
	for name, text := range map[string]string{"fleet.yaml": checkedFleet, "known_hosts": "", "env": strings.Join(lines, "\n")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := &cobra.Command{}
	cmd.Flags().String("env-file", filepath.Join(dir, "env"), "")
	set, err := loadSettings(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// standingBy is a bot that runs, and the address where it answers.
func standingBy(t *testing.T, lines ...string) string {
	t.Helper()
	set := configured(t, lines...)
	a, err := newApp(t.Context(), set, set.DatabaseURL, chats...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.run(ctx) }()
	s := httptest.NewServer(a.routes())
	t.Cleanup(func() {
		s.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		a.close()
	})
	return s.URL
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

const slackLines = "SLACK_BOT_TOKEN=xoxb-canary\nSLACK_APP_TOKEN=xapp-canary\nSLACK_SIGNING_SECRET=5ecre7canary\nSLACK_CHANNEL=C0OPS\nSLACK_API_URL="

// A token that Slack refuses shows where monitoring looks, and stops nothing.
func TestARefusedTokenStopsNothing(t *testing.T) {
	t.Parallel()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"ok":false,"error":"token_revoked"}`) // the bot may be gone
	}))
	t.Cleanup(refusing.Close)
	url := standingBy(t, "LANGUAGE=en", slackLines+refusing.URL)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(20 * time.Second); ; {
		status, body := get(t, url+"/readyz")
		if status == http.StatusServiceUnavailable {
			if !strings.Contains(body, "not ready\nSlack does not work as it should: SLACK_BOT_TOKEN: Slack refuses it (token_revoked)") || strings.Contains(body, "canary") {
				t.Errorf("/readyz says %q", body)
			}
			break
		}
		select {
		case <-deadline:
			t.Fatalf("/readyz still says %d %q", status, body)
		case <-tick.C:
		}
	}
	if _, body := get(t, url+"/metrics"); !strings.Contains(body, `recoverbot_platform_up{platform="slack"} 0`) || !strings.Contains(body, `recoverbot_platform_up{platform="web"} 1`) {
		t.Error("/metrics does not tell which platform works")
	}
	for _, path := range []string{"/healthz", "/"} {
		if status, _ := get(t, url+path); status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
	}
}

func TestASilentSlackStopsNothing(t *testing.T) {
	t.Parallel()
	url := standingBy(t, slackLines+"http://127.0.0.1:1/")
	if status, body := get(t, url+"/readyz"); status != http.StatusOK || body != "ready\n" {
		t.Errorf("/readyz: %d %q", status, body)
	}
	resp, err := http.Post(url+"/slack/events", "application/json", strings.NewReader(`{"type":"url_verification","challenge":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("an unsigned request: %d", resp.StatusCode)
	}
}

// The terminal of the night does without chats, and bad settings of them are told at the start.
func TestChatsAreForTheBotThatStandsBy(t *testing.T) {
	t.Parallel()
	set := configured(t, "LANGUAGE=zh", "SLACK_BOT_TOKEN=xoxb-canary", "SLACK_APP_TOKEN=xapp-canary")
	alone, err := newApp(t.Context(), set, set.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range alone.hub.Health() {
		if x.Platform == "slack" {
			t.Error("the break-glass terminal speaks to Slack")
		}
	}
	if got := alone.fleet.Redactor().Redact("xoxb-canary xapp-canary"); strings.Contains(got, "canary") {
		t.Errorf("tokens are not hidden: %s", got)
	}
	alone.close()
	if _, err := newApp(t.Context(), set, set.DatabaseURL, chats...); err == nil || !strings.Contains(err.Error(), "没有设置 SLACK_CHANNEL") {
		t.Errorf("got %v", err)
	}
}

func TestCheckAsksSlack(t *testing.T) {
	t.Parallel()
	const people = "hosts: [{name: app1, address: 192.0.2.21}]\npeople:\n  - {name: ops1, roles: [approver]}\n  - {name: ops2, slack: bob, roles: [viewer]}\n"
	revoked := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ok":false,"error":"token_revoked"}`) // the caller reads all of it
	}))
	t.Cleanup(revoked.Close)
	for _, c := range []struct {
		name, env string
		want      []string
		fails     bool
	}{
		{"incomplete", "SLACK_BOT_TOKEN=xoxb-canary\n", []string{"error: SLACK_CHANNEL is not set"}, true},
		{"revoked", slackLines + revoked.URL + "\n", []string{"error: SLACK_BOT_TOKEN: Slack refuses it (token_revoked)"}, true},
		{"away", slackLines + "http://127.0.0.1:1\n", []string{"warning: 127.0.0.1:1 does not answer",
			"fleet.yaml:3: ops1 has no slack id", "fleet.yaml:4: ops2: bob is no id of Slack", "Nobody may approve in Slack"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out, err := command(t, map[string]string{"fleet.yaml": people, "env": c.env + "FLEET_FILE=DIR/fleet.yaml\nSSH_KNOWN_HOSTS=DIR/env\n"}, "check")
			if (err != nil) != c.fails {
				t.Errorf("check: %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("check does not say %q:\n%s", want, out)
				}
			}
			if strings.Contains(out, "canary") {
				t.Errorf("check shows a secret:\n%s", out)
			}
		})
	}
}
