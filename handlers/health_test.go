package handlers

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"recoverbot/bot"
)

func TestAPlatformThatDoesNotWork(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	tell := func(err error) {
		t.Helper()
		if err := b.showHealth(t.Context(), bot.Health{Platform: "slack", Err: err, Since: b.now}); err != nil {
			t.Fatal(err)
		}
	}
	tell(nil) // it always did
	if len(b.hub.last) != 0 {
		t.Fatalf("told %v", b.hub.last)
	}
	since := b.now
	tell(errors.New("dial tcp: secret.internal refused"))
	key := "platform/slack/1795403520"
	m := b.hub.last[key]
	if m.Title != "Slack cannot be reached since 03:12:00" || m.Except != "slack" || m.State != "failed" || m.Emoji != "❌" || m.Nudge ||
		!slices.Equal(m.Notify, []string{"ops1"}) || !strings.Contains(strings.Join(m.Lines, ""), "Everything else goes on") {
		t.Errorf("unreachable: %+v", m)
	}
	b.now = b.now.Add(time.Minute)
	tell(&bot.Fault{Text: "The token was taken back. Make another one.", Err: errors.New("token_revoked xoxb-1")})
	if m = b.hub.last[key]; m.Title != "Slack does not work" || m.Lines[0] != "The token was taken back. Make another one." || m.Except != "slack" || !m.At.Equal(since) {
		t.Errorf("broken: %+v", m)
	}
	b.restart()
	b.now = since.Add(3*time.Hour + 12*time.Minute)
	tell(nil)
	if m = b.hub.last[key]; m.Title != "Slack works again; the trouble lasted 3 h 12 min" || m.State != "done" || m.Except != "slack" || len(m.Notify) != 0 || len(b.hub.last) != 1 {
		t.Errorf("well: %+v", m)
	}
	b.now = b.now.Add(time.Minute)
	tell(errors.New("again"))
	if m = b.hub.last[key]; m.State != "failed" || len(b.hub.last) != 1 {
		t.Errorf("soon after: %+v", m)
	}
	tell(nil)
	b.now = b.now.Add(time.Hour)
	tell(errors.New("again"))
	if len(b.hub.last) != 2 || b.hub.prompt != 2 {
		t.Errorf("later: %v", shownKeys(b.hub))
	}
	if zh := b.printer("zh").T("platform.well", "platform", "web", "seconds", 60.0); zh != "控制台 已恢复，故障持续 1 分" {
		t.Errorf("in Chinese %q", zh)
	}
	for _, key := range append(shownKeys(b.hub), "nudge/k3v7/domains/waiting-1/0", "nudge/alert/x/1/0", "nudge/", "platform/", "") {
		if m, ok := b.Render(t.Context(), "zh", key); ok {
			t.Errorf("%q renders as %+v", key, m)
		}
	}
}

// PlatformHealth does not wait for anybody, and what it is told is told in the end.
func TestHealthIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 100 {
		w.PlatformHealth(bot.Health{Platform: "slack", Err: errors.New("x"), Since: time.Unix(1795403520, 0)})
	}
	w.hub.until(t, "platform/slack/1795403520", inState("failed"))
	w.PlatformHealth(bot.Health{Platform: "slack", Since: time.Unix(1795403580, 0)})
	m := w.hub.until(t, "platform/slack/1795403520", inState("done"))
	if !strings.HasSuffix(m.Title, "lasted 1 min") {
		t.Errorf("title %q", m.Title)
	}
}

// A restart is what often mends a platform: its card of before does not stay.
func TestARestartMendsAPlatform(t *testing.T) {
	t.Parallel()
	atDesk(t, callFleet, func(d *desk) {
		ill := bot.Health{Platform: "slack", Err: errors.New("x"), Since: time.Now()}
		other := bot.Health{Platform: "telegram", Err: errors.New("x"), Since: time.Now()}
		d.PlatformHealth(ill)
		d.PlatformHealth(other)
		d.pass(time.Hour)
		start := time.Now()
		d.Config.Health = func() []bot.Health {
			return []bot.Health{{Platform: "slack", Since: start}, other, {Platform: "web", Since: start}}
		}
		d.restart(0)
		d.pass(2*time.Minute - time.Second)
		if m := d.hub.get("platform/slack/946684800"); m.State != "failed" {
			t.Errorf("too soon: %+v", m)
		}
		d.pass(time.Second)
		if m := d.hub.get("platform/slack/946684800"); m.Title != "Slack works again; the trouble lasted 1 h" {
			t.Errorf("slack: %+v", m)
		}
		if m := d.hub.get("platform/telegram/946684800"); m.State != "failed" || d.hub.get("platform/web/946684800").Key != "" {
			t.Errorf("telegram: %+v", m)
		}
	})
}
